"""One cell of the benchmark: a task, what is held out, a model, a fold."""

import os
import platform
import resource
import time
import warnings
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
from featurizers import MagpieFeaturizer
from fingerprints import encoder_mark, model_digest, rows_digest
from models import models
from paths import DATA_HOME
from results_store import FOLDERS, LEARNING_CURVES, PREDICTIONS, add_json, read_json
from sklearn.base import clone
from sklearn.metrics import (
    balanced_accuracy_score,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)
from sklearn.model_selection import GroupKFold
from tasks import TASKS, load_task
from uncertainty import measure

from cromel_sklearn import InvalidCompositionWarning

PACKAGES = ("cromel-sklearn", "scikit-learn", "torch", "numpy", "pymatgen")
#: Predictions of these are kept, split by formula: for parity plots, known and new compositions.
PARITY_TASKS = ("formation_enthalpy", "band_gap")
PARITY_MODELS = (
    "cromel-embedding+svr", "fractions+extratrees", "magpie+extratrees", "model", "crabnet",
    "roost",
)  # fmt: skip
#: Folds of the development rows that a large table is judged by.
LARGE, FEW_FOLDS = 2_000, 1


@dataclass(frozen=True)
class Cell:
    """What is fitted once.

    Attributes
    ----------
    task : str
    split : {"formula", "system", "development"}
        MatBench's folds, or folds grouped by reduced formula; by chemical system; folds
        grouped by reduced formula inside the training rows of the first fold by formula, three, or
        one of a large table.
    model : str
    fold : int
    n_rows : int, default=0
        Training rows, the first of the fold's shuffled ones; 0 for all.
    """

    task: str
    split: str
    model: str
    fold: int
    n_rows: int = 0

    @property
    def path(self) -> Path:
        """File of the result."""
        folder = LEARNING_CURVES if self.n_rows else FOLDERS[self.split]
        return folder / f"{self.task}.json"

    @property
    def places(self) -> tuple[str, ...]:
        """Where the result is in the file."""
        size = (str(self.n_rows),) if self.n_rows else ()
        return (self.model, *size, str(self.fold))

    @property
    def keeps_predictions(self) -> bool:
        """Whether predictions are written beside the scores."""
        if self.n_rows or self.split != "formula":
            return False
        is_parity = self.task in PARITY_TASKS and self.model in PARITY_MODELS
        return is_parity or (TASKS[self.task].is_matbench and self.model == "model")


@lru_cache(maxsize=1)
def environment() -> dict:
    """Versions and machine, recorded with each result."""
    found = {package: version(package) for package in PACKAGES}
    return {**found, "python": platform.python_version(), "machine": f"{os.cpu_count()} cores"}


@lru_cache(maxsize=3)
def load_silently(name: str):
    """Load a task without the warnings about its malformed rows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return load_task(name, DATA_HOME)


@lru_cache(maxsize=3)
def task_models(name: str) -> dict:
    """Unfitted models of a task, by name."""
    data = load_silently(name)
    return models(data.task, data.X["formula"])


def development_folds(data) -> list[tuple[np.ndarray, np.ndarray]]:
    """Three folds, grouped by formula, inside the training rows of the first fold by formula."""
    rows = data.folds[0][0]
    splitter = GroupKFold(3, shuffle=True, random_state=1)
    inner = splitter.split(rows, groups=data.groups[rows])
    return [(rows[train], rows[held_out]) for train, held_out in inner]


@lru_cache(maxsize=6)
def folds(name: str, split: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Training and test rows of each fold."""
    data = load_silently(name)
    if split == "development":
        return development_folds(data)[: FEW_FOLDS if len(data.X) > LARGE else None]
    return data.folds if split == "formula" else data.system_folds


def rows_of(cell: Cell) -> tuple[np.ndarray, np.ndarray]:
    """Training and test rows of a cell."""
    train, test = folds(cell.task, cell.split)[cell.fold]
    if cell.n_rows:
        train = np.random.default_rng(cell.fold).permutation(train)[: cell.n_rows]
    return train, test


@lru_cache(maxsize=512)
def _rows_digest(task: str, split: str, fold: int, n_rows: int) -> str:
    return rows_digest(load_silently(task), *rows_of(Cell(task, split, "", fold, n_rows)))


@lru_cache(maxsize=512)
def _model_digest(task: str, model: str) -> str:
    return model_digest(model, task_models(task)[model], TASKS[task].is_classification)


def fingerprint(cell: Cell) -> str:
    """Rows, then model."""
    rows = _rows_digest(cell.task, cell.split, cell.fold, cell.n_rows)
    return f"{rows}-{_model_digest(cell.task, cell.model)}"


@lru_cache(maxsize=64)
def _read_unchanged(path: Path, changed_ns: int) -> dict:
    return read_json(path)


def _read_often(path: Path) -> dict:
    """Read results that have mostly not changed since; not to be written into."""
    return _read_unchanged(path, path.stat().st_mtime_ns) if path.exists() else {}


def is_done(cell: Cell) -> bool:
    """Whether the result on disk is that of today's model and rows."""
    found = _read_often(cell.path)
    for place in cell.places:
        found = found.get(place, {})
    if found.get("fingerprint") != fingerprint(cell):
        return False
    if not cell.keeps_predictions:
        return True
    kept = _read_often(PREDICTIONS / f"{cell.task}.json")
    return str(cell.fold) in kept.get(cell.model, {})


def decided(model, X, is_classification: bool) -> tuple[np.ndarray, np.ndarray]:
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


def processor_seconds() -> float:
    """Seconds of this process and of those that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def fitted_and_scored(model, data, fold) -> tuple[dict, np.ndarray, object]:
    """Fit a fresh clone on the training rows and score the test rows.

    Returns the result, what the test rows were decided by, and the fitted model. The seconds leave
    Magpie's features out, which are kept from fold to fold.
    """
    train, test = fold
    is_classification = data.task.is_classification
    if "magpie" in str(model.get_params().keys()):
        MagpieFeaturizer().transform(data.X["formula"])
    wall, processor = time.perf_counter(), processor_seconds()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("ignore", InvalidCompositionWarning)
        fitted = clone(model).fit(data.X.iloc[train], data.target[train])
        predicted, decision = decided(fitted, data.X.iloc[test], is_classification)
    figures = scores(data.target[test], predicted, decision, is_classification)
    result = {
        "scores": {metric: round(float(value), 6) for metric, value in figures.items()},
        "seconds": round(time.perf_counter() - wall, 2),
        "processor_seconds": round(processor_seconds() - processor, 2),
        "environment": {**environment(), **getattr(fitted, "versions_", {})},
    }
    return result, decision, fitted


def run_fold(model, data, fold) -> tuple[dict, np.ndarray]:
    """Fit a fresh clone on the training rows and score the test rows."""
    return fitted_and_scored(model, data, fold)[:2]


def run_cell(cell: Cell) -> Cell:
    """Fit, score and write."""
    data, rows = load_silently(cell.task), rows_of(cell)
    result, decision, fitted = fitted_and_scored(task_models(cell.task)[cell.model], data, rows)
    result |= {"fingerprint": fingerprint(cell), "n_train_rows": len(rows[0])}
    if mark := encoder_mark(cell.model):
        result["encoder"] = mark
    is_whole = cell.split != "development" and not cell.n_rows
    if cell.model == "model" and is_whole and not data.task.is_classification:
        result["uncertainty"] = measure(fitted, data, *rows)
    if cell.keeps_predictions:
        path = PREDICTIONS / f"{cell.task}.json"
        for name, values in (("measured", data.target[rows[1]]), (cell.model, decision)):
            short = [float(f"{value:.5g}") for value in values]
            add_json(path, (name, str(cell.fold)), short)
    add_json(cell.path, cell.places, result)
    return cell
