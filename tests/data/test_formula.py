"""The grammar of formulas: what is read, what is refused, and that it takes linear time."""

import contextlib
import re
import time

import pytest
from formula_strategies import formulas, terms, texts, written
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Composition

from cromel_sklearn.data import formula as formula_module
from cromel_sklearn.data.composition import parse_composition
from cromel_sklearn.data.formula import MAX_FORMULA_LENGTH, parse_formula
from cromel_sklearn.data.formula_reader import read_formula


@pytest.mark.parametrize(
    ("formula", "parts", "decimal"),
    [
        ("CaO.6Al2O3", "CaO·6Al2O3", "Ca5O18Al10"),
        ("BaO.6Fe2O3", "BaO·6Fe2O3", "Ba5O18Fe10"),
        ("FeCl3.6NH3", "FeCl3·6NH3", "Fe5Cl18N5H15"),
        ("MgSO4.7H20", "MgSO4·7H2O", "Mg10S10O47H200"),
        ("CuSO4.5H2O", "CuSO4·5H2O", "Cu2S2O11H4"),
        ("CuSO4.5(H2O)", "CuSO4·5(H2O)", "Cu2S2O11H4"),
        ("NaCl.2H2O", "NaCl·2H2O", "Na5ClH10O5"),
        ("Fe(OH)3.2D2O", "Fe(OH)3·2D2O", "Fe5O21H26"),
        ("Fe20.5H2O", "Fe20·5H2O", "Fe41H4O2"),
        ("K2O.Al2O3.6SiO2", "K2O.Al2O3·6SiO2", "K10O33Al10Si5"),
        ("Al2O3.2SiO2.2H2O", "Al2O3·2SiO2·2H2O", "Al10O32Si5H10"),
        ("KF.2HF", "KF·2HF", "K5F6H5"),
        ("Na0.5CoO2.5H2O", "Na0.5CoO2·5H2O", "NaCo2O7H4"),
    ],
)
def test_stop_that_could_divide_two_parts_is_refused_with_both_readings(formula, parts, decimal):
    message = f"write '{parts}' for the parts, '{decimal}' for the decimal amount"
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_composition(formula)
    assert parse_composition(parts) != parse_composition(decimal)


@pytest.mark.parametrize(
    "formula", ["MgCl2. 6 H2O", "CaSO4.0.5H2O", "CaO.0.5Al2O3", "MgCl2 .6H2O", "V. 8FeO"]
)
def test_unclear_stop_is_refused_where_one_reading_is_no_formula(formula):
    with pytest.raises(ValueError, match="is a decimal point or the dot between two parts; write"):
        parse_composition(formula)


@pytest.mark.parametrize(
    ("formula", "same"),
    [
        ("La1.85Sr0.15CuO4", "La37Sr3Cu20O80"),
        ("Ba.6K.4BiO3", "Ba3K2Bi5O15"),
        ("Fe.2O.3", "Fe2O3"),
        ("Cu0.5H2O", "CuH4O2"),
        ("CuFe0.05H2O8", "Cu20FeH40O160"),
        ("Cu2.5H2O8", "Cu5H4O16"),
        ("YBa2Cu3O6.5", "Y2Ba4Cu6O13"),
        ("Na0.4H3.6Sb1.16S5.16Ta2O1.8", "Na20H180Sb58S258Ta100O90"),
        ("N0.8H2.4Na1Rb2C60", "N4H12Na5Rb10C300"),
        ("Li5.5PS4.5Cl1.5", "Li11P2S9Cl3"),
        ("BaO6.05Ti2", "Ba20O121Ti40"),
        ("TiO1.125Al2", "Ti8O9Al16"),
        ("CuSO4.5e0H2O", "Cu2S2O11H4"),
    ],
)
def test_stop_that_can_only_be_a_decimal_point_is_one(formula, same):
    assert parse_composition(formula) == parse_composition(same)


@pytest.mark.parametrize(
    ("formula", "character"),
    [
        ("Fe2\nO3", r"'\n'"),
        ("Fe2\r\nO3", r"'\n' '\r'"),
        ("Fe\0O", r"'\x00'"),
        ("FeO\0", r"'\x00'"),
        ("\x1bFeO", r"'\x1b'"),
        ("FeO\x1f", r"'\x1f'"),
        ("FeO\x85", r"'\x85'"),
        ("Fe\u200bO", r"'\u200b'"),
        ("Fe\u0663O", "'\u0663'"),
        ("Fe\uff12O3", "'\uff12'"),
        ("Fe\ud800O", r"'\ud800'"),
    ],
)
def test_control_characters_and_foreign_digits_are_refused(formula, character):
    with pytest.raises(ValueError, match=re.escape(f"unexpected character {character}")):
        parse_composition(formula)


@pytest.mark.parametrize("formula", ["Fe2\tO3", "Fe2\u00a0O3", "Fe\u20092O3", "\ufe0eFe2O3"[1:]])
def test_spaces_of_every_kind_do_not_matter(formula):
    assert parse_composition(formula) == parse_composition("Fe2O3")


def test_many_strange_characters_are_not_all_repeated():
    with pytest.raises(ValueError, match="unexpected character") as caught:
        parse_composition("".join(map(chr, range(0x4E00, 0x4F00))))
    assert len(str(caught.value)) < 80


def test_longest_formula_is_read():
    assert parse_composition("Fe2O3" * (MAX_FORMULA_LENGTH // 5)) == parse_composition("Fe2O3")


def test_longer_formula_is_refused_with_its_length():
    message = "a formula of 1,005 characters; at most 1,000 are read"
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_composition("Fe2O3" * 201)


HARD_TO_READ = [
    "Fe2O3", "Fe", "1", "(", "((", "(Fe", "(Fe)2(", "a", "x", " ", "Fe ", "Fe  2 ", ".", "1.",
    "H2O.", "O4.5", "O.6", "CaO.6Al2O3", "CuSO4.5H2O", "H20.", "Fe0", "-", "1-", "e", "1e1", "·",
    "·5", "%", "at% ", "δ", "\n", "\0", "SS", "TI", "TIO2", "nacl", ",",
    "Na1,5", "Ti-6Al-4V-", "na", "co",
    "II", "(II)", "(I)3", " II", " NP", "(B", "V(", "99 ",
]  # fmt: skip


def _seconds(read, text) -> float:
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        with contextlib.suppress(ValueError):
            read(text)
        best = min(best, time.process_time() - started)
    return best


@pytest.mark.parametrize("piece", HARD_TO_READ)
def test_time_to_read_is_linear_in_the_length(piece, monkeypatch):
    monkeypatch.setattr(formula_module, "MAX_FORMULA_LENGTH", 10**9)
    short, long = piece * (500 // len(piece)), piece * (8000 // len(piece))
    _seconds(read_formula, short)
    # Sixteen times the text takes 16 times the time if it is linear, 256 times if it is quadratic.
    assert _seconds(read_formula, long) < 64 * _seconds(read_formula, short) + 1e-3


@pytest.mark.parametrize("piece", HARD_TO_READ)
def test_formula_of_any_length_is_refused_at_once(piece):
    short, long = piece * (500 // len(piece)), piece * (8000 // len(piece))
    assert _seconds(parse_composition, long) < 64 * _seconds(parse_composition, short) + 1e-3


def test_brackets_may_be_nested_as_deep_as_a_formula_is_long():
    depth = (MAX_FORMULA_LENGTH - 2) // 2
    assert parse_composition("(" * depth + "Fe" + ")" * depth) == ((26,), (1.0,))


@given(formulas)
def test_what_is_read_means_the_same_to_pymatgen(formula):
    amounts = {}
    for element, amount in Composition(formula).items():
        amounts[element.Z] = amounts.get(element.Z, 0) + amount
    assert parse_formula(formula) == pytest.approx(amounts, rel=1e-12)


@given(texts)
def test_any_text_is_read_as_pymatgen_does_or_refused(text):
    ours = _read_or_reason(text)
    if isinstance(ours, str):
        assert re.fullmatch(".+", ours)
        return
    ours_alone = r"[·•⋅∙*₀-₉]|[eE][+-]?[0-9]+ *\.|(?:[A-Za-z)\]}] *|[0-9] +)\. *[A-Z(\[{]"
    if re.search(ours_alone, text):
        return  # written as pymatgen does not know it
    theirs = Composition(re.sub(r"\s|E(?=[-+0-9])", lambda m: m[0].lower().strip(), text))
    assert ours == pytest.approx(_by_number(theirs), rel=1e-9)


def _by_number(composition) -> dict:
    amounts = {}
    for element, amount in composition.items():
        amounts[element.Z] = amounts.get(element.Z, 0) + amount
    return amounts


@given(terms, st.randoms(use_true_random=False))
def test_order_of_the_elements_does_not_matter(pairs, random):
    shuffled = random.sample(pairs, len(pairs))
    assert parse_formula(written(shuffled)) == pytest.approx(parse_formula(written(pairs)))


@given(formulas, st.integers(2, 50))
def test_multiple_of_a_formula_has_multiples_of_the_amounts(formula, multiple):
    once = parse_formula(formula)
    expected = {number: multiple * amount for number, amount in once.items()}
    assert parse_formula(f"({formula}){multiple}") == pytest.approx(expected)
    assert parse_formula(f"{multiple}{formula}·{formula}") == pytest.approx(
        {number: (multiple + 1) * amount for number, amount in once.items()}
    )


@given(formulas)
def test_subscripts_and_spaces_change_nothing(formula):
    subscripts = formula.translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
    spaced = re.sub(r"(?<=[A-Za-z)\]}0-9])(?=[A-Z(\[{])", " ", formula)
    amounts = _read_or_reason(formula)
    assert _read_or_reason(subscripts) == amounts
    assert isinstance(amounts, str) or parse_formula(spaced) == amounts


def _read_or_reason(formula):
    try:
        return read_formula(formula)
    except ValueError as error:
        return str(error)
