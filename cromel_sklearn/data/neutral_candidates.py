"""Formulas that chemistry allows: neutral, with the more electronegative elements as anions.

The two rules of SMACT (Davies et al., J. Open Source Softw. 4, 1361 (2019),
doi:10.21105/joss.01361), whose tables of oxidation states and electronegativities are used.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product

import numpy as np

from ..exceptions import InvalidTableError

#: Tables of oxidation states in SMACT.
TABLES = ("icsd24", "icsd16", "smact14", "wiki")


@dataclass(frozen=True)
class NeutralCandidates:
    """Candidate formulas of some elements.

    Attributes
    ----------
    elements : tuple of str
        Symbols.
    max_atoms : int
        Atoms of a formula unit, at most.
    min_elements, max_elements : int
        Different elements of a formula.
    required : tuple of str
        Elements that every formula has.
    oxidation_states : {"icsd24", "icsd16", "smact14", "wiki"}
        Table of SMACT.

    Raises
    ------
    InvalidTableError
        If SMACT is missing, an element is unknown or has no oxidation states, or the numbers are
        out of range.

    Examples
    --------
    >>> from cromel_sklearn.data.neutral_candidates import NeutralCandidates
    >>> list(NeutralCandidates(("Na", "Cl", "O"), max_atoms=3).formulas())  # doctest: +SKIP
    ['NaCl', 'Na2O', 'NaO', 'ClO2', ...]
    """

    elements: tuple[str, ...]
    max_atoms: int = 20
    min_elements: int = 2
    max_elements: int = 5
    required: tuple[str, ...] = ()
    oxidation_states: str = "icsd24"

    def __post_init__(self):
        if len(set(self.elements)) != len(self.elements) or len(self.elements) < 2:
            raise InvalidTableError(
                f"Expected two or more different elements, got {', '.join(self.elements)}."
            )
        missing = [symbol for symbol in self.required if symbol not in self.elements]
        if missing:
            raise InvalidTableError(f"{missing[0]} is required, but not among the elements.")
        if not 2 <= self.min_elements <= self.max_elements:
            raise InvalidTableError(
                f"A formula has 2 to {self.max_elements} elements, or more than one; got "
                f"{self.min_elements} to {self.max_elements}."
            )
        if not 2 <= self.max_atoms <= 60:
            raise InvalidTableError(f"A formula has 2 to 60 atoms, got {self.max_atoms}.")
        if self.oxidation_states not in TABLES:
            raise InvalidTableError(
                f"SMACT has no table {self.oxidation_states!r} of oxidation states; it has "
                f"{', '.join(TABLES)}."
            )
        for symbol in self.elements:
            self._ions(symbol)

    @property
    def n_systems(self) -> int:
        """Number of sets of elements that formulas are made of."""
        return sum(1 for _ in self._systems())

    def formulas(self) -> Iterator[str]:
        """Give each formula once, in lowest terms, system by system.

        Yields
        ------
        str
        """
        for _, formulas in self.by_system():
            yield from formulas

    def by_system(self) -> Iterator[tuple[tuple[str, ...], list[str]]]:
        """Give the formulas of each set of elements.

        Yields
        ------
        system : tuple of str
        formulas : list of str
        """
        for system in self._systems():
            yield system, self._formulas_of(system)

    def _systems(self) -> Iterator[tuple[str, ...]]:
        for size in range(self.min_elements, min(self.max_elements, len(self.elements)) + 1):
            for system in combinations(self.elements, size):
                if set(self.required) <= set(system):
                    yield system

    def _formulas_of(self, system: tuple[str, ...]) -> list[str]:
        from smact.screening import pauling_test

        ions = [self._ions(symbol) for symbol in system]
        electronegativities = [electronegativity for _, electronegativity in ions]
        charges = [
            states
            for states in product(*(states for states, _ in ions))
            if min(states) < 0 < max(states) and pauling_test(states, electronegativities)
        ]
        if not charges:
            return []
        amounts = _amounts(len(system), self.max_atoms)
        neutral = np.zeros(len(amounts), dtype=bool)
        for begin in range(0, len(charges), 64):
            neutral |= (amounts @ np.array(charges[begin : begin + 64]).T == 0).any(axis=1)
        return [_formula(system, row) for row in amounts[neutral].tolist()]

    def _ions(self, symbol: str) -> tuple[tuple[int, ...], float]:
        """Oxidation states and electronegativity (Pauling) of an element."""
        return _ions(symbol, self.oxidation_states)


@lru_cache(maxsize=256)
def _ions(symbol: str, table: str) -> tuple[tuple[int, ...], float]:
    try:
        import smact
    except ImportError as error:
        raise InvalidTableError(
            "Candidates of elements need SMACT: pip install 'cromel-sklearn[candidates]'."
        ) from error
    try:
        element = smact.Element(symbol)
    except (NameError, KeyError, ValueError) as error:
        raise InvalidTableError(f"{symbol!r} is no element; expected a symbol.") from error
    states = getattr(element, f"oxidation_states_{table}", None)
    if not states or element.pauling_eneg is None:
        raise InvalidTableError(
            f"SMACT knows no oxidation states or no electronegativity of {symbol}; leave it out."
        )
    return tuple(int(state) for state in states), float(element.pauling_eneg)


@lru_cache(maxsize=8)
def _amounts(n_elements: int, max_atoms: int) -> np.ndarray:
    """All amounts in lowest terms, of shape (n_formulas, n_elements), fewest atoms first."""
    rows = np.arange(1, max_atoms - n_elements + 2)[:, None]
    for place in range(1, n_elements):
        rest = n_elements - place - 1
        added = np.arange(1, max_atoms + 1)
        rows = np.hstack([np.repeat(rows, len(added), 0), np.tile(added, len(rows))[:, None]])
        rows = rows[rows.sum(axis=1) <= max_atoms - rest]
    rows = rows[np.gcd.reduce(rows, axis=1) == 1]
    return rows[np.argsort(rows.sum(axis=1), kind="stable")]


def _formula(system: Sequence[str], amounts: Sequence[int]) -> str:
    return "".join(
        symbol if amount == 1 else f"{symbol}{amount}"
        for symbol, amount in zip(system, amounts, strict=True)
    )
