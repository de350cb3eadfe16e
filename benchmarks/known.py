"""How much of the gain is knowledge of the very composition?

Command, from the repository root, after accuracy.py::

    python benchmarks/known.py

In: the predictions that ``accuracy.py`` keeps for formation_enthalpy and band_gap, and the source
data below ``CROMEL_DATA`` (default ``../shared/data``). Out: ``benchmarks/results/known.json``, the
mean absolute error of each model on the test rows whose composition was among those that the
default encoder was pretrained on, with calculated values, and on those that were not.
"""

import numpy as np
from ablation import keys
from accuracy import PARITY_TASKS, load_silently, read_json, write_json
from paths import DATA_HOME, RESULTS

from cromel_sklearn import read_materials
from cromel_sklearn.data.composition import read_compositions
from cromel_sklearn.data.materials import material_compositions
from cromel_sklearn.data.readers import read_labels

RESULT = RESULTS / "known.json"
#: Labels without structures that the default encoder has learned.
LABELS = ("formation_energy_per_atom", "band_gap")


def source_keys() -> set[tuple]:
    """Compositions that pretraining has seen."""
    materials = read_materials(DATA_HOME / "source" / "mp_structures.parquet")
    batch, rows = material_compositions(materials)
    trained = set(rows[materials.split == "train"])
    structures = {key for row, key in enumerate(keys(batch)) if row in trained}
    held_out = set(keys(batch)) - structures  # their labels take no part in pretraining
    labels = read_labels(DATA_HOME / "source" / "calculated_properties.parquet")
    labels = labels[labels["property"].isin(LABELS)]
    return structures | (set(keys(read_compositions(labels["formula"])[0])) - held_out)


def main() -> None:
    """Compute the errors and print them."""
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
            errors = np.abs(
                np.concatenate([data.target[test] for test in tests])
                - np.concatenate(list(by_fold.values()))
            )
            known = is_known[np.concatenate(tests)]
            models[model] = {
                "known": round(float(errors[known].mean()), 6),
                "new": round(float(errors[~known].mean()), 6),
                "folds": len(by_fold),
            }
            print(f"{name:20} {model:20} {models[model]}")
        found[name] = {"part known": round(float(is_known.mean()), 4), "models": models}
    write_json(RESULT, found)


if __name__ == "__main__":
    main()
