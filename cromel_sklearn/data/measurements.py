"""Tables of measurements: one column of compositions, numeric columns beside it."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..exceptions import (
    InvalidCompositionError,
    InvalidCompositionWarning,
    InvalidTableError,
)
from .composition import CompositionBatch, read_compositions
from .table_layout import TableLayout, as_frame, find_layout
from .targets import LARGEST_NUMBER

#: What `on_invalid` of estimators accepts.
ON_INVALID = ("raise", "drop", "nan")
_SHOWN_ROWS = 10


@dataclass(frozen=True)
class MeasurementTable:
    """Rows of a table, each a composition with numeric values beside it.

    Attributes
    ----------
    compositions : CompositionBatch of n_compositions rows
        The distinct compositions.
    composition_of_row : ndarray of shape (n_samples,), int64
        Row of `compositions` for each row of the table.
    features : ndarray of shape (n_samples, n_feature_columns), float64
        In the units of the table.
    valid : ndarray of shape (n_rows,), bool
        Rows of the source that the table holds; all of them unless invalid ones were left out.

    Examples
    --------
    >>> from cromel_sklearn.data.measurements import read_table
    >>> table = read_table(["NaCl", "MgO", "Cl2Na2"])
    >>> len(table), len(table.compositions)
    (3, 2)
    """

    compositions: CompositionBatch
    composition_of_row: np.ndarray
    features: np.ndarray
    valid: np.ndarray

    def __len__(self) -> int:
        return len(self.composition_of_row)

    def __getitem__(self, rows) -> "MeasurementTable":
        """Give some of the rows, with the compositions that they have."""
        distinct, inverse = np.unique(self.composition_of_row[rows], return_inverse=True)
        features = self.features[rows]
        return MeasurementTable(
            self.compositions[distinct], inverse, features, np.ones(len(features), dtype=bool)
        )


def read_table(
    X, layout: TableLayout | None = None, known_elements=None, on_invalid: str = "raise"
) -> MeasurementTable:
    """Read and check a table of compositions, with or without numeric columns.

    Parameters
    ----------
    X : sequence of compositions, or table with one column of them beside others
        As `read_compositions` reads them; a DataFrame, or an array of shape (n_samples, n_columns).
    layout : TableLayout, optional
        From `find_layout`, which is asked by default.
    known_elements : frozenset of int, optional
        Atomic numbers that the encoder knows; all by default.
    on_invalid : {"raise", "drop"}, default="raise"
        Raise one error that names the bad rows, or leave them out with one warning.

    Returns
    -------
    MeasurementTable

    Raises
    ------
    InvalidTableError
        If a numeric value is missing, no number or too large.
    InvalidCompositionError
        If a row is not a composition.

    Examples
    --------
    >>> import pandas as pd
    >>> from cromel_sklearn.data.measurements import read_table
    >>> frame = pd.DataFrame({"formula": ["NaCl", "MgO"], "temperature_K": [300, 400]})
    >>> read_table(frame).features
    array([[300.],
           [400.]])
    """
    layout = find_layout(X) if layout is None else layout
    frame = as_frame(X) if layout.formula_column is not None else None
    drops = on_invalid != "raise"
    column = X if frame is None else frame[layout.formula_column]
    batch, inverse, valid = _compositions(column, known_elements, drops)
    if frame is None or not layout.feature_columns:
        return MeasurementTable(batch, inverse, np.empty((len(inverse), 0)), valid)
    features, has_numbers = _numbers(frame[list(layout.feature_columns)], drops)
    keeps = has_numbers[valid]
    if not keeps.all():
        left, inverse = np.unique(inverse[keeps], return_inverse=True)
        batch = batch[left]
    both = valid & has_numbers
    return MeasurementTable(batch, inverse, features[both], both)


def require_no_target(table: MeasurementTable, layout: TableLayout, targets: np.ndarray) -> None:
    """Refuse a numeric column that is the target itself.

    Parameters
    ----------
    table : MeasurementTable of n_samples rows
    layout : TableLayout
    targets : ndarray of shape (n_samples, n_outputs)

    Raises
    ------
    InvalidTableError
        Naming the column.
    """
    for name, values in zip(layout.feature_columns, table.features.T, strict=True):
        for target in targets.T:
            measured = np.isfinite(target)
            given = values[measured]
            if len(given) > 3 and np.ptp(given) > 0 and np.array_equal(given, target[measured]):
                raise InvalidTableError(
                    f"Column {name!r} of X equals the target y: the model would only repeat it. "
                    f"Drop the column, or name the numeric columns to use in feature_columns."
                )


def _compositions(column, known_elements, drops: bool):
    """Distinct compositions, their row for each valid row, and which rows are valid."""
    if not drops:
        try:
            return read_compositions(column, known_elements=known_elements)
        except InvalidCompositionError as error:
            if not error.problems:
                raise
            report = str(error).rpartition("\nCorrect these rows")[0] or str(error)
            raise InvalidCompositionError(
                f"{report}\nCorrect these rows, or pass on_invalid='drop' to leave them out of fit "
                f"and to predict NaN for them.",
                error.problems,
            ) from error
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = read_compositions(column, on_invalid="nan", known_elements=known_elements)
    for warning in caught:
        if isinstance(warning.message, InvalidCompositionWarning):
            problems = warning.message.problems
            report = str(warning.message).rpartition("\n")[0]
            warnings.warn(
                InvalidCompositionWarning(f"{report}\nThese rows are left out.", problems),
                stacklevel=5,
            )
        else:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
    return found


def _numbers(frame: pd.DataFrame, drops: bool) -> tuple[np.ndarray, np.ndarray]:
    """Values of numeric columns, and which rows have all of them."""
    for name, kind in frame.dtypes.items():
        if getattr(kind, "kind", "") == "c":
            raise InvalidTableError(f"Column {name!r} holds complex numbers; pass real ones.")
    numbers = frame.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    is_bad = ~(np.abs(numbers) <= LARGEST_NUMBER)
    rows = is_bad.any(axis=1)
    if rows.any():
        row, column = np.argwhere(is_bad)[0]
        value = frame.astype(object).iat[row, column]
        more = f" (and {is_bad.sum() - 1} more values)" if is_bad.sum() > 1 else ""
        report = f"Column {frame.columns[column]!r} has {value!r} at index {row}{more}"
        expected = f"expected a finite number of at most {LARGEST_NUMBER:g}"
        if not drops:
            raise InvalidTableError(
                f"{report}; {expected}. Fill in the value, change the unit, or leave the row out "
                f"(on_invalid='drop')."
            )
        shown = ", ".join(map(str, np.flatnonzero(rows)[:_SHOWN_ROWS]))
        more = ", ..." if rows.sum() > _SHOWN_ROWS else ""
        warnings.warn(
            InvalidCompositionWarning(
                f"{report}; {expected}. The rows at index {shown}{more} are left out."
            ),
            stacklevel=4,
        )
    return numbers, ~rows
