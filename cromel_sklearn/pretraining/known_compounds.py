"""Known compounds of a distillation: compositions with calculated labels and structure features."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..data.composition import CompositionBatch, read_compositions
from ..data.materials import PROPERTY_UNITS, CalculatedMaterials, material_compositions
from ..encoders.calculated_values import composition_keys
from ..exceptions import InvalidCompositionError, SourceDataError

#: Of several structures of one composition, the most stable one counts: the smallest value.
_SMALLEST_COUNTS = ("formation_energy_per_atom", "energy_above_hull", "decomposition_energy")
_STABILITY = "formation_energy_per_atom"
#: One composition in so many is held out, chosen by its hash.
_HELD_OUT_OF = 50
#: Standardised labels beyond this many standard deviations are cut.
_LARGEST_LABEL = 6.0


@dataclass(frozen=True)
class KnownCompounds:
    """Distinct compositions with what was calculated for them.

    Attributes
    ----------
    compositions : CompositionBatch of n_compositions
    labels : ndarray of shape (n_compositions, n_properties), float32
        In units; NaN where there is none. Of a composition's polymorphs the most stable one, or
        the median where stability is not known.
    properties : dict of str to str
        Name of each column of `labels`, and its unit.
    structure_features : ndarray of shape (n_compositions, n_features), float32
        Of the most stable structure; NaN where there is none.
    is_held_out : ndarray of shape (n_compositions,), bool
        Not trained on.
    """

    compositions: CompositionBatch
    labels: np.ndarray
    properties: dict[str, str]
    structure_features: np.ndarray
    is_held_out: np.ndarray

    def __len__(self) -> int:
        return len(self.compositions)

    def statistics(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each property, shape (n_properties,), float32."""
        return (
            np.nanmean(self.labels, axis=0, dtype=float).astype(np.float32),
            np.nanstd(self.labels, axis=0, dtype=float).astype(np.float32),
        )

    def standardised_labels(self) -> np.ndarray:
        """Labels in standard deviations, cut at six, shape (n_compositions, n_properties)."""
        means, scales = self.statistics()
        return ((self.labels - means) / scales).clip(-_LARGEST_LABEL, _LARGEST_LABEL)


def gather_known_compounds(
    labels: pd.DataFrame,
    materials: CalculatedMaterials | None = None,
    structure_features: np.ndarray | None = None,
    *,
    known_elements: frozenset[int] | None = None,
    fewest_labels: int = 1000,
) -> KnownCompounds:
    """Put labels and structures together by composition.

    Parameters
    ----------
    labels : DataFrame
        Columns `formula`, `property`, `value` and, if known, `unit`, as `read_labels` reads them.
    materials : CalculatedMaterials, optional
        Structures, whose targets are labels too.
    structure_features : ndarray of shape (n_materials, n_features), optional
        Of those structures; NaN where there are none.
    known_elements : frozenset of int, optional
        Compositions with other elements are left out.
    fewest_labels : int, default=1000
        Properties with fewer labels are left out.

    Returns
    -------
    KnownCompounds

    Raises
    ------
    SourceDataError
        If a formula cannot be read, or no property has enough labels.
    """
    formulas = pd.unique(labels["formula"].astype(str))
    try:
        batch, inverse, _ = read_compositions(formulas)
    except InvalidCompositionError as error:
        _, formula, reason = error.problems[0]
        raise SourceDataError(f"The labels have the formula {formula!r}: {reason}.") from error
    row_of_formula = dict(zip(formulas, inverse, strict=True))
    table = pd.DataFrame(
        {
            "row": [row_of_formula[formula] for formula in labels["formula"].astype(str)],
            "property": labels["property"].astype(str).to_numpy(),
            "value": labels["value"].to_numpy(),
        }
    )
    units = _units(labels)
    features = None
    if materials is not None:
        materials = materials.with_targets(_volumes(materials))
        batch, rows = _with_materials(batch, materials)
        table = pd.concat([table, _structure_labels(rows, materials)], ignore_index=True)
        units |= {name: PROPERTY_UNITS.get(name, "") for name in materials.targets}
        features = _of_most_stable(rows, materials, structure_features, len(batch))
    if features is None:
        features = np.empty((len(batch), 0), dtype=np.float32)
    matrix, names = _label_matrix(table, len(batch), fewest_labels)
    if materials is not None:
        _prefer_most_stable(matrix, names, rows, materials)
    keep = np.ones(len(batch), dtype=bool)
    if known_elements is not None:
        keep = np.asarray(np.isin(batch.atomic_numbers, [0, *known_elements]).all(axis=1))
    held_out = composition_keys(batch) % np.uint64(_HELD_OUT_OF) == 0
    return KnownCompounds(
        batch[keep],
        matrix[keep],
        {name: units.get(name, "") for name in names},
        features[keep],
        held_out[keep],
    )


def _units(labels: pd.DataFrame) -> dict[str, str]:
    if "unit" not in labels:
        return {name: PROPERTY_UNITS.get(name, "") for name in labels["property"].unique()}
    first = labels.fillna({"unit": ""}).drop_duplicates("property")
    units = dict(zip(first["property"].astype(str), first["unit"].astype(str), strict=True))
    return {name: unit or PROPERTY_UNITS.get(name, "") for name, unit in units.items()}


def _with_materials(batch: CompositionBatch, materials) -> tuple[CompositionBatch, np.ndarray]:
    """Add the compositions of structures; the row of each structure's composition."""
    of_structures, row_of_structure = material_compositions(materials)
    width = max(part.atomic_numbers.shape[1] for part in (batch, of_structures))
    numbers, fractions = (
        np.concatenate(
            [
                np.pad(array, ((0, 0), (0, width - array.shape[1])))
                for array in (getattr(batch, name), getattr(of_structures, name))
            ]
        )
        for name in ("atomic_numbers", "atomic_fractions")
    )
    together = CompositionBatch(numbers, fractions)
    _, first, inverse = np.unique(
        composition_keys(together), return_index=True, return_inverse=True
    )
    order = np.argsort(first, kind="stable")  # labels first, in their order
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return together[first[order]], place[inverse[len(batch) :]][row_of_structure]


def _volumes(materials) -> pd.DataFrame:
    """Volume per atom, which every structure tells, in Å³."""
    n_sites = np.array([len(numbers) for numbers in materials.atomic_numbers])
    return pd.DataFrame({"volume_per_atom": np.abs(np.linalg.det(materials.lattices)) / n_sites})


def _structure_labels(rows: np.ndarray, materials) -> pd.DataFrame:
    columns = [
        pd.DataFrame({"row": rows, "property": name, "value": materials.targets[name].to_numpy()})
        for name in materials.targets
    ]
    return pd.concat(columns, ignore_index=True).dropna(subset="value")


def _label_matrix(table: pd.DataFrame, n_rows: int, fewest: int) -> tuple[np.ndarray, list[str]]:
    counts = table.drop_duplicates(["row", "property"])["property"].value_counts()
    names = sorted(counts.index[counts >= fewest])
    if not names:
        raise SourceDataError(f"No property has {fewest} labelled compositions.")
    matrix = np.full((n_rows, len(names)), np.nan, dtype=np.float32)
    for column, name in enumerate(names):
        values = table[table["property"] == name].groupby("row")["value"]
        found = values.min() if name in _SMALLEST_COUNTS else values.median()
        matrix[found.index, column] = found.to_numpy()
    return matrix, names


def _order_of_stability(materials) -> np.ndarray:
    """Structures of known energy, the most stable last, so that it is written last."""
    energy = materials.targets.get(_STABILITY)
    if energy is None:
        return np.arange(len(materials))
    energy = energy.to_numpy()
    order = np.argsort(-energy, kind="stable")
    return order[np.isfinite(energy[order])]


def _prefer_most_stable(matrix, names, rows, materials) -> None:
    """Replace medians by the values of the most stable structure."""
    order = _order_of_stability(materials)
    for name in materials.targets:
        if name in names and name not in _SMALLEST_COUNTS:
            values = materials.targets[name].to_numpy()
            known = order[np.isfinite(values[order])]
            matrix[rows[known], names.index(name)] = values[known]


def _of_most_stable(rows, materials, structure_features, n_rows: int) -> np.ndarray | None:
    if structure_features is None:
        return None
    found = np.full((n_rows, structure_features.shape[1]), np.nan, dtype=np.float32)
    order = _order_of_stability(materials)
    known = order[np.isfinite(structure_features[order]).all(axis=1)]
    found[rows[known]] = structure_features[known]
    return found
