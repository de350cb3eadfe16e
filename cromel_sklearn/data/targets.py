"""Measured values, classes and weights of rows, checked before anything is fitted to them.

Whatever a fit could not use as it stands (an imaginary part, a date, a value whose square is no
number) is refused with its row, its value and what was expected; nothing is converted in silence.
"""

import datetime
from decimal import Decimal
from numbers import Real

import numpy as np
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, column_or_1d

from ..exceptions import InvalidTableError

#: Largest magnitude of a target: squares and sums of squares of it are still numbers.
LARGEST_TARGET = 1e100
#: Largest magnitude of a numeric column or a weight, and the smallest largest weight: networks
#: compute in single precision, which ends at 3e38 and at 1e-38.
LARGEST_NUMBER = 1e30
_SMALLEST_WEIGHT = 1e-30


def checked_targets(y, *, allow_missing: bool = True) -> np.ndarray:
    """Read measured values.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Real numbers; also an array of Python objects that are real numbers.
    allow_missing : bool, default=True
        Let single values of several outputs be NaN. A row without any value is refused.

    Returns
    -------
    ndarray of shape (n_samples,) or (n_samples, n_outputs), float64
        In the unit of `y`.

    Raises
    ------
    InvalidTableError
        If a value is complex, a date, a text, masked, missing, infinite or beyond 1e100; names the
        row.

    Examples
    --------
    >>> from cromel_sklearn.data.targets import checked_targets
    >>> checked_targets([1, 2.5])
    array([1. , 2.5])
    """
    _require_real(y)
    rule = "allow-nan" if allow_missing else True
    try:
        values = check_array(
            y, ensure_2d=False, dtype=np.float64, ensure_all_finite=rule, input_name="y"
        )
    except (ValueError, OverflowError) as error:
        raise _with_its_row(y, error) from error
    rows = values.reshape(len(values), -1)
    empty = np.isnan(rows).all(axis=1)
    if empty.any():
        raise InvalidTableError(
            f"y has no measured value at index {np.flatnonzero(empty)[0]} ({empty.sum()} such "
            f"rows, NaN); leave these rows out. Only with several outputs may some be NaN."
        )
    unmeasured = np.flatnonzero(np.isnan(rows).all(axis=0))
    if len(values) and len(unmeasured):
        raise InvalidTableError(
            f"Output {unmeasured[0]} of y has no measured value in any row; leave it out."
        )
    require_magnitude(rows, LARGEST_TARGET, "y")
    return values


def checked_classes(y) -> np.ndarray:
    """Read the class of each row.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, 1)
        Texts, whole numbers or booleans.

    Returns
    -------
    ndarray of shape (n_samples,)

    Raises
    ------
    InvalidTableError
        If a class is missing, complex or a date; names the row.
    ValueError
        If the values are no classes.

    Examples
    --------
    >>> from cromel_sklearn.data.targets import checked_classes
    >>> checked_classes(["metal", "insulator"])
    array(['metal', 'insulator'], dtype='<U9')
    """
    _require_no_masks(y)
    _require_no_dates(np.asarray(y))
    y = column_or_1d(y, warn=True)
    for index, value in enumerate(y if y.dtype.kind == "O" else ()):
        if _is_missing(value) or value != value:
            raise InvalidTableError(
                f"y has no class at index {index}: {value!r}; leave the row out. Input contains "
                f"NaN."
            )
    assert_all_finite(y, input_name="y")
    check_classification_targets(y)
    return y


def checked_weights(sample_weight, n_samples: int) -> np.ndarray:
    """Read the weights of rows.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,), number or None
        None weighs all rows alike.
    n_samples : int

    Returns
    -------
    ndarray of shape (n_samples,), float64

    Raises
    ------
    InvalidTableError
        If a weight is negative, no number, beyond 1e30, or all are zero; names the row.

    Examples
    --------
    >>> from cromel_sklearn.data.targets import checked_weights
    >>> checked_weights(None, 2)
    array([1., 1.])
    """
    if sample_weight is None:
        return np.ones(n_samples)
    _require_real(sample_weight, "sample_weight")
    if isinstance(sample_weight, Real):
        sample_weight = np.full(n_samples, sample_weight)
    try:
        weight = check_array(
            sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight"
        )
    except (ValueError, OverflowError) as error:
        raise _with_its_row(sample_weight, error, "sample_weight") from error
    if weight.shape != (n_samples,):
        raise InvalidTableError(
            f"sample_weight has the shape {weight.shape}, expected {(n_samples,)}: one weight a "
            f"row."
        )
    if (weight < 0).any():
        row = np.flatnonzero(weight < 0)[0]
        raise InvalidTableError(
            f"sample_weight has {weight[row]} at index {row}; expected zero or more."
        )
    require_magnitude(weight[:, None], LARGEST_NUMBER, "sample_weight")
    if n_samples and weight.max() < _SMALLEST_WEIGHT:
        raise InvalidTableError(
            f"The largest sample_weight is {weight.max():g}; expected one above "
            f"{_SMALLEST_WEIGHT:g}, not zero. Only ratios of weights count: multiply them by a "
            f"constant."
        )
    return weight


def require_magnitude(values: np.ndarray, largest: float, name: str, columns=None) -> None:
    """Refuse numbers that arithmetic with them would turn into infinity.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_columns)
        NaN is left to others.
    largest : float
    name : str
        What the values are called in the message.
    columns : sequence of n_columns column names, optional

    Raises
    ------
    InvalidTableError
        Names row and column.
    """
    too_large = np.argwhere(np.abs(values) > largest)
    if not len(too_large):
        return
    row, column = too_large[0]
    place = f"index {row}" if values.shape[1] == 1 else f"index {row}, column {column}"
    subject = name if columns is None else f"{name} {columns[column]!r}"
    place = place if columns is None else f"index {row}"
    more = f" (and {len(too_large) - 1} more values)" if len(too_large) > 1 else ""
    raise InvalidTableError(
        f"{subject} has {values[row, column]:g} at {place}{more}; expected magnitudes of at most "
        f"{largest:g}. Correct the value, or give all of them in a larger unit or as logarithms."
    )


def _require_real(y, name: str = "y") -> None:
    """Refuse whatever NumPy would convert to real numbers in silence."""
    _require_no_masks(y, name)
    if hasattr(y, "toarray"):
        raise InvalidTableError(f"{name} is a sparse {type(y).__name__}; expected a dense array.")
    try:
        array = np.asarray(y)
    except ValueError as error:  # rows of several lengths
        raise InvalidTableError(f"{name} is no array of numbers: {error}") from error
    _require_no_dates(array, name)
    if array.dtype.kind not in "OUST":
        return
    for index, value in np.ndenumerate(array):
        if not (isinstance(value, Real | Decimal | np.bool_) or _is_missing(value)):
            raise _no_number(name, value, index)


def _require_no_masks(y, name: str = "y") -> None:
    """Refuse values that are masked: what lies under a mask would be taken for measured."""
    if np.ma.is_masked(y):
        row = np.argwhere(np.ma.getmaskarray(y))[0][0]
        raise InvalidTableError(
            f"{name} is masked at index {row} ({np.ma.count_masked(y)} such values); leave these "
            f"rows out."
        )


def _require_no_dates(array: np.ndarray, name: str = "y") -> None:
    if array.dtype.kind in "cmM":
        what = "complex numbers" if array.dtype.kind == "c" else "dates or durations"
        value = array.ravel()[0] if array.size else None
        raise InvalidTableError(
            f"{name} holds {what} ({array.dtype}, the first is {value}). Complex data not "
            f"supported, nor dates: pass real numbers or classes, one a row."
        )
    if array.dtype.kind == "O":
        for index, value in np.ndenumerate(array):
            if isinstance(value, complex | np.complexfloating) or _is_date(value):
                raise _no_number(name, value, index)


def _is_date(value) -> bool:
    dates = (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64)
    return isinstance(value, dates)


def _is_missing(value) -> bool:
    """Whether a value is None, or an object that stands for a missing one, such as pandas.NA."""
    import pandas as pd

    return value is None or value is pd.NA or value is pd.NaT


def _no_number(name: str, value, index) -> InvalidTableError:
    shown = repr(value.item() if isinstance(value, np.generic) else value)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    return InvalidTableError(
        f"{name} has {shown} at index {index[0] if index else 0}; expected a finite number. "
        f"Correct the value or leave the row out."
    )


def _with_its_row(y, error: Exception, name: str = "y") -> InvalidTableError:
    """Add the first value that is no number, or infinite, to what scikit-learn says."""
    for index, value in np.ndenumerate(np.asarray(y, dtype=object)):
        if index and not _is_number(value):
            return InvalidTableError(f"{error} {_no_number(name, value, index)}")
    return InvalidTableError(str(error))


def _is_number(value) -> bool:
    try:
        return not np.isinf(float(value))
    except (TypeError, ValueError, OverflowError):
        return value is None
