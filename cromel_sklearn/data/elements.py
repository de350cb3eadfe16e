"""Table of standardised physical features of the elements.

The table is built once, when an encoder is pretrained, and travels inside its checkpoint, so that
inference reads the numbers the encoder was trained on whatever library versions are installed.
"""

import hashlib
import math
import re
import warnings
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

#: Heaviest element of the table (lawrencium).
MAX_ATOMIC_NUMBER = 103
#: Symbols of the elements, hydrogen to oganesson, in order of atomic number.
SYMBOLS = tuple(
    re.findall(
        "[A-Z][a-z]?",
        "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As"
        "Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu"
        "Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np"
        "Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og",
    )
)
#: Atomic number of each symbol; deuterium (D) and tritium (T) count as hydrogen.
ATOMIC_NUMBERS = {symbol: number for number, symbol in enumerate(SYMBOLS, 1)} | {"D": 1, "T": 1}
_NONE = math.nan
#: Electronegativity (Pauling scale, as collected in pymatgen) of hydrogen to lawrencium; NaN where
#: there is none. It orders the elements of a reduced formula.
# fmt: off
ELECTRONEGATIVITIES = (
    2.2, _NONE, 0.98, 1.57, 2.04, 2.55, 3.04, 3.44, 3.98, _NONE, 0.93, 1.31, 1.61, 1.9, 2.19,
    2.58, 3.16, _NONE, 0.82, 1, 1.36, 1.54, 1.63, 1.66, 1.55, 1.83, 1.88, 1.91, 1.9, 1.65, 1.81,
    2.01, 2.18, 2.55, 2.96, 3, 0.82, 0.95, 1.22, 1.33, 1.6, 2.16, 1.9, 2.2, 2.28, 2.2, 1.93, 1.69,
    1.78, 1.96, 2.05, 2.1, 2.66, 2.6, 0.79, 0.89, 1.1, 1.12, 1.13, 1.14, 1.13, 1.17, 1.2, 1.2,
    1.1, 1.22, 1.23, 1.24, 1.25, 1.1, 1.27, 1.3, 1.5, 2.36, 1.9, 2.2, 2.2, 2.28, 2.54, 2, 1.62,
    2.33, 2.02, 2, 2.2, 2.2, 0.7, 0.9, 1.1, 1.3, 1.5, 1.38, 1.36, 1.28, 1.3, 1.3, 1.3, 1.3, 1.3,
    1.3, 1.3, 1.3, 1.3,
)
# fmt: on

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
        rows = [element_values(Element.from_Z(z)) for z in range(1, MAX_ATOMIC_NUMBER + 1)]
    names = tuple(rows[0])
    raw = np.array([[row[name] for name in names] for row in rows], dtype=float)
    scaled = (raw - np.nanmean(raw, axis=0)) / np.nanstd(raw, axis=0)
    padded = np.vstack([np.zeros(len(names)), np.nan_to_num(scaled, nan=0.0)])
    features = padded.astype(np.float32)
    features.flags.writeable = False  # shared by all callers
    return ElementTable(features, names, f"pymatgen {pymatgen_version}")


def element_values(element) -> dict[str, float]:
    """Features of a pymatgen `Element` by name, in units; NaN where pymatgen has none."""
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
