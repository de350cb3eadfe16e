"""What pretraining reads: graphs, compositions and targets in memory, and batches of them."""

import hashlib
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ..data.composition import CompositionBatch, read_compositions
from ..data.crystal_graph import CrystalGraphs, GraphShards
from ..data.material_shards import MaterialSummary, gather_summary
from ..data.materials import SPLITS, CalculatedMaterials
from ..exceptions import SourceDataError
from ..nn.structure_encoder import CrystalGraphBatch
from .processes import ALONE, Processes

_STABILITY = "formation_energy_per_atom"


@dataclass(frozen=True)
class PretrainingBatch:
    """What one training step sees.

    Attributes
    ----------
    graphs : CrystalGraphBatch, optional
        The structures of the batch; of several processes, those that this one encodes.
    structure_embedding : Tensor of shape (n_graphs, embedding_dim), optional
        In their place, where the structure encoder is held fixed.
    structure_targets : Tensor of shape (n_graphs, n_properties)
        Standardised, NaN where missing.
    atomic_numbers : Tensor of shape (n_compositions, max_elements), int64
        Compositions of the structures, in their order, then compositions with labels only.
    atomic_fractions : Tensor of shape (n_compositions, max_elements)
    composition_targets : Tensor of shape (n_compositions, n_properties)
        Standardised, NaN where missing.
    """

    graphs: CrystalGraphBatch | None
    structure_embedding: Tensor | None
    structure_targets: Tensor
    atomic_numbers: Tensor
    atomic_fractions: Tensor
    composition_targets: Tensor

    def __len__(self) -> int:
        return len(self.atomic_numbers)


@dataclass(frozen=True)
class PretrainingData:
    """Everything pretraining reads, in memory.

    A composition's target is the value of its most stable structure; where it has no structure,
    the lowest labelled formation energy and the median of every other label.

    Attributes
    ----------
    graphs : CrystalGraphs or GraphShards
    structure_targets : ndarray of shape (n_structures, n_properties)
        In the properties' units, NaN where missing.
    composition_of_structure : ndarray of shape (n_structures,)
        Row of `compositions`.
    compositions : CompositionBatch
        Distinct compositions: those of the structures, then those with labels only.
    composition_targets : ndarray of shape (n_compositions, n_properties)
    split : ndarray of shape (n_compositions,), object
        "train", "validation" or "test"; labels only are "train".
    properties : tuple of str
    means, scales : ndarray of shape (n_properties,)
        Mean and standard deviation over the training compositions.
    structure_embeddings : ndarray of shape (n_structures, embedding_dim), optional
        Of a structure encoder that is held fixed.
    """

    graphs: CrystalGraphs | GraphShards
    structure_targets: np.ndarray
    composition_of_structure: np.ndarray
    compositions: CompositionBatch
    composition_targets: np.ndarray
    split: np.ndarray
    properties: tuple[str, ...]
    means: np.ndarray
    scales: np.ndarray
    structure_embeddings: np.ndarray | None = None

    @property
    def n_structures(self) -> int:
        """Number of structures, in all parts of the split."""
        return len(self.structure_targets)

    @property
    def checksum(self) -> str:
        """SHA-256 of graphs, compositions, targets and split."""
        digest = hashlib.sha256("|".join([*self.properties, *self.split]).encode())
        for array in (
            *(getattr(pack, field.name) for pack in self.graphs.packs for field in fields(pack)),
            self.composition_of_structure, self.compositions.atomic_numbers,
            self.compositions.atomic_fractions, self.structure_targets, self.composition_targets,
        ):  # fmt: skip
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def with_structure_embeddings(self, embeddings: np.ndarray) -> "PretrainingData":
        """Return the data with the embeddings of a fixed structure encoder."""
        return replace(self, structure_embeddings=embeddings)

    def structure_rows(self, split: str) -> np.ndarray:
        """Rows of the structures in one part of the split."""
        return np.flatnonzero(self.split[self.composition_of_structure] == split)

    def composition_rows(self, split: str) -> np.ndarray:
        """Rows of the compositions that have structures, in one part of the split."""
        with_structures = np.unique(self.composition_of_structure)
        return with_structures[self.split[with_structures] == split]

    def training_items(self) -> "TrainingItems":
        """One item a training structure, then one a labelled composition without structures."""
        is_label_only = np.ones(len(self.split), dtype=bool)
        is_label_only[self.composition_of_structure] = False
        rows = self.n_structures + np.flatnonzero(is_label_only)
        return TrainingItems(self, np.concatenate([self.structure_rows("train"), rows]))

    def n_elements(self, items) -> np.ndarray:
        """Number of elements of each item's composition, shape (n_items,)."""
        return (self.compositions.atomic_numbers[self._rows(np.asarray(items))] > 0).sum(axis=1)

    def _rows(self, items: np.ndarray) -> np.ndarray:
        """Rows of `compositions` of some items."""
        is_structure = items < self.n_structures
        rows = items - self.n_structures
        rows[is_structure] = self.composition_of_structure[items[is_structure]]
        return rows

    def collate(self, items, device="cpu", processes: Processes = ALONE) -> PretrainingBatch:
        """Build a batch of items: below `n_structures` structures, from there on compositions."""
        items = np.asarray(items)
        is_structure = items < self.n_structures
        structures = items[is_structure]
        rows = self._rows(np.concatenate([structures, items[~is_structure]]))
        compositions = self.compositions[rows].trimmed()

        def standardised(targets: np.ndarray) -> Tensor:
            return torch.tensor((targets - self.means) / self.scales, dtype=torch.float32)

        fixed = self.structure_embeddings
        return PretrainingBatch(
            graphs=(
                CrystalGraphBatch.from_graphs(
                    self.graphs, structures[processes.part(len(structures))], device
                )
                if fixed is None
                else None
            ),
            structure_embedding=(
                None if fixed is None else torch.from_numpy(fixed[structures]).to(device)
            ),
            structure_targets=standardised(self.structure_targets[structures]).to(device),
            atomic_numbers=torch.tensor(compositions.atomic_numbers).to(device),
            atomic_fractions=torch.tensor(compositions.atomic_fractions, dtype=torch.float32).to(
                device
            ),
            composition_targets=standardised(self.composition_targets[rows]).to(device),
        )


@dataclass(frozen=True)
class TrainingItems(Dataset):
    """Item numbers of the training part, as `PretrainingData.collate` reads them."""

    data: PretrainingData
    items: np.ndarray

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> int:
        return int(self.items[index])


def assemble(
    materials: CalculatedMaterials | MaterialSummary,
    graphs: CrystalGraphs | GraphShards,
    labels: pd.DataFrame | None = None,
) -> PretrainingData:
    """Join structures, their targets and labels without structures by composition.

    Parameters
    ----------
    materials : CalculatedMaterials or MaterialSummary
        With a split.
    graphs : CrystalGraphs or GraphShards of the same materials
    labels : DataFrame with the columns formula, property, value, optional

    Returns
    -------
    PretrainingData

    Raises
    ------
    SourceDataError
        If polymorphs straddle the split, a part of it is empty, or a property is constant.
    """
    if isinstance(materials, CalculatedMaterials):
        materials = gather_summary([materials])
    compositions = materials.compositions
    composition_of_structure = materials.composition_of_structure
    properties = list(materials.targets.columns)
    targets = _most_stable(materials.targets, composition_of_structure)
    split = _composition_split(materials, composition_of_structure, len(compositions))
    if labels is not None:
        properties += sorted(set(labels["property"]) - set(properties))
        targets = targets.reindex(columns=properties)
        compositions, targets, split = _add_labels(compositions, targets, split, labels)
    values = targets.to_numpy(dtype=float)
    train = targets[split == "train"]
    means, scales = train.mean().to_numpy(), train.std(ddof=0).to_numpy()
    constant = [name for name, scale in zip(properties, scales, strict=True) if not scale > 0]
    if constant:
        raise SourceDataError(
            f"Target {', '.join(constant)} has no variation among the training materials; "
            f"leave it out or add materials."
        )
    return PretrainingData(
        graphs=graphs,
        structure_targets=materials.targets.reindex(columns=properties).to_numpy(dtype=float),
        composition_of_structure=composition_of_structure,
        compositions=compositions,
        composition_targets=values,
        split=split,
        properties=tuple(properties),
        means=means,
        scales=scales,
    )


def _most_stable(targets: pd.DataFrame, rows: np.ndarray) -> pd.DataFrame:
    """Targets of the most stable structure of each composition; without energies, the first."""
    ordered = targets.assign(_row=rows)
    if _STABILITY in targets:
        ordered = ordered.sort_values(_STABILITY, kind="stable")
    # `first` takes the first value that is not missing.
    return ordered.groupby("_row").first().reindex(range(rows.max() + 1))


def _composition_split(materials, rows: np.ndarray, n_compositions: int) -> np.ndarray:
    split = np.empty(n_compositions, dtype=object)
    split[rows] = materials.split
    straddling = np.flatnonzero(split[rows] != materials.split)
    if len(straddling):
        raise SourceDataError(
            f"Polymorphs must stay in one part of the split: {materials.names[straddling[0]]} is "
            f"in {materials.split[straddling[0]]!r}, another structure of its composition in "
            f"{split[rows[straddling[0]]]!r}."
        )
    empty = [name for name in SPLITS if name not in split]
    if empty:
        raise SourceDataError(
            f"No materials in the {' and '.join(empty)} part of the split; add materials (at least "
            f"about twenty compositions are needed to split them at random)."
        )
    return split


def _add_labels(compositions, targets: pd.DataFrame, split: np.ndarray, labels: pd.DataFrame):
    labelled, inverse, _ = read_compositions(labels["formula"])
    known = {amounts: row for row, amounts in enumerate(_amounts(compositions))}
    n_known = len(known)
    row_of_label = np.array([known.setdefault(a, len(known)) for a in _amounts(labelled)])
    grouped = labels.assign(row=row_of_label[inverse]).groupby(["row", "property"], observed=True)[
        "value"
    ]
    table = grouped.median().unstack()
    if _STABILITY in table:
        table[_STABILITY] = grouped.min().unstack()[_STABILITY]
    targets = targets.reindex(range(len(known)))
    targets = targets.combine_first(table)[list(targets.columns)]
    split = np.concatenate([split, np.full(len(known) - n_known, "train", dtype=object)])
    return CompositionBatch.from_amounts(known), targets, split


def _amounts(batch: CompositionBatch):
    """Give the compositions of a batch back as the pairs they were made from."""
    for numbers, fractions in zip(batch.atomic_numbers, batch.atomic_fractions, strict=True):
        present = numbers > 0
        yield tuple(numbers[present].tolist()), tuple(fractions[present].tolist())
