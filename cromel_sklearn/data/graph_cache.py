"""Crystal graphs of many materials, built in parallel or mapped from a cache on disk."""

import warnings
from dataclasses import fields
from pathlib import Path

import numpy as np

from ..exceptions import CheckpointError, SourceDataError
from ..storage.artifact import read_artifact, write_artifact
from ..storage.tensors import require_tensors
from .crystal_graph import CUTOFF, CrystalGraphs, build_crystal_graph

_CACHE_KIND = "cromel_graphs"
_FORMAT_VERSION = 3
_CHUNK = 1000


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
