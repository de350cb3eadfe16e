"""Do other features gain as much when the target is learned as its square root?

Command, from the repository root::

    python benchmarks/square_roots.py

`CroMELRegressor` learns skewed magnitudes as their square root where that predicts better
(decision 012); the stock models above the other features learn them as they were measured. In: the
four tasks of which it does so in most folds, below ``CROMEL_DATA``; of each family the model that
development folds chose, on the same folds by composition. Out:
``benchmarks/results/square_roots.json`` with the mean absolute errors of the folds on either scale.
"""

import warnings

import numpy as np
from cells import environment, load_silently, run_fold, task_models
from comparison import fold_errors, read_results
from fingerprints import encoder_digest
from paths import RESULTS
from results_store import write_json
from sklearn.compose import TransformedTargetRegressor

RESULT = RESULTS / "square_roots.json"
TASKS = ("band_gap", "thermal_conductivity", "power_factor", "zT")
FAMILIES = ("CroMEL, frozen", "fractions", "Magpie")


def main() -> None:
    """Fit each model to the roots, fold by fold."""
    results = read_results("formula")
    found: dict = {}
    for task in TASKS:
        data, models = load_silently(task), task_models(task)
        for family in FAMILIES:
            member = results.member(task, family)
            if member is None:
                continue
            model = TransformedTargetRegressor(
                models[member], func=np.sqrt, inverse_func=np.square, check_inverse=False
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                folds = {
                    str(n): run_fold(model, data, fold)[0] for n, fold in enumerate(data.folds)
                }
            errors = {
                "as measured": fold_errors(task, results.tasks[task][member]),
                "square root": fold_errors(task, folds),
            }
            found.setdefault(task, {})[family] = {"model": member, **errors}
            means = (f"{scale} {np.mean(list(e.values())):.4g}" for scale, e in errors.items())
            print(f"{task:22} {family:16} {member:24}", *means, flush=True)
    write_json(RESULT, {"encoder": encoder_digest(), "environment": environment(), "tasks": found})


if __name__ == "__main__":
    main()
