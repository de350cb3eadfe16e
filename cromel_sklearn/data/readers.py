"""Readers of calculated materials: parquet files, CIF folders, pymatgen objects, label tables."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from ..exceptions import SourceDataError
from .material_shards import MaterialShards
from .materials import CalculatedMaterials, content_checksum, require_consistent

_STRUCTURE_COLUMNS = ("cell_parameters", "atomic_numbers", "frac_coords")
_OTHER_COLUMNS = ("material_id", "formula", "n_sites", "split")


def read_materials(path, targets_path=None) -> CalculatedMaterials | MaterialShards:
    """Read calculated materials from disk.

    Parameters
    ----------
    path : path-like
        A parquet file with the columns `cell_parameters` (a, b, c in Å, alpha, beta, gamma in
        degrees), `atomic_numbers`, `frac_coords` (row-major), numeric target columns and,
        optionally, `material_id` and `split`; a folder of such files, which are read one at a
        time; or a folder of CIF files.
    targets_path : path-like, optional
        For a folder of CIF files: a CSV whose column `file` names each CIF file and whose numeric
        columns are the targets; `targets.csv` in the folder by default.

    Returns
    -------
    CalculatedMaterials, or MaterialShards of a folder of parquet files

    Raises
    ------
    SourceDataError
        If the path, a column, a file or a row is missing or cannot be read; names it.
    """
    path = Path(path)
    if path.is_dir() and targets_path is None and any(path.glob("*.parquet")):
        return MaterialShards.of_folder(path, _read_parquet)
    if path.is_dir():
        return _read_cif_folder(path, Path(targets_path or path / "targets.csv"))
    if not path.exists():
        raise SourceDataError(f"No such file or folder: {path}. Pass a parquet or a CIF folder.")
    return _read_parquet(path)


def _read_parquet(path: Path) -> CalculatedMaterials:
    try:
        frame = pd.read_parquet(path)
    except Exception as error:
        raise SourceDataError(f"Could not read {path} as parquet: {error}") from error
    missing = [column for column in _STRUCTURE_COLUMNS if column not in frame]
    if missing:
        raise SourceDataError(
            f"{path} lacks the column {', '.join(missing)}; it has {', '.join(frame.columns)}."
        )
    ids = frame["material_id"] if "material_id" in frame else frame.index.map("row {}".format)
    numbers = [np.asarray(z, dtype=np.int16) for z in frame["atomic_numbers"]]
    return require_consistent(
        CalculatedMaterials(
            ids=np.asarray(ids, dtype=object),
            lattices=_lattices(frame["cell_parameters"], ids),
            atomic_numbers=numbers,
            frac_coords=[_site_rows(*row) for row in zip(frame["frac_coords"], ids, strict=True)],
            targets=_numeric_targets(frame.drop(columns=list(_STRUCTURE_COLUMNS))),
            split=frame["split"].to_numpy(dtype=object) if "split" in frame else None,
            path=path.resolve(),
            checksum=file_checksum(path),
        )
    )


def materials_from_structures(structures: Sequence, targets) -> CalculatedMaterials:
    """Take pymatgen structures and their calculated properties.

    Parameters
    ----------
    structures : sequence of pymatgen Structure of length n_materials
        Ordered crystals; oxidation states are dropped.
    targets : DataFrame, Series, dict of columns or array of shape (n_materials, n_targets)
        Calculated properties, NaN where missing.

    Returns
    -------
    CalculatedMaterials

    Raises
    ------
    SourceDataError
        If a structure is disordered or lengths differ; names the row.
    """
    structures = list(structures)
    if not isinstance(targets, pd.DataFrame):
        is_named = isinstance(targets, dict | pd.Series)
        targets = pd.DataFrame(targets if is_named else np.asarray(targets, dtype=float))
    if len(targets) != len(structures):
        raise SourceDataError(f"Got {len(structures)} structures but {len(targets)} target rows.")
    targets = targets.rename(columns=lambda name: name if isinstance(name, str) else f"y{name}")
    ids = np.array([f"structure {row}" for row in range(len(structures))], dtype=object)
    for name, structure in zip(ids, structures, strict=True):
        if not getattr(structure, "is_ordered", False):
            raise SourceDataError(
                f"{name} is not an ordered pymatgen Structure; expected full occupancy on every "
                f"site. Order it (pymatgen's OrderDisorderedStructureTransformation) or leave it "
                f"out."
            )
    materials = CalculatedMaterials(
        ids=ids,
        lattices=np.array([s.lattice.matrix for s in structures]).reshape(-1, 3, 3),
        atomic_numbers=[np.array(s.atomic_numbers, dtype=np.int16) for s in structures],
        frac_coords=[np.asarray(s.frac_coords, dtype=float) for s in structures],
        targets=_numeric_targets(targets.reset_index(drop=True)),
    )
    return replace(require_consistent(materials), checksum=content_checksum(materials))


def read_labels(path) -> pd.DataFrame:
    """Read calculated labels without structures.

    Parameters
    ----------
    path : path-like
        Parquet or CSV with the columns `formula`, `property`, `value`; repeats of a formula are
        its polymorphs.

    Returns
    -------
    DataFrame
        Those three columns, checked, and `unit` where the table has it.

    Raises
    ------
    SourceDataError
        If the file or a column is missing, or a value is not a finite number; names the row.
    """
    path = Path(path)
    if not path.exists():
        raise SourceDataError(f"No such file: {path}. Pass a parquet or CSV file of labels.")
    if path.suffix == ".parquet":
        frame = pd.read_parquet(path)
    else:
        frame = pd.read_csv(path, keep_default_na=False)
    missing = [column for column in ("formula", "property", "value") if column not in frame]
    if missing:
        raise SourceDataError(f"{path} lacks the column {', '.join(missing)}.")
    values = pd.to_numeric(frame["value"], errors="coerce")
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise SourceDataError(
            f"{path}: row {bad[0]} has the value {str(frame['value'].iloc[bad[0]])!r}; expected a "
            f"finite number ({len(bad)} such rows)."
        )
    labels = frame[["formula", "property"]].assign(value=values)
    return labels.assign(unit=frame["unit"].astype(str)) if "unit" in frame else labels


def file_checksum(path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _read_cif_folder(folder: Path, targets_path: Path) -> CalculatedMaterials:
    from pymatgen.core import Structure

    if not targets_path.exists():
        raise SourceDataError(
            f"No table of targets at {targets_path}: expected a CSV with a column 'file' that "
            f"names the CIF files of {folder} and a numeric column for each target."
        )
    table = pd.read_csv(targets_path)
    if "file" not in table:
        raise SourceDataError(f"{targets_path} lacks the column file.")
    structures = []
    digest = hashlib.sha256(targets_path.read_bytes())
    for row, name in enumerate(table["file"]):
        try:
            content = (folder / str(name)).read_bytes()
            structures.append(Structure.from_str(content.decode(), fmt="cif"))
            if not structures[-1].is_ordered:
                raise ValueError("it is not an ordered pymatgen Structure")
        except Exception as error:
            raise SourceDataError(
                f"{targets_path}: row {row}: could not read {folder / str(name)}: {error}"
            ) from error
        digest.update(content)
    materials = materials_from_structures(structures, table.drop(columns="file"))
    found = replace(
        materials,
        ids=table["file"].to_numpy(dtype=object),
        split=table["split"].to_numpy(dtype=object) if "split" in table else None,
        path=folder.resolve(),
        checksum=digest.hexdigest(),
    )
    return require_consistent(found)


def _numeric_targets(frame: pd.DataFrame) -> pd.DataFrame:
    targets = frame.drop(columns=[name for name in _OTHER_COLUMNS if name in frame])
    for name in targets.select_dtypes(exclude="number"):
        converted = pd.to_numeric(targets[name], errors="coerce")
        strange = targets[name][targets[name].notna() & ~np.isfinite(converted)]
        if 0 < len(strange) < converted.notna().sum():
            raise SourceDataError(
                f"Target {name!r} is {strange.iloc[0]!r} at row {strange.index[0]}; expected a "
                f"number, or an empty cell where it is missing."
            )
    targets = targets.select_dtypes("number").astype(float)
    if not targets.shape[1]:
        raise SourceDataError("No numeric target column; expected at least one property.")
    infinite = np.argwhere(np.isinf(targets.to_numpy()))
    if len(infinite):
        row, column = infinite[0]
        raise SourceDataError(f"Target {targets.columns[column]!r} is infinite at row {row}.")
    return targets.reset_index(drop=True)


def _lattices(cell_parameters, ids) -> np.ndarray:
    from pymatgen.core import Lattice

    lattices = np.empty((len(cell_parameters), 3, 3))
    for row, (parameters, name) in enumerate(zip(cell_parameters, ids, strict=True)):
        try:
            lattices[row] = Lattice.from_parameters(*parameters).matrix
        except (TypeError, ValueError) as error:
            raise SourceDataError(
                f"{name} (row {row}): cell_parameters {parameters!r} are not a, b, c in Å and "
                f"alpha, beta, gamma in degrees: {error}"
            ) from error
    return lattices


def _site_rows(coordinates, name) -> np.ndarray:
    coordinates = np.asarray(coordinates, dtype=float)
    if coordinates.size % 3:
        raise SourceDataError(f"{name}: frac_coords has {coordinates.size} numbers, expected 3 n.")
    return coordinates.reshape(-1, 3)
