"""Applicability domain: how far rows are from what a model was fitted to."""

from dataclasses import dataclass

import numpy as np
from sklearn.neighbors import NearestNeighbors

from .kernel_models import ColumnScale
from .views import EncodedTable

N_NEIGHBORS = 5
#: Score from which rows are far outside the domain.
FAR = 2.0
# Compositions that stand for all of a longer table.
_MOST_REFERENCES = 4_000
# Part of the rows of cross-validation that are nearer than a distance of score 1.
_USUAL_PART = 0.975


@dataclass(frozen=True)
class Neighborhood:
    """Nearest training compositions of rows.

    Attributes
    ----------
    distances : ndarray of shape (n_samples, n_neighbors)
        Ascending, in the standardised embedding, over the square root of its number of columns.
    targets : ndarray of shape (n_samples, n_neighbors, n_outputs)
        Mean standardised target of each neighbor, NaN where none was measured.
    is_new_system : ndarray of shape (n_samples,), bool
        No training composition has the same elements.
    """

    distances: np.ndarray
    targets: np.ndarray
    is_new_system: np.ndarray


@dataclass(frozen=True)
class TrainingDomain:
    r"""What a model was fitted to: compositions, elements, ranges of numeric columns.

    The score of a row is the largest of

    * the mean distance to its five nearest training compositions in the standardised embedding,
      over the distance that 97.5 % of the rows keep to when their fold is held out;
    * 2, if it has an element that no training row has;
    * :math:`1 + e / r` for a numeric column that is outside its range :math:`r` by :math:`e`.

    Rows with a score of at most 1 are in the domain.

    Attributes
    ----------
    scale : ColumnScale
        Of the embedding.
    references : ndarray of shape (n_references, embedding_dim), float32
        Scaled embeddings of distinct training compositions.
    targets : ndarray of shape (n_references, n_outputs)
        Mean standardised target of each.
    elements : ndarray of shape (n_elements,), bool
        Which elements occur, by the columns of `EncodedTable.fractions`.
    systems : ndarray of shape (n_systems, n_bytes), uint8
        Sets of elements that occur, a bit an element.
    lowest, highest : ndarray of shape (n_feature_columns,)
        Range of each numeric column.
    usual_distance : float
        Of score 1.
    """

    scale: ColumnScale
    references: np.ndarray
    targets: np.ndarray
    elements: np.ndarray
    systems: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    usual_distance: float

    @classmethod
    def of(cls, table: EncodedTable, rows, target, seed: int, usual_distance: float = np.inf):
        """Describe training rows.

        Parameters
        ----------
        table : EncodedTable
        rows : ndarray of int
        target : ndarray of shape (n_samples, n_outputs)
            Of all rows of the table, NaN where not measured.
        seed : int
            Of the choice of compositions where they are many.
        usual_distance : float, default=inf

        Returns
        -------
        TrainingDomain
        """
        places = np.unique(table.composition_of_row[rows])
        embedding = table.embedding[places].astype(float)
        scale = ColumnScale.of(embedding, 0)
        means = _means_by(table.composition_of_row[rows], target[rows], places)
        chosen = np.random.default_rng(seed).permutation(len(places))[:_MOST_REFERENCES]
        features = table.features[rows]
        return cls(
            scale=scale,
            references=scale(embedding[chosen]),
            targets=means[chosen],
            elements=(table.fractions[places] > 0).any(axis=0),
            systems=np.unique(_chemical_systems(table)[places], axis=0),
            lowest=features.min(axis=0, initial=np.inf),
            highest=features.max(axis=0, initial=-np.inf),
            usual_distance=usual_distance,
        )

    def neighborhood(self, table: EncodedTable) -> Neighborhood:
        """Find the nearest training compositions of each row."""
        n_neighbors = min(N_NEIGHBORS, len(self.references))
        finder = NearestNeighbors(n_neighbors=n_neighbors, algorithm="brute")
        finder.fit(self.references)
        distances, places = finder.kneighbors(self.scale(table.embedding.astype(float)))
        distances = distances / np.sqrt(max(1, np.isfinite(self.scale.scale).sum()))
        rows = table.composition_of_row
        known = {system.tobytes() for system in self.systems}
        is_new = np.array([one.tobytes() not in known for one in _chemical_systems(table)])
        return Neighborhood(distances[rows], self.targets[places[rows]], is_new[rows])

    def score(self, table: EncodedTable, neighborhood: Neighborhood) -> np.ndarray:
        """Domain score of each row, shape (n_samples,)."""
        distance = neighborhood.distances.mean(axis=1) / self.usual_distance
        is_new = (table.fractions[:, ~self.elements] > 0).any(axis=1)
        scores = [distance, np.where(is_new, FAR, 0.0)[table.composition_of_row]]
        if table.features.shape[1]:
            width = np.maximum(self.highest - self.lowest, 1e-12 * np.abs(self.highest) + 1e-300)
            outside = np.maximum(self.lowest - table.features, table.features - self.highest)
            outside = np.minimum(np.maximum(outside, 0.0) / width, 1e6)
            scores.append(np.where(outside > 0, 1.0 + outside, 0.0).max(axis=1))
        return np.max(scores, axis=0)


def usual_distance(distances: np.ndarray) -> float:
    """Distance to which nearly all rows keep, from the mean distances of held-out rows."""
    found = float(np.quantile(distances, _USUAL_PART))
    return found if found > 0 else 1.0


def _chemical_systems(table: EncodedTable) -> np.ndarray:
    """Set of elements of each composition, a bit an element."""
    return np.packbits(table.fractions > 0, axis=1)


def chemical_system_numbers(table: EncodedTable) -> np.ndarray:
    """Number of each composition's set of elements, shape (n_compositions,)."""
    return np.unique(_chemical_systems(table), axis=0, return_inverse=True)[1].ravel()


def _means_by(places, target, wanted) -> np.ndarray:
    """Mean of the measured targets of each composition, NaN where there is none."""
    order = np.searchsorted(wanted, places)
    measured = ~np.isnan(target)
    total = np.zeros((len(wanted), target.shape[1]))
    count = np.zeros_like(total)
    np.add.at(total, order, np.where(measured, target, 0.0))
    np.add.at(count, order, measured)
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
