"""Every form of a composition gives one checked row; everything else is named with its reason."""

import re
import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pytest
from pymatgen.core import Composition, Element, Lattice, Structure
from pymatgen.entries.computed_entries import ComputedEntry

from cromel_sklearn import InvalidCompositionError, InvalidCompositionWarning
from cromel_sklearn.data.composition import (
    CompositionBatch,
    chemical_systems,
    composition_column,
    parse_composition,
    read_compositions,
    reduced_formulas,
)
from cromel_sklearn.exceptions import CroMELError

FORMULAS = ["Fe2O3", "NaCl", "Ba0.4K0.6Fe2As2"]
HEMATITE = ((8, 26), (0.6, 0.4))
WATER = ((1, 8), (0.666666666667, 0.333333333333))
CHARGE = "charges are not read from formula strings"
RANGE = "ranges and negative amounts are not read from formula strings"
# The error holds index, value and reason of each of these.
INVALID = [
    ("M2O3", "M is a placeholder, not an element"),
    ("X", "X is a placeholder, not an element"),
    ("Xx", "Xx is a placeholder, not an element"),
    (None, "missing value; expected a formula"),
    (float("nan"), "missing value; expected a formula"),
    (np.float32("nan"), "missing value; expected a formula"),
    (pd.NA, "missing value; expected a formula"),
    ("", "empty formula"),
    ("  ", "empty formula"),
    (Composition({}), "empty composition"),
    ({}, "empty composition"),
    ({"Fe": -2, "O": 3}, "amount of Fe is -2; amounts must be positive numbers"),
    ({"Fe": 0, "O": 3}, "amount of Fe is 0; amounts must be positive numbers"),
    ({"Fe": float("nan")}, "amount of Fe is nan; amounts must be positive numbers"),
    ({"Fe": float("inf")}, "amount of Fe is inf; amounts must be positive numbers"),
    ({"Fe": "2"}, "amount of Fe is '2'; amounts must be positive numbers"),
    (
        Composition({"Fe": -2, "O": 3}, allow_negative=True),
        "amount of Fe is -2; amounts must be positive numbers",
    ),
    ("Fe0O2", "zero amount; amounts must be at least 1e-08"),
    ("Fe0.0O2", "zero amount; amounts must be at least 1e-08"),
    ("Fe1e-9O2", "zero amount; amounts must be at least 1e-08"),
    ("Fe(OH)0", "zero amount; amounts must be at least 1e-08"),
    ({"Fe": 1e-6, "O": 1e7}, "amounts span more than twelve orders of magnitude"),
    ("Fe3+", CHARGE),
    ("Na+Cl-", CHARGE),
    ("SO4 2-", CHARGE),
    ("Fe-2O3", RANGE),
    ("La2-xSrxCuO4", "x has no value"),
    ("La2-0.1Sr0.1CuO4", RANGE),
    ("La2-δCuO4", "δ has no value"),
    ("FeO=z", "unexpected character '='"),
    ("fe2o3", "'fe2o3' is an invalid formula: an element starts with a capital letter"),
    ("((Fe)", "bracket '(' is not closed"),
    ("Fe)2", "bracket ')' closes nothing"),
    ("(Fe]2", "bracket ']' closes nothing"),
    ("Fe()2", "nothing between two brackets"),
    ("2H2O", "an amount stands before the first element"),
    ("Fe2 3O", "two amounts in a row"),
    ("Fe..5O", "two full stops in a row"),
    ("Fe3..O", "two full stops in a row"),
    ("CuSO4·", "nothing before or after the dot of a hydrate"),
    ("·5H2O", "nothing before or after the dot of a hydrate"),
    ("Rf2O3", "Rf is beyond lawrencium (Z = 103)"),
    ({"Og": 1}, "Og is beyond lawrencium (Z = 103)"),
    (2.5, "a float is not a composition; expected a formula string, a pymatgen Composition"),
    (b"NaCl", "a bytes is not a composition; expected a formula string"),
]


def _assert_same_column(X):
    expected = read_compositions(FORMULAS)
    batch, inverse, valid = read_compositions(X)
    np.testing.assert_array_equal(batch.atomic_numbers, expected[0].atomic_numbers)
    np.testing.assert_array_equal(batch.atomic_fractions, expected[0].atomic_fractions)
    np.testing.assert_array_equal(inverse, expected[1])
    assert valid.tolist() == [True] * 3


@pytest.mark.parametrize(
    "container",
    [
        list,
        tuple,
        np.array,
        lambda formulas: np.array(formulas, dtype=object),
        lambda formulas: np.array(formulas)[:, None],
        lambda formulas: np.array(formulas, dtype=object)[:, None],
        lambda formulas: [[formula] for formula in formulas],
        pd.Series,
        pd.Index,
        lambda formulas: pd.Series(formulas, index=["c", "b", "a"], dtype=object),
        lambda formulas: pd.Series(formulas, dtype="category"),
        lambda formulas: pd.Series(formulas, dtype="string"),
        lambda formulas: pd.DataFrame({"formula": formulas}),
        pl.Series,
        lambda formulas: pl.DataFrame({"formula": formulas}),
    ],
)
def test_every_container_of_formula_strings_gives_the_same_rows(container):
    _assert_same_column(container(FORMULAS))


def test_rows_that_can_be_read_only_once_are_refused():
    for rows in (iter(FORMULAS), (formula for formula in FORMULAS)):
        with pytest.raises(InvalidCompositionError, match="which can be read only once"):
            read_compositions(rows)


@pytest.mark.parametrize("name", ["composition", "formula", "to_numpy"])
@pytest.mark.parametrize("library", [pd, pl])
def test_name_of_the_column_does_not_matter(library, name):
    _assert_same_column(library.DataFrame({name: FORMULAS}))


def test_label_of_a_series_does_not_matter():
    _assert_same_column(pd.Series(FORMULAS, index=["composition", "b", "c"]))


def _structure(formula):
    elements = [element for element, n in Composition(formula).items() for _ in range(int(n))]
    return Structure(
        Lattice.cubic(9.0), elements, np.linspace(0, 0.9, 3 * len(elements)).reshape(-1, 3)
    )


@pytest.mark.parametrize(
    "make",
    [
        Composition,
        lambda formula: ComputedEntry(formula, energy=-1.0),
        _structure,
        lambda formula: dict(Composition(formula).get_el_amt_dict()),
        lambda formula: {Element(k): v for k, v in Composition(formula).get_el_amt_dict().items()},
        lambda formula: {element.Z: n for element, n in Composition(formula).items()},
        np.str_,
    ],
)
@pytest.mark.parametrize("container", [list, tuple, pd.Series])
def test_every_kind_of_object_gives_the_row_of_its_formula(make, container):
    formulas = ["Fe2O3", "NaCl"]
    batch, inverse, valid = read_compositions(container([make(formula) for formula in formulas]))
    np.testing.assert_array_equal(batch.atomic_numbers, [[8, 26], [11, 17]])
    np.testing.assert_array_equal(batch.atomic_fractions, [[0.6, 0.4], [0.5, 0.5]])
    assert inverse.tolist() == [0, 1]
    assert valid.all()


def test_kinds_of_objects_can_be_mixed():
    rows = ["Fe2O3", Composition("Fe4O6"), {"O": 3, "Fe": 2}, _structure("Fe2O3")]
    batch, inverse, _ = read_compositions(rows)
    assert len(batch) == 1
    assert inverse.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("formula", "same"),
    [
        ("O3Fe2", "Fe2O3"),
        ("Fe4O6", "Fe2O3"),
        ("Fe0.2O0.3", "Fe2O3"),
        ("FeOFeO2", "Fe2O3"),
        (" Fe2 O3 ", "Fe2O3"),
        ("Fe2O3\n", "Fe2O3"),
        ("Fe₂O₃", "Fe2O3"),
        ("Fe2.0O3.", "Fe2O3"),
        ("Fe.2O.3", "Fe2O3"),
        ("Ca(OH)2", "CaO2H2"),
        ("Mg3(Al(OH)4)2", "Mg3Al2O8H8"),
        ("[Co(NH3)6]Cl3", "CoN6H18Cl3"),
        ("{FeO}2", "FeO"),
        ("CuSO4(H2O)5", "CuSO9H10"),
        ("CuSO4·5H2O", "CuSO9H10"),
        ("CuSO4 · 5 H2O", "CuSO9H10"),
        ("CuSO4•5H2O", "CuSO9H10"),
        ("CuSO4*5H2O", "CuSO9H10"),
        ("CuSO4.H2O", "CuSO5H2"),
        ("CaO.Al2O3", "CaAl2O4"),
        ("3CaO.Al2O3", "Ca3Al2O6"),
        ("(CuSO4·5H2O)2", "CuSO9H10"),
        ("CaSO4·0.5H2O", "Ca2S2O9H2"),
        ("Cu0.5H2O", "CuH4O2"),
        ("CuFe0.05H2O8", "Cu20FeH40O160"),
        ("Cu2.5H2O8", "Cu5H4O16"),
        ("NaCl·H2O", "NaClH2O"),
        ("La₁.₈₅Sr₀.₁₅CuO₄", "La1.85Sr0.15CuO4"),
        ("D2O", "H2O"),
        ("T2O", "H2O"),
        ("HDO", "H2O"),
        ("Sr1e-4TiO3", "SrTi10000O30000"),
        ("Sr0.0001TiO3", "SrTi10000O30000"),
    ],
)
def test_notations_of_one_composition_give_one_row(formula, same):
    batch, inverse, _ = read_compositions([formula, same])
    assert len(batch) == 1
    assert inverse.tolist() == [0, 0]


@pytest.mark.parametrize("factor", [2, 3, 7, 0.1, 1 / 3, 1e4])
def test_multiple_of_a_composition_gives_the_same_row(factor):
    amounts = {"Y": 1, "Ba": 2, "Cu": 3, "O": 6.93}
    multiple = {element: factor * amount for element, amount in amounts.items()}
    assert parse_composition(multiple) == parse_composition(amounts)


@pytest.mark.parametrize(
    ("formula", "fractions"),
    [
        ("La1.85Sr0.15CuO4", {57: 1.85 / 7, 38: 0.15 / 7, 29: 1 / 7, 8: 4 / 7}),
        ("Ba0.4K0.6Fe2As2", {56: 0.08, 19: 0.12, 26: 0.4, 33: 0.4}),
        ("Bi0.98Sb1e-4Te3", {83: 0.98 / 3.9801, 51: 1e-4 / 3.9801, 52: 3 / 3.9801}),
        ("Lr", {103: 1.0}),
    ],
)
def test_fractions_of_doped_formulas_are_exact(formula, fractions):
    atomic_numbers, atomic_fractions = parse_composition(formula)
    assert atomic_numbers == tuple(sorted(fractions))
    np.testing.assert_allclose(atomic_fractions, [fractions[z] for z in atomic_numbers], atol=1e-12)


def test_sodium_nitride_is_a_formula():
    assert parse_composition("NaN") == ((7, 11), (0.5, 0.5))


@pytest.mark.parametrize(
    "value",
    [
        Composition({"Fe3+": 2, "O2-": 3}),
        Composition({"Fe2+": 1, "Fe3+": 1, "O2-": 3}),
        {"Fe3+": 2, "O2-": 3},
        Composition("Fe2O3").add_charges_from_oxi_state_guesses(),
    ],
)
def test_oxidation_states_are_dropped(value):
    assert parse_composition(value) == HEMATITE


@pytest.mark.parametrize("value", [{"D": 2, "O": 1}, {"H": 1, "D": 1, "O": 1}, Composition("D2O")])
def test_deuterium_counts_as_hydrogen(value):
    assert parse_composition(value) == WATER


@pytest.mark.parametrize(("value", "reason"), INVALID)
def test_invalid_row_is_named_with_index_value_and_reason(value, reason):
    start = f"Could not read composition {value!r} at index 1: {reason}"
    with pytest.raises(InvalidCompositionError, match=re.escape(start)):
        read_compositions(["NaCl", value])


def test_error_says_what_to_do():
    message = (
        "Could not read composition 'M2O3' at index 0: M is a placeholder, not an element.\n"
        'Correct these rows, or pass on_invalid="nan" to keep them as NaN.'
    )
    with pytest.raises(InvalidCompositionError, match=f"^{re.escape(message)}$"):
        read_compositions(["M2O3"])


def test_error_is_also_a_value_error_of_this_package():
    assert issubclass(InvalidCompositionError, ValueError)
    assert issubclass(InvalidCompositionError, CroMELError)


def test_long_value_is_shortened_in_the_message():
    with pytest.raises(InvalidCompositionError) as caught:
        read_compositions(["Zz" * 500])
    assert len(str(caught.value)) < 300


def test_ten_bad_rows_are_listed():
    with pytest.raises(InvalidCompositionError) as caught:
        read_compositions(["NaCl", *["X"] * 10])
    message = str(caught.value)
    assert message.startswith("Could not read 10 of 11 compositions:\n  index 1: 'X': X is a plac")
    assert message.count("\n  index ") == 10
    assert "more" not in message


def test_more_than_ten_bad_rows_are_counted():
    with pytest.raises(InvalidCompositionError) as caught:
        read_compositions(["X"] * 14)
    message = str(caught.value)
    assert message.startswith("Could not read 14 of 14 compositions:")
    assert message.count("\n  index ") == 10
    assert "\n  and 4 more\n" in message


def test_problems_hold_every_bad_row():
    with pytest.raises(InvalidCompositionError) as caught:
        read_compositions(["NaCl", *["X"] * 14])
    reason = "X is a placeholder, not an element"
    assert caught.value.problems == [(index, "X", reason) for index in range(1, 15)]


@pytest.mark.parametrize("X", ["NaCl", b"NaCl", {"Na": 1}, Composition("NaCl"), 5, None])
def test_single_value_is_refused_with_the_correct_call(X):
    expected = f"got a single {type(X).__name__}: {X!r}. Wrap it in a list: [{X!r}]."
    with pytest.raises(InvalidCompositionError, match=re.escape(expected)):
        read_compositions(X)


@pytest.mark.parametrize("X", [_structure("NaCl"), ComputedEntry("NaCl", -1.0)])
def test_single_object_with_a_composition_is_refused(X):
    with pytest.raises(InvalidCompositionError, match=f"got a single {type(X).__name__}"):
        read_compositions(X)


@pytest.mark.parametrize(
    ("X", "shape"),
    [
        (np.full((3, 2), "NaCl"), "(3, 2)"),
        (pd.DataFrame({"a": ["NaCl"], "b": ["KCl"]}), "(1, 2)"),
        (pl.DataFrame({"a": ["NaCl"], "b": ["KCl"]}), "(1, 2)"),
        (np.array("NaCl"), "()"),
        (np.full((2, 1, 1), "NaCl"), "(2, 1, 1)"),
    ],
)
def test_other_than_one_column_is_refused_with_its_shape(X, shape):
    expected = f"Expected one column of compositions, got an array of shape {shape}. Select the"
    with pytest.raises(InvalidCompositionError, match=re.escape(expected)):
        read_compositions(X)


def test_rows_of_two_items_are_refused():
    with pytest.raises(InvalidCompositionError, match="got a row with 2 items"):
        read_compositions([["NaCl", "KCl"]])


def test_no_rows_give_an_empty_batch():
    batch, inverse, valid = read_compositions([])
    assert (len(batch), len(inverse), len(valid)) == (0, 0, 0)


@pytest.mark.parametrize("on_invalid", ["ignore", "NaN", None, True])
def test_unknown_on_invalid_is_an_error(on_invalid):
    message = f"on_invalid must be one of ('raise', 'nan'), got {on_invalid!r}"
    with pytest.raises(ValueError, match=re.escape(message)):
        read_compositions(["NaCl"], on_invalid=on_invalid)


def test_bad_rows_kept_as_nan_give_one_warning():
    with pytest.warns(InvalidCompositionWarning) as caught:
        read_compositions(["NaCl", "X", None], on_invalid="nan")
    assert len(caught) == 1
    message = str(caught[0].message)
    assert message.startswith("Could not read 2 of 3 compositions:\n  index 1: 'X': X is a placeh")
    assert message.endswith("\nThese rows are NaN in the output.")


def test_warning_holds_every_bad_row():
    with pytest.warns(InvalidCompositionWarning) as caught:
        read_compositions(["X"] * 14, on_invalid="nan")
    assert [problem[0] for problem in caught[0].message.problems] == list(range(14))


def test_valid_rows_warn_of_nothing(recwarn):
    read_compositions(["NaCl", "KCl"], on_invalid="nan")
    assert not recwarn.list


def test_rows_kept_as_nan_stay_aligned():
    X = ["NaCl", "X", "Fe2O3", None, "ClNa"]
    with pytest.warns(InvalidCompositionWarning):
        batch, inverse, valid = read_compositions(X, on_invalid="nan")
    assert valid.tolist() == [True, False, True, False, True]
    assert batch.atomic_numbers[inverse].tolist() == [[11, 17], [8, 26], [11, 17]]


def test_missing_values_of_a_data_frame_are_missing():
    with pytest.warns(InvalidCompositionWarning, match="missing value"):
        valid = read_compositions(pd.DataFrame({"f": ["NaN", None]}), on_invalid="nan")[2]
    assert valid.tolist() == [True, False]


def test_nulls_of_polars_are_missing():
    with pytest.warns(InvalidCompositionWarning, match="missing value"):
        valid = read_compositions(pl.Series(["NaN", None]), on_invalid="nan")[2]
    assert valid.tolist() == [True, False]


def test_unknown_elements_are_named():
    with pytest.raises(InvalidCompositionError, match="the encoder has never seen He, Kr"):
        read_compositions(["NaCl", "KrNaHe"], known_elements=frozenset({11, 17}))


def test_known_elements_are_accepted():
    assert read_compositions(["NaCl"], known_elements=frozenset({11, 17}))[2].all()


def test_each_composition_is_in_the_batch_once():
    X = ["NaCl", "Fe2O3", "Cl2Na2", "O3Fe2", "KCl", "NaCl"]
    batch, inverse, _ = read_compositions(X)
    assert len(batch) == 3
    assert inverse.tolist() == [0, 1, 0, 1, 2, 0]


def test_batch_is_padded_with_zeros():
    batch = read_compositions(["Fe", "Fe2O3", "BaTiO3"])[0]
    assert batch.atomic_numbers.tolist() == [[26, 0, 0], [8, 26, 0], [8, 22, 56]]
    np.testing.assert_array_equal(batch.atomic_fractions == 0, batch.atomic_numbers == 0)


def test_fractions_of_each_row_sum_to_one():
    batch = read_compositions([*FORMULAS, "La1.85Sr0.15CuO4", "CuSO4·5H2O"])[0]
    np.testing.assert_allclose(batch.atomic_fractions.sum(axis=1), 1.0, atol=1e-11)


def test_rows_of_a_batch_can_be_selected():
    batch = read_compositions(["Fe", "Fe2O3", "NaCl"])[0][[2, 0]]
    assert isinstance(batch, CompositionBatch)
    assert batch.atomic_numbers.tolist() == [[11, 17], [26, 0]]


def test_column_keeps_the_rows_in_order():
    assert composition_column(pd.DataFrame({"f": FORMULAS}, index=[2, 0, 1])) == FORMULAS


@pytest.mark.parametrize(
    ("value", "formula"),
    [
        ("Fe4O6", "Fe2O3"),
        ("O3Fe2", "Fe2O3"),
        (Composition("Fe4O6"), "Fe2O3"),
        ("D2O", "H2O"),
        ("Fe0.2Ni0.4", "FeNi2"),
        ("YBa2Cu3O6.93", Composition("Y100Ba200Cu300O693").reduced_formula),
        ("NaN", "NaN"),
    ],
)
def test_reduced_formula_is_the_smallest_whole_multiple(value, formula):
    assert reduced_formulas([value]) == [formula]


def test_reduced_formulas_follow_the_rows():
    assert reduced_formulas(["NaCl", "Fe4O6", "KCl", "Cl2Na2"]) == ["NaCl", "Fe2O3", "KCl", "NaCl"]


def test_close_dopings_stay_different_groups():
    assert len(set(reduced_formulas([f"La{2 - x}Sr{x}CuO4" for x in (0.1, 0.101, 0.1001)]))) == 3


def test_reduced_formulas_of_noble_gases_do_not_warn(recwarn):
    reduced_formulas(["XeF2", "HeNe", "Ar"])
    assert not recwarn.list


def test_reduced_formulas_refuse_bad_rows():
    with pytest.raises(InvalidCompositionError, match="at index 1: missing value"):
        reduced_formulas(["NaCl", None])


def test_chemical_systems_follow_the_rows():
    assert chemical_systems(["NaCl", "Fe4O6", "LiFePO4", "O"]) == [
        "Cl-Na",
        "Fe-O",
        "Fe-Li-O-P",
        "O",
    ]


class _Raising:
    """Raises whatever is done with it."""

    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__

    def __eq__(self, other):
        raise RuntimeError("not comparable")

    __hash__ = None

    @property
    def composition(self):
        raise RuntimeError("no composition")


class _RaisingMapping(dict):
    def items(self):
        raise KeyError("no items")


# Rows that ended the whole fit in 0.5, and what is said of them.
HOSTILE = [
    ({"Fe2O3": 1}, "'Fe2O3' is not an element"),
    ({"Fe": 10**400}, "amount of Fe is 1000000000"),
    ({"Fe": 10**5000}, "amount of Fe is a int without a representation"),
    ({"M": 1}, "M is a placeholder, not an element"),
    ({"Fe": 1j}, "amount of Fe is 1j; amounts must be positive numbers"),
    ({None: 1}, "None is not an element"),
    ({(): 1}, "() is not an element"),
    ({0: 1}, "0 is not an element"),
    ({119: 1}, "119 is not an element"),
    ({float("inf"): 1}, "inf is not an element"),
    (np.array(1.5), "a float is not a composition"),
    (np.array(None), "missing value"),
    (np.array([["Fe", "O"]]), "got a row with 2 items"),
    ([], "got a row with 0 items"),
    (_Raising(), "a _Raising that raises RuntimeError when read"),
    (_RaisingMapping(Fe=1), "a _RaisingMapping that raises KeyError when read"),
    (object(), "a object is not a composition"),
    (np.datetime64("NaT"), "missing value"),
    (pd.NaT, "missing value"),
    ("Fe\0O", "unexpected character"),
    ("Fe" * 10**5, "a formula of 200,000 characters; at most 1,000 are read"),
    ("Fe" + "9" * 400, "amounts span more than twelve orders of magnitude"),
    ("Fe1e999O", "amounts span more than twelve orders of magnitude"),
]


@pytest.mark.parametrize(("value", "reason"), HOSTILE)
def test_one_bad_row_is_named_and_the_others_are_read(value, reason):
    column = ["NaCl", None, "Fe2O3"]
    column[1] = value
    with pytest.warns(InvalidCompositionWarning, match=re.escape(reason)) as caught:
        batch, inverse, valid = read_compositions(column, on_invalid="nan")
    assert valid.tolist() == [True, False, True]
    assert batch.atomic_numbers[inverse].tolist() == [[11, 17], [8, 26]]
    assert len(str(caught[0].message)) < 300


def test_all_bad_rows_together_are_one_short_warning():
    column = [value for value, _ in HOSTILE] * 100
    with pytest.warns(InvalidCompositionWarning, match="and 2290 more") as caught:
        valid = read_compositions(column, on_invalid="nan")[2]
    assert not valid.any()
    assert len(str(caught[0].message)) < 2000


@pytest.mark.parametrize("value", [np.array("Fe2O3"), np.array(["Fe2O3"]), ["Fe2O3"], ("Fe2O3",)])
def test_row_of_one_item_is_that_item(value):
    assert read_compositions(["NaCl", value])[0].atomic_numbers.tolist() == [[11, 17], [8, 26]]


@pytest.mark.parametrize("value", [{26: 2, 8: 3}, {26.0: 2, 8.0: 3}, {"26": 2, "8": 3}])
def test_atomic_numbers_are_elements(value):
    assert parse_composition(value) == HEMATITE


@pytest.mark.parametrize("length", [100, 1000, 10**6])
def test_messages_repeat_at_most_sixty_characters(length):
    formula = "Zz" * (length // 2)
    with pytest.raises(InvalidCompositionError, match="Could not read") as caught:
        read_compositions(["NaCl", formula, {formula: 1}, [formula, formula]])
    assert max(map(len, re.findall("(?:Zz)+", str(caught.value)))) <= 60
    assert all(len(line) < 200 for line in str(caught.value).splitlines())
    with pytest.raises(InvalidCompositionError, match="got a single str") as caught:
        read_compositions(formula)
    assert len(str(caught.value)) < 300


def test_suggestion_ends_the_message_without_a_second_stop():
    message = (
        "Could not read composition 'nacl' at index 0: 'nacl' is an invalid formula: an element "
        "starts with a capital letter; did you mean 'NaCl'?\n"
    )
    with pytest.raises(InvalidCompositionError, match=f"^{re.escape(message)}"):
        read_compositions(["nacl"])


def test_memory_of_refused_formulas_is_not_kept():
    tracemalloc.start()
    for n in range(300):
        with pytest.raises(ValueError, match="characters"):
            parse_composition(f"Fe{n}" + "O" * 200_000)
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert kept < 2_000_000
