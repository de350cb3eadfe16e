"""Which encoder transfers best? The judge of every change to the pretraining.

Command, from the repository root (encoders are ids, or folders of `cromel pretrain`; joined by
commas they stand side by side)::

    python benchmarks/encoders.py mp-multi@1.1 /tmp/run /tmp/run-1,/tmp/run-2 [--tasks ...]

In: development folds, three grouped by reduced formula inside the training rows of the first
official fold (`development.py`), so that no test row is seen; frozen embeddings under stock models
of `models.py`. Out: ``benchmarks/results/encoders.json`` with the mean error over the folds (mean
absolute error, or 1 - balanced accuracy) of each encoder, named by its checksum, and a printed
table. What is there is not computed again.
"""

import argparse

import numpy as np
from accuracy import load_silently, read_json, run_fold, write_json
from comparison import errors
from development import development_folds
from models import classifiers, on_features, regressors
from paths import RESULTS
from rich.console import Console
from rich.table import Table

from cromel_sklearn import Checkpoint, CroMELTransformer, load_encoder

RESULT = RESULTS / "encoders.json"
#: Task -> stock models that judge there.
JUDGES = {
    "formation_enthalpy": ("svr", "extratrees", "gp"),
    "band_gap": ("svr", "extratrees"),
    "is_metal": ("svr", "extratrees"),
    "metallic_glass": ("svr", "extratrees"),
    "steel_yield_strength": ("svr", "extratrees"),
    "hea_hardness": ("svr", "extratrees"),
    "seebeck": ("extratrees",),
}


def read_encoder(name: str) -> Checkpoint:
    """Read one encoder, or several joined by commas."""
    return Checkpoint.combined(load_encoder(part) for part in name.split(","))


def mean_error(task: str, data, encoder: Checkpoint, stock: str) -> float:
    """Mean error over the development folds."""
    estimator = (classifiers if data.task.is_classification else regressors)()[stock]
    model = on_features("cromel", CroMELTransformer(encoder, device="cpu"), estimator)
    folds = enumerate(development_folds(data))
    by_fold = {str(number): run_fold(model, data, fold)[0] for number, fold in folds}
    return float(np.mean(list(errors(task, by_fold).values())))


def main() -> None:
    """Run what is missing, then print the errors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("encoders", nargs="+", help="ids or folders; joined by commas: together")
    parser.add_argument("--tasks", nargs="+", choices=JUDGES, default=list(JUDGES))
    arguments = parser.parse_args()
    console = Console()
    found = {}
    for name in arguments.encoders:
        encoder = read_encoder(name)
        key = f"{name} {encoder.checksum[:16]}"
        for task in arguments.tasks:
            data = load_silently(task)
            for stock in JUDGES[task]:
                label = f"{task}+{stock}"
                if label not in read_json(RESULT).get(key, {}):
                    value = round(mean_error(task, data, encoder, stock), 6)
                    results = read_json(RESULT)  # again: another run may have added to them
                    results.setdefault(key, {})[label] = value
                    write_json(RESULT, results)
                    console.print(f"{name} {label} {value:.4g}", highlight=False)
        found[name] = read_json(RESULT)[key]
    table = Table(title="errors on development folds")
    table.add_column("task and model")
    for name in found:
        table.add_column(name, overflow="fold", justify="right")
    for task in arguments.tasks:
        for label in (f"{task}+{stock}" for stock in JUDGES[task]):
            table.add_row(label, *(f"{values[label]:.4g}" for values in found.values()))
    console.print(table)


if __name__ == "__main__":
    main()
