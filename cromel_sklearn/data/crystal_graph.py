"""Periodic crystal graphs, reduced by symmetry and cached on disk.

A graph has one node for each class of equivalent sites: sites of the same element whose neighbor
shells agree, shell by shell, as far as messages reach (color refinement). Node weights and edge
multiplicities keep every sum over sites and neighbors what it is in the full crystal, so a network
of sums over neighbors and averages over sites returns the same value at a third of the cost, and
order of sites, rotation, choice of cell and supercell cannot matter.
"""

import warnings
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from .._artifacts import read_artifact, write_artifact
from .._tensors import require_tensors
from ..exceptions import CheckpointError, SourceDataError

#: Radius of the neighbor sphere in Å (as in the paper).
CUTOFF = 4.0
# Distances that round to the same hundredth of an Å are one shell.
_SHELLS_PER_ANGSTROM = 100
_CACHE_KIND = "cromel_graphs"
_FORMAT_VERSION = 3
_PERIODIC = np.array([1, 1, 1], dtype=np.int64)
_CHUNK = 1000


@dataclass(frozen=True)
class CrystalGraphs:
    """Many crystal graphs, packed end to end; graph `i` owns the slices that the offsets give.

    Attributes
    ----------
    atomic_numbers : ndarray of shape (n_nodes,), int16
    site_weights : ndarray of shape (n_nodes,), float32
        Fraction of the sites of the structure that the node stands for; sums to 1 in a graph.
    node_offsets : ndarray of shape (n_graphs + 1,), int64
    edge_offsets : ndarray of shape (n_graphs + 1,), int64
    centers : ndarray of shape (n_edges,), int16
        Node that receives the message, counted within its graph.
    neighbors : ndarray of shape (n_edges,), int16
        Node that sends the message, counted within its graph.
    distances : ndarray of shape (n_edges,), float32
        Distance between center and neighbor in Å.
    multiplicities : ndarray of shape (n_edges,), float32
        Number of such neighbors around one center site.
    """

    atomic_numbers: np.ndarray
    site_weights: np.ndarray
    node_offsets: np.ndarray
    edge_offsets: np.ndarray
    centers: np.ndarray
    neighbors: np.ndarray
    distances: np.ndarray
    multiplicities: np.ndarray

    def __len__(self) -> int:
        return len(self.node_offsets) - 1

    @property
    def packs(self) -> "list[CrystalGraphs]":
        """Only this pack; of many files, the packs of each."""
        return [self]

    def take(self, rows) -> "CrystalGraphs":
        """Pack some of the graphs, in this order.

        Parameters
        ----------
        rows : array-like of int of shape (n_rows,)

        Returns
        -------
        CrystalGraphs
        """
        nodes, n_nodes = _ranges(self.node_offsets, rows)
        edges, n_edges = _ranges(self.edge_offsets, rows)
        return CrystalGraphs(
            atomic_numbers=self.atomic_numbers[nodes],
            site_weights=self.site_weights[nodes],
            node_offsets=np.concatenate([[0], np.cumsum(n_nodes)]),
            edge_offsets=np.concatenate([[0], np.cumsum(n_edges)]),
            centers=self.centers[edges],
            neighbors=self.neighbors[edges],
            distances=self.distances[edges],
            multiplicities=self.multiplicities[edges],
        )

    @classmethod
    def concatenate(cls, parts: "list[CrystalGraphs]") -> "CrystalGraphs":
        """Pack the graphs of several packs into one."""
        columns = {}
        for field in fields(cls):
            arrays = [getattr(part, field.name) for part in parts]
            if field.name.endswith("offsets"):
                sizes = np.concatenate([np.diff(array) for array in arrays])
                columns[field.name] = np.concatenate([[0], np.cumsum(sizes)])
            else:
                columns[field.name] = np.concatenate(arrays)
        return cls(**columns)


def _ranges(offsets: np.ndarray, rows) -> tuple[np.ndarray, np.ndarray]:
    """Concatenate the index ranges of `rows`, and give their lengths."""
    starts = offsets[rows]
    sizes = offsets[np.asarray(rows) + 1] - starts
    within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.repeat(starts, sizes) + within, sizes


class GraphShards:
    """Graphs of many files, one after the other, each pack where it lies.

    Parameters
    ----------
    packs : list of CrystalGraphs
    """

    def __init__(self, packs: list[CrystalGraphs]):
        self.packs = packs
        self._ends = np.cumsum([len(pack) for pack in packs])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def take(self, rows) -> CrystalGraphs:
        """Pack some of the graphs, as `CrystalGraphs.take`."""
        rows = np.asarray(rows)
        pack_of_row = np.searchsorted(self._ends, rows, side="right")
        order = np.argsort(pack_of_row, kind="stable")
        parts = []
        for number in np.unique(pack_of_row):
            first = self._ends[number] - len(self.packs[number])
            parts.append(self.packs[number].take(rows[pack_of_row == number] - first))
        if len(parts) < 2:
            return parts[0] if parts else self.packs[0].take(rows)
        return CrystalGraphs.concatenate(parts).take(np.argsort(order, kind="stable"))


def build_crystal_graph(lattice, atomic_numbers, frac_coords, cutoff: float = CUTOFF):
    """Build the graph of one crystal.

    Parameters
    ----------
    lattice : array-like of shape (3, 3)
        Lattice vectors as rows, in Å.
    atomic_numbers : array-like of shape (n_sites,)
    frac_coords : array-like of shape (n_sites, 3)
    cutoff : float, default=4.0
        Radius of the neighbor sphere in Å.

    Returns
    -------
    CrystalGraphs
        With one graph.

    Examples
    --------
    Rock salt has two classes of sites, each with six unlike neighbors at 2.82 Å and twelve like
    ones at 3.99 Å:

    >>> from cromel_sklearn.data.crystal_graph import build_crystal_graph
    >>> lattice = [[0, 2.82, 2.82], [2.82, 0, 2.82], [2.82, 2.82, 0]]
    >>> graph = build_crystal_graph(lattice, [11, 17], [[0, 0, 0], [0.5, 0.5, 0.5]])
    >>> graph.distances.round(2)
    array([3.99, 2.82, 2.82, 3.99], dtype=float32)
    >>> graph.multiplicities
    array([12.,  6.,  6., 12.], dtype=float32)
    """
    # pymatgen's C code wants exactly these dtypes; distances of 0 are the site itself.
    from pymatgen.optimization.neighbors import find_points_in_spheres

    lattice = np.ascontiguousarray(lattice, dtype=float)
    atomic_numbers = np.asarray(atomic_numbers, dtype=np.int64)
    wrapped = np.asarray(frac_coords, dtype=float) % 1.0
    coordinates = np.ascontiguousarray(wrapped @ lattice)
    centers, neighbors, _, distances = find_points_in_spheres(
        coordinates, coordinates, r=float(cutoff), pbc=_PERIODIC, lattice=lattice, tol=1e-8
    )
    other = distances > 1e-4
    centers, neighbors, distances = centers[other], neighbors[other], distances[other]
    shells = np.rint(distances * _SHELLS_PER_ANGSTROM).astype(np.int64)
    classes = _equivalent_sites(atomic_numbers, centers, neighbors, shells)
    return _quotient(atomic_numbers, classes, centers, neighbors, distances, shells)


def _equivalent_sites(atomic_numbers, centers, neighbors, shells) -> np.ndarray:
    """Class of each site: refine the elements by the neighbors' classes until nothing splits."""
    classes = np.unique(atomic_numbers, return_inverse=True)[1].ravel()
    while True:
        signatures = np.zeros(len(classes), dtype=np.uint64)
        np.add.at(signatures, centers, _hash(classes[neighbors], shells))
        pairs = np.stack([classes.astype(np.uint64), signatures])
        refined = np.unique(pairs, axis=1, return_inverse=True)[1].ravel()
        if refined.max() == classes.max():
            return classes
        classes = refined


def _hash(classes: np.ndarray, shells: np.ndarray) -> np.ndarray:
    """Mix two integers into 64 bits (splitmix64), so that sums of hashes tell multisets apart."""
    mixed = classes.astype(np.uint64) * np.uint64(1_000_003) + shells.astype(np.uint64)
    mixed += np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _quotient(atomic_numbers, classes, centers, neighbors, distances, shells) -> CrystalGraphs:
    """Merge the sites of each class; what its sites differ by, within a shell, is averaged."""
    representatives, sizes = np.unique(classes, return_index=True, return_counts=True)[1:]
    keys = np.stack([classes[centers], classes[neighbors], shells])
    edges, inverse, counts = np.unique(keys, axis=1, return_inverse=True, return_counts=True)
    distance_sums = np.bincount(inverse.ravel(), weights=distances, minlength=len(counts))
    return CrystalGraphs(
        atomic_numbers=atomic_numbers[representatives].astype(np.int16),
        site_weights=(sizes / len(classes)).astype(np.float32),
        node_offsets=np.array([0, len(sizes)], dtype=np.int64),
        edge_offsets=np.array([0, len(counts)], dtype=np.int64),
        centers=edges[0].astype(np.int16),
        neighbors=edges[1].astype(np.int16),
        distances=(distance_sums / counts).astype(np.float32),
        multiplicities=(counts / sizes[edges[0]]).astype(np.float32),
    )


def build_crystal_graphs(
    materials, *, cutoff: float = CUTOFF, n_jobs: int = -1, cache: bool = True
) -> CrystalGraphs:
    """Build the graphs of many crystals in parallel, or read them from the cache.

    Parameters
    ----------
    materials : CalculatedMaterials
        Structures and, where they came from a file, its path and checksum.
    cutoff : float, default=4.0
        Radius of the neighbor sphere in Å.
    n_jobs : int, default=-1
        Processes, as in joblib.
    cache : bool, default=True
        Keep the graphs beside the source file (in the user's cache folder where that is read-only)
        under the source's checksum, and map them into memory from there: processes share them. A
        damaged cache is told by a warning, and written again.

    Returns
    -------
    CrystalGraphs

    Raises
    ------
    SourceDataError
        Names the structure whose graph cannot be built.
    """
    paths = _cache_paths(materials, cutoff) if cache else []
    for path in paths:
        cached = _read_cache(path, materials, cutoff) if path.exists() else None
        if cached is not None:
            return cached
    from joblib import Parallel, delayed
    from rich.progress import track

    starts = range(0, len(materials), _CHUNK)
    jobs = (delayed(_build_chunk)(materials[slice(s, s + _CHUNK)], cutoff) for s in starts)
    chunks = Parallel(n_jobs=n_jobs, return_as="generator")(jobs)
    progress = track(chunks, "crystal graphs", total=len(starts), disable=len(starts) < 2)
    graphs = CrystalGraphs.concatenate(list(progress))
    for path in paths:
        if _write_cache(graphs, path, materials, cutoff):
            return _read_cache(path, materials, cutoff) or graphs
    return graphs


def _build_chunk(materials, cutoff: float) -> CrystalGraphs:
    graphs = []
    for row in range(len(materials)):
        structure = (
            materials.lattices[row],
            materials.atomic_numbers[row],
            materials.frac_coords[row],
        )
        try:
            graphs.append(build_crystal_graph(*structure, cutoff))
        except Exception as error:
            raise SourceDataError(
                f"Could not build the crystal graph of {materials.ids[row]}: {error}. Check its "
                f"lattice and sites, or leave it out."
            ) from error
    return CrystalGraphs.concatenate(graphs)


def _cache_paths(materials, cutoff: float) -> list[Path]:
    """Return where the cache may lie, the folder of the source first."""
    if materials.path is None:
        return []
    import pooch

    name = f"{materials.path.stem}.graphs-{cutoff:g}A-{materials.checksum[:12]}.safetensors"
    return [
        folder / f"v{_FORMAT_VERSION}-{name}"
        for folder in (materials.path.parent, pooch.os_cache("cromel-sklearn"))
    ]


def _cache_header(materials, cutoff: float) -> dict:
    return {"source": materials.checksum, "cutoff": cutoff, "n_graphs": len(materials)}


def _read_cache(path: Path, materials, cutoff: float) -> CrystalGraphs | None:
    """Read the cache; None, and a warning, where its graphs are not those of the materials."""

    def check(header, tensors):
        expected = _cache_header(materials, cutoff)
        if header != expected:
            raise ValueError(f"it says {header}, expected {expected}")
        _require_graphs(tensors, len(materials))

    try:
        _, tensors = read_artifact(path, _CACHE_KIND, _FORMAT_VERSION, check=check, mapped=True)
    except CheckpointError as error:
        warnings.warn(f"{error} The crystal graphs are built again.", UserWarning, stacklevel=3)
        return None
    return CrystalGraphs(**tensors)


def _require_graphs(columns: dict[str, np.ndarray], n_graphs: int) -> None:
    """Check that columns have the types and counts of `n_graphs` graphs, packed end to end."""
    nodes, edges = columns["node_offsets"], columns["edge_offsets"]
    n_nodes, n_edges = int(nodes[-1]), int(edges[-1])
    sizes = {
        "atomic_numbers": (n_nodes, "i"), "site_weights": (n_nodes, "f"),
        "node_offsets": (n_graphs + 1, "i"), "edge_offsets": (n_graphs + 1, "i"),
        "centers": (n_edges, "i"), "neighbors": (n_edges, "i"),
        "distances": (n_edges, "f"), "multiplicities": (n_edges, "f"),
    }  # fmt: skip
    require_tensors(columns, ((name, (size,), kind) for name, (size, kind) in sizes.items()))
    if nodes[0] or edges[0] or (np.diff(nodes) < 1).any() or (np.diff(edges) < 0).any():
        raise ValueError("its offsets do not increase from zero")
    n_nodes_of_edge = np.repeat(np.diff(nodes), np.diff(edges))
    for ends in (columns["centers"], columns["neighbors"]):
        if (ends < 0).any() or (ends >= n_nodes_of_edge).any():
            raise ValueError("an edge ends outside its graph")


def _write_cache(graphs: CrystalGraphs, path: Path, materials, cutoff: float) -> bool:
    """Write the cache in one step, so that a killed run leaves none that is half written."""
    columns = {field.name: getattr(graphs, field.name) for field in fields(graphs)}
    header = _cache_header(materials, cutoff)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.parent.stat().st_mode & 0o222:
            return False  # marked read-only, which root could ignore
        write_artifact(path, _CACHE_KIND, _FORMAT_VERSION, header, columns)
    except OSError:
        return False
    return True
