"""Which featurizer predicts experiments best, without leaks?

Command, from the repository root (results of each task, model and fold are kept; run it again to go
on where it was stopped)::

    python benchmarks/accuracy.py [--tasks formation_enthalpy ...] [--models cromel+svr ...]
                                  [--folds 0 1 2 3 4] [--split formula|system] [--drop-stale]

In: the fourteen tasks of ``load_task`` below ``CROMEL_DATA`` (default
``../shared/data``) and the models of ``models.py``. Split `formula`: MatBench's own folds, grouped
by reduced formula elsewhere; `system`: grouped by chemical system, for all tasks. Every fold fits a
fresh clone on its training rows only. Out: one JSON file a task in ``benchmarks/results/accuracy``
or ``benchmarks/results/accuracy_system`` with scores per fold, seconds, versions and checksums,
predictions for the parity plots in ``benchmarks/results/predictions``, and a printed table. A
result is computed again when the table, the encoder, the peer's runner, the model's parameters or,
for our own estimators, the package's version changed; ``--drop-stale`` deletes it instead.
"""

import argparse
import hashlib
import json
import os
import platform
import time
import warnings
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
from models import models
from paths import DATA_HOME, RESULTS
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from sklearn.base import clone
from sklearn.metrics import (
    balanced_accuracy_score,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)
from tasks import TASKS, load_task

from cromel_sklearn import InvalidCompositionWarning, load_encoder
from cromel_sklearn._files import write_file
from cromel_sklearn.data.readers import file_checksum
from cromel_sklearn.estimators.measurement_estimator import MeasurementEstimator

FOLDERS = {"formula": RESULTS / "accuracy", "system": RESULTS / "accuracy_system"}
PACKAGES = ("cromel-sklearn", "scikit-learn", "torch", "numpy", "pymatgen")
#: Predictions of these are kept for the parity plots, split by formula.
PARITY_TASKS = ("formation_enthalpy", "band_gap")
PARITY_MODELS = ("cromel+svr", "magpie+extratrees", "model", "crabnet", "roost")


def predict(model, X, is_classification: bool) -> tuple[np.ndarray, np.ndarray]:
    """Values twice, or classes and what they were decided by; the model runs once."""
    if not is_classification:
        predicted = model.predict(X)
        return predicted, predicted
    if hasattr(model, "decision_function"):
        decision = model.decision_function(X)
        return decision > 0, decision
    probability = model.predict_proba(X)[:, 1]
    return probability > 0.5, probability


def scores(target, predicted, decision, is_classification: bool) -> dict[str, float]:
    """Metrics of one fold."""
    if is_classification:
        return {
            "balanced_accuracy": balanced_accuracy_score(target, predicted),
            "roc_auc": roc_auc_score(target, decision),
        }
    return {
        "r2": r2_score(target, predicted),
        "mae": mean_absolute_error(target, predicted),
        "rmse": root_mean_squared_error(target, predicted),
    }


def fingerprint(model, table_checksum: str) -> str:
    """What a result depends on: the table, the model's parameters, weights and sources."""
    parts = [table_checksum, version("scikit-learn")]
    for name, value in [("model", model), *sorted(model.get_params().items())]:
        if getattr(value, "encoder", None) is not None:
            parts.append(load_encoder(value.encoder).checksum)
        if hasattr(value, "source_checksum"):
            parts.append(value.source_checksum())
        if isinstance(value, MeasurementEstimator):  # how they train
            parts.append(version("cromel-sklearn"))
        if isinstance(value, str | int | float | bool | dict | None):
            parts.append(f"{name}={value!r}")
        elif not hasattr(value, "get_params"):
            parts.append(f"{name}:{type(value).__name__}")
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]


@lru_cache(maxsize=1)
def environment() -> dict:
    """Versions and machine, recorded with each result."""
    found = {package: version(package) for package in PACKAGES}
    return {**found, "python": platform.python_version(), "machine": f"{os.cpu_count()} cores"}


def read_json(path: Path) -> dict:
    """Results so far: {model: {fold: result}}."""
    return json.loads(path.read_text()) if path.exists() else {}


def write_json(path: Path, results: dict) -> None:
    """Write results in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    indent = None if path.parent.name == "predictions" else 1
    write_file(path, json.dumps(results, indent=indent, sort_keys=True) + "\n")


def run_fold(model, data, fold: tuple[np.ndarray, np.ndarray]) -> tuple[dict, np.ndarray]:
    """Fit a fresh clone on the training rows and score the test rows."""
    train, test = fold
    is_classification = data.task.is_classification
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InvalidCompositionWarning)
        fitted = clone(model).fit(data.X.iloc[train], data.target[train])
        predicted, decision = predict(fitted, data.X.iloc[test], is_classification)
    figures = scores(data.target[test], predicted, decision, is_classification)
    result = {
        "scores": {metric: round(value, 6) for metric, value in figures.items()},
        "seconds": round(time.perf_counter() - started, 2),
        "environment": {**environment(), **getattr(fitted, "versions_", {})},
    }
    return result, predicted


def load_silently(name: str):
    """Load a task without the warnings about its malformed rows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return load_task(name, DATA_HOME)


def run_task(name: str, arguments, progress) -> None:
    """Fill in the results of one task that are missing or out of date."""
    data = load_silently(name)
    folds = data.folds if arguments.split == "formula" else data.system_folds
    table_checksum = file_checksum(data.path)
    path = FOLDERS[arguments.split] / f"{name}.json"
    predictions_path = RESULTS / "predictions" / f"{name}.json"
    found = models(data.task, data.X["formula"])
    wanted = arguments.models
    chosen = {key: found[key] for key in found if wanted is None or key in wanted}
    bar = progress.add_task(name, total=len(chosen) * len(arguments.folds))
    for key, model in chosen.items():
        mark = fingerprint(model, table_checksum)
        keeps = arguments.split == "formula" and name in PARITY_TASKS and key in PARITY_MODELS
        for fold in map(str, arguments.folds):
            results, predictions = read_json(path), read_json(predictions_path)
            done = results.get(key, {}).get(fold, {"fingerprint": None})
            if done["fingerprint"] != mark or (keeps and fold not in predictions.get(key, {})):
                result, predicted = run_fold(model, data, folds[int(fold)])
                result |= {"fingerprint": mark, "table_sha256": table_checksum}
                # Again: another run may have added to them.
                results, predictions = read_json(path), read_json(predictions_path)
                results.setdefault(key, {})[fold] = result
                write_json(path, results)
                if keeps:
                    measured = data.target[folds[int(fold)][1]]
                    for label, values in (("measured", measured), (key, predicted)):
                        short = [float(f"{value:.4g}") for value in values]
                        predictions.setdefault(label, {})[fold] = short
                    write_json(predictions_path, predictions)
            progress.advance(bar)


def drop_stale(name: str, arguments) -> int:
    """Delete results whose table, encoder or model is no longer the one they were made with."""
    data = load_silently(name)
    path = FOLDERS[arguments.split] / f"{name}.json"
    if not path.exists():
        return 0
    found = models(data.task, data.X["formula"])
    results = read_json(path)
    table_checksum = file_checksum(data.path)
    marks = {key: fingerprint(found[key], table_checksum) for key in results if key in found}
    fresh = {
        key: {fold: r for fold, r in by_fold.items() if r["fingerprint"] == marks.get(key)}
        for key, by_fold in results.items()
    }
    n_dropped = sum(len(results[key]) - len(fresh[key]) for key in results)
    write_json(path, {key: by_fold for key, by_fold in fresh.items() if by_fold})
    predictions_path = RESULTS / "predictions" / f"{name}.json"
    if arguments.split == "formula" and predictions_path.exists():
        kept = {
            key: {fold: v for fold, v in by_fold.items() if key == "measured" or fold in fresh[key]}
            for key, by_fold in read_json(predictions_path).items()
            if key == "measured" or fresh.get(key)
        }
        write_json(predictions_path, kept)
    return n_dropped


def print_table(name: str, split: str, console: Console) -> None:
    """Mean and deviation over folds of every model of a task."""
    results = read_json(FOLDERS[split] / f"{name}.json")
    if not results:
        return
    metrics = list(next(iter(next(iter(results.values())).values()))["scores"])
    table = Table(title=f"{name} [{TASKS[name].unit}], split by {split}")
    table.add_column("model")
    for metric in (*metrics, "folds", "seconds a fold"):
        table.add_column(metric, justify="right")
    for key, by_fold in sorted(results.items()):
        columns = []
        for metric in metrics:
            values = [result["scores"][metric] for result in by_fold.values()]
            columns.append(f"{np.mean(values):.4f} ± {np.std(values):.4f}")
        seconds = np.mean([result["seconds"] for result in by_fold.values()])
        table.add_row(key, *columns, str(len(by_fold)), f"{seconds:.1f}")
    console.print(table)


def main() -> None:
    """Run what is missing, then print every table asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--models", nargs="+", help="such as cromel+svr; all by default")
    parser.add_argument("--folds", nargs="+", type=int, choices=range(5), default=list(range(5)))
    parser.add_argument("--split", choices=FOLDERS, default="formula")
    parser.add_argument("--drop-stale", action="store_true", help="delete what is out of date")
    arguments = parser.parse_args()
    console = Console()
    if arguments.drop_stale:
        for name in arguments.tasks:
            console.print(f"{name}: {drop_stale(name, arguments)} results deleted")
        return
    with Progress(console=console) as progress:
        for name in arguments.tasks:
            run_task(name, arguments, progress)
    for name in arguments.tasks:
        print_table(name, arguments.split, console)


if __name__ == "__main__":
    main()
