"""What a formula says by itself: fractions of the elements and statistics of their properties."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from .composition import CompositionBatch
from .elements import MAX_ATOMIC_NUMBER, SYMBOLS

#: Values of the elements, a row each.
TABLE = Path(__file__).parent / "element_properties.csv"

#: Properties of the elements that the statistics are taken of.
ELEMENT_PROPERTIES = (
    "electronegativity_pauling",
    "atomic_radius_calculated_angstrom",
    "mendeleev_number",
    "melting_point_K",
    "ionization_energy_1_eV",
    "outer_d_electrons",
    "outer_electrons",
)
_STATISTICS = ("mean", "deviation", "minimum", "maximum")
_COUNTS = ("number_of_elements", "entropy_of_mixing_per_R", "largest_fraction")


@lru_cache(maxsize=1)
def element_property_table() -> np.ndarray:
    """Values of `ELEMENT_PROPERTIES`, as `tools/write_element_properties.py` took them of pymatgen.

    Returns
    -------
    ndarray of shape (104, n_element_properties), float64
        Row `Z` holds element `Z`; what is not known is the median over the elements. Row 0 is zero.
    """
    table = np.loadtxt(
        TABLE, delimiter=",", skiprows=1, usecols=range(1, 1 + len(ELEMENT_PROPERTIES))
    )
    padded = np.vstack([np.zeros(table.shape[1]), table])
    padded.flags.writeable = False  # shared by all callers
    return padded


def describe_elements(batch: CompositionBatch, elements: Sequence[int]) -> np.ndarray:
    r"""Describe compositions without any pretrained knowledge.

    Statistics over the atoms: with :math:`x_Z` the atomic fractions and :math:`p_Z` an element's
    property, the mean :math:`\sum x p`, the standard deviation :math:`\sqrt{\sum x (p-\bar p)^2}`,
    and the minimum and maximum over the elements that are there (the statistics of Ward et al., npj
    Comput. Mater. 2, 16028 (2016), doi:10.1038/npjcompumats.2016.28); beside them the number of
    elements, the ideal entropy of mixing :math:`-\sum x \ln x` in units of the gas constant, and
    the largest fraction.

    Parameters
    ----------
    batch : CompositionBatch of n_samples compositions
    elements : sequence of int
        Atomic numbers whose fractions are columns.

    Returns
    -------
    ndarray of shape (n_samples, n_elements + 4 * n_element_properties + 3), float32
        The fractions, then the statistics as `element_column_names` names them.

    Examples
    --------
    >>> from cromel_sklearn.data.composition import read_compositions
    >>> from cromel_sklearn.data.element_statistics import describe_elements
    >>> batch = read_compositions(["Fe2O3"])[0]
    >>> describe_elements(batch, [8, 26])[0, :2]
    array([0.6, 0.4], dtype=float32)
    """
    table = element_property_table()
    numbers = batch.atomic_numbers
    shares = batch.atomic_fractions
    dense = np.zeros((len(batch), MAX_ATOMIC_NUMBER + 1))
    np.put_along_axis(dense, numbers, shares, axis=1)
    # One element after the other: the same sum whatever stands beside a row.
    mean = np.zeros((len(batch), table.shape[1]))
    square = np.zeros_like(mean)
    smallest = np.full_like(mean, np.inf)
    largest = np.full_like(mean, -np.inf)
    for column in range(numbers.shape[1]):
        values = table[numbers[:, column]]
        share = shares[:, column, None]
        is_there = numbers[:, column, None] > 0
        mean += share * values
        square += share * values**2
        smallest = np.where(is_there, np.minimum(smallest, values), smallest)
        largest = np.where(is_there, np.maximum(largest, values), largest)
    deviation = np.sqrt(np.maximum(square - mean**2, 0))
    entropy = -(shares * np.log(np.where(numbers > 0, shares, 1))).sum(axis=1)
    counts = np.column_stack([(numbers > 0).sum(axis=1), entropy, shares.max(axis=1)])
    found = [dense.take(elements, axis=1), mean, deviation, smallest, largest, counts]
    return np.concatenate(found, axis=1, dtype=np.float32, casting="same_kind")


def element_column_names(elements: Sequence[int]) -> list[str]:
    """Names of the columns of `describe_elements`."""
    statistics = [f"{kind}_{name}" for kind in _STATISTICS for name in ELEMENT_PROPERTIES]
    return [f"fraction_{SYMBOLS[z - 1]}" for z in elements] + statistics + list(_COUNTS)
