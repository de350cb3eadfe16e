"""Which featurizer predicts experiments best, without leaks?

Command, from the repository root (results of each task, model and fold are kept; run it again to go
on where it was stopped)::

    python benchmarks/accuracy.py [--tasks formation_enthalpy ...] [--models cromel+svr ...]
                                  [--folds 0 1 2 3 4]

In: the fourteen tasks below ``CROMEL_DATA`` (default ``../shared/data``), on the folds of
``cromel_sklearn.datasets.load_task``: MatBench's own, grouped by reduced formula elsewhere. Every
fold fits a fresh clone on its training rows only. Out: one JSON file a task in
``benchmarks/results/accuracy`` with scores per fold, seconds, versions and checksums, and a printed
table. A result is computed again when the table, the encoder or the model's parameters changed.
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
from magpie import MagpieFeaturizer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.metrics import (
    balanced_accuracy_score,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, SVR

from cromel_sklearn import (
    CroMELTransformer,
    InvalidCompositionWarning,
    list_encoders,
    load_encoder,
)
from cromel_sklearn.composition import parse_composition
from cromel_sklearn.datasets import TASKS, load_task
from cromel_sklearn.demo import element_statistics
from cromel_sklearn.sources import file_checksum

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results" / "accuracy"
PACKAGES = ("cromel-sklearn", "scikit-learn", "torch", "numpy", "pymatgen")


def regressors() -> dict:
    """Stock regressors; the SVR sees scaled features and a scaled target."""
    svr = TransformedTargetRegressor(
        make_pipeline(StandardScaler(), SVR(C=10.0)), transformer=StandardScaler()
    )
    return {
        "gbr": GradientBoostingRegressor(random_state=0),
        "extratrees": ExtraTreesRegressor(200, max_features=1 / 3, random_state=0),
        "svr": svr,
        "histgbr": HistGradientBoostingRegressor(random_state=0),
    }


def classifiers() -> dict:
    """The same families for classes."""
    return {
        "gbr": GradientBoostingClassifier(random_state=0),
        "extratrees": ExtraTreesClassifier(200, max_features=1 / 3, random_state=0),
        "svr": make_pipeline(StandardScaler(), SVC(C=10.0)),
        "histgbr": HistGradientBoostingClassifier(random_state=0),
    }


def featurizers(on_invalid: str) -> dict:
    """Composition featurizers, all on the CPU."""
    default = load_encoder("mp-multi")
    settings = {"on_invalid": on_invalid, "device": "cpu"}
    shipped = {
        f"cromel:{encoder}": CroMELTransformer(encoder, **settings)
        for encoder in list_encoders()
        if load_encoder(encoder) is not default
    }
    return {
        "cromel": CroMELTransformer(**settings),
        "untrained": CroMELTransformer(default.untrained(), **settings),
        "statistics": FunctionTransformer(element_statistics),
        "magpie": MagpieFeaturizer(),
        **shipped,
    }


def models(task, formulas) -> dict:
    """Name -> estimator of a task's frame: features beside the formula go through unscaled.

    Where the task has elements that the encoder has never seen, those rows are NaN, which only the
    forests and the histogram boosting take.
    """
    known = load_encoder("mp-multi").known_elements
    has_unknown = any(not known.issuperset(parse_composition(f)[0]) for f in formulas)
    stock = classifiers() if task.is_classification else regressors()
    found = {"dummy": DummyClassifier() if task.is_classification else DummyRegressor()}
    for featurizer_name, featurizer in featurizers("nan" if has_unknown else "raise").items():
        columns = ColumnTransformer(
            [(featurizer_name, featurizer, "formula")], remainder="passthrough"
        )
        for stock_name, estimator in stock.items():
            found[f"{featurizer_name}+{stock_name}"] = make_pipeline(columns, estimator)
    return found


def scores(task, model, X, target) -> dict[str, float]:
    """Metrics of one fold."""
    predicted = model.predict(X)
    if task.is_classification:
        decide = getattr(model, "decision_function", None)
        decision = decide(X) if decide else model.predict_proba(X)[:, 1]
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
    """What a result depends on: the table, the model's parameters, the encoders' weights."""
    parts = [table_checksum, version("scikit-learn")]
    for name, value in sorted(model.get_params().items()):
        if isinstance(value, CroMELTransformer):
            parts.append(load_encoder(value.encoder).checksum)
        if isinstance(value, str | int | float | bool | None):
            parts.append(f"{name}={value!r}")
        elif not hasattr(value, "get_params"):
            parts.append(f"{name}:{type(value).__name__}")
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]


@lru_cache(maxsize=1)
def environment() -> dict:
    """Versions and machine, recorded with each result."""
    found = {package: version(package) for package in PACKAGES}
    return {**found, "python": platform.python_version(), "machine": f"{os.cpu_count()} cores"}


def read_results(name: str) -> dict:
    """Results of a task so far: {model: {fold: result}}."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def write_results(name: str, results: dict) -> None:
    """Write the results of a task in one step."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    temporary = RESULTS / f"{name}.partial"
    temporary.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    temporary.replace(RESULTS / f"{name}.json")


def run_task(name: str, wanted: list[str] | None, folds: list[int], data_home: Path, progress):
    """Fill in the results of one task that are missing or out of date."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        data = load_task(name, data_home)
    table_checksum = file_checksum(data.path)
    results = read_results(name)
    found = models(data.task, data.X["formula"])
    chosen = {key: found[key] for key in found if wanted is None or key in wanted}
    bar = progress.add_task(name, total=len(chosen) * len(folds))
    for key, model in chosen.items():
        mark = fingerprint(model, table_checksum)
        for fold in folds:
            done = results.get(key, {}).get(str(fold))
            if done is None or done["fingerprint"] != mark:
                train, test = data.folds[fold]
                started = time.perf_counter()
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", InvalidCompositionWarning)
                    fitted = clone(model).fit(data.X.iloc[train], data.target[train])
                    figures = scores(data.task, fitted, data.X.iloc[test], data.target[test])
                results.setdefault(key, {})[str(fold)] = {
                    "fingerprint": mark,
                    "scores": {metric: round(value, 6) for metric, value in figures.items()},
                    "seconds": round(time.perf_counter() - started, 2),
                    "table_sha256": table_checksum,
                    "environment": environment(),
                }
                write_results(name, results)
            progress.advance(bar)


def print_table(name: str, console: Console) -> None:
    """Mean and deviation over folds of every model of a task."""
    results = read_results(name)
    if not results:
        return
    metrics = list(next(iter(next(iter(results.values())).values()))["scores"])
    table = Table(title=f"{name} [{TASKS[name].unit}]")
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
    arguments = parser.parse_args()
    data_home = Path(os.environ.get("CROMEL_DATA", REPOSITORY.parent / "shared" / "data"))
    console = Console()
    with Progress(console=console) as progress:
        for name in arguments.tasks:
            run_task(name, arguments.models, arguments.folds, data_home, progress)
    for name in arguments.tasks:
        print_table(name, console)


if __name__ == "__main__":
    main()
