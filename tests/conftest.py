"""Fixtures shared by the tests: the real data, small calculated materials, a small checkpoint."""

import os
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, settings
from pymatgen.core import Element, Lattice, Structure

from cromel_sklearn import CroMELPretrainer
from cromel_sklearn.estimators import members, networks, uncertainty
from cromel_sklearn.nn.composition_encoder import CompositionEncoderConfig
from cromel_sklearn.nn.distilled_network import DistilledEncoderConfig
from cromel_sklearn.nn.structure_encoder import StructureEncoderConfig
from cromel_sklearn.pretraining.distillation import distill
from cromel_sklearn.pretraining.distillation_settings import DistillationSettings
from cromel_sklearn.pretraining.known_compounds import gather_known_compounds

# HYPOTHESIS_PROFILE: "ci" searches for a minute in all, "long" for several (`nox -s properties`).
_SLOW_MACHINES = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
settings.register_profile("short", max_examples=60, derandomize=True, **_SLOW_MACHINES)
settings.register_profile("ci", max_examples=200, derandomize=True, **_SLOW_MACHINES)
settings.register_profile("long", max_examples=4_000, **_SLOW_MACHINES)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))

collect_ignore_glob = ["fuzz/*"]  # programs of their own: `nox -s fuzz`

ALKALIS = ("Li", "Na", "K", "Rb", "Cs")
HALIDES = ("F", "Cl", "Br", "I")


@pytest.fixture(autouse=True)
def _close_figures():
    """Close what a test drew: open figures of many tests add up to a warning."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(scope="session")
def data_home() -> Path:
    """Folder of the real data; tests that ask for it are skipped where it does not exist."""
    folder = os.environ.get("CROMEL_DATA")
    path = Path(folder) if folder else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not (path / "source" / "mp_structures.parquet").exists():
        pytest.skip(f"no real data at {path}; set CROMEL_DATA to its folder")
    return path


@pytest.fixture(scope="session")
def rock_salts() -> tuple[list[Structure], pd.DataFrame]:
    """The 20 alkali halides from LiF to CsI as rock salts, with targets made by a formula.

    Returns the structures and a DataFrame with `band_gap` (eV) and `formation_energy_per_atom`
    (eV/atom), smooth functions of the electronegativities and the lattice constant.
    """
    structures, targets = [], []
    for alkali in map(Element, ALKALIS):
        for halogen in map(Element, HALIDES):
            # Twice the sum of the ionic radii, in Å; the primitive cell, alkali at the origin.
            constant = 2 * float(alkali.ionic_radii[1] + halogen.ionic_radii[-1])
            lattice = Lattice(constant / 2 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]))
            sites = [alkali.symbol, halogen.symbol]
            structures.append(Structure(lattice, sites, [[0, 0, 0], [0.5, 0.5, 0.5]]))
            polarity = halogen.X - alkali.X
            targets.append(
                {
                    "band_gap": 3.0 * polarity + 10.0 / constant,
                    "formation_energy_per_atom": -polarity - 2.0 / constant,
                }
            )
    return structures, pd.DataFrame(targets)


@pytest.fixture
def small_settings():
    """Parameters of a pretrainer that takes a fraction of a second."""
    return {
        "structure_encoder": StructureEncoderConfig(16, 8, 1, 8),
        "composition_encoder": CompositionEncoderConfig(16, "attention", 8, 1, 2),
        "batch_size": 8,
        "device": "cpu",
        "n_jobs": 1,
        "random_state": 0,
        "verbose": 0,
    }


@pytest.fixture(scope="session")
def structure_table(rock_salts, tmp_path_factory):
    """A parquet file of the alkali halides, laid out like mp_structures.parquet."""
    structures, targets = rock_salts
    frame = pd.DataFrame(
        {
            "material_id": [f"salt-{row}" for row in range(len(structures))],
            "formula": [structure.composition.reduced_formula for structure in structures],
            "cell_parameters": [list(structure.lattice.parameters) for structure in structures],
            "atomic_numbers": [list(structure.atomic_numbers) for structure in structures],
            "frac_coords": [structure.frac_coords.ravel().tolist() for structure in structures],
        }
    )
    path = tmp_path_factory.mktemp("structures") / "salts.parquet"
    pd.concat([frame, targets.reset_index(drop=True)], axis=1).to_parquet(path)
    return path


@pytest.fixture(scope="session")
def checkpoint(rock_salts):
    """A checkpoint pretrained for one epoch on the alkali halides."""
    pretrainer = CroMELPretrainer(
        structure_encoder=StructureEncoderConfig(16, 8, 1, 8),
        composition_encoder=CompositionEncoderConfig(16, "attention", 8, 1, 2),
        max_epochs=1, batch_size=8, device="cpu", n_jobs=1, verbose=0,
    )  # fmt: skip
    return pretrainer.fit(*rock_salts).checkpoint_


@pytest.fixture(scope="session")
def distilled(checkpoint, rock_salts, tmp_path_factory):
    """An encoder distilled from that checkpoint in a few steps."""
    structures, targets = rock_salts
    labels = targets.assign(formula=[s.composition.reduced_formula for s in structures]).melt(
        "formula", var_name="property"
    )
    known = gather_known_compounds(
        labels, known_elements=checkpoint.known_elements, fewest_labels=10
    )
    settings = DistillationSettings(
        network=DistilledEncoderConfig(8, 16, 2, 6), remembered=("band_gap",), n_components=12,
        n_synthetic=200, chunk_size=100, n_steps=6, batch_size=32, smallest_skill=-1e9,
    )  # fmt: skip
    return distill([checkpoint], known, tmp_path_factory.mktemp("distilled"), settings)


@pytest.fixture
def small_members(monkeypatch):
    """Forests of a few trees, boosting of a few rounds, networks of a few steps."""

    def boosting(kind):
        return partial(kind, max_iter=5)

    monkeypatch.setattr(members, "N_TREES", 5)
    monkeypatch.setattr(uncertainty, "N_TREES", 5)
    for name in ("HistGradientBoostingRegressor", "HistGradientBoostingClassifier"):
        monkeypatch.setattr(members, name, boosting(getattr(members, name)))
    settings = networks.TrainingSettings(max_epochs=2, batch_size=16)
    monkeypatch.setattr(networks.TrainingSettings, "suiting", lambda n_rows: settings)


@pytest.fixture(autouse=True)
def _skip_without_gpu(request):
    if request.node.get_closest_marker("gpu") and not torch.cuda.is_available():
        pytest.skip("needs a CUDA GPU, which this machine lacks")
