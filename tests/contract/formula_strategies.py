"""Formulas for tests: Hypothesis strategies, and texts that only look like formulas."""

from hypothesis import strategies as st

from cromel_sklearn.data.elements import MAX_ATOMIC_NUMBER, SYMBOLS

GRADE = "looks like an alloy grade, not a formula"
# What would be read as a formula, and what it is refused with.
LOOK_ALIKES = [
    ("SS316", f"{GRADE}; write its elements in atomic amounts, or 'S' for the formula"),
    ("SS 316", GRADE),
    ("In718", f"{GRADE}; write its elements in atomic amounts, or 'In' for the formula"),
    ("IN718", GRADE),
    ("Ti64", f"{GRADE}; write its elements in atomic amounts, or 'Ti' for the formula"),
    ("Ti 64", GRADE),
    ("Ti6Al4V", f"{GRADE}; write its elements in atomic amounts, or 'Ti12Al8V2' for the formula"),
    ("Al6061", GRADE),
    ("AlSi10Mg", GRADE),
    ("CuZn37", GRADE),
    ("N07718", GRADE),
    ("S355", GRADE),
    ("P91", GRADE),
    ("NaT", "a missing value, not a formula; write 'NaH' for sodium tritide"),
    ("SIO2", "did you mean 'SiO2'? Write 'S1I1O2' if the formula is meant as it stands"),
    ("TIO2", "did you mean 'TiO2'?"),
    ("NB2O5", "did you mean 'Nb2O5'?"),
    ("DY2O3", "did you mean 'Dy2O3'?"),
    ("IN2O3", "did you mean 'In2O3'?"),
    ("CO3O4", "did you mean 'Co3O4'?"),
    ("CU", "did you mean 'Cu'? Write 'C1U' if the formula is meant as it stands"),
    ("NI", "did you mean 'Ni'?"),
    ("NBH", "did you mean 'NbH'?"),  # bohrium is beyond all encoders
    ("KNBO3", "did you mean 'KNbO3'? Write 'KN1BO3' if the formula is meant as it stands"),
    ("KCUF3", "did you mean 'KCuF3'?"),
    ("YBa2CU3O7", "did you mean 'YBa2Cu3O7'? Write 'YBa2C1U3O7' if the formula is meant as it"),
    ("Ca(PBO2)2", "did you mean 'Ca(PbO2)2'?"),
    (
        "Sr4V2.82TI0.18O9.47",
        "did you mean 'Sr4V2.82Ti0.18O9.47' or 'Sr4V2.82Tl0.18O9.47'? Write "
        "'Sr4V2.82T1I0.18O9.47' if the formula is meant as it stands",
    ),
    ("TI", "did you mean 'Ti' or 'Tl'? Write 'T1I' if the formula is meant as it stands"),
    ("Fe2O3" * 13 + "NBO", "did you mean 'Nb'? Write 'N1B' if"),
    ("YBCO", "did you mean 'YBa2Cu3O7'?"),
    ("KDP", "did you mean 'KH2PO4'? Write 'K1D1P1' if the formula is meant as it stands"),
    ("CIS", "did you mean 'CuInSe2' or 'CuInS2'? Write 'C1I1S1'"),
    (
        "BST",
        "an abbreviation of (Ba,Sr)TiO3 without its amounts; write them, such as Ba0.6Sr0.4TiO3. "
        "Write 'B1S1T1' if the formula is meant as it stands",
    ),
    ("SBT", "did you mean 'SrBi2Ta2O9'?"),
    ("PVC", "did you mean 'C2H3Cl'?"),
    ("Hg1223", "did you mean 'HgBa2Ca2Cu3O8'? Write 'Hg' if the formula is meant as it stands"),
    ("Bi 2212", "did you mean 'Bi2Sr2CaCu2O8'? Write 'Bi'"),
    ("SUS304", f"{GRADE}; write its elements in atomic amounts, or 'S610U2' for the formula"),
    ("CK45", GRADE),
    ("C1018", GRADE),
    ("S45C", GRADE),
    ("SKD11", GRADE),
    ("HK40", GRADE),
    ("DP600", GRADE),
    ("Al203", "did you mean 'Al2O3'? Write 'Al' if the formula is meant as it stands"),
    ("Fe304", "did you mean 'Fe3O4'?"),
    ("H20", "did you mean 'H2O'? Write 'H' if the formula is meant as it stands"),
    (
        "Fe(III)2O3",
        "'(III)' is an oxidation state, no part of the formula; did you mean 'Fe2O3'? Write "
        "'Fe(I1I1I1)2O3' if the formula is meant as it stands",
    ),
    ("V(V)2O5", "'(V)' is an oxidation state, no part of the formula; did you mean 'V2O5'?"),
    ("Cu(I)2O", "did you mean 'Cu2O'? Write 'Cu(I1)2O' if the formula is meant as it stands"),
    ("Hg(I)2Cl2", "did you mean 'Hg2Cl2'?"),
    ("LiFe(II)PO4", "did you mean 'LiFePO4'?"),
    ("U(VI)O3", "did you mean 'UO3'?"),
    ("FeCl3(III)", "did you mean 'FeCl3'?"),
    ("[Fe(III)(CN)6]", "did you mean '[Fe(CN)6]'?"),
    ("Fe (III) Cl3", "did you mean 'Fe Cl3'?"),
    ("Fe III 2 O 3", "'III' is an oxidation state, no part of the formula; did you mean"),
    ("FeIII2O3", "did you mean 'Fe2O3'? Write 'FeI1I1I2O3'"),
    ("TiO2 II", "did you mean 'TiO2'?"),
    ("Fe2O3" * 13 + "(II)", "'(II)' is an oxidation state, no part of the formula; leave it out"),
    ("SiC 4H", "'4H' is a polytype, no part of the formula; did you mean 'SiC'? Write 'SiC4H'"),
    ("Si 4H", "did you mean 'Si'?"),
    ("W (BCC)", "'BCC' is a phase, no part of the formula; did you mean 'W'? Write 'WBCC'"),
    ("Fe FCC", "did you mean 'Fe'?"),
    ("BCC Fe", "did you mean 'Fe'?"),
    ("BN H", "'H' is a phase, no part of the formula; did you mean 'BN'? Write 'BNH'"),
    ("TiO2(B)", "'B' is a phase, no part of the formula; did you mean 'TiO2'?"),
    ("ZnO NW", "'NW' is a shape of the sample, no part of the formula; did you mean 'ZnO'?"),
    ("Au NP", "did you mean 'Au'?"),
    ("NiAl B2", "'B2' is a structure type, no part of the formula; did you mean 'NiAl'?"),
    ("B2 NiAl", "did you mean 'NiAl'?"),
    ("Cu 4N", "'4N' is a purity, no part of the formula; did you mean 'Cu'? Write 'Cu4N'"),
    ("Cu 99.9", "'99.9' is a purity, no part of the formula; did you mean 'Cu'?"),
    ("Ti02", "an amount starts with 0; did you mean 'TiO2'?"),
]
symbols = st.sampled_from([*SYMBOLS[:MAX_ATOMIC_NUMBER], "D", "T"])
whole_numbers = st.integers(2, 300).map(str)
decimals = st.decimals("0.001", 300, places=3, allow_nan=False).map(str)
numbers = st.one_of(st.just(""), whole_numbers, decimals)
#: Elements with amounts, in ascending order of amounts as text: [("Fe", "2"), ("O", "3")].
terms = st.lists(st.tuples(symbols, numbers), min_size=1, max_size=8)


def written(pairs) -> str:
    """Text of elements with amounts."""
    return "".join(f"{symbol}{number}" for symbol, number in pairs)


plain_formulas = terms.map(written)


def _bracketed(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    brackets = st.sampled_from(["()", "[]", "{}"])
    group = st.builds(lambda b, text, n: f"{b[0]}{text}{b[1]}{n}", brackets, inner, whole_numbers)
    return st.lists(st.one_of(plain_formulas, group), min_size=1, max_size=3).map("".join)


#: Formulas with nested brackets.
formulas = st.recursive(plain_formulas, _bracketed, max_leaves=6)
#: Formulas with one element in two capitals, as a slip of the hand writes it.
slips = st.builds(
    lambda before, symbol, number, after: f"{before}{symbol.upper()}{number}{after}",
    plain_formulas, symbols, numbers, st.one_of(st.just(""), plain_formulas),
)  # fmt: skip
#: Texts made of the pieces of formulas, most of which are none.
texts = st.lists(
    st.one_of(
        symbols,
        numbers,
        st.sampled_from([*"()[]{}.·* +-xe\n\0δ%", "H2O", "1e-4", "  ", "₂", "0"]),
        st.sampled_from(
            ["(III)", "(V)", "II", " IV", " NW", " (BCC)", " 4H", " H", " B2", " 99.9"]
        ),
        st.sampled_from(
            [
                *",:/_$^=",
                "\u00bd",
                "1/3",
                "\u00b2\u207a",
                "2-",
                "alpha-",
                "c-",
                "6H-",
                "tin",
                "\u200b",
            ]
        ),
        st.text(max_size=3),
    ),
    max_size=12,
).map("".join)
