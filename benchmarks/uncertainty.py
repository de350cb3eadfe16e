"""Do intervals cover what they promise, and do errors grow with the stated uncertainty?

Command, from the repository root (goes on where it was stopped)::

    python benchmarks/uncertainty.py [--tasks formation_enthalpy ...] [--splits formula system]
        [--folds 0 1]

In: the twelve regression tasks, folds by composition and folds that keep chemical systems together;
the same fits of ``CroMELRegressor(random_state=0)`` that `accuracy.py` scores. Out: in its files,
for each fold: the share of test rows inside the intervals for each nominal coverage, their mean
width in standard deviations of the target, Spearman's correlation of the stated deviation and the
absolute error, the area between the error-retention curve of the stated deviation and that of
random order, over the area of the best order (1 is perfect, 0 is random), mean absolute error and
mean stated deviation in fifths of the test rows by stated deviation, the share of rows out of
domain, with their errors, and the weights of the members.
"""

import argparse
import warnings

import numpy as np
from models import has_known_elements
from scipy.stats import spearmanr
from tasks import TASKS

COVERAGES = (0.5, 0.8, 0.9, 0.95)
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


def measure(fitted, data, train, test) -> dict:
    """Look at the test rows of a fitted model; unknown elements are left out."""
    test = test[has_known_elements(data.X["formula"])[test]]
    model = getattr(fitted, "estimator_", fitted)
    X, target = data.X.iloc[test], data.target[test]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of rows far outside
        return _measured(model, X, target, data.target.std())


def _measured(model, X, target, spread: float) -> dict:
    mean, std = model.predict(X, return_std=True)
    error = np.abs(target - mean)
    intervals = {c: model.predict_interval(X, c) for c in COVERAGES}
    is_inside = {c: (i[:, 0] <= target) & (target <= i[:, 1]) for c, i in intervals.items()}
    is_out = ~model.in_domain(X)
    fifths = np.array_split(np.argsort(std), 5)
    return {
        "n_test_rows": len(target),
        "mae": round(float(error.mean()), 5),
        "coverage": {str(c): round(float(inside.mean()), 4) for c, inside in is_inside.items()},
        "width": {
            str(c): round(float(np.mean(i[:, 1] - i[:, 0]) / spread), 4)
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
        "members": {name: round(w, 3) for name, w in model.member_weights_.items()},
    }


def collected(read_json, folders: dict) -> dict:
    """Measures by task, split and fold, as far as they are there."""
    found: dict = {}
    for name in REGRESSION:
        for split in ("formula", "system"):
            by_fold = read_json(folders[split] / f"{name}.json").get("model", {})
            kept = {fold: r["uncertainty"] for fold, r in by_fold.items() if "uncertainty" in r}
            if kept:
                found.setdefault(name, {})[split] = kept
    return found


def fold_means(by_fold: dict) -> dict[str, float]:
    """Means over the folds, each row counting alike."""
    folds = list(by_fold.values())
    columns = {
        "inside": [fold["coverage"]["0.9"] for fold in folds],
        "width": [fold["width"]["0.9"] for fold in folds],
        "spearman": [fold["spearman"] for fold in folds],
        "retention": [fold["retention_area"] for fold in folds],
        "mae": [fold["mae"] for fold in folds],
    }
    weights = [fold["n_test_rows"] for fold in folds]
    return {name: float(np.average(c, weights=weights)) for name, c in columns.items()}


def out_of_domain(by_fold: dict) -> tuple[float, float, float]:
    """Share of rows out of domain; their error and stated deviation over those of the others."""
    folds = list(by_fold.values())
    n_rows = np.array([fold["n_test_rows"] for fold in folds], dtype=float)
    outside = [fold["out_of_domain"] for fold in folds]
    n_outside = n_rows * [fold["part"] for fold in outside]
    if not n_outside.any():
        return 0.0, np.nan, np.nan
    of_all = {
        "mae": [fold["mae"] for fold in folds],
        # Of few rows, some fifths are empty.
        "stated": [np.nanmean([fifth["stated"] for fifth in fold["fifths"]]) for fold in folds],
    }
    ratios = []
    for name, values in of_all.items():
        sums = n_outside @ [fold[name] or 0.0 for fold in outside]
        inside = (n_rows @ values - sums) / (n_rows - n_outside).sum()
        ratios.append(float(sums / n_outside.sum() / inside))
    return float(n_outside.sum() / n_rows.sum()), *ratios


def main() -> None:
    """Run what is missing, then print the table."""
    from accuracy import run_missing
    from cells import Cell
    from results_store import FOLDERS, read_json

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", choices=REGRESSION, default=REGRESSION)
    splits = ("formula", "system")
    parser.add_argument("--splits", nargs="+", choices=splits, default=splits)
    parser.add_argument("--folds", nargs="+", type=int, choices=range(5), default=list(range(5)))
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    cells = [
        Cell(task, split, "model", fold)
        for task in arguments.tasks
        for split in arguments.splits
        for fold in arguments.folds
    ]
    run_missing(cells, arguments.jobs)
    print(f"{'task':25} {'split':8} folds cover90 width90 spearman area    mae")
    for name, by_split in collected(read_json, FOLDERS).items():
        for split, by_fold in by_split.items():
            figures = "{:7.3f} {:7.3f} {:8.3f} {:4.2f} {:.4g}".format(*fold_means(by_fold).values())
            print(f"{name:25} {split:8} {len(by_fold):5} {figures}")


if __name__ == "__main__":
    main()
