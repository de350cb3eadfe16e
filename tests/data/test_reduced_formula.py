"""Reduced formulas are those of pymatgen, computed for many compositions at once."""

import warnings

import numpy as np
import pandas as pd
import pytest
from formula_strategies import formulas, plain_formulas
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Composition, Element

from cromel_sklearn.data.composition import find_compositions, read_compositions, reduced_formulas
from cromel_sklearn.data.reduced_formula import reduced_formulas_of


def _by_pymatgen(batch) -> list[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return [
            Composition(
                {Element.from_Z(z): x for z, x in zip(numbers, fractions, strict=True) if z}
            ).get_integer_formula_and_factor(1_000_000)[0]
            for numbers, fractions in zip(batch.atomic_numbers, batch.atomic_fractions, strict=True)
        ]


@given(st.lists(st.one_of(plain_formulas, formulas), max_size=8))
def test_reduced_formulas_are_those_of_pymatgen(column):
    batch = find_compositions(column)[0]
    assert reduced_formulas_of(batch) == _by_pymatgen(batch)


@pytest.mark.parametrize(
    "formula",
    [
        "O", "N2", "H2", "HO", "NaO", "LiO", "Xe", "XeF2", "HeNe", "Ar", "Mg(OH)2", "Li3Fe2(PO4)3",
        "(NH4)2SO4", "Fe0.000001O", "La1.9999Sr0.0001CuO4", "C60H60", "Al86Ni8Y6", "FmNo2", "KCl",
    ],
)  # fmt: skip
def test_special_formulas_are_those_of_pymatgen(formula):
    batch = read_compositions([formula])[0]
    assert reduced_formulas_of(batch) == _by_pymatgen(batch)


def test_reduced_formulas_of_the_data_are_those_of_pymatgen(data_home):
    column = []
    for path in sorted((data_home / "target").glob("*.csv")):
        column += pd.read_csv(path, keep_default_na=False)["formula"].unique()[::10].tolist()
    batch = find_compositions(column)[0]
    assert reduced_formulas_of(batch) == _by_pymatgen(batch)


def test_reduced_formula_does_not_depend_on_its_neighbors():
    column = [f"Fe{n}Ni{m}O{n + m}" for n in range(1, 30) for m in range(1, 30)]
    alone = [reduced_formulas([formula])[0] for formula in column[::50]]
    assert reduced_formulas(column)[::50] == alone
    assert reduced_formulas(column[::-1])[::-1] == reduced_formulas(column)


def test_no_compositions_have_no_formulas():
    batch = read_compositions([])[0]
    assert reduced_formulas_of(batch) == []
    assert len(np.unique(reduced_formulas([]))) == 0
