"""`cromel train`: a table of measurements in, a model and its report out."""

import contextlib
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ..exceptions import InvalidTableError
from . import options
from .training_words import describe, tell_missing_intervals

Target = Annotated[str, typer.Option(help="Column of measured values or classes.")]
Features = Annotated[
    str | None, typer.Option(help="Numeric columns beside the formulas, such as T_K,load_N.")
]
Task = Annotated[
    str | None,
    typer.Option(help="regression or classification; told from the target if not given."),
]
Log = Annotated[bool, typer.Option("--log", help="Model the decadic logarithm of the target.")]
Folds = Annotated[int, typer.Option(min=2, help="Folds of each cross-validation.")]
Curve = Annotated[bool, typer.Option(help="Train on parts of the table as well (more fits).")]
Coverage = Annotated[float, typer.Option(help="Of the intervals whose coverage is counted.")]
Members = Annotated[
    str | None, typer.Option(help="Members of the model, such as element_trees; all by default.")
]
TimeLimit = Annotated[float | None, typer.Option(help="Seconds that one fit may take.")]
Seed = Annotated[int, typer.Option(help="Of folds and models.")]
FitJobs = Annotated[
    int, typer.Option(help="Fits side by side in cross-validation; -1: a core each.")
]


def train(
    source: options.TableIn,
    target: Target,
    out: Annotated[Path, typer.Option(help="Where the model is written, with its report.")],
    formula_column: options.FormulaColumn = None,
    features: Features = None,
    task: Task = None,
    log: Log = False,
    encoder: options.Encoder = "mp-multi",
    members: Members = None,
    time_limit: TimeLimit = None,
    evaluation: Annotated[
        bool, typer.Option(help="Cross-validate, by composition and shuffled.")
    ] = True,
    folds: Folds = 5,
    learning_curve: Curve = True,
    coverage: Coverage = 0.9,
    seed: Seed = 0,
    n_jobs: FitJobs = 1,
    cluster: options.Cluster = None,
    device: options.Device = "auto",
    sep: options.Separator = None,
    decimal: options.Decimal = ".",
    sheet: options.Sheet = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Fit a model to measurements; its errors in cross-validation and a report come with it.

    Writes OUT (the model), OUT.html (the report), OUT.json (what it was trained on, for `cromel
    screen`) and, where rows cannot be used, OUT.left_out.csv.
    """
    from ..estimators.training_summary import summary_path
    from ..storage.whole_file import require_target

    report, left_out = Path(f"{out}.html"), Path(f"{out}.left_out.csv")
    for path in (out, summary_path(out), report, left_out):
        require_target(path)
        if path.exists() and not overwrite:
            raise ValueError(f"{path} exists; pass --overwrite to replace it.")
    console = Console()
    rows, summary = read_rows(
        source, target, formula_column, features, task, encoder, sep, decimal, sheet
    )
    model = new_model(
        rows, encoder=encoder, log=log, members=members, time_limit=time_limit, seed=seed,
        device=device,
    )  # fmt: skip
    describe(rows, summary, console)
    left_out.unlink(missing_ok=True)
    if len(rows.left_out):
        _write_left_out(rows, left_out)
        console.print(f"Rows left out: {left_out}", markup=False, highlight=False, soft_wrap=True)
    result = None
    with jobs_on(cluster, n_jobs) as jobs:
        if evaluation:
            result = cross_validated(model, rows, folds, learning_curve, coverage, seed, jobs)
            console.print(str(result), markup=False, highlight=False, soft_wrap=True)
    model.set_params(verbose=1)
    model.fit(rows.X, rows.y)
    tell_missing_intervals(model, rows, coverage, console)
    if result is not None:
        summary.scores.update(_scores(result))
    model.save(out)
    summary.save(out)
    report.unlink(missing_ok=True)
    if result is not None:
        write_report(report, result, model, rows)
    console.print(f"Model: {out}", markup=False, highlight=False, soft_wrap=True)
    if result is not None:
        console.print(f"Report: {report}", markup=False, highlight=False, soft_wrap=True)


def new_model(rows, *, encoder, log, members, time_limit, seed, device):
    """Build the estimator for a table of measurements.

    Parameters
    ----------
    rows : MeasuredRows
    encoder : str
    log : bool
    members : str or None
        Names, between commas.
    time_limit : float or None
        In seconds.
    seed : int
    device : str

    Returns
    -------
    CroMELRegressor or CroMELClassifier
    """
    from ..estimators.classifier import CroMELClassifier
    from ..estimators.regressor import CroMELRegressor

    wanted = {
        "formula_column": rows.formula_column,
        "feature_columns": rows.feature_columns or None,
        "members": "auto" if members is None else [one.strip() for one in members.split(",")],
        "time_limit": time_limit,
        "random_state": seed,
        "device": device,
        "verbose": 0,
    }
    if rows.task == "regression":
        return CroMELRegressor(encoder, target_transform="log10" if log else None, **wanted)
    if log:
        raise ValueError("--log is for targets of numbers; leave it out for classes.")
    return CroMELClassifier(encoder, **wanted)


def read_rows(source, target, formula_column, features, task, encoder, sep, decimal, sheet):
    """Rows that can be used, and their summary."""
    from .. import __version__
    from ..data.formula_column import find_formula_column
    from ..data.measured_rows import read_measured_rows
    from ..data.table_reader import TableReader
    from ..encoders.registry import load_encoder
    from ..estimators.training_summary import TrainingSummary

    reader = TableReader(source, separator=sep, decimal=decimal, sheet=sheet)
    column = find_formula_column(reader.head(), formula_column, reader.source)
    rows = read_measured_rows(
        reader, column, target, _listed(features), task=task,
        known_elements=load_encoder(encoder).known_elements,
    )  # fmt: skip
    if rows.task == "classification":
        _require_repeats(rows, reader.source, is_told=task is not None)
    summary = TrainingSummary.of(rows, _identity(reader), __version__)
    return rows, summary


def _require_repeats(rows, source: str, is_told: bool) -> None:
    """Refuse a column of names or texts as classes."""
    n_classes = rows.y.nunique()
    if n_classes == len(rows) or (not is_told and n_classes > max(2, len(rows) / 2)):
        raise InvalidTableError(
            f"Column {rows.target!r} of {source} has {n_classes:,} classes in {len(rows):,} rows, "
            f"such as {rows.y.iloc[0]!r} at {rows.places[0]}; expected classes of several rows. "
            f"Name another column with --target, or say that it holds numbers (--task regression)."
        )


def _identity(reader) -> dict:
    from ..data.readers import file_checksum

    path = Path(reader.path)
    identity = {"name": reader.source if reader.is_stream else path.name, "n_rows": reader.n_rows}
    if not reader.is_stream and path.is_file():
        identity["sha256"] = file_checksum(path)
    return identity


def _listed(names: str | None) -> list[str]:
    return [] if not names else [name.strip() for name in names.split(",")]


def _write_left_out(rows, path: Path) -> None:
    import pyarrow as pa

    from ..data.table_writer import write_table

    table = rows.left_out[["place", "formula", "reason"]].astype(str)
    write_table(path, pa.Table.from_pandas(table, preserve_index=False))


@contextlib.contextmanager
def jobs_on(cluster: str | None, n_jobs: int):
    """Number of fits side by side: on this machine, or on a Dask cluster through joblib."""
    if cluster is None:
        yield n_jobs
        return
    from joblib import parallel_config

    from .cluster import dask_client

    with dask_client(cluster), parallel_config(backend="dask"):
        yield -1


def cross_validated(model, rows, folds, learning_curve, coverage, seed, n_jobs):
    """Evaluate a model by composition and with shuffled rows."""
    from ..inspection.evaluation import evaluate as cross_validate

    return cross_validate(
        model, rows.X, rows.y, formula_column=rows.formula_column,
        feature_columns=rows.feature_columns, splits=("shuffled", "composition"), n_splits=folds,
        learning_curve=learning_curve, coverage=coverage, n_jobs=n_jobs, random_state=seed,
    )  # fmt: skip


def _scores(result) -> dict[str, dict[str, float]]:
    table = result.table().xs(result.model_name, level="model")
    names = [*result.score_names, *(n for n in ("coverage", "spearman") if n in table)]
    return {split: {name: float(table.loc[split, name]) for name in names} for split in table.index}


def write_report(path: Path, result, model, rows) -> None:
    """Write the report of an evaluation, with the card of a fitted model."""
    from ..inspection.reports import report_html
    from ..storage.whole_file import write_file

    write_file(path, report_html(result, model=model, table=rows.frame))
