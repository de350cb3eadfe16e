"""Compositions as weighted sets of elements, each distinct one once."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .elements import MAX_ATOMIC_NUMBER
from .formula_reader import ElementAmounts

# Twelve digits: the same fractions for Fe2O3 and Fe4O6, far below what an encoder resolves.
_PER_UNIT = 1e12
# One whole number for an element and its fraction in units of 1e-12, which needs 40 bits.
_FRACTION_BITS = 41


@dataclass(frozen=True)
class CompositionBatch:
    """Compositions as weighted sets of elements.

    Attributes
    ----------
    atomic_numbers : ndarray of shape (n_samples, max_elements), int64
        The elements of each composition in ascending order, then zeros as padding.
    atomic_fractions : ndarray of shape (n_samples, max_elements), float64
        Fraction of the atoms that are of that element; each row sums to 1, padding is 0.
    """

    atomic_numbers: np.ndarray
    atomic_fractions: np.ndarray

    def __len__(self) -> int:
        return len(self.atomic_numbers)

    def __getitem__(self, rows) -> "CompositionBatch":
        return CompositionBatch(self.atomic_numbers[rows], self.atomic_fractions[rows])

    def trimmed(self) -> "CompositionBatch":
        """Return the batch without the columns that are padding in every row."""
        n_elements = max(1, int((self.atomic_numbers > 0).sum(1).max(initial=1)))
        return CompositionBatch(
            self.atomic_numbers[:, :n_elements], self.atomic_fractions[:, :n_elements]
        )

    def element_fractions(self) -> np.ndarray:
        """Atomic fraction of each element, a column each: shape (n_samples, 103), float64."""
        fractions = np.zeros((len(self), MAX_ATOMIC_NUMBER + 1))
        np.put_along_axis(fractions, self.atomic_numbers, self.atomic_fractions, axis=1)
        return fractions[:, 1:]

    @classmethod
    def from_amounts(cls, amounts: Iterable[tuple[tuple[int, ...], tuple[float, ...]]]):
        """Stack (atomic numbers, atomic fractions) pairs, as `parse_composition` returns them."""
        amounts = list(amounts)
        width = max((len(numbers) for numbers, _ in amounts), default=1)
        atomic_numbers = np.zeros((len(amounts), width), dtype=np.int64)
        atomic_fractions = np.zeros((len(amounts), width))
        for row, (numbers, fractions) in enumerate(amounts):
            atomic_numbers[row, : len(numbers)] = numbers
            atomic_fractions[row, : len(numbers)] = fractions
        return cls(atomic_numbers, atomic_fractions)


class DistinctCompositions:
    """Normalises compositions and numbers the distinct ones in the order of their appearance."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}

    def add(self, amounts: ElementAmounts, n_compositions: int) -> np.ndarray:
        """Add compositions.

        Parameters
        ----------
        amounts : ElementAmounts
            Compositions from 0 to `n_compositions` - 1.
        n_compositions : int

        Returns
        -------
        ndarray of shape (n_compositions,), int64
            The row of each composition in `batch`; -1 for those without amounts, and for those
            whose amounts span more than twelve orders of magnitude.
        """
        # Sorted by composition, then element; what repeats within one composition is added up.
        key = amounts.composition * 128 + amounts.atomic_number
        order = np.argsort(key, kind="stable")
        key = key[order]
        is_new = np.append(True, key[1:] != key[:-1])[: len(key)]
        amount = np.bincount(np.cumsum(is_new) - 1, weights=amounts.amount[order])
        composition, atomic_number = key[is_new] >> 7, key[is_new] & 127
        # `bincount` adds up one after the other, so a sum does not depend on its neighbors.
        total = np.bincount(composition, weights=amount, minlength=n_compositions)
        with np.errstate(invalid="ignore"):  # amounts beyond the largest float
            fraction = amount / total[composition]
        n_elements = np.bincount(composition, minlength=n_compositions)
        is_valid = (n_elements > 0) & np.isfinite(total)
        is_valid[composition[fraction < 1 / _PER_UNIT]] = False

        units = np.rint(np.where(np.isfinite(fraction), fraction, 0) * _PER_UNIT).astype(np.int64)
        packed = (atomic_number << _FRACTION_BITS | units).tobytes()
        ends = np.cumsum(n_elements) * 8
        rows = np.full(n_compositions, -1, dtype=np.int64)
        number = self._numbers
        valid = np.flatnonzero(is_valid)
        rows[valid] = [
            number.setdefault(packed[start:end], len(number))
            for start, end in zip(
                (ends - 8 * n_elements)[valid].tolist(), ends[valid].tolist(), strict=True
            )
        ]
        return rows

    def batch(self) -> CompositionBatch:
        """Return the distinct compositions."""
        packed = np.frombuffer(b"".join(self._numbers), dtype=np.int64)
        n_elements = np.fromiter(map(len, self._numbers), dtype=np.int64) // 8
        width = int(n_elements.max(initial=1))
        is_element = np.arange(width) < n_elements[:, None]
        atomic_numbers = np.zeros(is_element.shape, dtype=np.int64)
        atomic_fractions = np.zeros(is_element.shape)
        atomic_numbers[is_element] = packed >> _FRACTION_BITS
        atomic_fractions[is_element] = (packed & ((1 << _FRACTION_BITS) - 1)) / _PER_UNIT
        return CompositionBatch(atomic_numbers, atomic_fractions)
