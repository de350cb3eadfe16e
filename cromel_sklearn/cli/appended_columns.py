"""New columns beside those of a table: what `cromel embed` and `cromel predict` have in common."""

from . import options
from .chunked_run import InvalidRows, run_to_table
from .executors import chunk_map
from .part_of_chunk import PartOfChunk
from .progress import RowProgress

#: What each title on the screen makes.
_MADE = {"embedding": "embedding", "predicting": "prediction"}


def checked_rows(source: str, on_invalid: str, float_format: str | None) -> InvalidRows:
    """Check options before any work, and prepare the list of rows that cannot be read."""
    from ..data.table_cells import check_float_format

    invalid = InvalidRows(source, on_invalid)
    if float_format is not None:
        check_float_format(float_format)
    return invalid


def append_columns(
    function, reader, target: str, job: dict, invalid: InvalidRows, *, title: str, sheet, sep,
    decimal, float_format, n_jobs: int, cluster, overwrite: bool, resume: bool, remark: str = "",
) -> None:  # fmt: skip
    """Send a table through a function of its batches, write it, and say so in one line.

    Parameters
    ----------
    function : BatchEmbedding or BatchPrediction
    reader : TableReader
    target : str
        As typed, likewise the options.
    job : dict
        What makes the output what it is, beside the table and its options: a run that resumes must
        agree.
    invalid : InvalidRows
    title : {"embedding", "predicting"}
        On the bar of progress.
    remark : str, default=""
        At the end of the line.
    """
    from ..data.source_identity import source_identity
    from ..data.table_writer import TableWriter

    console = options.error_console()
    job = {
        **job, "source": source_identity(invalid.source), "float_format": float_format, "sep": sep,
        "decimal": decimal, "sheet": sheet, "chunk_rows": reader.chunk_rows,
    }  # fmt: skip
    writer = TableWriter(
        target, job, overwrite=overwrite, resume=resume, separator=sep, decimal=decimal,
        float_format=float_format,
    )  # fmt: skip
    part_writer = writer.part_writer(is_here=cluster is None)
    made = PartOfChunk(function, part_writer, invalid.on_invalid == "raise")
    with (
        options.goes_on(writer),
        chunk_map(made, n_jobs=n_jobs, cluster=cluster) as chunks_through,
        RowProgress(title, console) as progress,
    ):
        n_rows = run_to_table(
            reader, writer, chunks_through, invalid, progress,
            lambda: function(reader.empty_batch()).batch,
        )  # fmt: skip
    invalid.report(console)
    console.print(
        f"{n_rows:,} rows written to {options.shown_target(target)}, {invalid.n_rows:,} of them "
        f"without {_MADE[title]} ({progress.summary()}{remark})",
        highlight=False, soft_wrap=True, markup=False,
    )  # fmt: skip
