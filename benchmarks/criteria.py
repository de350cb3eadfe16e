"""What do the criteria, the structures, and compositions seen before contribute to transfer?

Command, from the repository root, for a run folder of ``cromel pretrain`` whose structure encoder
all variants share, held fixed::

    python benchmarks/criteria.py --structure-run RUN [--epochs 8]

In: ``source/mp_structures.parquet`` below ``CROMEL_DATA`` (default ``../shared/data``). Each
variant trains one composition encoder with everything else equal (seed 0): the four criteria;
`none` without geometry either, so that nothing of a structure is left but its calculated energy and
gap; and `paired` and `none` without any structure or label of a composition that is in one of the
two tasks. Then it scores frozen embeddings on the official folds of formation_enthalpy and
band_gap. Out: a list in ``benchmarks/results/ablation/criteria.json``; a variant that is there
with the same settings of the pretraining is not run again.
"""

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
from cells import environment, run_fold
from models import on_features
from paths import DATA_HOME, RESULTS
from results_store import write_json
from stock import regressors
from tasks import load_task

from cromel_sklearn import CroMELPretrainer, CroMELTransformer, read_materials
from cromel_sklearn.data.composition import read_compositions
from cromel_sklearn.data.materials import material_compositions
from cromel_sklearn.data.readers import file_checksum
from cromel_sklearn.encoders.calculated_values import composition_keys
from cromel_sklearn.nn.composition_encoder import CompositionEncoderConfig
from cromel_sklearn.pretraining.pretrainer import RUN_PARAMETERS

RESULT = RESULTS / "ablation" / "criteria.json"
TASKS = ("formation_enthalpy", "band_gap")
MODELS = ("svr", "histgbr")
#: Name, criterion, whether geometry is predicted, and whether the tasks' compositions take part.
VARIANTS = {
    "paired": ("paired", True, True),
    "none": ("none", True, True),
    "joint": ("joint", True, True),
    "wasserstein": ("wasserstein", True, True),
    "none, no geometry": ("none", False, True),
    "paired, targets removed": ("paired", True, False),
    "none, targets removed": ("none", True, False),
}


def settings_of(pretrainer: CroMELPretrainer, source: Path) -> dict:
    """What a variant depends on: every parameter, the default encoder's size, and the data."""
    left_out = {*RUN_PARAMETERS, "structure_run"}  # the folder is named on the command line
    parameters = pretrainer.get_params(deep=False)
    return {
        **{name: value for name, value in parameters.items() if name not in left_out},
        "composition_encoder": asdict(CompositionEncoderConfig()),
        "source_sha256": file_checksum(source),
    }


def without_targets(materials, tasks):
    """Move every material whose composition is in a task out of the training part."""
    formulas = [str(formula) for task in tasks.values() for formula in task.X["formula"]]
    targets = composition_keys(read_compositions(formulas)[0])
    batch, rows = material_compositions(materials)
    is_target = np.isin(composition_keys(batch), targets)[rows]
    removed = is_target & (materials.split == "train")
    return materials.with_split(np.where(removed, "test", materials.split)), int(removed.sum())


def evaluate(name: str, checkpoint, tasks) -> list[dict]:
    """Scores of one variant: an entry a task and model, with those of each fold."""
    cromel = CroMELTransformer(checkpoint, device="cpu")
    entries = []
    for task_name, task in tasks.items():
        for model in MODELS:
            estimator = on_features("cromel", cromel, regressors()[model])
            scores = {
                str(number): run_fold(estimator, task, fold)[0]["scores"]
                for number, fold in enumerate(task.folds)
            }
            entries.append({"name": name, "task": task_name, "model": model, "scores": scores})
    return entries


def main() -> None:
    """Run the variants that are missing, then print their means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--structure-run", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--n-jobs", type=int, default=-1)
    arguments = parser.parse_args()
    source = DATA_HOME / "source" / "mp_structures.parquet"
    materials = read_materials(source)
    tasks = {name: load_task(name, DATA_HOME) for name in TASKS}
    results = json.loads(RESULT.read_text()) if RESULT.exists() else []
    for name, (criterion, geometry, keeps_targets) in VARIANTS.items():
        pretrainer = CroMELPretrainer(
            criterion, geometry=geometry, structure_run=arguments.structure_run,
            max_epochs=arguments.epochs, device="cpu", n_jobs=arguments.n_jobs, random_state=0,
        )  # fmt: skip
        settings = settings_of(pretrainer, source)
        if any(entry["name"] == name and entry["settings"] == settings for entry in results):
            continue
        chosen, n_removed = (materials, 0) if keeps_targets else without_targets(materials, tasks)
        started = time.perf_counter()
        pretrainer.fit(chosen)
        errors = pretrainer.checkpoint_.header["errors"]["test"]["composition"]
        run = {
            "settings": settings,
            "n_structures_removed": n_removed,
            "test_errors": {key: round(value, 4) for key, value in errors.items()},
            "seconds": round(time.perf_counter() - started, 1),
            "environment": environment(),
        }
        results = [entry for entry in results if entry["name"] != name]
        results += [entry | run for entry in evaluate(name, pretrainer.checkpoint_, tasks)]
        write_json(RESULT, results)
    for entry in results:
        mean = np.mean([scores["mae"] for scores in entry["scores"].values()])
        print(f"{entry['name']:25} {entry['task']:20} {entry['model']:8} MAE {mean:.4f}")


if __name__ == "__main__":
    main()
