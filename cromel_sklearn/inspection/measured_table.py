"""A table of compositions with measured values, and which of its rows belong together."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..data.composition import read_compositions
from ..data.composition_batch import CompositionBatch
from ..exceptions import InvalidCompositionError, InvalidTableError

_SHOWN_PROBLEMS = 5


@dataclass(frozen=True, eq=False)
class MeasuredTable:
    """Rows as a model takes them, beside their compositions and their targets.

    Attributes
    ----------
    X : DataFrame, or list of compositions
        Of n_samples rows, in the form in which the model is given them.
    y : ndarray of shape (n_samples,)
        Measured values or classes.
    formulas : ndarray of shape (n_samples,), object
        The compositions as the table writes them.
    target_name : str
    compositions : CompositionBatch of n_samples rows
    composition_of_row : ndarray of shape (n_samples,), int64
        Rows of one composition share a number.
    system_of_row : ndarray of shape (n_samples,), int64
        Rows of one set of elements share a number.
    numbers : ndarray of shape (n_samples, n_feature_columns), float64
        The numeric columns beside the compositions; NaN where missing.
    """

    X: Any
    y: np.ndarray
    formulas: np.ndarray
    target_name: str
    compositions: CompositionBatch
    composition_of_row: np.ndarray
    system_of_row: np.ndarray
    numbers: np.ndarray

    def __len__(self) -> int:
        return len(self.y)

    @property
    def n_compositions(self) -> int:
        """Number of different compositions."""
        return len(np.unique(self.composition_of_row))

    @property
    def n_systems(self) -> int:
        """Number of different sets of elements."""
        return len(np.unique(self.system_of_row))


def select_rows(X, rows):
    """Take rows of a DataFrame, Series, array or list, as the same kind of container."""
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    return X[rows] if isinstance(X, np.ndarray) else [X[row] for row in rows]


def read_measured_table(
    X, y, *, formula_column=None, feature_columns=None, model=None
) -> MeasuredTable:
    """Read compositions, numeric columns and targets, and check that they fit each other.

    Parameters
    ----------
    X : column of compositions, or DataFrame with one
        Of n_samples rows.
    y : array-like of shape (n_samples,)
    formula_column : str, optional
        Name of the column of compositions; by default that of the model's parameter of this name,
        or else the only column that is not numeric.
    feature_columns : list of str, optional
        Names of the numeric columns; the table is cut down to them and the formulas. By default
        the table stays whole, and all its numeric columns count.
    model : estimator, optional

    Returns
    -------
    MeasuredTable

    Raises
    ------
    InvalidTableError
        If a column is missing, the column of compositions cannot be told, or targets are missing,
        infinite, or not one a row.
    InvalidCompositionError
        If a row is not a composition; names row, value and reason.

    Examples
    --------
    >>> from cromel_sklearn.inspection.measured_table import read_measured_table
    >>> table = read_measured_table(["NaCl", "Na2Cl2", "NaCl3"], [1.0, 1.1, 2.0])
    >>> table.composition_of_row, table.system_of_row
    (array([0, 0, 1]), array([0, 0, 0]))
    """
    if hasattr(X, "to_pandas"):
        X = X.to_pandas()
    if isinstance(X, np.ndarray) and X.ndim == 2 and X.shape[1] > 1:
        X = pd.DataFrame(X).infer_objects()
    if isinstance(X, pd.DataFrame):
        formula_column = _formula_column(X, formula_column, model)
        names = number_columns(X, formula_column, feature_columns)
        if feature_columns is not None:
            X = X[[formula_column, *names]]
        column = X[formula_column]
        numbers = X[names].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    else:
        if formula_column is not None or feature_columns:
            raise InvalidTableError(
                "formula_column and feature_columns name columns of a DataFrame; X is a "
                f"{type(X).__name__} of compositions alone."
            )
        column, numbers = X, None
        X = X if hasattr(X, "iloc") or isinstance(X, np.ndarray) else list(X)
    try:
        batch, inverse, _ = read_compositions(column)
    except InvalidCompositionError as error:
        raise _without_foreign_advice(error) from None
    compositions = batch[inverse]
    target = _target(y, len(inverse))
    return MeasuredTable(
        X=X,
        y=target,
        formulas=formula_texts(column)[1],
        target_name=str(getattr(y, "name", None) or "target"),
        compositions=compositions,
        composition_of_row=inverse,
        system_of_row=np.unique(compositions.atomic_numbers, axis=0, return_inverse=True)[1],
        numbers=np.empty((len(inverse), 0)) if numbers is None else numbers,
    )


def formula_texts(table, formula_column=None) -> tuple:
    """Find the column of compositions of a table, and how it writes them.

    Parameters
    ----------
    table : column of compositions, or DataFrame with one
        Of n_samples rows.
    formula_column : str, optional
        By default the only column that is not numeric, or "formula".

    Returns
    -------
    column : column of compositions, as `read_compositions` takes it
    texts : ndarray of shape (n_samples,), object

    Raises
    ------
    InvalidTableError
        If the column cannot be told.
    """
    if hasattr(table, "to_pandas"):
        table = table.to_pandas()
    if isinstance(table, pd.DataFrame):
        if formula_column is None and "formula" in table:
            formula_column = "formula"
        column = table[_formula_column(table, formula_column, None)]
    else:
        column = table if hasattr(table, "shape") else list(table)
    return column, np.array([_shown(value) for value in _values(column)], dtype=object)


def _formula_column(frame: pd.DataFrame, formula_column, model):
    if formula_column is None:
        formula_column = getattr(model, "formula_column", None)
    if formula_column is None:
        rest = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
        if len(rest) != 1:
            raise InvalidTableError(
                f"Cannot tell which column holds the compositions: not numeric are {rest!r}. "
                f"Name it as formula_column."
            )
        return rest[0]
    if formula_column not in frame:
        raise InvalidTableError(
            f"No column {formula_column!r} in the table; its columns are {list(frame)!r}."
        )
    return formula_column


def number_columns(frame: pd.DataFrame, formula_column, feature_columns) -> list:
    """Names of the numeric columns beside the compositions.

    Parameters
    ----------
    frame : DataFrame
    formula_column : str
    feature_columns : list of str, or None
        All numeric columns by default.

    Returns
    -------
    list of str

    Raises
    ------
    InvalidTableError
        If the table lacks one of them.
    """
    if feature_columns is None:
        return [
            name
            for name in frame
            if name != formula_column and pd.api.types.is_numeric_dtype(frame[name])
        ]
    names = [feature_columns] if isinstance(feature_columns, str) else list(feature_columns)
    missing = [name for name in names if name not in frame]
    if missing:
        raise InvalidTableError(
            f"feature_columns names {missing!r}, not among the columns {list(frame)!r}."
        )
    return names


def _target(y, n_rows: int) -> np.ndarray:
    target = np.asarray(y)
    if target.ndim == 2 and target.shape[1] == 1:
        target = target[:, 0]
    if target.ndim != 1:
        raise InvalidTableError(
            f"Expected one target a row, got an array of shape {target.shape}; evaluate one target "
            f"at a time."
        )
    if len(target) != n_rows:
        raise InvalidTableError(f"X has {n_rows} rows, and y has {len(target)}: one a row, please.")
    missing = np.flatnonzero(pd.isna(target))
    if len(missing) == 0 and target.dtype.kind == "f":
        missing = np.flatnonzero(~np.isfinite(target))
    if len(missing):
        raise InvalidTableError(
            f"y has {target[missing[0]]} at index {missing[0]} (such rows: {len(missing)}); "
            f"expected a measured value. Leave these rows out."
        )
    return target


def _values(column) -> list:
    return list(np.asarray(column, dtype=object).ravel()) if hasattr(column, "shape") else column


def _shown(value) -> str:
    """Text of a composition, short also for a pymatgen structure."""
    composition = getattr(value, "composition", value)
    return getattr(composition, "reduced_formula", None) or str(composition)


def _without_foreign_advice(error: InvalidCompositionError) -> InvalidCompositionError:
    """Say what cannot be read, without recommending a parameter that is not here."""
    if not error.problems:
        return error
    lines = [
        f"index {index}: {value!r}: {reason}"
        for index, value, reason in error.problems[:_SHOWN_PROBLEMS]
    ]
    if len(error.problems) > _SHOWN_PROBLEMS:
        lines.append(f"and {len(error.problems) - _SHOWN_PROBLEMS} more")
    rows = "\n  ".join(lines)
    return InvalidCompositionError(
        f"Rows that are no compositions ({len(error.problems)}); correct them or leave them out:"
        f"\n  {rows}",
        error.problems,
    )
