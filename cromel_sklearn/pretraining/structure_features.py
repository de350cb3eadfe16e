"""Features of crystal structures from CHGNet, a network trained on 1.5 million calculations.

An optional teacher: ``pip install --no-deps chgnet==0.4.2 ase nvidia-ml-py3`` (its other
requirements are those of this package). Code and weights: modified BSD licence.
"""

from pathlib import Path

import numpy as np

from ..data.materials import CalculatedMaterials
from ..exceptions import CheckpointError, CroMELError
from ..storage.artifact import read_artifact, write_artifact

#: What a card says of it.
ATTRIBUTION = (
    "CHGNet: Deng et al., Nat. Mach. Intell. 5, 1031 (2023), doi:10.1038/s42256-023-00716-3 "
    "(modified BSD licence)"
)
N_FEATURES = 64
_KIND = "cromel_structure_features"
_VERSION = 2
_CHUNK = 500
_BATCH = 32


def chgnet_features(
    materials: CalculatedMaterials, folder, *, most_sites: int = 20, report=None
) -> np.ndarray:
    """Compute CHGNet's crystal features, smallest structures first.

    Parameters
    ----------
    materials : CalculatedMaterials of n_materials
    folder : path-like
        Holds finished parts of 500 structures, so that a stopped run goes on.
    most_sites : int, default=20
        Larger structures are left out; they take most of the time.
    report : callable, optional
        Called as ``report(n_done, n_structures)`` after each part.

    Returns
    -------
    ndarray of shape (n_materials, 64), float32
        NaN for structures that are larger, or of which CHGNet can make no graph.

    Raises
    ------
    CroMELError
        If chgnet is not installed.

    References
    ----------
    Deng et al., Nat. Mach. Intell. 5, 1031 (2023), doi:10.1038/s42256-023-00716-3.
    """
    n_sites = np.array([len(numbers) for numbers in materials.atomic_numbers])
    order = np.argsort(n_sites, kind="stable")
    order = order[n_sites[order] <= most_sites]
    features = np.full((len(materials), N_FEATURES), np.nan, dtype=np.float32)
    model = None
    for start in range(0, len(order), _CHUNK):
        rows = order[start : start + _CHUNK]
        path = Path(folder) / f"chgnet-{start:06d}.safetensors"
        identity = {
            "ids": [str(name) for name in materials.ids[rows]], "source": materials.checksum
        }  # fmt: skip
        shape = (len(rows), N_FEATURES)
        try:
            header, tensors = read_artifact(path, _KIND, _VERSION)
            found = tensors.get("features", np.empty(0))
            if header != identity or found.shape != shape or found.dtype != np.float32:
                raise CheckpointError(f"{path} belongs to other structures.")
        except CheckpointError:  # not there yet, of other structures, or damaged: made anew
            model = model or _load_model()
            tensors = {"features": _features(model, materials, rows)}
            write_artifact(path, _KIND, _VERSION, identity, tensors)
        features[rows] = tensors["features"]
        if report is not None:
            report(min(start + _CHUNK, len(order)), len(order))
    return features


def _load_model():
    try:
        from chgnet.model.model import CHGNet
    except ImportError as error:
        raise CroMELError(
            "CHGNet is not installed. Install it without its requirements, which this package has: "
            "pip install --no-deps chgnet==0.4.2 ase nvidia-ml-py3"
        ) from error
    return CHGNet.load(use_device="cpu", verbose=False).eval()


def _features(model, materials: CalculatedMaterials, rows) -> np.ndarray:
    import torch
    from pymatgen.core import Lattice, Structure

    found = np.full((len(rows), N_FEATURES), np.nan, dtype=np.float32)
    graphs, places = [], []
    for place, row in enumerate(rows):
        structure = Structure(
            Lattice(materials.lattices[row]),
            materials.atomic_numbers[row],
            materials.frac_coords[row],
        )
        try:
            graphs.append(model.graph_converter(structure))
        except ValueError:  # an atom without neighbors inside CHGNet's cut-off
            continue
        places.append(place)
    with torch.no_grad():
        for start in range(0, len(graphs), _BATCH):
            part = slice(start, start + _BATCH)
            said = model.forward(graphs[part], task="e", return_crystal_feas=True)
            found[places[part]] = said["crystal_fea"].numpy()
    return found
