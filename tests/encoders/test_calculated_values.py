"""Calculated values: what was put in comes out, for the composition however it is written."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cromel_sklearn.data.composition import read_compositions
from cromel_sklearn.encoders.calculated_values import CalculatedValues, composition_keys

FORMULAS = ["NaCl", "Fe2O3", "MgO", "La1.85Sr0.15CuO4", "Fe"]
VALUES = np.array([[5, np.nan], [2, -1.5], [np.nan, -3], [0, 0.25], [np.nan, 0]])


@pytest.fixture
def known():
    return CalculatedValues.of(read_compositions(FORMULAS)[0], VALUES)


def test_what_was_put_in_comes_out(known):
    found = known.look_up(read_compositions(FORMULAS)[0])
    np.testing.assert_array_equal(found, VALUES.astype(np.float32))


def test_writing_does_not_matter(known):
    batch = read_compositions(["Cl2Na2", "O3Fe2", "CuO4La1.85Sr0.15"])[0]
    np.testing.assert_array_equal(known.look_up(batch), VALUES[[0, 1, 3]].astype(np.float32))


def test_others_are_not_known(known):
    batch = read_compositions(["KCl", "Fe3O4", "Na0.99Cl1.01", "La1.84Sr0.16CuO4"])[0]
    assert np.isnan(known.look_up(batch)).all()


def test_padding_does_not_matter(known):
    long = read_compositions(["NaCl", "AlCoCrFeNiTi"])[0]
    np.testing.assert_array_equal(known.look_up(long)[0], VALUES[0].astype(np.float32))


def test_round_trip(known):
    again = CalculatedValues.from_tensors(known.tensors()).checked(2)
    batch = read_compositions(FORMULAS)[0]
    np.testing.assert_array_equal(again.look_up(batch), known.look_up(batch))


def test_nothing_known():
    empty = CalculatedValues.of(read_compositions(FORMULAS)[0][:0], np.empty((0, 3)))
    assert np.isnan(empty.look_up(read_compositions(["NaCl"])[0])).all()
    assert empty.look_up(read_compositions(["NaCl"])[0]).shape == (1, 3)


@pytest.mark.parametrize("name", ["keys", "present", "values"])
def test_arrays_that_do_not_belong_together_are_refused(known, name):
    tensors = known.tensors()
    tensors[name] = tensors[name][:-1]
    with pytest.raises(ValueError, match="expected"):
        CalculatedValues.from_tensors(tensors).checked(2)


@given(st.lists(st.integers(1, 103), min_size=1, max_size=6, unique=True), st.data())
def test_keys_do_not_collide_nearby(elements, data):
    """Compositions that differ by a thousandth have different keys."""
    amounts = {z: data.draw(st.integers(1, 20)) for z in elements}
    total = sum(amounts.values())
    numbers = np.array([sorted(amounts)] * 2)
    shares = np.array([[amounts[z] / total for z in sorted(amounts)]] * 2)
    batch = read_compositions(["Fe"])[0]
    moved = type(batch)(numbers, shares)
    if len(elements) > 1:
        moved.atomic_fractions[1, 0] += 1e-3
        moved.atomic_fractions[1, 1] -= 1e-3
        assert composition_keys(moved)[0] != composition_keys(moved)[1]
    else:
        assert composition_keys(moved)[0] == composition_keys(moved)[1]
