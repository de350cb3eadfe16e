"""Arrow batches with formulas, and the columns that are appended to a chunk or a Dask partition."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from ..data.composition import ON_INVALID
from ..data.elements import SYMBOLS
from ..encoders.checkpoint import Checkpoint
from ..exceptions import InvalidCompositionError, InvalidCompositionWarning, InvalidTableError


@dataclass(frozen=True)
class BatchResult:
    """A batch with its new columns.

    Attributes
    ----------
    batch : pyarrow.RecordBatch or pyarrow.Table
    problems : list of (index, value, reason)
        Rows of the batch, counted from 0, whose new columns are missing values.
    """

    batch: Any
    problems: list


class BatchColumns(ABC):
    """Function of a batch that appends columns to it; each subclass is a frozen dataclass.

    Attributes
    ----------
    formula_column : str
        Of the batch.
    """

    formula_column: str
    #: What to do where a column of that name is there.
    other_names = "rename it first"

    def __call__(self, batch) -> BatchResult:
        """Append the columns; those of invalid rows are missing values, and the rows are named."""
        self.require_columns(batch.schema)
        columns, problems = self.columns(batch)
        schema = batch.schema
        for name, column in zip(self.names(), columns, strict=True):
            schema = schema.append(pa.field(name, column.type))
        appended = type(batch).from_arrays([*batch.columns, *columns], schema=schema)
        return BatchResult(appended, problems)

    @abstractmethod
    def names(self) -> list[str]:
        """Names of the columns that are appended."""

    @abstractmethod
    def columns(self, batch) -> tuple[list[pa.Array], list[tuple[int, Any, str]]]:
        """Columns that are appended, and (index, value, reason) of each row that is invalid."""

    def require_columns(self, schema: pa.Schema) -> None:
        """Check that what is read is among the columns of a table, and what is appended is not."""
        if self.formula_column not in schema.names:
            raise InvalidTableError(
                f"There is no column {self.formula_column!r}; the columns are "
                f"{', '.join(map(repr, schema.names))}."
            )
        taken = [name for name in self.names() if name in schema.names]
        if taken:
            raise InvalidTableError(
                f"The table already has the column {taken[0]!r}; {self.other_names}."
            )


def settled(result: BatchResult, on_invalid: str):
    """Take the batch out of a result: raise, or warn, where rows are invalid."""
    if on_invalid not in ON_INVALID:
        raise ValueError(f"on_invalid must be one of {ON_INVALID}, got {on_invalid!r}")
    if result.problems:
        lines = [f"row {index}: {value!r}: {reason}" for index, value, reason in result.problems]
        shown = "\n  ".join([*lines[:10], *([f"and {len(lines) - 10} more"] if lines[10:] else [])])
        message = f"{len(lines)} of {result.batch.num_rows} rows are invalid:\n  {shown}"
        if on_invalid == "raise":
            raise InvalidCompositionError(message, result.problems)
        warnings.warn(InvalidCompositionWarning(message, result.problems), stacklevel=3)
    return result.batch


def known_symbol(checkpoint: Checkpoint) -> str:
    """Symbol of an element that an encoder knows."""
    return SYMBOLS[min(checkpoint.known_elements) - 1]


def for_valid_rows(
    function: Callable[[list], np.ndarray], rows: list, stand_in: Any
) -> tuple[np.ndarray, list[tuple[int, Any, str]]]:
    """Apply a function of rows to those that are compositions.

    Parameters
    ----------
    function : callable
        Of a list of rows, to an array with as many rows; raises `InvalidCompositionError`.
    rows : list of length n_rows
    stand_in : object
        A valid row, which gives the width of the result where no row is valid.

    Returns
    -------
    ndarray of n_rows rows
        NaN where a row is invalid.
    list of (index, value, reason)
    """
    if not rows:
        return function([stand_in])[:0], []
    try:
        return function(rows), []
    except InvalidCompositionError as error:
        problems = error.problems
        if not problems:
            raise
    valid = np.ones(len(rows), dtype=bool)
    valid[[index for index, _, _ in problems]] = False
    kept = [row for row, is_valid in zip(rows, valid, strict=True) if is_valid]
    values = function(kept or [stand_in])
    result = np.full((len(rows), *values.shape[1:]), np.nan, dtype=values.dtype)
    result[valid] = values[: valid.sum()]
    return result, problems
