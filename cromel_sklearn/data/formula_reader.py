"""A column of formulas, read at once.

Plain formulas are read together, everything else by `read_formula`, one by one. Both give the same
amounts, and nothing depends on what stands beside a formula.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .formula import clean_formula, parse_formula
from .formula_advice import advice_for
from .formula_look_alikes import require_no_look_alike
from .formula_stops import require_clear_stops
from .plain_formulas import read_plain_formulas


@dataclass(frozen=True)
class ElementAmounts:
    """Amounts of elements in many compositions, one entry for each element of each.

    Attributes
    ----------
    composition : ndarray of shape (n_entries,), int64
        Which composition the entry belongs to, from 0; in any order.
    atomic_number : ndarray of shape (n_entries,), int64
        May repeat within a composition; the amounts add up.
    amount : ndarray of shape (n_entries,), float64
        In atoms, positive.
    refused : dict of int to str
        Why a composition has no entries.
    """

    composition: np.ndarray
    atomic_number: np.ndarray
    amount: np.ndarray
    refused: dict[int, str] = field(default_factory=dict)


def read_formula(text: str) -> dict[int, float]:
    """Read one formula into the amount of each element by atomic number.

    Raises
    ------
    ValueError
        With the reason in words, and what was probably meant.

    Examples
    --------
    >>> from cromel_sklearn.data.formula_reader import read_formula
    >>> read_formula("[Cu(NH3)4]SO4")
    {29: 1.0, 7: 4.0, 1: 12.0, 16: 1.0, 8: 4.0}
    """
    try:
        formula = clean_formula(text)
    except ValueError as error:
        raise ValueError(advice_for(text, str(error))) from error
    require_no_look_alike(formula)
    require_clear_stops(formula)
    try:
        return parse_formula(formula)
    except ValueError as error:
        raise ValueError(advice_for(text, str(error))) from error


def read_formulas(texts: Sequence[str]) -> ElementAmounts:
    """Read many formulas.

    Parameters
    ----------
    texts : sequence of str

    Returns
    -------
    ElementAmounts

    Examples
    --------
    >>> from cromel_sklearn.data.formula_reader import read_formulas
    >>> read_formulas(["Fe2O3", "M2O3", "Ca(OH)2"])
    ElementAmounts(composition=array([0, 0, 2, 2, 2]),
                   atomic_number=array([26,  8, 20,  8,  1]),
                   amount=array([2., 3., 1., 2., 2.]),
                   refused={1: 'M is a placeholder, not an element'})
    """
    is_plain, composition, atomic_number, amount = read_plain_formulas(texts)
    others: dict[int, dict[int, float]] = {}
    refused: dict[int, str] = {}
    for row in np.flatnonzero(~is_plain).tolist():
        try:
            others[row] = read_formula(texts[row])
        except ValueError as error:
            refused[row] = str(error)
    rest = element_amounts(others)
    return ElementAmounts(
        np.concatenate([composition, rest.composition]),
        np.concatenate([atomic_number, rest.atomic_number]),
        np.concatenate([amount, rest.amount]),
        refused,
    )


def element_amounts(compositions: dict[int, dict[int, float]]) -> ElementAmounts:
    """Flatten compositions, each a dict {atomic number: amount}, under their given numbers."""
    sizes = [len(amounts) for amounts in compositions.values()]
    return ElementAmounts(
        np.repeat(np.fromiter(compositions, dtype=np.int64, count=len(sizes)), sizes),
        np.array([z for amounts in compositions.values() for z in amounts], dtype=np.int64),
        np.array([n for amounts in compositions.values() for n in amounts.values()], dtype=float),
    )
