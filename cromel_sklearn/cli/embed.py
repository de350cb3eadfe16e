"""`cromel embed`: a table with a column of formulas in, the same with embedding columns out."""

from dataclasses import replace
from typing import Annotated

import typer

from . import options


def embed(
    source: options.TableIn,
    target: options.TableOut,
    formula_column: options.FormulaColumn = None,
    encoder: options.Encoder = "mp-multi",
    output: Annotated[
        str, typer.Option(help="all, or some of embedding,properties,elements with commas.")
    ] = "all",
    dtype: Annotated[str, typer.Option(help="float32, or float16 for half the size.")] = "float32",
    float_format: options.FloatFormat = None,
    on_invalid: options.OnInvalid = "raise",
    sep: options.Separator = None,
    decimal: options.Decimal = ".",
    sheet: options.Sheet = None,
    device: options.Device = "cpu",
    n_jobs: options.NJobs = 1,
    cluster: options.Cluster = None,
    chunk_rows: options.ChunkRows = 16384,
    overwrite: options.Overwrite = False,
    resume: options.Resume = False,
) -> None:
    """Append embedding columns to a table of any size; the other columns stay as they are."""
    from ..data.formula_column import find_formula_column
    from ..data.table_reader import TableReader
    from ..device import inference_device
    from ..encoders.registry import encoder_identity, load_encoder
    from ..estimators.arrow_embeddings import BatchEmbedding
    from .appended_columns import append_columns, checked_rows

    invalid = checked_rows(source, on_invalid, float_format)
    inference_device(device)
    reader = TableReader(source, chunk_rows=chunk_rows, separator=sep, decimal=decimal, sheet=sheet)
    column = find_formula_column(reader.head(), formula_column, reader.source)
    blocks = output if output == "all" else tuple(output.split(","))
    function = BatchEmbedding(column, encoder, blocks, dtype, device)
    function.require_columns(reader.schema)
    if cluster is not None:  # the file of an encoder is on this machine
        function = replace(function, encoder=load_encoder(encoder))
    job = {
        "command": "embed", "formula_column": column, "output": output, "dtype": dtype,
        "encoder": [encoder, encoder_identity(encoder)],
    }  # fmt: skip
    append_columns(
        function, reader, target, job, invalid, title="embedding", sheet=sheet, sep=sep,
        decimal=decimal, float_format=float_format, n_jobs=n_jobs, cluster=cluster,
        overwrite=overwrite, resume=resume, remark=f"; formulas from column {column!r}",
    )  # fmt: skip
