"""Which settings of fine-tuning are worth their place?

Command, from the repository root (goes on where it was stopped)::

    python benchmarks/development.py [--variants default "no kernel machine" ...]

In: development folds, three grouped by reduced formula inside the training rows of the first
official fold, so that no test row is seen; `CroMELRegressor` and `CroMELClassifier` with
``random_state=0`` and one parameter changed at a time. Three folds of the small tables, one of the
large ones. Out: ``benchmarks/results/development.json`` with the error of each variant, fold by
fold (mean absolute error, or 1 - balanced accuracy), and the processor's seconds of a fit and
its predictions.
"""

import argparse
import time

import numpy as np
from accuracy import environment, read_json, run_fold, write_json
from paths import DATA_HOME, RESULTS
from rich.console import Console
from rich.progress import Progress
from sklearn.model_selection import GroupKFold
from tasks import load_task

from cromel_sklearn import CroMELClassifier, CroMELRegressor

RESULT = RESULTS / "development.json"
#: Task -> development folds used.
TASKS = {
    "steel_yield_strength": 3,
    "hea_hardness": 3,
    "formation_enthalpy": 3,
    "metallic_glass": 1,
    "band_gap": 1,
}
VARIANTS: dict[str, dict] = {
    "default": {},
    "no kernel machine": {"kernel_machine": False},
    "one network": {"n_estimators": 1},
    "no early stopping": {"early_stopping": False},
    "encoder frozen": {"freeze_encoder": True},
    "encoder at half its rate": {"encoder_lr": 1e-4},
    "encoder at the head's rate": {"encoder_lr": 1e-3},
}


def development_folds(data) -> list[tuple[np.ndarray, np.ndarray]]:
    """Folds inside the training rows of the first official fold."""
    rows = data.folds[0][0]
    splitter = GroupKFold(3, shuffle=True, random_state=1)
    inner = splitter.split(rows, groups=data.groups[rows])
    return [(rows[train], rows[held_out]) for train, held_out in inner]


def measure(data, parameters: dict, fold) -> dict:
    """Error and time of one fit."""
    is_classification = data.task.is_classification
    estimator = CroMELClassifier if is_classification else CroMELRegressor
    started = time.process_time()
    result, _ = run_fold(estimator(random_state=0, device="cpu", **parameters), data, fold)
    seconds = time.process_time() - started
    figures = result["scores"]
    error = 1 - figures["balanced_accuracy"] if is_classification else figures["mae"]
    return {"error": round(error, 6), "cpu_seconds": round(seconds, 1)}


def main() -> None:
    """Run what is missing, then print the mean errors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    arguments = parser.parse_args()
    results = read_json(RESULT)
    release = environment()["cromel-sklearn"]
    if results.get("environment", {}).get("cromel-sklearn") != release:
        results = {"environment": environment(), "tasks": {}}
    with Progress(console=Console()) as progress:
        bar = progress.add_task("fits", total=sum(TASKS.values()) * len(arguments.variants))
        for task, n_folds in TASKS.items():
            data = load_task(task, DATA_HOME)
            for name in arguments.variants:
                by_fold = results["tasks"].setdefault(task, {}).setdefault(name, {})
                for number, fold in enumerate(development_folds(data)[:n_folds]):
                    if str(number) not in by_fold:
                        by_fold[str(number)] = measure(data, VARIANTS[name], fold)
                        write_json(RESULT, results)
                    progress.advance(bar)
    for task, by_variant in results["tasks"].items():
        for name, by_fold in by_variant.items():
            error = np.mean([result["error"] for result in by_fold.values()])
            print(f"{task:25} {name:30} {error:.4g}")


if __name__ == "__main__":
    main()
