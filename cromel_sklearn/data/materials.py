"""Table of calculated structures with their properties, which pretraining reads."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from ..exceptions import SourceDataError
from .composition_batch import CompositionBatch, DistinctCompositions
from .elements import MAX_ATOMIC_NUMBER
from .formula_reader import ElementAmounts

#: Units of the properties this package knows by name; other columns carry theirs in the name.
PROPERTY_UNITS = {
    "formation_energy_per_atom": "eV/atom",
    "band_gap": "eV",
    "volume_per_atom": "Å³",
    "nearest_neighbor_distance": "Å",
    "neighbors_in_cutoff": "",
    "log10_bulk_modulus": "log10 GPa",
    "log10_shear_modulus": "log10 GPa",
    "refractive_index": "",
    "last_phonon_dos_peak": "1/cm",
}


SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class CalculatedMaterials:
    """Calculated crystal structures with their properties.

    Attributes
    ----------
    ids : ndarray of shape (n_materials,), object
    lattices : ndarray of shape (n_materials, 3, 3)
        Lattice vectors as rows, in Å.
    atomic_numbers : list of ndarray of shape (n_sites,)
    frac_coords : list of ndarray of shape (n_sites, 3)
    targets : DataFrame of shape (n_materials, n_targets)
        Calculated properties in the units of `PROPERTY_UNITS`; NaN where missing.
    split : ndarray of shape (n_materials,), object, or None
        "train", "validation" or "test".
    path : Path or None
        File or folder the materials came from.
    checksum : str
        SHA-256 of that source, or of the structures and targets themselves where they came as
        objects; empty for a selection of rows.
    """

    ids: np.ndarray
    lattices: np.ndarray
    atomic_numbers: list
    frac_coords: list
    targets: pd.DataFrame
    split: np.ndarray | None = None
    path: Path | None = None
    checksum: str = ""

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rows) -> "CalculatedMaterials":
        """Select materials by slice, mask or integer array; the source is no longer the file."""
        index = np.arange(len(self))[rows]
        return CalculatedMaterials(
            self.ids[index],
            self.lattices[index],
            [self.atomic_numbers[i] for i in index],
            [self.frac_coords[i] for i in index],
            self.targets.iloc[index].reset_index(drop=True),
            None if self.split is None else self.split[index],
        )

    @property
    def target_names(self) -> list[str]:
        """Target columns."""
        return list(self.targets.columns)

    def with_targets(self, more: pd.DataFrame) -> "CalculatedMaterials":
        """Add target columns; those that are there already stay as they are."""
        new = more[[name for name in more if name not in self.targets]]
        return replace(self, targets=pd.concat([self.targets, new], axis=1))

    def only_targets(self, names: list[str]) -> "CalculatedMaterials":
        """Keep these target columns."""
        return replace(self, targets=self.targets[names])

    def with_split(self, split: np.ndarray) -> "CalculatedMaterials":
        """Assign the materials to "train", "validation" and "test"."""
        return replace(self, split=split)


def content_checksum(materials: CalculatedMaterials) -> str:
    """SHA-256 of structures and targets, whatever they were read from.

    Parameters
    ----------
    materials : CalculatedMaterials

    Returns
    -------
    str
    """
    digest = hashlib.sha256("|".join(map(str, materials.targets.columns)).encode())
    digest.update(np.ascontiguousarray(materials.lattices, dtype=float).tobytes())
    for numbers, coordinates in zip(materials.atomic_numbers, materials.frac_coords, strict=True):
        digest.update(np.asarray(numbers, dtype=np.int16).tobytes())
        digest.update(np.ascontiguousarray(coordinates, dtype=float).tobytes())
    digest.update(materials.targets.to_numpy(dtype=float).tobytes())
    return digest.hexdigest()


def geometry_targets(materials: CalculatedMaterials, graphs) -> pd.DataFrame:
    """Compute what every structure tells for free.

    Parameters
    ----------
    materials : CalculatedMaterials
    graphs : CrystalGraphs of the same materials

    Returns
    -------
    DataFrame of shape (n_materials, 3)
        `volume_per_atom` (Å³), `nearest_neighbor_distance` (Å, mean over sites, at most the
        cut-off) and `neighbors_in_cutoff` (mean over sites).
    """
    n_materials, n_nodes = len(materials), len(graphs.atomic_numbers)
    n_sites = np.array([len(numbers) for numbers in materials.atomic_numbers])
    material_of_node = np.repeat(np.arange(n_materials), np.diff(graphs.node_offsets))
    material_of_edge = np.repeat(np.arange(n_materials), np.diff(graphs.edge_offsets))
    node_of_edge = graphs.node_offsets[material_of_edge] + graphs.centers
    nearest = np.full(n_nodes, np.inf)
    np.minimum.at(nearest, node_of_edge, graphs.distances)
    # A site without a neighbor inside the cut-off has its nearest one no closer than that.
    farthest = graphs.distances.max(initial=0.0)
    nearest = np.minimum(nearest, farthest)
    n_neighbors = np.bincount(node_of_edge, weights=graphs.multiplicities, minlength=n_nodes)

    def average(per_node: np.ndarray) -> np.ndarray:
        weighted = per_node * graphs.site_weights
        return np.bincount(material_of_node, weights=weighted, minlength=n_materials)

    return pd.DataFrame(
        {
            "volume_per_atom": np.abs(np.linalg.det(materials.lattices)) / n_sites,
            "nearest_neighbor_distance": average(nearest),
            "neighbors_in_cutoff": average(n_neighbors),
        }
    )


def material_compositions(materials: CalculatedMaterials) -> tuple[CompositionBatch, np.ndarray]:
    """Return the distinct compositions of the materials and, for each material, its row."""
    distinct = DistinctCompositions()
    rows = distinct.add(material_sites(materials), len(materials))
    return distinct.batch(), rows


def material_sites(materials: CalculatedMaterials) -> ElementAmounts:
    """Return the sites of all materials, one atom each."""
    n_sites = [len(numbers) for numbers in materials.atomic_numbers]
    return ElementAmounts(
        composition=np.repeat(np.arange(len(materials)), n_sites),
        atomic_number=np.concatenate([*materials.atomic_numbers, []]).astype(np.int64),
        amount=np.ones(sum(n_sites)),
    )


def split_by_composition(rows: np.ndarray, random_state, fractions=(0.9, 0.05, 0.05)) -> np.ndarray:
    """Assign materials to train, validation and test so that polymorphs stay together.

    Parameters
    ----------
    rows : ndarray of shape (n_materials,), int64
        Number of the composition of each, as `material_compositions` gives it.
    random_state : int or RandomState
    fractions : tuple of three floats

    Returns
    -------
    ndarray of shape (n_materials,), object
    """
    from sklearn.utils import check_random_state

    order = check_random_state(random_state).permutation(rows.max() + 1)
    edges = np.round(np.cumsum(fractions)[:2] * len(order)).astype(int)
    part = np.empty(len(order), dtype=object)
    for name, members in zip(SPLITS, np.split(order, edges), strict=True):
        part[members] = name
    return part[rows]


def require_consistent(materials: CalculatedMaterials) -> CalculatedMaterials:
    """Return the materials if their parts fit together; the error names the first that do not.

    Parameters
    ----------
    materials : CalculatedMaterials

    Returns
    -------
    CalculatedMaterials

    Raises
    ------
    SourceDataError
    """
    if not len(materials):
        raise SourceDataError("No materials: expected at least one structure.")
    with np.errstate(invalid="ignore"):  # a cell that is not a number is named below
        volumes = np.abs(np.linalg.det(materials.lattices))
    for row, name in enumerate(materials.ids):
        numbers, coordinates = materials.atomic_numbers[row], materials.frac_coords[row]
        if len(numbers) == 0 or len(numbers) != len(coordinates):
            raise SourceDataError(
                f"{name} (row {row}): {len(numbers)} atomic numbers but {len(coordinates)} sites."
            )
        if not np.isfinite(coordinates).all() or not volumes[row] > 0:
            raise SourceDataError(
                f"{name} (row {row}): coordinates must be finite and the cell volume positive."
            )
        if numbers.min() < 1 or numbers.max() > MAX_ATOMIC_NUMBER:
            raise SourceDataError(
                f"{name} (row {row}): atomic numbers must be 1 to {MAX_ATOMIC_NUMBER}."
            )
    if materials.split is not None:
        others = set(materials.split) - set(SPLITS)
        unknown = sorted({"missing" if pd.isna(name) else str(name) for name in others})
        if unknown:
            raise SourceDataError(f"Column split has {unknown}; expected one of {SPLITS}.")
    return materials
