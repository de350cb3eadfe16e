"""Targets: standardised, transformed, and given back as they were."""

import numpy as np
import pytest

from cromel_sklearn import InvalidTableError
from cromel_sklearn.data.target_scale import TargetScale

Y = np.array([[1.0, 10.0], [3.0, np.nan], [8.0, 1000.0]])


@pytest.mark.parametrize("transform", [None, "sqrt", "log10", "log1p"])
@pytest.mark.parametrize("y", [Y, Y[:, 0]])
def test_restoring_gives_the_target_back(y, transform):
    scale = TargetScale.of(y, transform)
    standardised = scale.standardise(y)
    assert standardised.shape == (3, y.size // 3)
    np.testing.assert_allclose(np.nanmean(standardised, axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(scale.restore(standardised), y)


def test_deviation_of_a_logarithm_is_that_of_a_small_step():
    scale = TargetScale.of(Y[:, 0], "log10")
    at, step = np.array([[0.3]]), np.array([[1e-6]])
    difference = scale.restore(at + step) - scale.restore(at)
    np.testing.assert_allclose(scale.restore_deviation(at, step), difference, rtol=1e-4)


def test_constant_target_has_scale_one():
    assert TargetScale.of(np.full(4, 2.0), None).scale == 1.0


def test_other_number_of_outputs_is_named():
    with pytest.raises(InvalidTableError, match="y has 1 outputs, the model was fitted with 2"):
        TargetScale.of(Y, None).standardise(Y[:, 0])


def test_outliers_are_taken_for_less_and_all_else_as_it_is():
    y = np.append(np.random.default_rng(0).normal(-1.0, 0.1, 40), 1e9)
    with pytest.warns(UserWarning, match="y has 1e.09 at index 40, far from all other rows"):
        scale = TargetScale.of(y)
    bounded = scale.bounded(scale.standardise(y))
    assert np.abs(bounded).max() < 10
    assert np.array_equal(bounded[:40], scale.standardise(y)[:40])
    assert 0.05 < scale.scale[0] < 0.3


def test_numbers_that_stand_for_missing_values_are_told():
    measured = np.random.default_rng(0).lognormal(size=40)
    for stand_in in (-999.0, 9999.0):
        with pytest.warns(UserWarning, match=f"y has {stand_in:g} in 8 rows, far beyond all "):
            TargetScale.of(np.append(measured, np.full(8, stand_in)))
    TargetScale.of(np.append(measured, np.zeros(8)))  # metals among insulators
    TargetScale.of(np.repeat([1.0, 2.0, 50.0], 8))


def test_bounds_hold_and_targets_outside_are_named():
    scale = TargetScale.of([0.0, 0.5, 1.0], None, 0.0, 1.0)
    assert scale.restore(np.array([[-9.0], [9.0]])).tolist() == [0.0, 1.0]
    with pytest.raises(InvalidTableError, match="y has 1.5 at index 1; expected values from targe"):
        TargetScale.of([0.0, 1.5], None, 0.0, 1.0)


@pytest.mark.parametrize("bounds", [(5, 1), (3, 3), (np.nan, 1), (0, np.nan), (np.inf, None)])
def test_bounds_without_room_are_refused(bounds):
    with pytest.raises(InvalidTableError, match="Expected target_min below target_max, got"):
        TargetScale.of([1.0, 2.0], None, *bounds)


@pytest.mark.parametrize(
    ("transform", "bad", "expected"),
    [
        ("sqrt", -0.1, "that are not negative"), ("log10", 0.0, "above 0"),
        ("log1p", -1.0, "above -1"),
    ],
)  # fmt: skip
def test_transforms_name_targets_that_they_do_not_take(transform, bad, expected):
    message = f"y has {bad:g} at index 1; target_transform='{transform}' needs targets {expected};"
    with pytest.raises(InvalidTableError, match=message):
        TargetScale.of([1.0, bad, 2.0], transform)


def test_deviation_of_a_square_is_that_of_the_squares():
    scale = TargetScale.of([0.0, 1.0, 16.0], "sqrt")
    normal = np.random.default_rng(0).normal(size=(200_000, 1))
    for root in (0.0, 0.5, 3.0):
        at, deviation = (np.array([[root]]) - scale.mean) / scale.scale, np.array([[0.4]])
        squares = np.square((at + 0.4 * normal) * scale.scale + scale.mean)
        found = scale.restore_deviation(at, deviation)
        np.testing.assert_allclose(found, squares.std(), rtol=0.01)
    below = scale.restore((np.array([[-0.5]]) - scale.mean) / scale.scale)
    assert below.tolist() == [0.0]
