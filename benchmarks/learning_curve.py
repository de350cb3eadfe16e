"""How many measurements does a featurizer need?

Command, from the repository root (goes on where it was stopped)::

    python benchmarks/learning_curve.py [--tasks formation_enthalpy ...] [--models cromel+svr ...]
        [--jobs 2]

In: six tasks below ``CROMEL_DATA`` (default ``../shared/data``) on the folds of accuracy.py. Of
each fold's training rows, shuffled once, the first 25, 50, 100, ... are trained on, and at last all
(those are results of accuracy.py); the test rows stay. Out: a file a task in
``benchmarks/results/learning_curve``.
"""

import argparse

from cells import Cell, folds
from tasks import TASKS

CURVE_TASKS = (
    "steel_yield_strength", "hea_yield_strength", "formation_enthalpy", "li_ion_conductivity",
    "band_gap", "zT",
)  # fmt: skip
CURVE_MODELS = (
    "fractions+extratrees", "fractions+svr", "magpie+extratrees", "magpie+svr",
    "cromel+extratrees", "cromel-embedding+svr", "model",
)  # fmt: skip
N_FOLDS = 5


def training_sizes(n_rows: int) -> list[int]:
    """25, 50, 100, ... rows, the last step to all of them being at least a quarter."""
    sizes = [25 * 2**step for step in range(20)]
    return [size for size in sizes if size < 0.8 * n_rows]


def curve_cells(tasks=CURVE_TASKS, models=CURVE_MODELS) -> list[Cell]:
    """Cells of parts of the training rows; those of all are cells of accuracy.py."""
    found = []
    for task in tasks:
        # The folds differ by a row; the last size is that of the smallest.
        sizes = training_sizes(min(len(train) for train, _ in folds(task, "formula")))
        found += [
            Cell(task, "formula", model, fold, size)
            for model in models
            for size in sizes
            for fold in range(N_FOLDS)
        ]
    return sorted(found, key=lambda cell: (cell.model == "model", cell.task in ("band_gap", "zT")))


def curves(results, read_json, folder) -> dict[str, dict[str, dict[int, list[float]]]]:
    """Errors by task, model and number of training rows, a value a fold; all rows last."""
    found: dict = {}
    for task in CURVE_TASKS:
        for model, by_size in read_json(folder / f"{task}.json").items():
            by_size = results.current(by_size)
            complete = results.tasks.get(task, {}).get(model)
            sizes = {int(size): by_fold for size, by_fold in by_size.items()}
            sizes = {size: by_fold for size, by_fold in sizes.items() if len(by_fold) == N_FOLDS}
            if not sizes or not complete or len(complete) < N_FOLDS:
                continue
            sizes[min(result["n_train_rows"] for result in complete.values())] = complete
            found.setdefault(task, {})[model] = {
                size: [result["scores"]["mae"] for result in by_fold.values()]
                for size, by_fold in sorted(sizes.items())
            }
    return found


def main() -> None:
    """Run what is missing."""
    from accuracy import run_missing

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=CURVE_TASKS)
    parser.add_argument("--models", nargs="+", choices=CURVE_MODELS, default=CURVE_MODELS)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    run_missing(curve_cells(arguments.tasks, arguments.models), arguments.jobs)


if __name__ == "__main__":
    main()
