"""Arrow batches with formulas, embedded: what a chunk of a table, or a Dask partition, becomes."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from ..data.composition import ON_INVALID
from ..data.elements import SYMBOLS
from ..encoders.checkpoint import Checkpoint
from ..encoders.registry import load_encoder
from ..exceptions import InvalidCompositionError, InvalidCompositionWarning, InvalidTableError
from .transformer import CroMELTransformer

#: Types of numbers that embeddings can be written in.
DTYPES = ("float32", "float16")


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


def embed_batch(
    batch, *, formula_column="formula", encoder="mp-multi", output="all",
    on_invalid="raise", dtype="float32", device="cpu",
):  # fmt: skip
    """Append embedding columns to an Arrow batch.

    For engines that hand out batches: Dask, Ray Data, Spark. The encoder is loaded once a process.

    Parameters
    ----------
    batch : pyarrow.RecordBatch or pyarrow.Table
        Of n_rows rows.
    formula_column : str, default="formula"
        Name of the column of formulas.
    encoder : str, path-like or Checkpoint, default="mp-multi"
        Registry id, `name` (newest version) or `name@version`; path of a checkpoint; or a
        `Checkpoint` from `CroMELPretrainer`.
    output : str or sequence of str, default="all"
        Blocks of columns to append: "embedding", "properties", "elements".
    on_invalid : {"raise", "nan"}, default="raise"
        What to do with rows that are not a composition.
    dtype : {"float32", "float16"}, default="float32"
        Of the new columns.
    device : str, default="cpu"
        "cpu", "cuda", "cuda:<index>", or "auto" (a CUDA GPU where there is one).

    Returns
    -------
    pyarrow.RecordBatch or pyarrow.Table, as `batch`
        All its columns and rows, and the embedding.

    Raises
    ------
    InvalidTableError
        If the column is missing, or one of the new columns is there.
    InvalidCompositionError
        If a row is invalid and `on_invalid="raise"`.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from cromel_sklearn import embed_batch
    >>> embedded = embed_batch(pa.table({"formula": ["NaCl", "MgO"], "id": [1, 2]}))
    >>> embedded.column_names[:3], embedded.num_rows
    (['formula', 'id', 'cromel_000'], 2)
    """
    embedding = BatchEmbedding(formula_column, encoder, output, dtype, device)
    return settled(embedding(batch), on_invalid)


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


@dataclass(frozen=True)
class BatchEmbedding:
    """Function of a batch that appends its embedding; small to send to another process.

    Attributes
    ----------
    formula_column : str
    encoder : str, path-like or Checkpoint
    output : str or sequence of str
    dtype : str
    device : str
        The parameters of `embed_batch`.
    """

    formula_column: str = "formula"
    encoder: str | Checkpoint = "mp-multi"
    output: str | Sequence[str] = "all"
    dtype: str = "float32"
    device: str = "cpu"

    def __call__(self, batch) -> BatchResult:
        """Append the embedding; invalid rows are NaN, and named."""
        names = self.names()
        require_new(names, batch.schema, self.formula_column)
        formulas = batch[self.formula_column].to_pylist()
        transformer = self._transformer()
        stand_in = known_symbol(load_encoder(self.encoder))
        embedding, problems = for_valid_rows(transformer.transform, formulas, stand_in)
        columns = np.ascontiguousarray(embedding.T, dtype=self.dtype)
        return BatchResult(
            appended(batch, names, [pa.array(column) for column in columns]), problems
        )

    def names(self) -> list[str]:
        """Names of the columns that are appended.

        Raises
        ------
        EncoderNotFoundError, CheckpointError, ValueError
            If the encoder, the output or the dtype cannot be used.
        """
        if self.dtype not in DTYPES:
            raise ValueError(f"dtype must be one of {DTYPES}, got {self.dtype!r}")
        return list(self._transformer().get_feature_names_out())

    def _transformer(self) -> CroMELTransformer:
        return CroMELTransformer(self.encoder, output=self.output, device=self.device)


def require_new(names: Sequence[str], schema: pa.Schema, formula_column: str) -> None:
    """Check that the column of formulas is in a schema and the new columns are not."""
    if formula_column not in schema.names:
        raise InvalidTableError(
            f"There is no column {formula_column!r}; the columns are "
            f"{', '.join(map(repr, schema.names))}."
        )
    taken = [name for name in names if name in schema.names]
    if taken:
        raise InvalidTableError(f"The table already has the column {taken[0]!r}; rename it first.")


def appended(batch, names: Sequence[str], columns: Sequence[pa.Array]):
    """Append columns to a RecordBatch or a Table; its columns and metadata stay."""
    schema = batch.schema
    for name, column in zip(names, columns, strict=True):
        schema = schema.append(pa.field(name, column.type))
    return type(batch).from_arrays([*batch.columns, *columns], schema=schema)


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
