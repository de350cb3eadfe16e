"""Make an encoder like the default one from the data alone, in one command (for its maintainers).

Command, from the repository root, on a GPU where there is one (goes on where it was stopped)::

    python tools/make_encoder.py --source ../shared/data/source --out run [--device auto]
        [--teachers 6] [--max-epochs 60] [--n-steps 60000] [--n-synthetic 2000000]
        [--chgnet-sites 20] [--seeds 0 1 2]

In: ``mp_structures.parquet``, ``calculated_properties.parquet`` and
``more_calculated_properties.parquet`` in the source folder. Out: a folder for the structure
encoder, which all teachers share, one a teacher, and one a student and seed, each with weights and
card; and ``figures.json`` with the seconds of each. ``tools/register_encoder.py`` ships a student.
With ``--prepare`` it builds crystal graphs (beside the structures) and CHGNet's features (in the
out folder) and stops: the part that is better done where no GPU waits.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cromel_sklearn import read_materials
from cromel_sklearn.data.graph_cache import build_crystal_graphs
from cromel_sklearn.device import find_device
from cromel_sklearn.encoders.registry import WEIGHTS
from cromel_sklearn.pretraining.distillation import STATE
from cromel_sklearn.pretraining.distillation_run import distill_to_folder
from cromel_sklearn.pretraining.distillation_settings import DistillationSettings
from cromel_sklearn.pretraining.pretraining_run import pretrain_to_folder
from cromel_sklearn.pretraining.run_state import RUN_STATE
from cromel_sklearn.pretraining.structure_features import chgnet_features
from cromel_sklearn.storage.whole_file import write_file

STRUCTURES = "mp_structures.parquet"
LABELS = ("calculated_properties.parquet", "more_calculated_properties.parquet")
#: Properties of a teacher (decision 002: few).
TARGETS = ("formation_energy_per_atom", "band_gap")
#: Teachers differ in these and in their seed, in turn.
KINDS: tuple[dict, ...] = (
    {"geometry": False, "mixing_weight": 0.0},
    {"geometry": False, "mixing_weight": 0.2},
    {"geometry": True, "mixing_weight": 0.0},
)
ATTRIBUTION = (
    "Materials Project (CC BY 4.0), Jain et al., APL Materials 1, 011002 (2013), "
    "doi:10.1063/1.4812323; MatBench, Dunn et al., npj Comput. Mater. 6, 138 (2020), "
    "doi:10.1038/s41524-020-00406-3; OQMD (CC BY 4.0), Saal et al., JOM 65, 1501 (2013), "
    "doi:10.1007/s11837-013-0755-4; AFLOW, Curtarolo et al., Comput. Mater. Sci. 58, 218 (2012), "
    "doi:10.1016/j.commatsci.2012.02.005; JARVIS-DFT (NIST, public domain), Choudhary et al., npj "
    "Comput. Mater. 6, 173 (2020), doi:10.1038/s41524-020-00440-1; multi-fidelity gaps, Chen et "
    "al., Nat. Comput. Sci. 1, 46 (2021), doi:10.1038/s43588-020-00002-x"
)


class Maker:
    """Runs the steps that are not done, and keeps what each took.

    Parameters
    ----------
    source, out : Path
    device : str
    """

    def __init__(self, source: Path, out: Path, device: str = "auto"):
        self.structures = source / STRUCTURES
        self.labels = [source / name for name in LABELS]
        self.out = out
        self.device = str(find_device(device))
        self._path = out / "figures.json"

    def step(self, name: str, state: str, run: Callable[[Path, bool], object]) -> Path:
        """Run one step, unless its weights are there; a begun one goes on."""
        folder = self.out / name
        if (folder / WEIGHTS).exists():
            return folder
        print(f"{name} ...", flush=True)
        started = time.perf_counter()
        run(folder, (folder / state).exists())
        figures = json.loads(self._path.read_text()) if self._path.exists() else {}
        figures[name] = {
            "seconds of the last start": round(time.perf_counter() - started, 1),
            "device": self.device,
        }
        write_file(self._path, json.dumps(figures, indent=1))
        print(f"{name}: {figures[name]}", flush=True)
        return folder

    def teachers(self, n_teachers: int, max_epochs: int, n_jobs: int = -1) -> list[Path]:
        """A run that trains the structure encoder, then teachers paired with it."""
        settings = {"device": self.device, "n_jobs": n_jobs, "attribution": ATTRIBUTION}

        def trained(name: str, **chosen) -> Path:
            return self.step(
                name, RUN_STATE,
                lambda folder, resume: pretrain_to_folder(
                    self.structures, folder, labels_path=self.labels[0], targets=list(TARGETS),
                    resume=resume, **settings, **chosen,
                ),
            )  # fmt: skip

        of_structures = trained("structures", random_state=0, max_epochs=max(1, max_epochs // 2))
        return [
            trained(
                f"teacher-{number}", structure_run=of_structures, random_state=number,
                max_epochs=max_epochs, **KINDS[number % len(KINDS)],
            )
            for number in range(1, n_teachers + 1)
        ]  # fmt: skip

    def student(self, teachers: list[Path], settings: DistillationSettings, most_sites: int):
        """Distil; structure features are computed once for all seeds."""
        name = f"student-{settings.seed}"
        features, shared = self.out / name / "structure_features", self.out / "structure_features"
        if most_sites and not features.exists():
            shared.mkdir(parents=True, exist_ok=True)
            features.parent.mkdir(parents=True, exist_ok=True)
            features.symlink_to(shared.resolve(), target_is_directory=True)
        return self.step(
            name, STATE,
            lambda folder, resume: distill_to_folder(
                teachers, self.labels, folder, structures=self.structures, settings=settings,
                chgnet_sites=most_sites, device=self.device, resume=resume, attribution=ATTRIBUTION,
                report=lambda title, done, n: print(f"{name}: {title}, {done} of {n}", flush=True),
            ),
        )  # fmt: skip

    def prepare(self, most_sites: int) -> None:
        """Build what needs pymatgen: graphs, and features of structures."""
        materials = read_materials(self.structures)
        build_crystal_graphs(materials)
        if most_sites:
            chgnet_features(materials, self.out / "structure_features", most_sites=most_sites)


def main() -> None:
    """Make teachers and students."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--teachers", type=int, default=6)
    parser.add_argument("--max-epochs", type=int, default=60)
    parser.add_argument("--n-steps", type=int, default=DistillationSettings.n_steps)
    parser.add_argument("--n-synthetic", type=int, default=DistillationSettings.n_synthetic)
    parser.add_argument("--chgnet-sites", type=int, default=20, help="0 for none")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of students")
    parser.add_argument("--prepare", action="store_true", help="graphs and features alone")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    maker = Maker(arguments.source, arguments.out, arguments.device)
    if arguments.prepare:
        maker.prepare(arguments.chgnet_sites)
        return
    teachers = maker.teachers(arguments.teachers, arguments.max_epochs)
    settings = DistillationSettings(n_steps=arguments.n_steps, n_synthetic=arguments.n_synthetic)
    settings = replace(settings, chunk_size=min(settings.chunk_size, max(1, settings.n_synthetic)))
    for seed in arguments.seeds:
        maker.student(teachers, replace(settings, seed=seed), arguments.chgnet_sites)


if __name__ == "__main__":
    main()
