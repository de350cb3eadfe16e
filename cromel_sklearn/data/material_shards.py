"""Calculated structures in many parquet files, more than fit in memory: read one file at a time."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from ..exceptions import SourceDataError
from .composition_batch import CompositionBatch, DistinctCompositions
from .materials import SPLITS, CalculatedMaterials, material_sites


@dataclass(frozen=True)
class MaterialShards:
    """Files of calculated materials, in the order of their names.

    Attributes
    ----------
    path : Path
        Their folder.
    files : tuple of Path
    read : callable(Path) -> CalculatedMaterials
    checksum : str
        SHA-256 of the names and contents of all files.
    wanted : tuple of str, optional
        Target columns to keep; all by default.
    """

    path: Path
    files: tuple[Path, ...]
    read: Callable[[Path], CalculatedMaterials]
    checksum: str
    wanted: tuple[str, ...] | None = None

    @classmethod
    def of_folder(cls, folder: Path, read) -> "MaterialShards":
        """Find the parquet files of a folder."""
        files = tuple(sorted(folder.glob("*.parquet")))
        digest = hashlib.sha256()
        for file in files:
            digest.update(file.name.encode() + hashlib.sha256(file.read_bytes()).digest())
        return cls(folder.resolve(), files, read, digest.hexdigest())

    def __iter__(self) -> Iterator[CalculatedMaterials]:
        """Read one file after the other."""
        for file in self.files:
            materials = self.read(file)
            yield materials if self.wanted is None else materials.only_targets([*self.wanted])

    @property
    def target_names(self) -> list[str]:
        """Target columns, as the first file has them."""
        return next(iter(self)).target_names

    def only_targets(self, names: list[str]) -> "MaterialShards":
        """Keep these target columns."""
        return replace(self, wanted=tuple(names))


@dataclass(frozen=True)
class MaterialSummary:
    """What training reads of materials beside their graphs.

    Attributes
    ----------
    names : ndarray of shape (n_materials,), str
    targets : DataFrame of shape (n_materials, n_targets)
    compositions : CompositionBatch
        The distinct ones.
    composition_of_structure : ndarray of shape (n_materials,), int64
        Row of `compositions`.
    split : ndarray of shape (n_materials,), object, or None
        As in `CalculatedMaterials`.
    """

    names: np.ndarray
    targets: pd.DataFrame
    compositions: CompositionBatch
    composition_of_structure: np.ndarray
    split: np.ndarray | None


def gather_summary(parts: Iterable[CalculatedMaterials]) -> MaterialSummary:
    """Keep of materials what training reads, a part at a time.

    Parameters
    ----------
    parts : iterable of CalculatedMaterials
        With the same target columns.

    Returns
    -------
    MaterialSummary

    Raises
    ------
    SourceDataError
        Names a part whose columns are others than those of the first.
    """
    distinct = DistinctCompositions()
    names, targets, rows, splits = [], [], [], []
    for part in parts:
        rows.append(distinct.add(material_sites(part), len(part)))
        names.append(part.ids.astype(str))
        targets.append(part.targets)
        splits.append(_one_text_a_part(part.split))
        _require_same_columns(part, targets[0], part.targets, splits[0], splits[-1])
    return MaterialSummary(
        np.concatenate(names),
        pd.concat(targets, ignore_index=True),
        distinct.batch(),
        np.concatenate(rows),
        None if splits[0] is None else np.concatenate([s for s in splits if s is not None]),
    )


def _one_text_a_part(split: np.ndarray | None) -> np.ndarray | None:
    """Share the three texts among all rows."""
    if split is None:
        return None
    codes = pd.Categorical(split, categories=list(SPLITS)).codes
    return np.array(SPLITS, dtype=object)[codes]


def _require_same_columns(part, first, targets, first_split, split) -> None:
    if list(first.columns) != list(targets.columns):
        raise SourceDataError(
            f"{part.path} has the targets {', '.join(targets.columns)}; the files before it have "
            f"{', '.join(first.columns)}. Give all files of a folder the same columns."
        )
    if (first_split is None) != (split is None):
        raise SourceDataError(
            f"{part.path} {'lacks' if split is None else 'has'} a column split, unlike the files "
            f"before it. Give all files of a folder one, or none."
        )
