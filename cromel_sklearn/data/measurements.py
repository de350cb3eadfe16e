"""Tables of measurements: one column of compositions, numeric columns beside it."""

import warnings
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..exceptions import (
    InvalidCompositionError,
    InvalidCompositionWarning,
    InvalidTableError,
)
from .composition import CompositionBatch, read_compositions
from .targets import LARGEST_NUMBER

#: What `on_invalid` of estimators accepts.
ON_INVALID = ("raise", "drop", "nan")
#: Names that a column of compositions has where several columns are text.
_USUAL_NAMES = ("formula", "composition")
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


@dataclass(frozen=True)
class TableLayout:
    """Which columns of a table are used, so that a new table is read as the first one.

    Attributes
    ----------
    formula_column : column name, or None
        None where the input is a single column.
    feature_columns : tuple of column names
        Numeric columns, in the order in which they are used.
    all_columns : tuple of column names
        All columns of the first table, in its order.
    """

    formula_column: object = None
    feature_columns: tuple = field(default=())
    all_columns: tuple = field(default=())

    @property
    def used_columns(self) -> tuple:
        """Columns in use, in the order of the first table."""
        used = {self.formula_column, *self.feature_columns}
        return tuple(name for name in self.all_columns if name in used)


def find_layout(X, formula_column=None, feature_columns=None) -> TableLayout:
    """Tell the column of compositions and the numeric columns of a table.

    Parameters
    ----------
    X : sequence of compositions, or table with one column of them beside others
        A DataFrame, or an array of shape (n_samples, n_columns).
    formula_column : column name, optional
        By default the one column that is not numeric; of several, the one called "formula" or
        "composition".
    feature_columns : list of column names, optional
        The numeric columns; by default all columns of a numeric type.

    Returns
    -------
    TableLayout

    Raises
    ------
    InvalidTableError
        If the columns cannot be told.

    Examples
    --------
    >>> import pandas as pd
    >>> from cromel_sklearn.data.measurements import find_layout
    >>> frame = pd.DataFrame({"formula": ["NaCl", "MgO"], "temperature_K": [300, 400]})
    >>> find_layout(frame).feature_columns
    ('temperature_K',)
    """
    frame = as_frame(X)
    if frame is None:
        if feature_columns is not None and len(feature_columns):
            raise InvalidTableError(
                f"feature_columns={list(feature_columns)!r} needs a table with these columns and "
                f"one of compositions, got a single column."
            )
        name = getattr(X, "columns", [None])[0]  # of a frame with one column
        if formula_column is not None and name is not None and name != formula_column:
            raise InvalidTableError(
                f"formula_column={formula_column!r} is not in X; its only column is {name!r}."
            )
        return TableLayout()
    columns = list(frame)
    if len(set(columns)) < len(columns):
        raise InvalidTableError(f"The columns of X have names that repeat: {columns!r}.")
    numeric = [name for name in columns if pd.api.types.is_numeric_dtype(frame[name])]
    names = numeric if feature_columns is None else list(feature_columns)
    unknown = [name for name in names if name not in columns]
    if unknown:
        raise InvalidTableError(
            f"feature_columns names {unknown!r}, which X lacks; its columns are {columns!r}."
        )
    if formula_column is None:
        formula_column = _composition_column(columns, {*names, *numeric}, feature_columns)
    elif formula_column not in columns:
        raise InvalidTableError(
            f"formula_column={formula_column!r} is not in X; its columns are {columns!r}."
        )
    if formula_column in names:
        raise InvalidTableError(
            f"Column {formula_column!r} cannot be both formula_column and one of feature_columns."
        )
    if feature_columns is None:
        ignored = [name for name in columns if name not in {*numeric, formula_column}]
        if ignored:
            raise InvalidTableError(
                f"Expected numeric columns beside the compositions in {formula_column!r}, got "
                f"{ignored!r}; name the columns to use in feature_columns, or drop the others."
            )
    return TableLayout(formula_column, tuple(names), tuple(columns))


def select_columns(X, layout: TableLayout):
    """Give the columns in use of a new table, found by name where it has names.

    Parameters
    ----------
    X : as in `find_layout`
    layout : TableLayout
        Of the first table; more columns and another order are taken.

    Returns
    -------
    DataFrame of the columns in use, in the order of the first table; or `X`, of a single column

    Raises
    ------
    InvalidTableError
        If a column is missing.
    """
    frame = as_frame(X)
    if frame is None:
        if layout.feature_columns:
            raise InvalidTableError(
                f"X has 1 columns, but the model is expecting {1 + len(layout.feature_columns)} "
                f"columns as in fit: {list(layout.used_columns)!r}."
            )
        return X
    if layout.formula_column is None:
        return X
    if not isinstance(X, np.ndarray) and _has_names(frame):
        missing = [name for name in layout.used_columns if name not in frame]
        if missing and all(isinstance(name, str) for name in layout.used_columns):
            raise InvalidTableError(
                f"X lacks the columns {missing!r}; the feature names should match those that were "
                f"passed during fit: {list(layout.used_columns)!r}."
            )
        if not missing:
            return frame[list(layout.used_columns)]
    if frame.shape[1] == len(layout.all_columns):
        return frame.set_axis(list(layout.all_columns), axis=1)[list(layout.used_columns)]
    if frame.shape[1] == len(layout.used_columns):
        return frame.set_axis(list(layout.used_columns), axis=1)
    raise InvalidTableError(
        f"X has {frame.shape[1]} columns, but the model is expecting {len(layout.used_columns)} "
        f"columns as in fit: {list(layout.used_columns)!r}."
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


def as_frame(X) -> pd.DataFrame | None:
    """Table with several columns as a pandas DataFrame; None for a single column."""
    if hasattr(X, "toarray"):
        raise InvalidTableError(
            f"Expected compositions or a table with a column of them, got a sparse "
            f"{type(X).__name__}; sparse input cannot hold formulas."
        )
    if not hasattr(X, "ndim") and not hasattr(X, "shape") and hasattr(X, "__array__"):
        X = np.asarray(X)
    if isinstance(X, list) and X and isinstance(X[0], list) and len(X[0]) > 1:
        X = np.array(X, dtype=object)
    if getattr(X, "ndim", len(getattr(X, "shape", ()))) != 2 or X.shape[1] == 1:
        return None
    if isinstance(X, np.ndarray):
        return pd.DataFrame(X).infer_objects()
    if isinstance(X, pd.DataFrame):
        return X
    if hasattr(X, "to_pandas"):
        return X.to_pandas()
    raise InvalidTableError(f"Expected a DataFrame or an array as table, got {type(X).__name__}.")


def _has_names(frame: pd.DataFrame) -> bool:
    return all(isinstance(name, str) for name in frame)


def _composition_column(columns: list, taken: set, feature_columns):
    """Name of the one column that is left for the compositions."""
    rest = [name for name in columns if name not in taken]
    if len(rest) > 1 and feature_columns is not None:
        usual = [name for name in rest if str(name).lower() in _USUAL_NAMES]
        rest = usual if len(usual) == 1 else rest
    if len(rest) != 1:
        found = f"{rest!r}" if rest else "none"
        raise InvalidTableError(
            f"Expected one column of compositions beside the numeric columns, got {found}; name "
            f"it in formula_column, and the numeric ones in feature_columns."
        )
    return rest[0]


def _numbers(frame: pd.DataFrame, drops: bool) -> tuple[np.ndarray, np.ndarray]:
    """Values of numeric columns, and which rows have all of them."""
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
