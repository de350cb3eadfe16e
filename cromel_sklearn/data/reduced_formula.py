"""Reduced formulas from atomic fractions: the group labels of cross-validation by composition."""

import math

import numpy as np

from .composition_batch import CompositionBatch
from .elements import ELECTRONEGATIVITIES, SYMBOLS

# Fractions are multiples of their greatest common divisor, which is not below this.
_TOLERANCE = 1e-6
# The last two elements are bracketed, as in Li3Fe2(PO4)3, if they are closer than this.
_LARGEST_DIFFERENCE = 1.65
_AS_MOLECULES = {
    "LiO": "Li2O2", "NaO": "Na2O2", "KO": "K2O2", "HO": "H2O2", "CsO": "Cs2O2", "RbO": "Rb2O2",
    "O": "O2", "N": "N2", "F": "F2", "Cl": "Cl2", "H": "H2",
}  # fmt: skip


def _order(number: int) -> tuple[float, str]:
    electronegativity = ELECTRONEGATIVITIES[number - 1]
    return (math.inf if math.isnan(electronegativity) else electronegativity, SYMBOLS[number - 1])


# Place of each element in a formula, by electronegativity, then by symbol.
_PLACES = np.zeros(len(ELECTRONEGATIVITIES) + 1, dtype=np.int64)
_PLACES[sorted(range(1, len(_PLACES)), key=_order)] = np.arange(1, len(_PLACES))


def reduced_formulas_of(batch: CompositionBatch) -> list[str]:
    """Write compositions with the smallest whole numbers, as pymatgen does.

    Parameters
    ----------
    batch : CompositionBatch

    Returns
    -------
    list of str

    Examples
    --------
    >>> from cromel_sklearn.data.composition_batch import CompositionBatch
    >>> from cromel_sklearn.data.reduced_formula import reduced_formulas_of
    >>> reduced_formulas_of(CompositionBatch(np.array([[8, 26]]), np.array([[0.6, 0.4]])))
    ['Fe2O3']
    """
    atomic_numbers, atomic_fractions = batch.atomic_numbers, batch.atomic_fractions
    divisor = _greatest_common_divisors(atomic_fractions)
    counts = np.rint(atomic_fractions / divisor[:, None]).astype(np.int64)
    counts //= np.maximum(np.gcd.reduce(counts, axis=1), 1)[:, None]
    # Padding stays behind the elements.
    order = np.argsort(np.where(counts > 0, _PLACES[atomic_numbers], len(_PLACES)), axis=1)
    elements = np.take_along_axis(atomic_numbers, order, axis=1).tolist()
    counts = np.take_along_axis(counts, order, axis=1)
    n_elements = (counts > 0).sum(axis=1).tolist()
    return [
        _formula(numbers[:n], amounts[:n])
        for numbers, amounts, n in zip(elements, counts.tolist(), n_elements, strict=True)
    ]


def _greatest_common_divisors(fractions: np.ndarray) -> np.ndarray:
    """Greatest common divisor of each row of real numbers, within a tolerance (Euclid)."""
    divisor = fractions[:, 0].copy() if fractions.size else np.ones(len(fractions))
    for column in fractions.T[1:]:
        rows = np.flatnonzero(column > _TOLERANCE)
        a, b = divisor[rows], column[rows]
        while len(rows):
            a, b = b, np.fmod(a, b)
            is_done = b <= _TOLERANCE
            divisor[rows[is_done]] = a[is_done]
            rows, a, b = rows[~is_done], a[~is_done], b[~is_done]
    return divisor


def _formula(numbers: list[int], counts: list[int]) -> str:
    bracketed = ""
    if len(numbers) > 2:
        difference = ELECTRONEGATIVITIES[numbers[-1] - 1] - ELECTRONEGATIVITIES[numbers[-2] - 1]
        multiple = math.gcd(counts[-1], counts[-2])
        if multiple > 1 and difference < _LARGEST_DIFFERENCE:
            anion = _joined(numbers[-2:], [count // multiple for count in counts[-2:]])
            bracketed = f"({anion}){multiple}"
            numbers, counts = numbers[:-2], counts[:-2]
    formula = _joined(numbers, counts) + bracketed
    return _AS_MOLECULES.get(formula, formula)


def _joined(numbers: list[int], counts: list[int]) -> str:
    return "".join(
        SYMBOLS[number - 1] if count == 1 else f"{SYMBOLS[number - 1]}{count}"
        for number, count in zip(numbers, counts, strict=True)
    )
