"""Arrow batches with formulas, embedded."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from ..encoders.checkpoint import Checkpoint
from ..encoders.registry import load_encoder
from .arrow_batches import BatchColumns, for_valid_rows, known_symbol, settled
from .transformer import CroMELTransformer

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
        embedding, problems = for_valid_rows(
            self._transformer().transform,
            batch[self.formula_column].to_pylist(),
            known_symbol(load_encoder(self.encoder)),
        )
        columns = np.ascontiguousarray(embedding.T, dtype=self.dtype)
        return [pa.array(column) for column in columns], problems

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
