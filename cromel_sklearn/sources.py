"""Calculated materials in (parquet, CIF folder and table, pymatgen objects), checked table out."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from .composition import CompositionBatch, normalise_amounts
from .elements import MAX_ATOMIC_NUMBER
from .exceptions import SourceDataError

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
_STRUCTURE_COLUMNS = ("cell_parameters", "atomic_numbers", "frac_coords")
_OTHER_COLUMNS = ("material_id", "formula", "n_sites", "split")
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
        SHA-256 of that source, or of the structures themselves.
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


def read_materials(path, targets_path=None) -> CalculatedMaterials:
    """Read calculated materials from disk.

    Parameters
    ----------
    path : path-like
        A parquet file with the columns `cell_parameters` (a, b, c in Å, alpha, beta, gamma in
        degrees), `atomic_numbers`, `frac_coords` (row-major), numeric target columns and,
        optionally, `material_id` and `split`; or a folder of CIF files.
    targets_path : path-like, optional
        For a folder of CIF files: a CSV whose column `file` names each CIF file and whose numeric
        columns are the targets; `targets.csv` in the folder by default.

    Returns
    -------
    CalculatedMaterials

    Raises
    ------
    SourceDataError
        If the path, a column, a file or a row is missing or cannot be read; names it.
    """
    path = Path(path)
    if path.is_dir():
        return _read_cif_folder(path, Path(targets_path or path / "targets.csv"))
    if not path.exists():
        raise SourceDataError(f"No such file or folder: {path}. Pass a parquet or a CIF folder.")
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
    return _checked(
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
    return _checked(materials)


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
        Those three columns, checked.

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
    return frame[["formula", "property"]].assign(value=values)


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
    distinct: dict[tuple, int] = {}
    rows = []
    for numbers in materials.atomic_numbers:
        elements, counts = np.unique(numbers, return_counts=True)
        amounts = normalise_amounts(dict(zip(elements.tolist(), counts.tolist(), strict=True)))
        rows.append(distinct.setdefault(amounts, len(distinct)))
    return CompositionBatch.from_amounts(distinct), np.array(rows, dtype=np.int64)


def split_by_composition(
    materials: CalculatedMaterials, random_state, fractions=(0.9, 0.05, 0.05)
) -> np.ndarray:
    """Assign materials to train, validation and test so that polymorphs stay together.

    Parameters
    ----------
    materials : CalculatedMaterials
    random_state : int or RandomState
    fractions : tuple of three floats

    Returns
    -------
    ndarray of shape (n_materials,), object
    """
    from sklearn.utils import check_random_state

    rows = material_compositions(materials)[1]
    order = check_random_state(random_state).permutation(rows.max() + 1)
    edges = np.round(np.cumsum(fractions)[:2] * len(order)).astype(int)
    part = np.empty(len(order), dtype=object)
    for name, members in zip(SPLITS, np.split(order, edges), strict=True):
        part[members] = name
    return part[rows]


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
    materials = materials_from_structures(structures, _numeric_targets(table.drop(columns="file")))
    found = replace(
        materials,
        ids=table["file"].to_numpy(dtype=object),
        split=table["split"].to_numpy(dtype=object) if "split" in table else None,
        path=folder.resolve(),
        checksum=digest.hexdigest(),
    )
    return _checked(found)


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


def _checked(materials: CalculatedMaterials) -> CalculatedMaterials:
    """Refuse materials whose parts do not fit together; name the first one."""
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
        unknown = sorted(set(materials.split) - set(SPLITS), key=str)
        if unknown:
            raise SourceDataError(f"Column split has {unknown}; expected one of {SPLITS}.")
    return materials
