"""Table of standardised physical features of the elements.

The table is built once, when an encoder is pretrained, and travels inside its checkpoint, so that
inference reads the numbers the encoder was trained on whatever library versions are installed.
"""

import hashlib
import warnings
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

#: Heaviest element of the table (lawrencium).
MAX_ATOMIC_NUMBER = 103

# pymatgen's `Element` attributes taken as they are; units as pymatgen documents them.
_ATTRIBUTES = {
    "electronegativity_pauling": "X",
    "atomic_radius_angstrom": "atomic_radius",
    "atomic_radius_calculated_angstrom": "atomic_radius_calculated",
    "van_der_waals_radius_angstrom": "van_der_waals_radius",
    "average_ionic_radius_angstrom": "average_ionic_radius",
    "average_cationic_radius_angstrom": "average_cationic_radius",
    "average_anionic_radius_angstrom": "average_anionic_radius",
    "metallic_radius_angstrom": "metallic_radius",
    "atomic_mass_u": "atomic_mass",
    "mendeleev_number": "mendeleev_no",
    "group": "group",
    "period": "row",
    "electron_affinity_eV": "electron_affinity",
    "melting_point_K": "melting_point",
    "boiling_point_K": "boiling_point",
    "density_of_solid_kg_per_m3": "density_of_solid",
    "molar_volume_cm3_per_mol": "molar_volume",
    "bulk_modulus_GPa": "bulk_modulus",
    "max_oxidation_state": "max_oxidation_state",
    "min_oxidation_state": "min_oxidation_state",
    "is_metal": "is_metal",
    "is_metalloid": "is_metalloid",
}
_CAPACITY = {"s": 2, "p": 6, "d": 10, "f": 14}
# Principal quantum number of the outermost shell of each kind, counted from the period.
_SHELL_OFFSET = {"s": 0, "p": 0, "d": 1, "f": 2}


@dataclass(frozen=True)
class ElementTable:
    """Features of the chemical elements.

    Attributes
    ----------
    features : ndarray of shape (MAX_ATOMIC_NUMBER + 1, n_features), float32
        Row `Z` holds element `Z`, each column with zero mean and unit variance over the elements;
        a value that is not known is 0, the mean. Row 0 is the padding row of zeros.
    names : tuple of str
        Name of each column, with its unit where it has one.
    source : str
        Where the numbers come from.
    """

    features: np.ndarray
    names: tuple[str, ...]
    source: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the numbers and their names."""
        digest = hashlib.sha256("\n".join(self.names).encode())
        digest.update(np.ascontiguousarray(self.features, dtype="<f4").tobytes())
        return digest.hexdigest()


@lru_cache(maxsize=1)
def pymatgen_element_table() -> ElementTable:
    """Build the table from pymatgen's periodic table.

    Radii, electronegativity, affinities, thermal and mechanical data as collected in pymatgen
    (Ong et al., Comput. Mater. Sci. 68, 314 (2013), doi:10.1016/j.commatsci.2012.10.028), the
    first three ionization energies, occupation and vacancies of the outer s, p, d, f shells and
    the block of the periodic table.

    Returns
    -------
    ElementTable

    Examples
    --------
    >>> from cromel_sklearn.data.elements import pymatgen_element_table
    >>> table = pymatgen_element_table()
    >>> table.features.shape
    (104, 37)
    """
    from pymatgen.core import Element
    from pymatgen.core import __version__ as pymatgen_version

    with warnings.catch_warnings():
        # pymatgen warns once for each element without a tabulated value; those become the mean.
        warnings.simplefilter("ignore")
        rows = [_element_features(Element.from_Z(z)) for z in range(1, MAX_ATOMIC_NUMBER + 1)]
    names = tuple(rows[0])
    raw = np.array([[row[name] for name in names] for row in rows], dtype=float)
    scaled = (raw - np.nanmean(raw, axis=0)) / np.nanstd(raw, axis=0)
    padded = np.vstack([np.zeros(len(names)), np.nan_to_num(scaled, nan=0.0)])
    features = padded.astype(np.float32)
    features.flags.writeable = False  # shared by all callers
    return ElementTable(features, names, f"pymatgen {pymatgen_version}")


def _element_features(element) -> dict[str, float]:
    features = {name: _number(element, attribute) for name, attribute in _ATTRIBUTES.items()}
    energies = list(element.ionization_energies)[:3] + [None] * 3
    for order in range(3):
        energy = energies[order]
        features[f"ionization_energy_{order + 1}_eV"] = np.nan if energy is None else float(energy)
    occupied = {(n, kind): count for n, kind, count in element.full_electronic_structure}
    for kind, capacity in _CAPACITY.items():
        count = occupied.get((element.row - _SHELL_OFFSET[kind], kind), 0)
        features[f"outer_{kind}_electrons"] = float(count)
        features[f"outer_{kind}_vacancies"] = float(capacity - count if count else 0)
    for kind in _CAPACITY:
        features[f"block_{kind}"] = float(element.block == kind)
    return features


def _number(element, attribute: str) -> float:
    try:
        value = getattr(element, attribute)
    except (AttributeError, ValueError, KeyError):
        return np.nan
    return np.nan if value is None else float(value)
