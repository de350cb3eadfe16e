"""Uncertainty of a stack: how large its errors are, learned from those on rows it had not seen.

A forest learns the absolute error from signals of difficulty; beyond the domain its answer grows
with the distance. Normalised conformal prediction turns this into intervals.
"""

from dataclasses import dataclass

import numpy as np
from crepes import ConformalRegressor
from sklearn.ensemble import ExtraTreesRegressor

from ..exceptions import CalibrationError
from .applicability import Neighborhood, TrainingDomain, usual_distance
from .new_systems import MOST_GROWTH, growth_between_systems, growth_of_errors
from .stack import OutOfFold, Stack
from .trees import Forest
from .views import EncodedTable

N_TREES = 60
# Rows by which the forest learns; all rows calibrate.
_MOST_ROWS = 5_000
# Errors are taken for at least this part of their median.
_FLOOR = 0.2
# Score at which a row outside the domain is given the error of the most difficult rows.
_OUTSIDE = 1.5


@dataclass
class ErrorModel:
    """Errors of one output.

    Attributes
    ----------
    forest : Forest, or None
        Of absolute errors, standardised; None where all errors are alike.
    usual, floor, ceiling : float
        Median error, the least that is stated, and that of the most difficult rows.
    scores : ndarray of shape (n_calibrating,)
        Absolute errors of held-out rows over what was expected of them.
    factor : float
        Standard deviation over expected absolute error.
    new_system_ratio : float
        By how much errors are larger where no training composition has the same elements, beyond
        what the forest tells.
    cross_validated_coverage : float
        Part of the rows of each fold inside intervals of 90 % that the other folds calibrated.
    """

    forest: Forest | None
    usual: float
    floor: float
    ceiling: float
    scores: np.ndarray
    factor: float
    new_system_ratio: float = 1.0
    cross_validated_coverage: float = float("nan")

    def expected_error(self, signals, domain_score, is_new_system) -> np.ndarray:
        """Absolute error to be expected of each row, shape (n_samples,)."""
        error = np.full(len(signals), self.usual)
        if self.forest is not None:
            error = self.forest.mean_and_deviation(signals)[0]
        grown = self._grown(np.maximum(error, self.floor), domain_score)
        return np.where(is_new_system, grown * self.new_system_ratio, grown)

    def _grown(self, error, domain_score) -> np.ndarray:
        """Let errors grow outside the domain."""
        part = np.clip((domain_score - 1) / (_OUTSIDE - 1), 0.0, 1.0)
        ceiling = np.maximum(self.ceiling, error)
        growth = np.clip(domain_score / _OUTSIDE, 1.0, MOST_GROWTH)
        return (error + part * (ceiling - error)) * growth

    def interval(self, center, expected, coverage: float) -> np.ndarray:
        """Ends of conformal intervals, shape (n_samples, 2)."""
        needed = int(np.ceil(coverage / (1 - coverage) - 1e-9))
        if len(self.scores) < needed:
            raise CalibrationError(
                f"coverage={coverage} needs at least {needed} rows in fit, there were "
                f"{len(self.scores)}; ask for less coverage or give more rows."
            )
        conformal = ConformalRegressor().fit(self.scores, sigmas=np.ones(len(self.scores)))
        return conformal.predict_int(center, sigmas=expected, confidence=coverage)


@dataclass(repr=False)
class Uncertainty:
    """Errors of all outputs, and the domain that the model knows.

    Attributes
    ----------
    domain : TrainingDomain
    errors : list of ErrorModel
    """

    domain: TrainingDomain
    errors: list[ErrorModel]

    def __repr__(self) -> str:
        return f"Uncertainty(n_outputs={len(self.errors)})"

    def expected_errors(self, stack: Stack, table: EncodedTable, predicted, deviation):
        """Expected absolute errors and domain scores.

        Parameters
        ----------
        stack : Stack
        table : EncodedTable
        predicted, deviation : as `Stack.predict` gives them

        Returns
        -------
        expected : ndarray of shape (n_samples, n_outputs)
        domain_score : ndarray of shape (n_samples,)
        """
        neighborhood = self.domain.neighborhood(table)
        score = self.domain.score(table, neighborhood)
        columns = []
        for output, error in enumerate(self.errors):
            signals = difficulty_signals(
                stack, table, predicted, deviation, neighborhood, score, output
            )
            columns.append(error.expected_error(signals, score, neighborhood.is_new_system))
        return np.column_stack(columns), score


def difficulty_signals(
    stack: Stack, table: EncodedTable, predicted, deviation, neighborhood: Neighborhood,
    domain_score, output: int,
) -> np.ndarray:  # fmt: skip
    """Columns by which easy rows can be told from difficult ones.

    Prediction, spread of the members and of the trees, distance to the nearest training
    compositions, spread of their targets and their distance from the prediction, domain score,
    whether a training composition has the same elements, spread of the encoder's teachers;
    calculated properties, element fractions and numeric columns.

    Returns
    -------
    ndarray of shape (n_samples, n_signals), float32
    """
    weights = stack.weights[output]
    combined = weights.combine(predicted[:, :, output])
    share = weights.weights / max(weights.weights.sum(), 1e-12)
    spread = np.sqrt(((predicted[:, :, output] - combined[:, None]) ** 2) @ share)
    targets = neighborhood.targets[:, :, output]
    near = np.where(np.isnan(targets), combined[:, None], targets)
    signals = np.column_stack(
        [
            combined, spread, deviation[:, output], neighborhood.distances[:, 0],
            neighborhood.distances.mean(axis=1), near.std(axis=1),
            np.abs(near.mean(axis=1) - combined), domain_score, neighborhood.is_new_system,
        ]
    )  # fmt: skip
    rows = table.composition_of_row
    return np.hstack(
        [signals, table.spread[rows], table.properties[rows], table.fractions[rows],
         table.features],
        dtype=np.float32,
    )  # fmt: skip


def learn_uncertainty(
    stack: Stack, table: EncodedTable, target, out_of_fold: OutOfFold, seed: int
) -> Uncertainty:
    """Learn the errors of a stack from its predictions of rows that it had not seen.

    Parameters
    ----------
    stack : Stack
    table : EncodedTable
    target : ndarray of shape (n_samples, n_outputs)
        Standardised, NaN where not measured.
    out_of_fold : OutOfFold
    seed : int

    Returns
    -------
    Uncertainty
    """
    n_samples, n_outputs = target.shape
    everything = np.arange(n_samples)
    distances = np.empty(n_samples)
    parts = []
    for train, test in out_of_fold.folds:
        domain = TrainingDomain.of(table, train, target, seed)
        part = rows_of(table, test)
        found = domain.neighborhood(part)
        distances[test] = found.distances.mean(axis=1)
        parts.append((domain, part, found, test))
    usual = usual_distance(distances)
    signals: list = [None] * n_outputs
    scores = np.empty(n_samples)
    is_new = np.empty(n_samples, dtype=bool)
    for domain, part, found, test in parts:
        score = TrainingDomain(**{**vars(domain), "usual_distance": usual}).score(part, found)
        scores[test], is_new[test] = score, found.is_new_system
        for output in range(n_outputs):
            columns = difficulty_signals(
                stack, part, out_of_fold.predicted[test], out_of_fold.deviation[test], found,
                score, output,
            )  # fmt: skip
            if signals[output] is None:
                signals[output] = np.empty((n_samples, columns.shape[1]), dtype=np.float32)
            signals[output][test] = columns
    growth = growth_between_systems(stack, table, target, out_of_fold, seed)
    errors = []
    for output in range(n_outputs):
        combined = stack.weights[output].combine(out_of_fold.predicted[:, :, output])
        error = np.abs(target[:, output] - combined)
        model = _error_model(signals[output], error, scores, is_new, out_of_fold.folds, seed)
        model.new_system_ratio = max(model.new_system_ratio, float(growth[output]))
        errors.append(model)
    return Uncertainty(TrainingDomain.of(table, everything, target, seed, usual), errors)


def rows_of(table: EncodedTable, rows) -> EncodedTable:
    """Some rows of an encoded table, with the compositions that they have."""
    distinct, inverse = np.unique(table.composition_of_row[rows], return_inverse=True)
    return EncodedTable(
        embedding=table.embedding[distinct],
        properties=table.properties[distinct],
        fractions=table.fractions[distinct],
        statistics=table.statistics[distinct],
        spread=table.spread[distinct],
        compositions=table.compositions[distinct],
        composition_of_row=inverse,
        features=table.features[rows],
    )


def _error_model(signals, error, domain_score, is_new_system, folds, seed: int) -> ErrorModel:
    measured = np.isfinite(error)
    usual = float(np.median(error[measured]))
    capped = np.minimum(error, 20 * usual) if usual > 0 else error  # one outlier teaches nothing
    model = ErrorModel(
        None, max(usual, 1e-12), max(_FLOOR * usual, 1e-12), max(usual, 1e-12), np.empty(0), 1.0
    )
    expected = np.full(len(error), model.usual)
    if np.ptp(error[measured]) > 1e-9 and measured.sum() >= 20:
        for train, test in folds:
            forest = _fitted_forest(signals, capped, train[measured[train]], seed)
            expected[test] = forest.mean_and_deviation(signals[test])[0]
        model.forest = _fitted_forest(signals, capped, np.flatnonzero(measured), seed)
    expected = np.maximum(expected, model.floor)
    model.ceiling = float(np.quantile(expected[measured], 0.975))
    expected = model._grown(expected, domain_score)
    ratio = error / expected
    model.new_system_ratio = growth_of_errors(
        ratio[measured & is_new_system], ratio[measured & ~is_new_system]
    )
    expected = np.where(is_new_system, expected * model.new_system_ratio, expected)
    scores = error[measured] / expected[measured]
    model.scores = np.sort(scores)[::-1]
    model.cross_validated_coverage = _coverage(error / expected, folds)
    most = min(np.quantile(scores, 0.99), 10 * np.median(scores))  # one outlier widens nothing
    model.factor = float(np.sqrt(np.mean(np.minimum(scores, most) ** 2))) or 1.0
    return model


def _coverage(scores: np.ndarray, folds) -> float:
    """Part of the rows of each fold that the 90 % quantile of the other folds covers."""
    inside = []
    for train, test in folds:
        others, held_out = (part[np.isfinite(part)] for part in (scores[train], scores[test]))
        if len(others):
            inside.append(held_out <= np.quantile(others, 0.9))
    return float(np.concatenate(inside).mean()) if inside else float("nan")


def _fitted_forest(signals, error, rows, seed: int) -> Forest:
    chosen = np.random.default_rng(seed).permutation(rows)[:_MOST_ROWS]
    forest = ExtraTreesRegressor(
        N_TREES, min_samples_leaf=max(3, len(chosen) // 250), max_features=1 / 3,
        random_state=seed,
    )  # fmt: skip
    return Forest.of(forest.fit(signals[chosen], error[chosen]))
