"""Our predictions on the four MatBench tasks in MatBench's own recording format.

Command, from the repository root, after accuracy.py::

    python benchmarks/matbench_record.py

In: the predictions of ``CroMELRegressor`` and ``CroMELClassifier`` that ``accuracy.py`` keeps, all
five folds of each task. Out: ``benchmarks/results/matbench/results.json.gz``, a file as
``MatbenchBenchmark.to_file`` of ``matbench`` 0.6 writes it and as its submissions hold it; a task
whose folds are not complete is left out. Anyone can submit it; where ``matbench`` is installed
(``pip install --no-deps matbench==0.6``), it reads the file back and validates it.
"""

import gzip
import hashlib
import json
import logging
import math
from datetime import datetime, timezone
from importlib.util import find_spec

import numpy as np
from cells import load_silently
from comparison import N_FOLDS, read_results
from paths import RESULTS
from results_store import PREDICTIONS, read_json
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    f1_score,
    max_error,
    mean_absolute_error,
    root_mean_squared_error,
)
from tasks import TASKS

from cromel_sklearn import load_encoder
from cromel_sklearn.storage.whole_file import write_file

RESULT = RESULTS / "matbench" / "results.json.gz"
MODEL = "model"
#: Task -> name of the data set in MatBench v0.1.
NAMES = {
    "band_gap": "matbench_expt_gap",
    "is_metal": "matbench_expt_is_metal",
    "metallic_glass": "matbench_glass",
    "steel_yield_strength": "matbench_steels",
}
VERSION, BENCHMARK = "0.6", "matbench_v0.1"
SMALLEST = 1e-5  # of a measured value whose relative error counts


def row_ids(name: str, n_rows: int) -> list[str]:
    """MatBench's names of the rows, such as "mb-steels-001"."""
    n_digits = math.floor(math.log(n_rows, 10)) + 1
    prefix = name.replace("matbench", "mb").replace("_", "-")
    return [f"{prefix}-{row + 1:0{n_digits}d}" for row in range(n_rows)]


def fold_scores(target, predicted, is_classification: bool) -> dict[str, float]:
    """Scores under MatBench's names; its "rocauc" is of the classes, as it computes it."""
    if is_classification:
        classes = np.asarray(predicted) > 0.5
        balanced = balanced_accuracy_score(target, classes)
        found = {
            "accuracy": accuracy_score(target, classes),
            "balanced_accuracy": balanced,
            "f1": f1_score(target, classes),
            "rocauc": balanced,
        }
    else:
        target, predicted = np.asarray(target), np.asarray(predicted)
        counts = np.abs(target) > SMALLEST
        relative = np.abs((target - predicted)[counts] / target[counts])
        found = {
            "mae": mean_absolute_error(target, predicted),
            "rmse": root_mean_squared_error(target, predicted),
            "mape": relative.mean(),
            "max_error": max_error(target, predicted),
        }
    return {name: float(value) for name, value in found.items()}


def task_record(name: str, data, predictions: dict[str, list[float]]) -> dict:
    """Record of one task from its predictions, fold by fold."""
    ids = row_ids(NAMES[name], len(data.X))
    folds = {}
    for fold, (_, test) in enumerate(data.folds):
        predicted = [float(value) for value in predictions[str(fold)]]
        folds[f"fold_{fold}"] = {
            "data": dict(zip((ids[row] for row in test), predicted, strict=True)),
            "parameters": {"random_state": 0},
            "scores": fold_scores(data.target[test], predicted, data.task.is_classification),
            "uncertainty": None,
        }
    return {
        "@module": "matbench.task",
        "@class": "MatbenchTask",
        "benchmark_name": BENCHMARK,
        "dataset_name": NAMES[name],
        "results": folds,
    }


def record(tasks: dict[str, dict], when: datetime) -> dict:
    """Record of the benchmark, with MatBench's hash over it."""
    encoder = load_encoder("mp-multi").description
    about = {
        "algorithm": "CroMELRegressor() and CroMELClassifier() of cromel-sklearn",
        "encoder": f"mp-multi, {encoder.kind}",
        "input": "composition alone",
    }
    document = {
        "@module": "matbench.bench",
        "@class": "MatbenchBenchmark",
        "version": VERSION,
        "tasks": tasks,
        "user_metadata": about,
        "benchmark_name": BENCHMARK,
        "datestamp": when.strftime("%Y.%m.%d %H:%M.%S"),
    }
    return {**document, "hash": document_hash(document)}


def document_hash(document: dict) -> str:
    """SHA-256 of the sorted document, as matbench computes it when it reads a file."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def validated(document: dict) -> str:
    """Let matbench itself read and validate a record."""
    if find_spec("matbench") is None:
        return "matbench is not installed: the record was not read back"
    from matbench.bench import MatbenchBenchmark

    logging.getLogger("matbench").setLevel(logging.WARNING)
    benchmark = MatbenchBenchmark.from_dict(json.loads(json.dumps(document)))
    if problems := benchmark.validate():
        raise ValueError(f"matbench refuses the record: {problems}")
    return "matbench has read and validated the record"


def main() -> None:
    """Write what is complete."""
    results = read_results("formula")
    tasks = {}
    for name in NAMES:
        current = results.tasks.get(name, {}).get(MODEL, {})
        predictions = read_json(PREDICTIONS / f"{name}.json").get(MODEL, {})
        n_folds = len(current.keys() & predictions.keys())
        if n_folds < N_FOLDS:
            print(f"{NAMES[name]}: {n_folds} of {N_FOLDS} folds, left out")
            continue
        tasks[NAMES[name]] = task_record(name, load_silently(name), predictions)
        folds = tasks[NAMES[name]]["results"].values()
        metric = "rocauc" if TASKS[name].is_classification else "mae"
        print(f"{NAMES[name]}: {metric} {np.mean([fold['scores'][metric] for fold in folds]):.4f}")
    if not tasks:
        return
    document = record(tasks, datetime.now(timezone.utc))
    print(validated(document))
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    # Alike for alike predictions: no file name, no time of writing.
    write_file(RESULT, gzip.compress(json.dumps(document).encode(), mtime=0))


if __name__ == "__main__":
    main()
