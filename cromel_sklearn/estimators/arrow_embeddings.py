"""Arrow batches with formulas, embedded."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from ..data.composition import find_compositions
from ..device import inference_device
from ..encoders.checkpoint import Checkpoint
from ..encoders.embedding_columns import EmbeddingColumns, blocks_of
from ..encoders.registry import load_encoder
from .arrow_batches import BatchColumns, settled

#: Types of numbers that embeddings can be written in.
DTYPES = ("float32", "float16")


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


@dataclass(frozen=True)
class BatchEmbedding(BatchColumns):
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

    def columns(self, batch) -> tuple[list[pa.Array], list[tuple[int, Any, str]]]:
        """Embedding, NaN for invalid rows."""
        described = self._described()
        compositions, inverse, valid, problems = find_compositions(
            batch[self.formula_column].to_pylist(), described.checkpoint.known_elements
        )
        device = inference_device(self.device)
        embedding = described.of_rows(compositions, inverse, valid, device)
        return _arrays(embedding, self.dtype), problems

    def names(self) -> list[str]:
        """Names of the columns that are appended.

        Raises
        ------
        EncoderNotFoundError, CheckpointError, ValueError
            If the encoder, the output or the dtype cannot be used.
        """
        if self.dtype not in DTYPES:
            raise ValueError(f"dtype must be one of {DTYPES}, got {self.dtype!r}")
        return self._described().names()

    def _described(self) -> EmbeddingColumns:
        return EmbeddingColumns(load_encoder(self.encoder), blocks_of(self.output))


def _arrays(values: np.ndarray, dtype: str) -> list[pa.Array]:
    """Columns of a matrix; `pyarrow.array`, which makes the same of them, imports pandas."""
    kind = pa.from_numpy_dtype(dtype)
    return [
        pa.Array.from_buffers(kind, len(column), [None, pa.py_buffer(column)])
        for column in np.ascontiguousarray(values.T, dtype=dtype)
    ]
