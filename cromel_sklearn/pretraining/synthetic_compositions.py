"""Synthetic compositions: what experiments make and databases of calculations lack.

Dense rows here have 104 columns, the atomic fraction of each element in the column of its atomic
number; column 0 is zero.
"""

import numpy as np

from ..data.composition import CompositionBatch
from ..data.elements import MAX_ATOMIC_NUMBER, pymatgen_element_table

_N_COLUMNS = MAX_ATOMIC_NUMBER + 1
#: Smallest atomic fraction of an element: one atom in a hundred thousand.
_SMALLEST = 1e-5
#: Width of the similarity of elements, in root mean square standard deviations of their features.
_SIMILARITY = 0.4
#: Elements that alloys are often made of, drawn more often than other metals.
_ALLOYING = (4, 12, 13, 14, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 39, 40, 41, 42, 46, 47, 50, 72, 73, 74, 78)  # fmt: skip # noqa: E501
_ALLOYING_WEIGHT = 6.0
_MOST_IN_ALLOY = 9
_ALLOY_RATIOS = (0.1, 0.2, 0.25, 0.3, 0.5, 0.75, 1.0, 1.0, 1.0, 1.5, 2.0)
#: Kind -> share of the synthetic compositions.
SHARES = {
    "mixture": 0.2,
    "solid solution": 0.2,
    "substitution": 0.2,
    "doping": 0.15,
    "alloy": 0.2,
    "random": 0.05,
}


class CompositionSampler:
    """Draws synthetic compositions around known ones.

    Parameters
    ----------
    known : CompositionBatch
        Known compounds.
    elements : collection of int
        Atomic numbers that may be drawn.

    Examples
    --------
    >>> import numpy as np
    >>> from cromel_sklearn.data.composition import read_compositions
    >>> from cromel_sklearn.pretraining.synthetic_compositions import CompositionSampler
    >>> known = read_compositions(["NaCl", "KBr", "MgO", "FeNi"])[0]
    >>> sampler = CompositionSampler(known, [8, 11, 12, 17, 19, 26, 28, 35])
    >>> drawn = sampler.draw(100, np.random.default_rng(0))
    >>> sorted(drawn)
    ['alloy', 'doping', 'mixture', 'random', 'solid solution', 'substitution']
    """

    def __init__(self, known: CompositionBatch, elements):
        self._known = dense_fractions(known)
        self._elements = np.array(sorted(elements))
        features = pymatgen_element_table()
        self._similar = _substitution_probabilities(features.features, self._elements)
        is_metal = features.features[:, features.names.index("is_metal")] > 0
        metals = [z for z in self._elements if is_metal[z] or z in _ALLOYING]
        self._metals = np.array(metals if len(metals) > 1 else self._elements)
        weights = np.where(np.isin(self._metals, _ALLOYING), _ALLOYING_WEIGHT, 1.0)
        self._metal_weights = weights / weights.sum()

    def draw(self, n: int, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw compositions of each kind, in the proportions of `SHARES`.

        Parameters
        ----------
        n : int
            About so many in all.
        generator : numpy.random.Generator

        Returns
        -------
        dict of str to ndarray of shape (n_of_kind, 104), float32
        """
        draw = {
            "mixture": self._mixtures,
            "solid solution": self._solid_solutions,
            "substitution": lambda m, r: self._substituted(self._pick(m, r), r, whole=False),
            "doping": self._doped,
            "alloy": self._alloys,
            "random": self._random,
        }
        return {kind: draw[kind](int(n * share), generator) for kind, share in SHARES.items()}

    def known(self, n: int) -> np.ndarray:
        """At most n known compounds, evenly spaced, shape (n, 104)."""
        return self._known[:: max(1, len(self._known) // n)][:n]

    def _pick(self, n: int, r) -> np.ndarray:
        return self._known[r.integers(0, len(self._known), n)].copy()

    def _mixtures(self, n: int, r) -> np.ndarray:
        """Two or three compounds, in shares between a thousandth and equal ones."""
        rows = self._pick(n, r)
        n_parts = r.choice([2, 3], n, p=[0.7, 0.3])
        for part in (2, 3):
            share = np.where(n_parts >= part, 10 ** r.uniform(-3, 0, n), 0)
            rows += self._pick(n, r) * share[:, None].astype(np.float32)
        return _normalised(rows)

    def _solid_solutions(self, n: int, r) -> np.ndarray:
        """A compound and itself with one element replaced, at any share, often a round one."""
        one = self._pick(n, r)
        other = self._substituted(one, r, whole=True)
        share = r.uniform(0, 1, n) ** 1.5
        share = np.where(r.random(n) < 0.5, np.round(share * 20) / 20, share)[:, None]
        return _normalised(one * (1 - share) + other * share)

    def _substituted(self, rows: np.ndarray, r, *, whole: bool) -> np.ndarray:
        """One element replaced by a similar one, wholly or in part."""
        rows = rows.copy()
        index = np.arange(len(rows))
        old = np.argmax(r.random(rows.shape) * (rows > 0), axis=1)
        cumulated = self._similar[old].cumsum(axis=1)
        new = (cumulated < r.random(len(rows))[:, None]).sum(axis=1).clip(max=_N_COLUMNS - 1)
        new = np.where(cumulated[:, -1] > 0.5, new, old)  # nothing is similar: left as it is
        part = np.where(r.random(len(rows)) < 0.4, 1, 10 ** r.uniform(-3, 0, len(rows)))
        amount = rows[index, old] * (1 if whole else part)
        rows[index, old] -= amount
        rows[index, new] += amount
        return _normalised(rows)

    def _doped(self, n: int, r) -> np.ndarray:
        """A compound with one or two more elements, from a thousandth to a fifth of the atoms."""
        rows = self._pick(n, r)
        for probability in (1.0, 0.4):
            amount = 10 ** r.uniform(-3, -0.7, n) * (r.random(n) < probability)
            rows *= (1 - amount)[:, None]
            rows[np.arange(n), r.choice(self._elements, n)] += amount
        return _normalised(rows)

    def _alloys(self, n: int, r) -> np.ndarray:
        """Two to nine metals: equimolar, in simple ratios, at random, or one base metal."""
        rows = np.zeros((n, _N_COLUMNS), dtype=np.float32)
        # Weighted choice without replacement: the largest of u ** (1 / w), drawn for all rows.
        keys = np.log(r.random((n, len(self._metals)))) / self._metal_weights
        chosen = np.argsort(-keys, axis=1)
        most = min(_MOST_IN_ALLOY, len(self._metals))
        sizes = r.integers(2, most + 1, n)
        kinds = r.choice(4, n, p=[0.35, 0.25, 0.2, 0.2])
        for row in range(n):
            size = sizes[row]
            amounts = _alloy_amounts(kinds[row], size, r)
            rows[row, self._metals[chosen[row, :size]]] = amounts
        return _normalised(rows)

    def _random(self, n: int, r) -> np.ndarray:
        """One to six elements in small whole numbers or at random."""
        rows = np.zeros((n, _N_COLUMNS), dtype=np.float32)
        for row in range(n):
            size = r.integers(1, min(6, len(self._elements)) + 1)
            elements = r.choice(self._elements, size, replace=False)
            is_whole = r.random() < 0.6
            amounts = r.integers(1, 9, size) if is_whole else r.dirichlet(np.ones(size)) + 1e-3
            rows[row, elements] = amounts
        return _normalised(rows)


def dense_fractions(batch: CompositionBatch) -> np.ndarray:
    """Dense rows of compositions, shape (n_samples, 104), float32."""
    rows = np.zeros((len(batch), _N_COLUMNS), dtype=np.float32)
    shares = batch.atomic_fractions.astype(np.float32)
    np.put_along_axis(rows, batch.atomic_numbers, shares, axis=1)
    rows[:, 0] = 0
    return rows


def sparse_batch(rows: np.ndarray) -> CompositionBatch:
    """Compositions of dense rows."""
    n_elements = int((rows > 0).sum(axis=1).max(initial=1))
    largest = np.argsort(-rows, axis=1, kind="stable")[:, :n_elements]
    shares = np.take_along_axis(rows, largest, axis=1).astype(float)
    numbers = np.where(shares > 0, largest, 0)
    return CompositionBatch(numbers, shares / shares.sum(axis=1, keepdims=True))


def _alloy_amounts(kind: int, size: int, r) -> np.ndarray:
    if kind == 0:
        return np.ones(size)
    if kind == 1:
        return r.choice(_ALLOY_RATIOS, size)
    if kind == 2:
        return r.dirichlet(np.full(size, r.choice([0.5, 1.0, 5.0]))) + 1e-4
    amounts = 10 ** r.uniform(-3, -0.8, size)
    amounts[0] = max(1 - amounts[1:].sum(), 0.3)
    return amounts


def _normalised(rows: np.ndarray) -> np.ndarray:
    rows[rows < _SMALLEST] = 0
    return (rows / rows.sum(axis=1, keepdims=True)).astype(np.float32)


def _substitution_probabilities(features: np.ndarray, elements: np.ndarray) -> np.ndarray:
    """Probability that a column's element replaces a row's, by the distance of their features."""
    differences = features[:, None] - features[None]
    distances = np.sqrt((differences**2).mean(axis=2))
    weights = np.exp(-0.5 * (distances / _SIMILARITY) ** 2)
    allowed = np.zeros(len(features), dtype=bool)
    allowed[elements] = True
    weights[:, ~allowed] = 0
    weights[~allowed] = 0
    np.fill_diagonal(weights, 0)
    total = weights.sum(axis=1, keepdims=True)
    return np.divide(weights, total, out=np.zeros_like(weights), where=total > 1e-6)
