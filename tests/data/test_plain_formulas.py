"""Formulas read as one array of characters mean the same as those read one by one."""

import random
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from formula_strategies import LOOK_ALIKES, formulas, plain_formulas, texts
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Composition

from cromel_sklearn.data.composition import find_compositions, read_compositions
from cromel_sklearn.data.formula_reader import read_formula, read_formulas
from cromel_sklearn.data.plain_formulas import read_plain_formulas


def _one_by_one(column):
    amounts, refused = {}, {}
    for row, text in enumerate(column):
        try:
            amounts[row] = read_formula(text)
        except ValueError as error:
            refused[row] = str(error)
    return amounts, refused


def _together(column):
    read = read_formulas(column)
    amounts = {}
    for row, number, amount in zip(
        read.composition.tolist(), read.atomic_number.tolist(), read.amount.tolist(), strict=True
    ):
        element = amounts.setdefault(row, {})
        element[number] = element.get(number, 0.0) + amount
    return dict(sorted(amounts.items())), read.refused


@given(st.lists(st.one_of(plain_formulas, formulas, texts), max_size=12))
def test_column_means_what_its_formulas_mean(column):
    assert _together(column) == _one_by_one(column)


_SYMBOLS_AROUND_STOPS = ("H", "H2O", "D", "T", "O", "F", "Na", "Fe", "In", "S", "C", "Cs", "Ti")
_AMOUNTS_WITH_STOPS = (
    "", "", ".5", "0.5", "00.5", "1.", "1.05", "0.05", "1.5", "1.25", "2.50", "1.125", "2", "20",
    "1.5.2",
)  # fmt: skip


def test_stops_are_decimal_points_in_a_column_as_they_are_alone():
    draw = random.Random(0)
    terms = [f"{symbol}{n}" for symbol in _SYMBOLS_AROUND_STOPS for n in _AMOUNTS_WITH_STOPS]
    column = ["".join(draw.choices(terms, k=3)) for _ in range(10_000)]
    assert _together(column) == _one_by_one(column)


@pytest.mark.parametrize(
    ("formula", "is_plain"),
    [
        ("Na1.25Cl0.4", True),  # the other amount can only be a decimal
        ("S1.05Na", True),  # before 0
        ("S1.5Na2.5", True),  # at the end
        ("Fe1.5Na", True),  # iron ends no compound
        ("NaS1.5H3O0.5", True),
        ("CaS1.5NaO", False),
        ("CaS.5NaO0.5", False),
        ("CuSO4.5H2O", False),
        ("CuSO4.5D2O0.5", False),
    ],
)
def test_formulas_with_decimals_are_read_together(formula, is_plain):
    assert read_plain_formulas([formula])[0].tolist() == [is_plain]


def test_column_of_look_alikes_is_refused_as_each_of_them_is():
    column = [formula for formula, _ in LOOK_ALIKES]
    assert _together(column) == _one_by_one(column)
    assert len(_together(column)[1]) == len(column)


@given(plain_formulas, st.lists(st.one_of(formulas, texts), max_size=5), st.integers(0, 5))
def test_neighbors_of_a_formula_do_not_matter(formula, neighbors, place):
    alone = find_compositions([formula])
    together = find_compositions([*neighbors[:place], formula, *neighbors[place:]])
    row = min(place, len(neighbors))
    assert together[2][row] == alone[2][0]
    if alone[2][0]:
        batch = together[0][together[1]][[np.count_nonzero(together[2][:row])]].trimmed()
        assert batch.atomic_numbers.tobytes() == alone[0].atomic_numbers.tobytes()
        assert batch.atomic_fractions.tobytes() == alone[0].atomic_fractions.tobytes()


@given(st.lists(st.one_of(formulas, texts), max_size=10))
def test_rows_stay_aligned_with_what_can_be_read(column):
    batch, inverse, valid, problems = find_compositions(column)
    assert len(batch) == len(set(inverse.tolist()))
    assert [row for row, _, _ in problems] == np.flatnonzero(~valid).tolist()
    for row, of_batch in zip(np.flatnonzero(valid), inverse, strict=True):
        numbers = batch.atomic_numbers[of_batch]
        assert set(numbers[numbers > 0].tolist()) == set(read_formula(column[row]))


def test_compositions_of_more_than_one_block_are_numbered_through():
    column = [f"Fe{n}O{n % 97 + 1}" for n in range(1, 20_001)]
    batch, inverse, valid = read_compositions([*column, *column])
    assert valid.all()
    np.testing.assert_array_equal(inverse[:20_000], inverse[20_000:])
    iron = np.array([float(n) for n in range(1, 20_001)])
    oxygen = np.arange(1, 20_001) % 97 + 1
    fractions = batch.element_fractions()[inverse[:20_000], 25]
    np.testing.assert_allclose(fractions, iron / (iron + oxygen), atol=1e-12)


@pytest.mark.parametrize("number", ["0.1", "123456789012345", "12345678.1234567", "1.", ".5"])
def test_amounts_are_exactly_those_of_python(number):
    is_plain, _, _, amount = read_plain_formulas([f"NaFe{number}"])
    assert is_plain.all()
    assert amount[1] == float(number)


@pytest.mark.parametrize("number", ["1234567890123456", "1e3", "1.2.3", "0.", "0", "01", "1 2"])
def test_other_amounts_are_left_to_the_parser(number):
    assert not read_plain_formulas([f"NaFe{number}O"])[0].any()


def _formulas_of(data_home):
    for path in sorted((data_home / "source").glob("*.parquet")):
        yield from pd.read_parquet(path, columns=["formula"])["formula"].unique()
    for path in sorted((data_home / "target").glob("*.csv")):
        yield from pd.read_csv(path, keep_default_na=False)["formula"].unique()


def test_formulas_of_the_data_mean_the_same_to_pymatgen(data_home):
    column = sorted(set(_formulas_of(data_home)))[::50]
    batch, inverse, valid, problems = find_compositions(column)
    assert len(problems) < 5
    fractions = batch.element_fractions()[inverse]
    for row, formula in enumerate(np.array(column, dtype=object)[valid]):
        theirs = np.zeros(103)
        composition = Composition(formula).fractional_composition
        for element, fraction in composition.items():
            theirs[element.Z - 1] += fraction
        np.testing.assert_allclose(fractions[row], theirs, atol=2e-12, err_msg=formula)


def test_no_formula_of_the_data_is_taken_for_anything_else(data_home):
    problems = find_compositions(sorted(set(_formulas_of(data_home))))[3]
    suspects = [(formula, reason) for _, formula, reason in problems]
    assert len(suspects) == 20
    words = ("did you", "grade", "full stop", "no part", "abbreviation")
    taken = [formula for formula, reason in suspects if any(word in reason for word in words)]
    assert len(taken) == 4
    assert all("TI" in formula for formula in taken)  # tritium and iodine: a slip of Ti


def test_formulas_are_read_at_least_twice_as_fast_as_by_pymatgen():
    column = [f"La{2 - n / 5000:.4f}Sr{n / 5000:.4f}CuO{n % 13 + 1}" for n in range(1, 4000)]
    started = time.perf_counter()
    for formula in column:
        Composition(formula)
    theirs = time.perf_counter() - started
    ours = []
    for _ in range(3):
        started = time.perf_counter()
        read_compositions(column)
        ours.append(time.perf_counter() - started)
    assert min(ours) < theirs / 2


def test_reading_plain_formulas_imports_no_large_package():
    code = (
        "import sys;"
        "from cromel_sklearn.data.composition import read_compositions, reduced_formulas;"
        "column = ['Fe2O3', 'La1.85Sr0.15CuO4', 'Ca(OH)2', 'CuSO4·5H2O', {'Na': 1, 'Cl': 1}];"
        "read_compositions(column, known_elements=frozenset(range(1, 104)));"
        "reduced_formulas(column);"
        "print(sorted({'pymatgen', 'pandas', 'torch', 'sklearn', 'scipy'} & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
