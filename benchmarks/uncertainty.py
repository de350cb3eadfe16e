"""Do intervals cover what they promise, and do errors grow with the stated uncertainty?

Command, from the repository root::

    python benchmarks/uncertainty.py [--tasks formation_enthalpy ...] [--folds 0 1]

In: official folds of three tasks, fine-tuned with `CroMELRegressor(random_state=0)`. Out:
``benchmarks/results/uncertainty.json`` with, for each task, the share of test rows inside the
interval for each nominal coverage, and mean absolute error and mean stated deviation in fifths of
the test rows by stated deviation.
"""

import argparse

import numpy as np
from accuracy import environment, write_json
from paths import DATA_HOME, RESULTS
from tasks import TASKS, load_task

from cromel_sklearn import CroMELRegressor

RESULT = RESULTS / "uncertainty.json"
COVERAGES = (0.5, 0.8, 0.9, 0.95)


def measure(task, folds) -> dict:
    """Pool the test rows of the folds."""
    inside: dict[float, list] = {coverage: [] for coverage in COVERAGES}
    errors, deviations = [], []
    for fold in folds:
        train, test = task.folds[fold]
        model = CroMELRegressor(random_state=0, device="cpu")
        model.fit(task.X.iloc[train], task.target[train])
        X, target = task.X.iloc[test], task.target[test]
        mean, std = model.predict(X, return_std=True)
        errors.append(np.abs(target - mean))
        deviations.append(std)
        for coverage in COVERAGES:
            lower, upper = model.predict_interval(X, coverage).T
            inside[coverage].append((lower <= target) & (target <= upper))
    error, deviation = np.concatenate(errors), np.concatenate(deviations)
    fifths = np.array_split(np.argsort(deviation), 5)
    return {
        "folds": list(folds),
        "n_test_rows": len(error),
        "coverage": {str(c): round(float(np.concatenate(inside[c]).mean()), 4) for c in COVERAGES},
        "fifths": [
            {
                "stated": round(float(deviation[f].mean()), 5),
                "mae": round(float(error[f].mean()), 5),
            }
            for f in fifths
        ],
        "unit": task.task.unit,
    }


def main() -> None:
    """Measure and write every task asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = ["formation_enthalpy", "band_gap", "hea_hardness"]
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=default)
    parser.add_argument("--folds", nargs="+", type=int, choices=range(5), default=[0, 1])
    arguments = parser.parse_args()
    results = {"environment": environment()}
    for name in arguments.tasks:
        results[name] = measure(load_task(name, DATA_HOME), arguments.folds)
        print(name, results[name], flush=True)
        write_json(RESULT, results)


if __name__ == "__main__":
    main()
