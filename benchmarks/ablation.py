"""What do teachers, structures, labels and size contribute to the encoder that ships?

Command, from the repository root (each student is kept when it is done)::

    python benchmarks/ablation.py --teachers T1 T2 T3 --folder FOLDER [--chgnet-sites 8]
        [--n-steps 6000] [--n-synthetic 250000]

In: encoders of ``cromel pretrain``, and the structures and calculated labels below ``CROMEL_DATA``
(default ``../shared/data``). Every student is distilled anew from the same data, one thing left
out; sizes and seeds are students of everything. They learn a tenth as long as the one that ships.
Each is judged by its errors on calculated properties of held-out compositions, by its distance
from the teachers, and frozen under stock models on development folds inside the training rows of
the first official fold. Out: ``benchmarks/results/ablation/distillation.json``. Teachers' answers,
structure features and students stay in FOLDER.
"""

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path

from parallel import use_one_thread

use_one_thread()

import numpy as np  # noqa: E402 (after the number of threads)
import pandas as pd  # noqa: E402
from cells import development_folds, environment, load_silently, run_fold  # noqa: E402
from comparison import fold_errors  # noqa: E402
from footprint import calculated_formulas  # noqa: E402
from models import on_features  # noqa: E402
from paths import DATA_HOME, RESULTS  # noqa: E402
from rates import rate  # noqa: E402
from results_store import add_json, read_json  # noqa: E402
from stock import regressors  # noqa: E402
from tasks import TASKS  # noqa: E402

from cromel_sklearn import CroMELTransformer, load_encoder, read_labels, read_materials  # noqa: E402
from cromel_sklearn.data.composition import find_compositions  # noqa: E402
from cromel_sklearn.data.readers import file_checksum  # noqa: E402
from cromel_sklearn.encoders.calculated_values import composition_keys  # noqa: E402
from cromel_sklearn.nn.distilled_network import DistilledEncoderConfig  # noqa: E402
from cromel_sklearn.pretraining.distillation import STATE, distill  # noqa: E402
from cromel_sklearn.pretraining.distillation_net import LossWeights  # noqa: E402
from cromel_sklearn.pretraining.distillation_settings import DistillationSettings  # noqa: E402
from cromel_sklearn.pretraining.known_compounds import gather_known_compounds  # noqa: E402
from cromel_sklearn.pretraining.structure_features import chgnet_features  # noqa: E402

RESULT = RESULTS / "ablation" / "distillation.json"
STRUCTURES = DATA_HOME / "source" / "mp_structures.parquet"
#: Labels that every earlier encoder had, and those that came with this one.
LABELS = tuple(
    DATA_HOME / "source" / f"{name}.parquet"
    for name in ("calculated_properties", "more_calculated_properties")
)
#: Task, block of columns and stock model that judge a student.
JUDGES = (
    ("formation_enthalpy", "embedding", "svr"),
    ("band_gap", "embedding", "svr"),
    ("steel_yield_strength", "embedding", "svr"),
    ("hea_hardness", "embedding", "svr"),
    ("hea_hardness", "all", "extratrees"),
    ("zT", "all", "extratrees"),
)


@dataclass(frozen=True)
class Student:
    """What a student learns from, how large it is, and its seed."""

    structures: bool = True
    new_labels: bool = True
    spread: bool = True
    synthetic: bool = True
    teachers: bool = True
    targets: bool = True
    width: int = 384
    seed: int = 0


STUDENTS = {
    "everything": Student(),
    "no structure features": Student(structures=False),
    "no new labels": Student(new_labels=False),
    "no spread": Student(spread=False),
    "no synthetic compositions": Student(synthetic=False),
    "no teachers": Student(teachers=False),
    "no teachers, no structure features": Student(teachers=False, structures=False),
    "no teachers, targets removed": Student(teachers=False, targets=False),
    "width 128": Student(width=128),
    "width 256": Student(width=256),
    "width 576": Student(width=576),
    "seed 1": Student(seed=1),
    "seed 2": Student(seed=2),
}


def settings_of(student: Student, n_steps: int, n_synthetic: int) -> DistillationSettings:
    """Settings of a distillation; without teachers nothing of theirs is taught."""
    usual = LossWeights()
    weights = replace(
        usual,
        means=usual.means if student.teachers else 0.0,
        deviations=usual.deviations if student.teachers and student.spread else 0.0,
    )
    n_synthetic = n_synthetic if student.teachers and student.synthetic else 0
    return DistillationSettings(
        network=DistilledEncoderConfig(width=student.width, embedding_dim=96),
        n_components=DistillationSettings.n_components if student.teachers else 0,
        n_synthetic=n_synthetic, chunk_size=max(n_synthetic, 1), n_steps=n_steps,
        loss_weights=weights, seed=student.seed,
    )  # fmt: skip


def without_targets(known):
    """Forget labels and structures of every composition of the fourteen tasks; how many."""
    formulas = {str(formula) for name in TASKS for formula in load_silently(name).X["formula"]}
    batch, *_ = find_compositions(sorted(formulas))
    is_target = np.isin(composition_keys(known.compositions), composition_keys(batch))
    forgotten = is_target[:, None]
    labels = np.where(forgotten, np.nan, known.labels)
    features = np.where(forgotten, np.nan, known.structure_features)
    return replace(known, labels=labels, structure_features=features), int(is_target.sum())


class Sources:
    """Structures, their features and labels, read once."""

    def __init__(self, teachers, folder: Path, most_sites: int):
        self.known_elements = frozenset.intersection(*(t.known_elements for t in teachers))
        self._materials = read_materials(STRUCTURES)
        self._features = chgnet_features(
            self._materials, folder / "structure_features", most_sites=most_sites
        )
        self._tables = [read_labels(path) for path in LABELS]

    def known(self, student: Student):
        """Compounds that a student learns from, and how many of them it was made to forget."""
        tables = self._tables if student.new_labels else self._tables[:1]
        known = gather_known_compounds(
            pd.concat(tables, ignore_index=True), self._materials,
            self._features if student.structures else None, known_elements=self.known_elements,
        )  # fmt: skip
        return (known, 0) if student.targets else without_targets(known)


def judged(encoder) -> dict[str, float]:
    """Mean error of the frozen encoder under each judge over the development folds."""
    found = {}
    for task, output, stock in JUDGES:
        data = load_silently(task)
        transformer = CroMELTransformer(encoder, output=output, device="cpu")
        model = on_features("cromel", transformer, regressors()[stock])
        folds = enumerate(development_folds(data))
        by_fold = {str(number): run_fold(model, data, fold)[0] for number, fold in folds}
        errors = list(fold_errors(task, by_fold).values())
        found[f"{task}, {output}+{stock}"] = round(float(np.mean(errors)), 6)
    return found


def measure_speeds(folder: Path) -> dict[str, dict[str, float]]:
    """Weights, bytes and formulas a second of the students of each size, all in one run."""
    formulas = calculated_formulas()
    found = {}
    for name, student in STUDENTS.items():
        path = folder / f"{name}.safetensors"
        if replace(student, width=384) == Student() and path.exists():
            transformer = CroMELTransformer(path, device="cpu")
            transformer.fit_transform(formulas[:300])
            tensors = load_encoder(path).tensors
            n_weights = sum(t.size for key, t in tensors.items() if key.startswith("network."))
            found[name] = {
                "weights": n_weights,
                "megabytes": round(path.stat().st_size / 1e6, 3),
                "formulas/s": round(rate(transformer.transform, formulas, 3)),
            }
    return found


def main() -> None:
    """Distil and judge the students that are missing, then measure the speed of the sizes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--teachers", nargs="+", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--chgnet-sites", type=int, default=8)
    parser.add_argument("--n-steps", type=int, default=6_000)
    parser.add_argument("--n-synthetic", type=int, default=250_000)
    parser.add_argument("--students", nargs="+", choices=STUDENTS, default=STUDENTS)
    arguments = parser.parse_args()
    teachers = [load_encoder(path) for path in arguments.teachers]
    sources = None
    data = {path.name: file_checksum(path) for path in (STRUCTURES, *LABELS)}
    for name in arguments.students:
        student = STUDENTS[name]
        settings = settings_of(student, arguments.n_steps, arguments.n_synthetic)
        identity = {
            "settings": settings.as_json(), "data": data, "chgnet_sites": arguments.chgnet_sites,
            "teachers": [teacher.checksum for teacher in teachers],
        }  # fmt: skip
        if read_json(RESULT).get("students", {}).get(name, {}).get("identity") == identity:
            continue
        sources = sources or Sources(teachers, arguments.folder, arguments.chgnet_sites)
        known, n_forgotten = sources.known(student)
        settings = settings.suited_to(known.properties, settings.spread_of)
        # Students that ask the teachers the same find their answers there.
        run = arguments.folder / f"{len(known)}-{settings.n_components}-{student.seed}"
        (run / STATE).unlink(missing_ok=True)
        started = time.process_time()
        encoder = distill(
            teachers, known, run, settings,
            report=lambda step, n_steps, losses: print(step, losses, flush=True),
        )  # fmt: skip
        seconds = time.process_time() - started
        encoder.save(arguments.folder / f"{name}.safetensors")
        errors = encoder.description.errors
        result = {
            "identity": identity,
            "n_known": len(known),
            "n_labels": int(np.isfinite(known.labels).sum()),
            "n_structures": encoder.provenance["n_structures"],
            "n_forgotten": n_forgotten,
            "held_out": {k: round(v, 5) for k, v in errors["test"]["composition"].items()},
            "from_teachers": {k: round(v, 4) for k, v in errors["teachers"].items()},
            "development": judged(encoder),
            "cpu_seconds": round(seconds),
            "environment": environment(),
        }
        add_json(RESULT, ("students", name), result)
        print(name, result["development"], flush=True)
    add_json(RESULT, ("sizes",), measure_speeds(arguments.folder))


if __name__ == "__main__":
    main()
