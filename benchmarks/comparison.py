"""Who is better than whom, and how much of it is knowledge of the very composition?

All rules of comparison are here. Command, from the repository root, after accuracy.py::

    python benchmarks/comparison.py

In: the predictions that ``accuracy.py`` keeps for formation_enthalpy and band_gap, and the source
data below ``CROMEL_DATA`` (default ``../shared/data``). Out: ``benchmarks/results/known.json``, the
mean absolute error of each model on the test rows whose composition was among those that the
default encoder was pretrained on, with calculated values, and on those that were not.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from paths import DATA_HOME, RESULTS
from scipy.stats import t as student
from tasks import TASKS

N_FOLDS = 5
#: A model with this in its name is shown as a warning and compared with nothing.
LEAK = "leak"
#: What is compared, in this order: label -> featurizers or models that belong to it.
FAMILIES = {
    "CroMEL": ("cromel", "cromel-embedding", "model"),
    "CroMEL + Magpie": ("cromel-magpie",),
    "fractions": ("fractions",),
    "Magpie": ("magpie",),
    "mat2vec": ("mat2vec",),
    "matscholar": ("matscholar",),
    "untrained": ("untrained",),
    "CrabNet": ("crabnet", "crabnet-300"),
    "Roost": ("roost",),
    "MODNet": ("modnet",),
    "paper": ("paper-protocol",),
}
OURS = "CroMEL"
#: Labels without structures that the default encoder has learned.
LABELS = ("formation_energy_per_atom", "band_gap")


@dataclass(frozen=True)
class Verdict:
    """How CroMEL compares with another family on one task.

    Attributes
    ----------
    gain : float
        1 - (our error) / (their error), over the folds that both have.
    word : {"better", "level", "worse", "open"}
        Open: fewer than three common folds.
    n_folds : int
    """

    gain: float
    word: str
    n_folds: int


def read_results(folder: Path) -> dict:
    """Results by task, model and fold, in the order of `TASKS`."""
    paths = {name: folder / f"{name}.json" for name in TASKS}
    return {name: json.loads(path.read_text()) for name, path in paths.items() if path.exists()}


def error_name(task: str) -> str:
    """What `errors` are, in words."""
    return "balanced error" if TASKS[task].is_classification else "MAE"


def errors(task: str, by_fold: dict) -> dict[str, float]:
    """Error of each fold: mean absolute error, or 1 - balanced accuracy for classes."""
    if TASKS[task].is_classification:
        return {fold: 1 - r["scores"]["balanced_accuracy"] for fold, r in by_fold.items()}
    return {fold: result["scores"]["mae"] for fold, result in by_fold.items()}


def family_errors(task: str, results: dict, family: str) -> tuple[str, dict[str, float]] | None:
    """Member of a family with most folds and, among those, the smallest mean error."""
    members = {
        model: errors(task, by_fold)
        for model, by_fold in results.items()
        if model.partition("+")[0] in FAMILIES[family] and LEAK not in model
    }
    if not members:
        return None
    return min(members.items(), key=lambda m: (-len(m[1]), np.mean(list(m[1].values()))))


def our_errors(task: str, results: dict, family: str) -> tuple[str, dict[str, float]] | None:
    """Our member to compare with a family: an estimator of ours, or under a regressor of theirs.

    Peers bring a network of their own: all of ours stand against them.
    """
    theirs = {
        model.partition("+")[2]
        for model in results
        if model.partition("+")[0] in FAMILIES[family] and "+" in model
    }
    comparable = {
        model: by_fold
        for model, by_fold in results.items()
        if not theirs or model.partition("+")[2] in theirs | {""}
    }
    return family_errors(task, comparable, OURS)


def verdict(ours: dict[str, float], theirs: dict[str, float]) -> Verdict | None:
    """Compare two families on the folds they share; None without any.

    Better or worse if the paired differences over folds are other than zero by the corrected
    resampled t-test at 5 % (Nadeau and Bengio, Mach. Learn. 52, 239 (2003),
    doi:10.1023/A:1024068626366), which knows that the training parts of the folds overlap.
    """
    common = sorted(ours.keys() & theirs.keys())
    if not common:
        return None
    mine, yours = (np.array([values[fold] for fold in common]) for values in (ours, theirs))
    gain = 1 - mine.mean() / yours.mean()
    if len(common) < 3:
        return Verdict(gain, "open", len(common))
    difference = yours - mine
    spread = np.sqrt((1 / len(common) + 1 / (N_FOLDS - 1)) * difference.var(ddof=1))
    limit = student.ppf(0.975, len(common) - 1) * spread
    if abs(difference.mean()) <= limit:
        return Verdict(gain, "level", len(common))
    return Verdict(gain, "better" if gain > 0 else "worse", len(common))


def verdicts(all_results: dict, family: str) -> dict[str, Verdict]:
    """CroMEL against one family on each task that both have."""
    found = {}
    for task, results in all_results.items():
        ours, theirs = our_errors(task, results, family), family_errors(task, results, family)
        if ours and theirs and (result := verdict(ours[1], theirs[1])):
            found[task] = result
    return found


def source_keys() -> set[tuple]:
    """Compositions that pretraining has seen."""
    from ablation import keys

    from cromel_sklearn import read_labels, read_materials
    from cromel_sklearn.data.composition import read_compositions
    from cromel_sklearn.data.materials import material_compositions

    materials = read_materials(DATA_HOME / "source" / "mp_structures.parquet")
    batch, rows = material_compositions(materials)
    trained = set(rows[materials.split == "train"])
    structures = {key for row, key in enumerate(keys(batch)) if row in trained}
    held_out = set(keys(batch)) - structures  # their labels take no part in pretraining
    labels = read_labels(DATA_HOME / "source" / "calculated_properties.parquet")
    labels = labels[labels["property"].isin(LABELS)]
    return structures | (set(keys(read_compositions(labels["formula"])[0])) - held_out)


def main() -> None:
    """Compute the errors on known and on new compositions, and print them."""
    from ablation import keys
    from accuracy import PARITY_TASKS, load_silently, read_json, write_json

    from cromel_sklearn.data.composition import read_compositions

    known_keys = source_keys()
    found: dict[str, dict] = {}
    for name in PARITY_TASKS:
        data = load_silently(name)
        batch, inverse, _ = read_compositions(data.X["formula"])
        is_known = np.array([key in known_keys for key in keys(batch)])[inverse]
        predictions = read_json(RESULTS / "predictions" / f"{name}.json")
        models = {}
        for model, by_fold in predictions.items():
            if model == "measured":
                continue
            tests = [data.folds[int(fold)][1] for fold in by_fold]
            deviations = np.abs(
                np.concatenate([data.target[test] for test in tests])
                - np.concatenate(list(by_fold.values()))
            )
            known = is_known[np.concatenate(tests)]
            models[model] = {
                "known": round(float(deviations[known].mean()), 6),
                "new": round(float(deviations[~known].mean()), 6),
                "folds": len(by_fold),
            }
            print(f"{name:20} {model:20} {models[model]}")
        found[name] = {"part known": round(float(is_known.mean()), 4), "models": models}
    write_json(RESULTS / "known.json", found)


if __name__ == "__main__":
    main()
