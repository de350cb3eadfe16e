"""Grades and slips are recognised, formulas are left alone, and suggestions can be read."""

import re

import pytest
from formula_strategies import GRADE, LOOK_ALIKES, slips, texts
from hypothesis import given
from hypothesis import strategies as st

from cromel_sklearn.data.composition import parse_composition
from cromel_sklearn.data.formula_advice import advice_for

REFUSED = [
    ("SS316L", GRADE),
    ("316L", GRADE),
    ("Inconel 718", GRADE),
    ("INCONEL718", GRADE),
    ("AISI 304", GRADE),
    ("aisi304", GRADE),
    ("Hastelloy C-276", GRADE),
    ("In-718", GRADE),
    ("AA7075", GRADE),
    ("Ti-6Al-4V", GRADE),
    ("maraging steel", GRADE),
    ("17-4PH", GRADE),
    ("7075-T6", GRADE),
    ("Al 6061-T6", GRADE),
    ("42CrMo4", GRADE),
    ("X5CrNi18-10", GRADE),
    ("SCM440", GRADE),
    ("Bi-2212", "an abbreviation; did you mean 'Bi2Sr2CaCu2O8'?"),
    ("ybco", "an abbreviation; did you mean 'YBa2Cu3O7'?"),
    ("LNO", "an abbreviation; did you mean 'LiNbO3' or 'LaNiO3'?"),
    ("PZT", "an abbreviation of Pb(Zr,Ti)O3 without its amounts; write them"),
    ("Mg0", "zero amount; amounts must be at least 1e-08; did you mean 'MgO'?"),
    ("SiC 15R", "'15R' is a polytype, no part of the formula; did you mean 'SiC'?"),
    ("4H SiC", "did you mean 'SiC'?"),
    ("MoS2 2H", "did you mean 'MoS2'?"),
    ("Fe bcc", "'bcc' is a phase, no part of the formula; did you mean 'Fe'?"),
    ("Au NPs", "did you mean 'Au'?"),
    ("Fe(II,III)3O4", "'(II,III)' is an oxidation state, no part of the formula; did you mean "
                      "'Fe3O4'?"),
    ("SiC_4H", "did you mean 'SiC'?"),
    ("Fe, BCC", "did you mean 'Fe'?"),
    ("Al 99.9%", "'99.9' is a purity, no part of the formula; did you mean 'Al'?"),
    ("Nb3Sn A15", "did you mean 'Nb3Sn'?"),
    ("Cu (99.99)", "'99.99' is a purity, no part of the formula; did you mean 'Cu'?"),
    ("CuSO4 5H2O", "write a middle dot before water; did you mean 'CuSO4·5H2O'?"),
    ("CuSO4 x 5 H2O", "did you mean 'CuSO4·5 H2O'?"),
    ("CuSO4-5H2O", "did you mean 'CuSO4·5H2O'?"),
    ("NB0", "zero amount; amounts must be at least 1e-08"),  # NBO would be refused as well
    ("nan", "a missing value, not a formula"),
    ("N/A", "a missing value, not a formula"),
    ("None", "a missing value, not a formula"),
    ("nacl", "'nacl' is an invalid formula: an element starts with a capital letter; "
             "did you mean 'NaCl'?"),
    ("cuso4", "did you mean 'CuSO4'?"),
    ("FE2O3", "did you mean 'Fe2O3'?"),
    ("BATIO3", "did you mean 'BaTiO3'?"),
    ("NaCL", "did you mean 'NaCl'?"),
    ("Fe70B30 at%", "amounts are atomic, without a percent sign; did you mean 'Fe70B30'?"),
    ("Fe70B30 (at.%)", "did you mean 'Fe70B30'?"),
    ("Fe70B30 wt%", "weight percent is not read; convert it to atomic amounts first"),
    ("La1-xSrxMnO3", "x has no value; write numbers"),
    ("YBa2Cu3O7-x", "x has no value"),
    ("YBa2Cu3O7-δ", "δ has no value"),
    ("LaMnOx", "x has no value"),
    ("Bi2-ySryO3", "y has no value"),
    ("Fe2O3·xH2O", "x has no value"),
    ("CuSO4·nH2O", "n has no value"),
    ("La1,85Sr0,15CuO4", "did you mean 'La1.85Sr0.15CuO4'?"),
    ("\u03b1-Fe2O3", "did you mean 'Fe2O3'?"),
    ("Fe3+", "charges are not read from formula strings; leave them out, or pass a pymatgen "
             "Composition of Species; did you mean 'Fe'?"),
    ("Na+", "did you mean 'Na'?"),
    ("Na+Cl-", "did you mean 'NaCl'?"),
    ("SO4 2-", "did you mean 'SO4'?"),
    ("[Fe(CN)6]4-", "did you mean '[Fe(CN)6]'?"),
    ("Fe(3+)2O3", "did you mean 'Fe2O3'?"),
    ("Ca\u00b2\u207a", "charges are not read from formula strings; leave them out"),
    ("Ca\u00b2\u207a", "did you mean 'Ca'?"),
    ("NH4+", "charges are not read from formula strings; leave them out"),
    ("c-BN", "'c-' is the prefix of a phase, no part of the formula; did you mean 'BN'?"),
    ("6H-SiC", "'6H-' is the prefix of a phase, no part of the formula; did you mean 'SiC'?"),
    ("1T'-MoTe2", "did you mean 'MoTe2'?"),
    ("alpha-Al2O3", "did you mean 'Al2O3'?"),
    ("\u03b2Ga2O3", "did you mean 'Ga2O3'?"),
    ("0.5PbTiO3-0.5BaTiO3", "a middle dot divides the parts of a solid solution; did you mean "
                            "'0.5PbTiO3·0.5BaTiO3'?"),
    ("0.9BiFeO3 + 0.1BaTiO3", "did you mean '0.9BiFeO3·0.1BaTiO3'?"),
    ("LiCoO2-C", "parts are joined without their amounts; write one formula"),
    ("LiFePO4/C", "parts are joined without their amounts; write one formula"),
    ("V-Ti", "parts are joined without their amounts; write one formula"),
    ("Fe50-Cr50", "did you mean 'Fe50Cr50'?"),
    ("Fe-BCC", "'BCC' is a phase, no part of the formula; did you mean 'Fe'?"),
    ("Fe2O3:Cr", "a dopant needs an amount; write it, such as Y1.96Eu0.04O3, or 'Fe2O3' for the "
                 "host alone"),
    ("Cr-doped Al2O3", "a dopant needs an amount"),
    ("Fe-2O3", "ranges and negative amounts are not read from formula strings"),
    ("Tin", "the name of an element; did you mean 'Sn'?"),
    ("copper", "the name of an element; did you mean 'Cu'?"),
    ("CARBON", "the name of an element; did you mean 'C'?"),
    ("Aluminum", "did you mean 'Al'?"),
    ("Nan", "a missing value, not a formula"),
    ("wustite", "a word, not a formula"),
    ("silica", "a word, not a formula"),
    ("iron oxide", "a word, not a formula"),
    ("ingaas", "did you mean 'InGaAs'?"),
    ("niti", "did you mean 'NiTi'?"),
    ("(Mg,Fe)2SiO4", "the amounts of elements divided by a comma are missing; write them, such as"),
    ("(Mg1.8,Fe0.2)SiO4", "did you mean '(Mg1.8Fe0.2)SiO4'?"),
    ("Fe2O3,", "unexpected character ','; did you mean 'Fe2O3'?"),
    ("CaSO4·\u00bdH2O", "did you mean 'CaSO4·0.5H2O'?"),
    ("CaSO4·1/2H2O", "did you mean 'CaSO4·0.5H2O'?"),
    ("MgSO4·1\u00bcH2O", "did you mean 'MgSO4·1.25H2O'?"),
    ("Pb(Mg1/3Nb2/3)O3", "did you mean 'Pb(Mg0.3333Nb0.6667)O3'?"),
    ("$Fe_2O_3$", "did you mean 'Fe2O3'?"),
    ("$\\mathrm{Fe_{2}O_{3}}$", "did you mean 'Fe2O3'?"),
    ("Fe<sub>2</sub>O<sub>3</sub>", "did you mean 'Fe2O3'?"),
    ("Fe\u200b2O3", "unexpected character '\\u200b': Zero width space; did you mean 'Fe2O3'?"),
    ("\uff26e2O3", "Fullwidth latin capital letter f; did you mean 'Fe2O3'?"),
    ("\u0421aO", ": Cyrillic capital letter es; did you mean 'CaO'?"),
    ("TiO2 anatase", "did you mean 'TiO2'?"),
    ("TiO2 (Rutile)", "did you mean 'TiO2'?"),
    ("NaCl(aq)", "did you mean 'NaCl'?"),
    ("Fe3O4 (magnetite)", "did you mean 'Fe3O4'?"),
]  # fmt: skip
# Capitals, single elements and alloys that look similar and are formulas.
FORMULAS = [
    "In2O3", "SiO2", "S8", "C60", "C70", "C240", "B105", "Si106", "P4", "H2", "N2", "I2",
    "CO", "CO2", "HF", "NO", "OF2", "CS2", "COS", "BN", "BI3", "NI3", "KNO3", "HIO3", "BPO4", "KOH",
    "PH3", "UCO",
    "SNF3", "POF3", "INO3", "SI3O10", "YBO3", "YBCO7", "S4N4", "D2O", "T2O", "HDO", "CoO", "Co3O4",
    "TiAl3", "Ti3Al", "AlSi", "CuZn", "CuSn3", "In7Cu9", "Ti6O", "CoCrFeNi", "Xe", "NaN", "Fe70B30",
    "K", "U", "W", "Ti2NbAl", "C1U", "UC", "BN", "BP", "T1I", "KSCN", "NPCl2", "CDCl3", "C2H6OS",
    "ND3", "Tl2SI2", "PBr5", "YBr3", "SBrN", "KCN", "Li5NI2", "H0.33Nb0.67", "H00.33Nb0.67",
    "Na Cl", "Na I", "V I 2", "B N H", "C H4 N2 O", "Fe 3C", "Ti 2H", "Cu 99.9 Zn 0.1", "B 2 O 3",
    "Li6.02P0.98Si0.02S5 Br", "Li1.3Cr0.3Ti1.7 (PO4)3", "Li6La2Ca(Nb)2O12", "V(VO4)", "Bi(I)3",
    "Cs(Pb(I)3)", "FeIIn", "CsVI3", "BaVIr2", "Ba2VI5O17", "Al2 B2", "Fe(CO)5", "Na(HCO3)",
    "(V)2O5", "(III)", "K(V)O3", "K3(V)O4", "Li6La2Ca(V)2O12", "Ca(V)2O6",
    "BCN", "HCN", "CNF", "PSN", "CF3", "CF8", "KNO3", "Y12", "Bi22", "C1000H", "CK",
]  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), [*LOOK_ALIKES, *REFUSED])
def test_what_is_no_formula_is_refused_with_what_it_was_meant_to_be(text, reason):
    with pytest.raises(ValueError, match=re.escape(reason)) as caught:
        parse_composition(text)
    for suggestion in re.findall(r"(?:did you mean|Write|or) '([^']*)'", str(caught.value)):
        parse_composition(suggestion)


@pytest.mark.parametrize("formula", FORMULAS)
def test_formula_that_looks_similar_is_read(formula):
    parse_composition(formula)


@pytest.mark.parametrize(
    "text",
    ["hello", "M2O3", "Zz", "NH4+", "SO42-", "x", "?", "Fe2O3=z", "[Fe", "12", "qqq", "na" * 40],
)
def test_nothing_is_suggested_where_nothing_is_known(text):
    with pytest.raises(ValueError, match=".") as caught:
        parse_composition(text)
    assert "did you mean" not in str(caught.value)


@given(st.one_of(texts, slips))
def test_what_a_refusal_suggests_can_be_read(text):
    try:
        parse_composition(text)
    except ValueError as error:
        for suggestion in re.findall(r"(?:did you mean|Write|or) '([^']*)'", str(error)):
            parse_composition(suggestion)


@given(texts)
def test_advice_is_one_short_line_and_its_suggestion_can_be_read(text):
    advice = advice_for(text, "no formula")
    assert "\n" not in advice
    assert len(advice) < 200
    for suggestion in re.findall(r"did you mean '([^']*)'", advice):
        parse_composition(suggestion)
