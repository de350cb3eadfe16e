"""Table of measured compositions, and batches of its rows."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ..exceptions import InvalidTableError
from .composition import CompositionBatch, read_compositions
from .targets import LARGEST_NUMBER, require_magnitude


@dataclass(frozen=True)
class MeasurementTable:
    """Compositions with the numeric columns beside them.

    Attributes
    ----------
    compositions : CompositionBatch of n_samples rows
    features : ndarray of shape (n_samples, n_feature_columns), float64
        In the units of the table.
    composition_of_row : ndarray of shape (n_samples,), int64
        Rows of one composition share a number.
    """

    compositions: CompositionBatch
    features: np.ndarray
    composition_of_row: np.ndarray

    def __len__(self) -> int:
        return len(self.compositions)

    def __getitem__(self, rows) -> "MeasurementTable":
        return MeasurementTable(
            self.compositions[rows], self.features[rows], self.composition_of_row[rows]
        )

    def tensors(self, dtype=torch.float32, device="cpu") -> dict[str, Tensor]:
        """Give the rows as the arguments of `FineTunedNetwork.forward`."""
        batch = self.compositions.trimmed()
        return {
            "atomic_numbers": torch.tensor(batch.atomic_numbers, device=device),
            "atomic_fractions": torch.tensor(batch.atomic_fractions, dtype=dtype, device=device),
            "features": torch.tensor(self.features, dtype=dtype, device=device),
        }


@dataclass(frozen=True)
class LabelledRows(Dataset):
    """Rows of a table with their targets and weights, by row number.

    Attributes
    ----------
    table : MeasurementTable
    target : ndarray of shape (n_samples, n_outputs), float, or (n_samples,), int
        Standardised values, NaN where missing; or class numbers.
    weight : ndarray of shape (n_samples,)
    """

    table: MeasurementTable
    target: np.ndarray
    weight: np.ndarray

    def __len__(self) -> int:
        return len(self.target)

    def __getitem__(self, index):
        if isinstance(index, int | np.integer):
            return int(index)
        return LabelledRows(self.table[index], self.target[index], self.weight[index])

    def collate(self, rows, device="cpu") -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Build a batch: the arguments of the network, and what the loss compares with."""
        rows = np.asarray(rows)
        target = torch.tensor(self.target[rows], device=device)
        if target.is_floating_point():
            target = target.float()
        weight = torch.tensor(self.weight[rows], dtype=torch.float32, device=device)
        return self.table[rows].tensors(device=device), {"target": target, "weight": weight}


def read_table(X, feature_columns, known_elements) -> MeasurementTable:
    """Read and check a table of compositions, with or without numeric columns.

    Parameters
    ----------
    X : sequence of compositions, or table with one column of them beside numeric columns
        As `read_compositions` reads them; a DataFrame, or an array of shape (n_samples, n_columns).
    feature_columns : list of column names, or None
        The numeric columns; by default all columns of a numeric type.
    known_elements : frozenset of int
        Atomic numbers that the encoder knows.

    Returns
    -------
    MeasurementTable

    Raises
    ------
    InvalidTableError
        If the column of compositions cannot be told, or a numeric value is missing or no number.
    InvalidCompositionError
        If a row is not a composition.

    Examples
    --------
    >>> import pandas as pd
    >>> from cromel_sklearn.data.measurements import read_table
    >>> frame = pd.DataFrame({"formula": ["NaCl", "MgO"], "temperature_K": [300, 400]})
    >>> read_table(frame, None, frozenset({8, 11, 12, 17})).features
    array([[300.],
           [400.]])
    """
    frame = _as_frame(X)
    if frame is None:
        if feature_columns:
            raise InvalidTableError(
                f"feature_columns={list(feature_columns)!r} needs a table with these columns and "
                f"one of compositions, got a single column."
            )
        column, features = X, np.empty((0, 0))
    else:
        names = _feature_columns(frame, feature_columns)
        column = frame[_composition_column(frame, names)]
        features = _numbers(frame[names])
    batch, inverse, valid = read_compositions(column, known_elements=known_elements)
    if frame is None:
        features = np.empty((len(valid), 0))
    return MeasurementTable(batch[inverse], features, inverse)


def _as_frame(X) -> pd.DataFrame | None:
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


def _feature_columns(frame: pd.DataFrame, feature_columns) -> list:
    if feature_columns is None:
        return _numeric_columns(frame)
    if isinstance(feature_columns, str):
        raise InvalidTableError(
            f"feature_columns must be a list of column names, got {feature_columns!r}; "
            f"pass [{feature_columns!r}]."
        )
    names = list(feature_columns)
    unknown = [name for name in names if name not in frame]
    if unknown:
        raise InvalidTableError(
            f"feature_columns names {unknown!r}, which X lacks; its columns are {list(frame)!r}."
        )
    return names


def _numeric_columns(frame: pd.DataFrame) -> list:
    return [name for name in frame if pd.api.types.is_numeric_dtype(frame[name])]


def _composition_column(frame: pd.DataFrame, names: list):
    numeric = {*names, *_numeric_columns(frame)}  # those not named take no part
    rest = [name for name in frame if name not in numeric]
    if len(rest) != 1:
        found = f"{rest!r}" if rest else "none"
        raise InvalidTableError(
            f"Expected one column of compositions beside the numeric columns {names!r}, got "
            f"{found}; drop the others or make them numeric."
        )
    return rest[0]


def _numbers(frame: pd.DataFrame) -> np.ndarray:
    numbers = frame.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    bad = np.argwhere(~np.isfinite(numbers))
    if len(bad):
        row, column = bad[0]
        value = frame.astype(object).iat[row, column]
        more = f" (and {len(bad) - 1} more values)" if len(bad) > 1 else ""
        raise InvalidTableError(
            f"Column {frame.columns[column]!r} has {value!r} at index {row}{more}; "
            f"expected a finite number. Fill in the value or leave the row out."
        )
    require_magnitude(numbers, LARGEST_NUMBER, "Column", list(frame.columns))
    return numbers
