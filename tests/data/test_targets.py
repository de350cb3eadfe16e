"""Targets, classes and weights: read as they are, or refused with row and value."""

import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from cromel_sklearn import InvalidTableError
from cromel_sklearn.data.target_scale import TargetScale
from cromel_sklearn.data.targets import checked_classes, checked_targets, checked_weights

Y = np.array([3.0, -1.0, 2.5, 7.0])


@pytest.mark.parametrize(
    "y",
    [
        Y, Y.tolist(), Y.astype(np.float32), Y.astype(object),
        pd.Series(Y), pd.Series(Y, dtype="Float64"),
        [3, Fraction(-1), Decimal("2.5"), np.float32(7)],
    ],
)  # fmt: skip
def test_real_numbers_of_every_kind_are_read(y):
    values = checked_targets(y)
    assert values.dtype == np.float64
    assert np.array_equal(values, Y)


def test_several_outputs_may_lack_single_values():
    several = np.array([[1.0, np.nan], [np.nan, 2.0]])
    assert np.array_equal(checked_targets(several), several, equal_nan=True)
    with pytest.raises(InvalidTableError, match="Input y contains NaN"):
        checked_targets(several, allow_missing=False)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (Y + 1j, r"y holds complex numbers .complex128, the first is \(3\+1j\).. Complex data not"),
        (np.array(["2020-01-01"] * 4, dtype="M8[D]"), "y holds dates or durations .datetime64"),
        (pd.to_timedelta([1, 2, 3, 4], unit="D"), "y holds dates or durations"),
        ([1.0, datetime.date(2020, 1, 1)], "y has datetime.date.2020, 1, 1. at index 1; expected"),
        (np.array([1.0, 1j], dtype=object), "y has 1j at index 1; expected a finite number"),
        ([1.0, [2.0]], "y is no array of numbers: .*inhomogeneous"),
        (csr_matrix(np.eye(2)), "y is a sparse csr_matrix; expected a dense array"),
        ([1.0, 10**400], "too large to convert to float y has 1000.*... at index 1; expected"),
        (
            np.ma.masked_array([1.0, 2.0], [False, True]),
            "y is masked at index 1 .1 such",
        ),
        ([[1.0, np.nan], [2.0, np.nan]], "Output 1 of y has no measured value in any row; leave"),
        (["1.0", "2.0"], "y has '1.0' at index 0; expected a finite number"),
        ([1.0, None], "y has no measured value at index 1"),
        ([1.0, np.inf], "y has inf at index 1; expected a finite number"),
        ([1.0, -1e200, 1e300], "y has -1e.200 at index 1 .and 1 more values.; expected magnitudes"),
        ([[1.0, 2.0], [3.0, 1e101]], "y has 1e.101 at index 1, column 1; expected magnitudes of"),
    ],
)
def test_what_would_be_converted_or_overflow_is_refused(y, message):
    with pytest.raises(InvalidTableError, match=message):
        checked_targets(y)
    with pytest.raises(InvalidTableError, match=message):
        TargetScale.of(y, None)


@pytest.mark.parametrize("factor", [1e-300, 1e-200, 1e-20, 1.0, 1e20, 1e99])
def test_the_unit_of_a_target_does_not_matter(factor):
    scale, expected = TargetScale.of(Y * factor, None), TargetScale.of(Y, None).standardise(Y)
    np.testing.assert_allclose(scale.standardise(Y * factor), expected, rtol=1e-12)
    np.testing.assert_allclose(scale.restore(expected), Y * factor, rtol=1e-12)
    spread = scale.restore_deviation(expected, np.ones((4, 1)))
    np.testing.assert_allclose(spread, np.std(Y) * factor, rtol=1e-12)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.array([1j, 2j]), "y holds complex numbers"),
        (np.array(["2020", "2021"], dtype="M8[Y]"), "y holds dates or durations"),
        ([datetime.date(2020, 1, 1), "a"], "y has datetime.date.* at index 0"),
        ([1.0, np.nan], "Input y contains NaN"),
        ([0.5, 1.5], "Unknown label type"),
    ],
)
def test_what_is_no_class_is_refused(y, message):
    with pytest.raises(ValueError, match=message):
        checked_classes(y)


@pytest.mark.parametrize("y", [["a", "b"], [True, False], [3, 1], np.array(["a", "b"], object)])
def test_classes_are_read_as_they_are(y):
    assert checked_classes(y).tolist() == list(y)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (
            [1, 1e300, 1],
            "sample_weight has 1e.300 at index 1; expected magnitudes of at most 1e.30",
        ),
        ([1, -0.5, 1], "sample_weight has -0.5 at index 1; expected zero or more"),
        ([1, np.nan, 1], "Input sample_weight contains NaN"),
        ([1, np.inf, 1], "sample_weight has inf at index 1; expected a finite number"),
        ([1, 1j, 1], "sample_weight holds complex numbers"),
        ([1, 1], r"sample_weight has the shape \(2,\), expected \(3,\): one weight a row"),
        ([[1], [1], [1]], "sample_weight has the shape"),
        ([0, 0, 0], "The largest sample_weight is 0; expected one above 1e-30"),
        ([1e-60, 1e-50, 0], "The largest sample_weight is 1e-50; expected one above 1e-30"),
    ],
)
def test_weights_that_cannot_weigh_are_refused(weight, message):
    with pytest.raises(InvalidTableError, match=message):
        checked_weights(weight, 3)


@pytest.mark.parametrize(("weight", "read"), [(None, [1, 1]), (2, [2, 2]), ([0, 3], [0, 3])])
def test_weights_are_read(weight, read):
    assert checked_weights(weight, 2).tolist() == read


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_a_missing_class_is_told_with_its_row(missing):
    with pytest.raises(InvalidTableError, match="y has no class at index 1: .*; leave the row out"):
        checked_classes(np.array(["metal", missing, "metal"], dtype=object))
