"""Do intervals cover what they promise, and do errors grow with the stated uncertainty?

Command, from the repository root (goes on where it was stopped)::

    python benchmarks/uncertainty.py [--tasks formation_enthalpy ...] [--splits formula system]
        [--folds 0 1]

In: official folds of the twelve regression tasks, and folds that keep chemical systems together;
`CroMELRegressor(random_state=0)`. Out: ``benchmarks/results/uncertainty.json`` with, for each task,
split and fold: the share of test rows inside the intervals for each nominal coverage, their mean
width in standard deviations of the target, Spearman's correlation of the stated deviation and the
absolute error, the area between the error-retention curve of the stated deviation and that of
random order, over the area of the best order (1 is perfect, 0 is random), mean absolute error and
mean stated deviation in fifths of the test rows by stated deviation, the share of rows out of
domain, with their errors, and the processor's seconds of the fit.
"""

import argparse
import time
import warnings

import numpy as np
from accuracy import environment, read_json, write_json
from models import has_known_elements
from paths import DATA_HOME, RESULTS
from scipy.stats import spearmanr
from tasks import TASKS, load_task

from cromel_sklearn import CroMELRegressor, load_encoder

RESULT = RESULTS / "uncertainty.json"
COVERAGES = (0.5, 0.8, 0.9, 0.95)
SPLITS = {"formula": "folds", "system": "system_folds"}
REGRESSION = [name for name, task in TASKS.items() if not task.is_classification]


def retention_area(error: np.ndarray, deviation: np.ndarray) -> float:
    """Area gained over random order, of that of the best order.

    The error-retention curve is the mean error of the rows that are kept, from the most certain on.
    """

    def area(order) -> float:
        kept = np.cumsum(error[order]) / np.arange(1, len(error) + 1)
        return float(kept.mean())

    best = error.mean() - area(np.argsort(error))
    return (error.mean() - area(np.argsort(deviation))) / best if best else 0.0


def measure(task, fold) -> dict:
    """Fit to the training rows and look at the test rows; unknown elements are left out."""
    known = has_known_elements(task.X["formula"])
    train, test = (rows[known[rows]] for rows in fold)
    started = time.process_time()
    model = CroMELRegressor(random_state=0, device="cpu", verbose=0)
    model.fit(task.X.iloc[train], task.target[train])
    seconds = time.process_time() - started
    X, target = task.X.iloc[test], task.target[test]
    started = time.process_time()
    mean, std = model.predict(X, return_std=True)
    predict_seconds = time.process_time() - started
    error = np.abs(target - mean)
    intervals = {c: model.predict_interval(X, c) for c in COVERAGES}
    is_inside = {c: (i[:, 0] <= target) & (target <= i[:, 1]) for c, i in intervals.items()}
    is_out = ~model.in_domain(X)
    fifths = np.array_split(np.argsort(std), 5)
    return {
        "n_train_rows": len(train),
        "n_test_rows": len(test),
        "mae": round(float(error.mean()), 5),
        "coverage": {str(c): round(float(inside.mean()), 4) for c, inside in is_inside.items()},
        "width": {
            str(c): round(float(np.mean(i[:, 1] - i[:, 0]) / task.target.std()), 4)
            for c, i in intervals.items()
        },
        "spearman": round(float(spearmanr(std, error)[0]), 4),
        "retention_area": round(retention_area(error, std), 4),
        "fifths": [
            {"stated": round(float(std[f].mean()), 5), "mae": round(float(error[f].mean()), 5)}
            for f in fifths
        ],
        "out_of_domain": {
            "part": round(float(is_out.mean()), 4),
            "mae": round(float(error[is_out].mean()), 5) if is_out.any() else None,
            "stated": round(float(std[is_out].mean()), 5) if is_out.any() else None,
        },
        "cpu_seconds_fit": round(seconds, 1),
        "cpu_seconds_predict": round(predict_seconds, 2),
        "members": {name: round(w, 3) for name, w in model.member_weights_.items()},
    }


def print_table(results: dict) -> None:
    """One line a task and split: means over the folds."""
    print(f"{'task':25} {'split':8} folds cover90 width90 spearman area    mae")
    for name, by_split in results["tasks"].items():
        for split, by_fold in by_split.items():
            folds = list(by_fold.values())
            columns = [
                [fold["coverage"]["0.9"] for fold in folds],
                [fold["width"]["0.9"] for fold in folds],
                [fold["spearman"] for fold in folds],
                [fold["retention_area"] for fold in folds],
                [fold["mae"] for fold in folds],
            ]
            weights = [fold["n_test_rows"] for fold in folds]
            means = [float(np.average(column, weights=weights)) for column in columns]
            figures = "{:7.3f} {:7.3f} {:8.3f} {:4.2f} {:.4g}".format(*means)
            print(f"{name:25} {split:8} {len(folds):5} {figures}")


def main() -> None:
    """Run what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", choices=REGRESSION, default=REGRESSION)
    parser.add_argument("--splits", nargs="+", choices=SPLITS, default=list(SPLITS))
    parser.add_argument("--folds", nargs="+", type=int, choices=range(5), default=list(range(5)))
    arguments = parser.parse_args()
    key = {**environment(), "encoder": load_encoder("mp-multi").checksum}
    results = read_json(RESULT)
    if results.get("environment") != key:
        results = {"environment": key, "tasks": {}}
    for name in arguments.tasks:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of malformed rows, of rows far outside
            task = load_task(name, DATA_HOME)
            for split in arguments.splits:
                by_fold = results["tasks"].setdefault(name, {}).setdefault(split, {})
                for fold in arguments.folds:
                    if str(fold) not in by_fold:
                        by_fold[str(fold)] = measure(task, getattr(task, SPLITS[split])[fold])
                        write_json(RESULT, results)
    print_table(results)


if __name__ == "__main__":
    main()
