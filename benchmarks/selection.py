"""Which encoder, and which members of the estimators, shall be the default?

Commands, from the repository root (each goes on where it was stopped)::

    python benchmarks/selection.py encoders mp-multi /tmp/run [--tasks ...]
    python benchmarks/selection.py settings [--variants default ...] [--tasks ...]

In: development folds, three grouped by reduced formula inside the training rows of the first
official fold, so that no test row is seen. Encoders are ids, or folders of `cromel pretrain`: their
frozen embeddings stand under stock models of `models.py`, on all three folds. Settings are
`CroMELRegressor` and `CroMELClassifier` with ``random_state=0``, the target learned on one scale
or one member left out at a time, on three folds of the small tables and one of the large ones. Out:
``benchmarks/results/selection.json`` with the error of each (mean absolute error, or 1 - balanced
accuracy), encoders named by their checksum, and a printed table.
"""

import argparse
import time

import numpy as np
from cells import development_folds, environment, load_silently, run_fold
from comparison import fold_errors
from fingerprints import estimator_digest
from models import on_features
from paths import RESULTS
from results_store import add_json, read_json, write_json
from rich.console import Console
from rich.table import Table
from stock import classifiers, regressors

from cromel_sklearn import CroMELClassifier, CroMELRegressor, CroMELTransformer, load_encoder
from cromel_sklearn.estimators.members import CLASSIFIER_MEMBERS, REGRESSOR_MEMBERS

RESULT = RESULTS / "selection.json"
#: Task -> stock models that judge encoders there.
JUDGES = {
    "formation_enthalpy": ("svr", "extratrees", "gp"),
    "band_gap": ("svr", "extratrees"),
    "is_metal": ("svr", "extratrees"),
    "metallic_glass": ("svr", "extratrees"),
    "steel_yield_strength": ("svr", "extratrees"),
    "hea_hardness": ("svr", "extratrees"),
    "seebeck": ("extratrees",),
}
#: Task -> development folds on which settings are judged.
SETTINGS_FOLDS = {
    "steel_yield_strength": 3,
    "hea_hardness": 3,
    "hea_yield_strength": 3,
    "formation_enthalpy": 3,
    "metallic_glass": 1,
    "band_gap": 1,
    "thermal_conductivity": 1,
    "zT": 1,
    "power_factor": 1,
    "superconductor_tc": 1,
}
#: Setting -> parameters of the regressor, and of the classifier those that it has.
VARIANTS: dict[str, dict] = {
    "default": {},
    "target as measured": {"target_transform": None},
    "its square root": {"target_transform": "sqrt"},
    **{
        f"without {m}": {"members": [n for n in REGRESSOR_MEMBERS if n != m]}
        for m in REGRESSOR_MEMBERS
    },
}


def judge_encoder(task: str, data, encoder, stock: str) -> float:
    """Mean error of frozen embeddings under a stock model over the development folds."""
    estimator = (classifiers if data.task.is_classification else regressors)()[stock]
    model = on_features("cromel", CroMELTransformer(encoder, device="cpu"), estimator)
    folds = enumerate(development_folds(data))
    by_fold = {str(number): run_fold(model, data, fold)[0] for number, fold in folds}
    return round(float(np.mean(list(fold_errors(task, by_fold).values()))), 6)


def suits(setting: dict, data) -> bool:
    """Whether a setting is one of the estimator of a table, and takes its targets."""
    if data.task.is_classification:
        return "target_transform" not in setting
    return setting.get("target_transform") != "sqrt" or data.target.min() >= 0


def judge_setting(task: str, data, setting: dict, fold) -> dict:
    """Error of one fit, and the processor's seconds of it and its predictions."""
    is_classes = data.task.is_classification
    estimator = CroMELClassifier if is_classes else CroMELRegressor
    if is_classes and "members" in setting:
        setting = {"members": [n for n in setting["members"] if n in CLASSIFIER_MEMBERS]}
    started = time.process_time()
    model = estimator(**setting, random_state=0, device="cpu", verbose=0)
    result, _ = run_fold(model, data, fold)
    seconds = time.process_time() - started
    return {
        "error": round(fold_errors(task, {"0": result})["0"], 6),
        "cpu_seconds": round(seconds, 1),
    }


def judge_encoders(names: list[str], tasks: list[str], console: Console) -> None:
    """Run what is missing, then print a table of the encoders asked for."""
    found = {}
    for name in names:
        key = f"{name} {load_encoder(name).checksum[:16]}"
        for task in tasks:
            data = load_silently(task)
            for stock in JUDGES[task]:
                label = f"{task}+{stock}"
                if label not in read_json(RESULT).get("encoders", {}).get(key, {}):
                    value = judge_encoder(task, data, load_encoder(name), stock)
                    add_json(RESULT, ("encoders", key, label), value)
        found[name] = read_json(RESULT)["encoders"][key]
    table = Table(title="errors on development folds")
    table.add_column("task and model")
    for name in found:
        table.add_column(name, overflow="fold", justify="right")
    for label in (f"{task}+{stock}" for task in tasks for stock in JUDGES[task]):
        table.add_row(label, *(f"{values[label]:.4g}" for values in found.values()))
    console.print(table)


def judge_settings(variants: list[str], tasks: list[str], console: Console) -> None:
    """Run what is missing, then print the mean error of each setting."""
    code = f"{estimator_digest(False)}-{estimator_digest(True)}"
    if read_json(RESULT).get("settings", {}).get("code") != code:
        start = {"code": code, "environment": environment(), "tasks": {}}
        write_json(RESULT, read_json(RESULT) | {"settings": start})
    table = Table("task", *variants, title="errors on development folds")
    for task in tasks:
        data = load_silently(task)
        means = []
        for name in variants:
            if not suits(VARIANTS[name], data):
                means.append(np.nan)
                continue
            for number, fold in enumerate(development_folds(data)[: SETTINGS_FOLDS[task]]):
                done = read_json(RESULT)["settings"]["tasks"]
                if str(number) not in done.get(task, {}).get(name, {}):
                    value = judge_setting(task, data, VARIANTS[name], fold)
                    places = ("settings", "tasks", task, name, str(number))
                    add_json(RESULT, places, value)
            by_fold = read_json(RESULT)["settings"]["tasks"][task][name]
            means.append(np.mean([result["error"] for result in by_fold.values()]))
        table.add_row(task, *(f"{mean:.4g}" for mean in means))
    console.print(table)


def main() -> None:
    """Judge what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kinds = parser.add_subparsers(dest="kind", required=True)
    encoders = kinds.add_parser("encoders", help="encoders under stock models")
    encoders.add_argument("encoders", nargs="+", help="ids, or folders of runs")
    encoders.add_argument("--tasks", nargs="+", choices=JUDGES, default=list(JUDGES))
    settings = kinds.add_parser("settings", help="members of the estimators")
    settings.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    settings.add_argument("--tasks", nargs="+", choices=SETTINGS_FOLDS, default=[*SETTINGS_FOLDS])
    arguments = parser.parse_args()
    if arguments.kind == "encoders":
        judge_encoders(arguments.encoders, arguments.tasks, Console())
    else:
        judge_settings(arguments.variants, arguments.tasks, Console())


if __name__ == "__main__":
    main()
