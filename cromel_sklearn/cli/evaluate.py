"""`cromel evaluate`: how good a model is on a table of measurements."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from . import options, train
from .training_words import describe


def evaluate(
    source: options.TableIn,
    target: train.Target,
    model: Annotated[
        Path | None,
        typer.Option(
            help="A fitted model, whose errors on this table are told; otherwise new "
            "models are cross-validated."
        ),
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Where the report is written.")] = None,
    formula_column: options.FormulaColumn = None,
    features: train.Features = None,
    task: train.Task = None,
    log: train.Log = False,
    encoder: options.Encoder = "mp-multi",
    members: train.Members = None,
    time_limit: train.TimeLimit = None,
    folds: train.Folds = 5,
    learning_curve: train.Curve = True,
    coverage: train.Coverage = 0.9,
    seed: train.Seed = 0,
    n_jobs: train.FitJobs = 1,
    cluster: options.Cluster = None,
    device: options.Device = "auto",
    sep: options.Separator = None,
    decimal: options.Decimal = ".",
    sheet: options.Sheet = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Cross-validate a model on measurements, or tell the errors of a fitted one on new ones."""
    from ..storage.whole_file import require_target

    if html is not None:
        require_target(html)
        if html.exists() and not overwrite:
            raise ValueError(f"{html} exists; pass --overwrite to replace it.")
    console = Console()
    if model is not None:
        if html is not None:
            raise ValueError("--html is the report of a cross-validation; leave out --model.")
        _tell_errors(model, source, target, formula_column, coverage, sep, decimal, sheet, console)
        return
    rows, summary = train.read_rows(
        source, target, formula_column, features, task, encoder, sep, decimal, sheet
    )
    new = train.new_model(
        rows, encoder=encoder, log=log, members=members, time_limit=time_limit, seed=seed,
        device=device,
    )  # fmt: skip
    describe(rows, summary, console)
    with train.jobs_on(cluster, n_jobs) as jobs:
        result = train.cross_validated(new, rows, folds, learning_curve, coverage, seed, jobs)
    console.print(str(result), markup=False, highlight=False, soft_wrap=True)
    if html is not None:
        train.write_report(html, result, None, rows)  # the model was not fitted
        console.print(f"Report: {html}", markup=False, highlight=False, soft_wrap=True)


def _tell_errors(path, source, target, formula_column, coverage, sep, decimal, sheet, console):
    """Print the errors of a fitted model on a table."""
    from ..data.formula_column import find_formula_column
    from ..data.measured_rows import read_measured_rows
    from ..data.table_reader import TableReader
    from ..estimators.saved_models import columns_of, load_model
    from ..inspection.scores import HEADINGS, class_scores, learns_logarithm, value_scores
    from ..inspection.stated_predictions import stated_predictions

    model = load_model(path)
    is_classifier = hasattr(model, "classes_")
    reader = TableReader(source, separator=sep, decimal=decimal, sheet=sheet)
    column = find_formula_column(reader.head(), formula_column, reader.source)
    known, features = columns_of(model)
    rows = read_measured_rows(
        reader, column, target, features, task="classification" if is_classifier else "regression",
        known_elements=model.encoder_.known_elements,
    )  # fmt: skip
    X = rows.X.rename(columns={column: known or column})
    stated = stated_predictions(model, X, coverage=coverage)
    if is_classifier:
        measured = _as_classes(rows.y.to_numpy(), model.classes_)
        scores = class_scores(measured, stated, model.classes_)
    else:
        scores = value_scores(rows.y.to_numpy(), stated, is_logarithmic=learns_logarithm(model))
    lines = [f"{path} on {len(rows):,} rows of {source} ({len(rows.left_out):,} left out)"]
    lines += [f"{HEADINGS.get(name, name)}: {value:.4g}" for name, value in scores.items()]
    if stated.in_domain is not None:
        lines.append(f"in domain: {stated.in_domain.mean():.1%}")
    n_known = _n_trained_on(path, rows)
    if n_known:
        lines.append(
            f"Of these rows {n_known:,} have a composition of the training table: there, the model "
            f"remembers. `cromel evaluate` without --model tells what it is worth on new ones."
        )
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def _n_trained_on(model: Path, rows) -> int:
    """Rows whose composition is one that the model was trained on, as far as is known."""
    from ..data.composition import parse_composition
    from ..estimators.training_summary import TrainingSummary

    summary = TrainingSummary.of_model(model)
    if summary is None:
        return 0
    trained = {parse_composition(formula) for formula, _ in summary.examples}
    return sum(parse_composition(formula) in trained for formula in rows.X.iloc[:, 0])


def _as_classes(values, classes):
    """Write measured classes as the model writes them: texts of a csv may be numbers."""
    by_text = {str(one): one for one in classes.tolist()}
    unknown = sorted({str(value) for value in values} - set(by_text))
    if unknown:
        raise ValueError(
            f"The table has the class {unknown[0]!r}; the model knows {', '.join(by_text)}."
        )
    import numpy as np

    return np.array([by_text[str(value)] for value in values])
