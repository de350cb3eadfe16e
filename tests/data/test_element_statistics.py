"""The block of elements: fractions and statistics, against pymatgen and by hand."""

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Composition, Element

from cromel_sklearn.data.composition import read_compositions
from cromel_sklearn.data.element_statistics import (
    ELEMENT_PROPERTIES,
    TABLE,
    describe_elements,
    element_column_names,
)

ELEMENTS = [3, 8, 15, 26]


def _described(formulas) -> pd.DataFrame:
    batch, inverse, _ = read_compositions(formulas)
    return pd.DataFrame(
        describe_elements(batch, ELEMENTS)[inverse], columns=element_column_names(ELEMENTS)
    )


def test_fractions_are_those_of_pymatgen():
    found = _described(["LiFePO4"]).iloc[0]
    for z in ELEMENTS:
        symbol = Element.from_Z(z).symbol
        expected = Composition("LiFePO4").get_atomic_fraction(symbol)
        assert found[f"fraction_{symbol}"] == pytest.approx(expected)


def test_statistics_by_hand():
    found = _described(["Fe2O3"]).iloc[0]
    iron, oxygen = 1.83, 3.44  # Pauling
    mean = 0.4 * iron + 0.6 * oxygen
    assert found["mean_electronegativity_pauling"] == pytest.approx(mean)
    assert found["deviation_electronegativity_pauling"] == pytest.approx(
        np.sqrt(0.4 * 0.6) * (oxygen - iron), rel=1e-5
    )
    assert found["minimum_electronegativity_pauling"] == pytest.approx(iron)
    assert found["maximum_electronegativity_pauling"] == pytest.approx(oxygen)
    assert found["number_of_elements"] == 2
    assert found["largest_fraction"] == pytest.approx(0.6)
    assert found["entropy_of_mixing_per_R"] == pytest.approx(
        -(0.4 * np.log(0.4) + 0.6 * np.log(0.6))
    )


def test_rows_do_not_depend_on_the_others():
    alone, beside = _described(["Fe2O3"]), _described(["LiFePO4", "Fe2O3"])
    assert np.array_equal(alone.to_numpy()[0], beside.to_numpy()[1])


def test_an_element_by_itself():
    found = _described(["Fe"]).iloc[0]
    assert found["entropy_of_mixing_per_R"] == 0
    assert found["deviation_melting_point_K"] == 0
    assert found["minimum_melting_point_K"] == found["maximum_melting_point_K"]


def test_table_is_that_of_pymatgen():
    """The shipped numbers are what pymatgen says, where it says anything."""
    table = pd.read_csv(TABLE, index_col="element", keep_default_na=False)
    assert list(table.columns) == list(ELEMENT_PROPERTIES)
    for symbol in ("H", "Na", "Fe", "La", "U"):
        element = Element(symbol)
        assert table.loc[symbol, "electronegativity_pauling"] == pytest.approx(element.X)
        assert table.loc[symbol, "melting_point_K"] == pytest.approx(float(element.melting_point))
        assert table.loc[symbol, "mendeleev_number"] == pytest.approx(element.mendeleev_no)
    assert np.isfinite(table.to_numpy()).all()
