"""Periodic crystal graphs, reduced by symmetry.

A graph has one node for each class of equivalent sites: sites of the same element whose neighbor
shells agree, shell by shell, as far as messages reach (color refinement). Node weights and edge
multiplicities keep every sum over sites and neighbors what it is in the full crystal, so a network
of sums over neighbors and averages over sites returns the same value at a third of the cost, and
order of sites, rotation, choice of cell and supercell cannot matter.
"""

from dataclasses import dataclass, fields

import numpy as np

#: Radius of the neighbor sphere in Å (as in the paper).
CUTOFF = 4.0
# Distances that round to the same hundredth of an Å are one shell.
_SHELLS_PER_ANGSTROM = 100
_PERIODIC = np.array([1, 1, 1], dtype=np.int64)


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
