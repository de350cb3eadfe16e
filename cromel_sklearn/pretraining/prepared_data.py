"""Calculated materials made ready for pretraining: graphs, targets of their geometry, split."""

from collections.abc import Iterator
from dataclasses import replace

from ..data.crystal_graph import CrystalGraphs, GraphShards
from ..data.graph_cache import build_crystal_graphs
from ..data.material_shards import MaterialShards, gather_summary
from ..data.materials import CalculatedMaterials, geometry_targets, split_by_composition
from .data import PretrainingData, assemble


def prepared_data(
    materials: CalculatedMaterials | MaterialShards, labels, *, cutoff: float, geometry: bool,
    n_jobs: int, cache: bool, seed: int,
) -> PretrainingData:  # fmt: skip
    """Build the graphs of materials, and put everything together that training reads.

    Parameters
    ----------
    materials : CalculatedMaterials or MaterialShards
        Of shards, one at a time is held in memory.
    labels : DataFrame with the columns formula, property, value, or None
        Calculated labels without structures.
    cutoff : float
        Of the graphs, in Å.
    geometry : bool
        Whether to add what structures tell to the targets, such as the volume per atom.
    n_jobs : int
    cache : bool
        As in `build_crystal_graphs`.
    seed : int
        Of the split, where the materials name none.

    Returns
    -------
    PretrainingData

    Raises
    ------
    SourceDataError
        If materials or labels cannot be used; names the first bad one.
    """
    packs: list[CrystalGraphs] = []
    parts = [materials] if isinstance(materials, CalculatedMaterials) else materials

    def with_graphs() -> Iterator[CalculatedMaterials]:
        for part in parts:
            graphs = build_crystal_graphs(part, cutoff=cutoff, n_jobs=n_jobs, cache=cache)
            packs.append(graphs)
            yield part.with_targets(geometry_targets(part, graphs)) if geometry else part

    summary = gather_summary(with_graphs())
    if summary.split is None:
        split = split_by_composition(summary.composition_of_structure, seed)
        summary = replace(summary, split=split)
    return assemble(summary, packs[0] if len(packs) == 1 else GraphShards(packs), labels)
