"""`cromel predict` and `cromel screen`: a model and a table in, predictions or a shortlist out."""

import math
from pathlib import Path
from typing import Annotated

import typer

from . import options

ModelFile = Annotated[Path, typer.Argument(help="Written by cromel train.")]
Coverage = Annotated[float, typer.Option(help="Of the intervals, between 0 and 1.")]
Prefix = Annotated[str, typer.Option(help="Before the names of the new columns.")]


def predict(
    model: ModelFile,
    source: options.TableIn,
    target: options.TableOut,
    formula_column: options.FormulaColumn = None,
    coverage: Coverage = 0.9,
    prefix: Prefix = "",
    float_format: options.FloatFormat = None,
    on_invalid: options.OnInvalid = "raise",
    sep: options.Separator = None,
    decimal: options.Decimal = ".",
    sheet: options.Sheet = None,
    n_jobs: options.NJobs = 1,
    cluster: options.Cluster = None,
    chunk_rows: options.ChunkRows = 16384,
    overwrite: options.Overwrite = False,
    resume: options.Resume = False,
) -> None:
    """Append predictions to a table of any size; the other columns stay as they are.

    Columns: mean, std, lower, upper and in_domain; of classes predicted, a probability each and
    in_domain.
    """
    from ..data.source_identity import source_identity
    from .appended_columns import append_columns, checked_rows

    invalid = checked_rows(source, on_invalid, float_format)
    reader, function = _prepared(
        model, source, formula_column, coverage, prefix, sep, decimal, sheet, chunk_rows
    )
    job = {
        "command": "predict", "formula_column": function.formula_column,
        "model": source_identity(model), "coverage": coverage, "prefix": prefix,
    }  # fmt: skip
    append_columns(
        function, reader, target, job, invalid, title="predicting", sheet=sheet, sep=sep,
        decimal=decimal, float_format=float_format, n_jobs=n_jobs, cluster=cluster,
        overwrite=overwrite, resume=resume,
    )  # fmt: skip


def screen(
    model: ModelFile,
    source: Annotated[str, typer.Argument(metavar="CANDIDATES", help="A table, as for predict.")],
    target: options.TableOut,
    top: Annotated[int, typer.Option(min=1, help="Candidates on the shortlist.")] = 100,
    objective: Annotated[str, typer.Option(help="max or min.")] = "max",
    within: Annotated[
        str | None,
        typer.Option(help="Range of the prediction, lower:upper; either may be left out."),
    ] = None,
    in_domain: Annotated[
        bool, typer.Option("--in-domain", help="Leave out what is unlike all that was measured.")
    ] = False,
    improvement: Annotated[
        bool, typer.Option("--improvement", help="Rank by the expected improvement over the best.")
    ] = False,
    best: Annotated[
        float | None, typer.Option(help="Best measured value; that of the training by default.")
    ] = None,
    of_class: Annotated[
        str | None, typer.Option("--class", help="Of a classifier: the class that is wanted.")
    ] = None,
    formula_column: options.FormulaColumn = None,
    coverage: Coverage = 0.9,
    prefix: Prefix = "",
    float_format: options.FloatFormat = None,
    on_invalid: options.OnInvalid = "nan",
    sep: options.Separator = None,
    decimal: options.Decimal = ".",
    sheet: options.Sheet = None,
    n_jobs: options.NJobs = 1,
    cluster: options.Cluster = None,
    chunk_rows: options.ChunkRows = 16384,
    overwrite: options.Overwrite = False,
) -> None:
    """Find the best candidates of a table of any size; each with a reason.

    Only the shortlist is kept: neither memory nor disk holds a prediction of every candidate.
    """
    from ..data.table_format import STREAM
    from ..data.table_writer import write_table
    from ..estimators.shortlist import BatchShortlist
    from ..estimators.shortlist_reasons import shortlist_reasons
    from ..estimators.training_summary import TrainingSummary, summary_path
    from ..storage.whole_file import require_target
    from .appended_columns import checked_rows
    from .executors import OfBatch, chunk_map
    from .progress import RowProgress
    from .shortlisting import shortlisted

    console = options.error_console()
    invalid = checked_rows(source, on_invalid, float_format)
    if target != STREAM:
        require_target(target)
        if Path(target).exists() and not overwrite:
            raise ValueError(f"{target} exists; pass --overwrite to replace it.")
    reader, prediction = _prepared(
        model, source, formula_column, coverage, prefix, sep, decimal, sheet, chunk_rows
    )
    summary = TrainingSummary.of_model(model)
    if best is not None and not math.isfinite(best):
        raise ValueError(f"--best is a measured value, got {best}.")
    if improvement and best is None:
        if summary is None or summary.task != "regression":
            raise ValueError(
                f"--improvement needs the best measured value: give --best (there is no "
                f"{summary_path(model)})."
            )
        best = summary.best(objective)
    rank = _ranked_by(prediction.model, of_class)
    if of_class is None and rank != "mean":
        console.print(
            f"Ranked by {rank}; --class names another class.",
            highlight=False, soft_wrap=True, markup=False,
        )  # fmt: skip
    function = BatchShortlist(
        prediction, top, objective, prefix + rank,
        _range(within), in_domain, best if improvement else None,
    )  # fmt: skip
    with (
        chunk_map(OfBatch(function), n_jobs=n_jobs, cluster=cluster) as chunks_through,
        RowProgress("screening", console) as progress,
    ):
        table = shortlisted(reader, function, chunks_through, invalid, progress)
    table = table.append_column(f"{prefix}reason", [shortlist_reasons(table, function, summary)])
    write_table(
        target, table, overwrite=overwrite, separator=sep, decimal=decimal,
        float_format=float_format,
    )  # fmt: skip
    invalid.report(console)
    console.print(
        f"{table.num_rows} of {progress.n_rows:,} candidates written to "
        f"{options.shown_target(target)}, "
        f"{invalid.n_rows:,} could not be read ({progress.summary()})",
        highlight=False, soft_wrap=True, markup=False,
    )  # fmt: skip


def _prepared(model, source, formula_column, coverage, prefix, sep, decimal, sheet, chunk_rows):
    """The table, and the prediction of its batches."""
    from ..data.formula_column import find_formula_column
    from ..data.table_reader import TableReader
    from ..estimators.arrow_predictions import BatchPrediction
    from ..estimators.saved_models import columns_of, load_model

    fitted = load_model(model)
    reader = TableReader(source, chunk_rows=chunk_rows, separator=sep, decimal=decimal, sheet=sheet)
    known, features = columns_of(fitted)
    if formula_column is None and known in reader.schema.names:
        formula_column = known
    column = find_formula_column(reader.head(), formula_column, reader.source)
    prediction = BatchPrediction(fitted, column, tuple(features), coverage, prefix, decimal)
    prediction.require_columns(reader.schema)
    return reader, prediction


def _ranked_by(model, of_class: str | None) -> str:
    classes = getattr(model, "classes_", None)
    if classes is None:
        if of_class is not None:
            raise ValueError("--class is for classifiers; this model predicts numbers.")
        return "mean"
    names = [str(one) for one in classes]
    if of_class is None:
        if len(names) > 2:
            raise ValueError(f"Which class is wanted? --class one of {', '.join(names)}.")
        of_class = names[-1]
    if of_class not in names:
        raise ValueError(f"The model knows no class {of_class!r}; it knows {', '.join(names)}.")
    return f"probability_{of_class}"


def _range(within: str | None) -> tuple[float, float] | None:
    if within is None:
        return None
    try:
        lower, upper = within.split(":")
        return float(lower or "-inf"), float(upper or "inf")
    except ValueError as error:
        raise ValueError(f"--within is lower:upper, such as 1.1:1.7; got {within!r}.") from error
