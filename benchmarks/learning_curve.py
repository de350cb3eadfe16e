"""How many measurements does a featurizer need?

Command, from the repository root (goes on where it was stopped)::

    python benchmarks/learning_curve.py [--tasks formation_enthalpy ...] [--models cromel+svr ...]

In: formation enthalpies and band gaps below ``CROMEL_DATA`` (default ``../shared/data``) on the
folds of accuracy.py. Of each fold's training rows, shuffled once, the first 25, 50, 100, ... and at
last all are trained on; the test rows stay. Out: ``benchmarks/results/learning_curve.json``.
"""

import argparse

import numpy as np
from accuracy import fingerprint, read_json, run_fold, write_json
from models import models
from paths import DATA_HOME, RESULTS
from rich.console import Console
from rich.progress import Progress
from tasks import load_task

from cromel_sklearn.data.readers import file_checksum

RESULT = RESULTS / "learning_curve.json"
TASKS = ("formation_enthalpy", "band_gap")
MODELS = tuple(f"{f}+{s}" for s in ("svr", "extratrees") for f in ("cromel", "magpie", "untrained"))


def training_sizes(n_rows: int) -> list[int]:
    """25, 50, 100, ... and all rows, the last step being at least a quarter."""
    sizes = [25 * 2**step for step in range(20)]
    return [size for size in sizes if size < 0.8 * n_rows] + [n_rows]


def run_task(name: str, wanted: list[str], progress) -> None:
    """Fill in what is missing or out of date of one task."""
    data = load_task(name, DATA_HOME)
    table_checksum = file_checksum(data.path)
    # The folds differ by a row; the last size is that of the smallest.
    sizes = training_sizes(min(len(train) for train, _ in data.folds))
    found = models(data.task, data.X["formula"])
    bar = progress.add_task(name, total=len(wanted) * len(sizes) * len(data.folds))
    for key in wanted:
        mark = fingerprint(found[key], table_checksum)
        for fold, (train, test) in enumerate(data.folds):
            shuffled = np.random.default_rng(fold).permutation(train)
            for size in sizes:
                results = read_json(RESULT)
                by_fold = results.setdefault(name, {}).setdefault(key, {})
                by_fold = by_fold.setdefault(str(size), {})
                if by_fold.get(str(fold), {"fingerprint": None})["fingerprint"] != mark:
                    result, _ = run_fold(found[key], data, (shuffled[:size], test))
                    by_fold[str(fold)] = {**result, "fingerprint": mark}
                    write_json(RESULT, results)
                progress.advance(bar)


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    arguments = parser.parse_args()
    with Progress(console=Console()) as progress:
        for name in arguments.tasks:
            run_task(name, arguments.models, progress)


if __name__ == "__main__":
    main()
