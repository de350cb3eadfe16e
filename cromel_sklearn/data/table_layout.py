"""Which columns of a table are used: the one of compositions, and numeric ones beside it."""

from dataclasses import dataclass, field
from numbers import Real

import numpy as np
import pandas as pd

from ..exceptions import InvalidTableError

#: Names that a column of compositions has where several columns are text.
_USUAL_NAMES = ("formula", "composition")


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
        The numeric columns; by default all columns of a numeric type, or of Python's numbers.

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
    >>> from cromel_sklearn.data.table_layout import find_layout
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
    numeric = [name for name in columns if _is_numeric(frame[name])]
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


def _is_numeric(column: pd.Series) -> bool:
    """Whether a column is of numbers: by its type, or each one of its objects that is there."""
    if column.dtype != object:
        return pd.api.types.is_numeric_dtype(column)
    there = column[column.notna()]
    return len(there) > 0 and all(isinstance(value, Real) for value in there)


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
