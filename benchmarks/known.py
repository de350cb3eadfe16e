"""How much of the accuracy is knowledge of the very composition?

Command, from the repository root, after accuracy.py::

    python benchmarks/known.py

In: the predictions that ``accuracy.py`` keeps for formation_enthalpy and band_gap, and the source
data below ``CROMEL_DATA`` (default ``../shared/data``). Out: ``benchmarks/results/known.json``, the
mean absolute error of each model on the test rows whose composition was among those that the
default encoder was pretrained on, with calculated values, and on those that were not.
"""

import numpy as np
from cells import PARITY_TASKS, load_silently
from comparison import read_results
from paths import DATA_HOME, RESULTS
from results_store import PREDICTIONS, read_json, write_json

from cromel_sklearn import read_labels, read_materials
from cromel_sklearn.data.composition import read_compositions
from cromel_sklearn.data.materials import material_compositions
from cromel_sklearn.encoders.calculated_values import composition_keys

RESULT = RESULTS / "known.json"
#: Tables of calculated values without structures.
LABELS = ("calculated_properties.parquet", "more_calculated_properties.parquet")


def source_keys() -> np.ndarray:
    """Compositions that pretraining has seen."""
    source = DATA_HOME / "source"
    materials = read_materials(source / "mp_structures.parquet")
    batch, rows = material_compositions(materials)
    keys = composition_keys(batch)
    structures = keys[np.unique(rows[materials.split == "train"])]
    held_out = np.setdiff1d(keys, structures)  # their labels take no part in pretraining
    labelled = [
        composition_keys(read_compositions(read_labels(source / name)["formula"].unique())[0])
        for name in LABELS
    ]
    return np.union1d(structures, np.setdiff1d(np.concatenate(labelled), held_out))


def main() -> None:
    """Compute the errors on known and on new compositions, and print them."""
    known_keys = source_keys()
    results = read_results("formula")
    found: dict[str, dict] = {}
    for name in PARITY_TASKS:
        data = load_silently(name)
        batch, inverse, _ = read_compositions(data.X["formula"])
        is_known = np.isin(composition_keys(batch), known_keys)[inverse]
        models = {}
        for model, by_fold in read_json(PREDICTIONS / f"{name}.json").items():
            current = results.tasks[name].get(model, {})
            by_fold = {fold: values for fold, values in by_fold.items() if fold in current}
            if not by_fold:
                continue
            tests = [data.folds[int(fold)][1] for fold in by_fold]
            predicted = np.concatenate(list(by_fold.values()))
            deviations = np.abs(data.target[np.concatenate(tests)] - predicted)
            known = is_known[np.concatenate(tests)]
            models[model] = {
                "known": round(float(deviations[known].mean()), 6),
                "new": round(float(deviations[~known].mean()), 6),
                "folds": len(by_fold),
            }
            print(f"{name:20} {model:22} {models[model]}")
        found[name] = {"part known": round(float(is_known.mean()), 4), "models": models}
    write_json(RESULT, found)


if __name__ == "__main__":
    main()
