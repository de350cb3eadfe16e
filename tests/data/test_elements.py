"""The element table is standardised, complete up to lawrencium, and the same each time."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from pymatgen.core import Element

from cromel_sklearn.data.elements import (
    ELECTRONEGATIVITIES,
    MAX_ATOMIC_NUMBER,
    SYMBOLS,
    ElementTable,
    pymatgen_element_table,
)


@pytest.fixture(scope="module")
def table():
    return pymatgen_element_table()


def _column(table, name):
    return table.features[1:, table.names.index(name)]


def test_table_has_a_row_for_each_element_and_the_padding(table):
    assert table.features.shape == (MAX_ATOMIC_NUMBER + 1, len(table.names))
    assert table.features.dtype == np.float32


def test_heaviest_element_is_lawrencium():
    assert Element.from_Z(MAX_ATOMIC_NUMBER).symbol == "Lr"


def test_padding_row_is_zero(table):
    assert not table.features[0].any()


def test_all_features_are_finite(table):
    assert np.isfinite(table.features).all()


def test_names_are_distinct(table):
    assert len(set(table.names)) == len(table.names)


def test_mean_of_each_feature_is_zero(table):
    np.testing.assert_allclose(table.features[1:].mean(axis=0), 0.0, atol=1e-5)


def test_complete_features_have_unit_variance(table):
    for name in ("atomic_mass_u", "period", "group", "is_metal", "outer_d_electrons", "block_f"):
        assert _column(table, name).std() == pytest.approx(1.0, abs=1e-5), name


def test_unknown_value_is_the_mean(table):
    # Neon has no tabulated electronegativity.
    assert _column(table, "electronegativity_pauling")[Element("Ne").Z - 1] == 0.0


def test_atomic_mass_is_pymatgen_s_up_to_scale(table):
    masses = [float(Element.from_Z(z).atomic_mass) for z in range(1, MAX_ATOMIC_NUMBER + 1)]
    assert np.corrcoef(_column(table, "atomic_mass_u"), masses)[0, 1] == pytest.approx(1.0)


def test_no_two_elements_share_their_features(table):
    assert len(np.unique(table.features, axis=0)) == MAX_ATOMIC_NUMBER + 1


@pytest.mark.parametrize(
    ("symbol", "shell"),
    [("Na", "outer_s_electrons"), ("Cl", "outer_p_electrons"), ("Fe", "outer_d_electrons"),
     ("Eu", "outer_f_electrons")],
)  # fmt: skip
def test_outer_shells_are_occupied_where_they_belong(table, symbol, shell):
    column = _column(table, shell)
    assert column[Element(symbol).Z - 1] > column.min()


@pytest.mark.parametrize(
    ("lighter", "heavier", "shell"),
    [("Na", "Mg", "outer_s_electrons"), ("S", "Cl", "outer_p_electrons"),
     ("Mn", "Co", "outer_d_electrons"), ("Eu", "Er", "outer_f_electrons")],
)  # fmt: skip
def test_outer_shells_fill_along_the_period(table, lighter, heavier, shell):
    column = _column(table, shell)
    assert column[Element(lighter).Z - 1] < column[Element(heavier).Z - 1]


def test_each_element_is_in_one_block(table):
    blocks = np.stack([_column(table, f"block_{kind}") for kind in "spdf"])
    assert ((blocks > blocks.min(axis=1, keepdims=True)).sum(axis=0) == 1).all()


def test_halogens_are_electronegative(table):
    electronegativity = _column(table, "electronegativity_pauling")
    assert electronegativity[Element("F").Z - 1] == electronegativity.max()


def test_source_names_pymatgen_and_its_version(table):
    assert table.source.startswith("pymatgen 20")


def test_building_warns_of_nothing(recwarn):
    pymatgen_element_table.cache_clear()
    pymatgen_element_table()
    assert not recwarn.list


def test_checksum_is_the_same_each_time(table):
    pymatgen_element_table.cache_clear()
    assert table.checksum == pymatgen_element_table().checksum


def test_checksum_does_not_depend_on_memory_layout(table):
    assert replace(table, features=np.asfortranarray(table.features)).checksum == table.checksum


@pytest.mark.parametrize(
    "change",
    [
        lambda t: {"features": t.features + np.float32(1e-3)},
        lambda t: {"names": t.names[::-1]},
    ],
)
def test_checksum_changes_with_numbers_and_names(table, change):
    changed = replace(table, **change(table))
    assert isinstance(changed, ElementTable)
    assert changed.checksum != table.checksum


def test_symbols_and_electronegativities_are_those_of_pymatgen():
    assert [Element.from_Z(number).symbol for number in range(1, 119)] == list(SYMBOLS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # noble gases have none
        theirs = [Element.from_Z(number).X for number in range(1, MAX_ATOMIC_NUMBER + 1)]
    np.testing.assert_array_equal(ELECTRONEGATIVITIES, theirs)
