"""Whether a target is learned as it was measured, or as its square root."""

import warnings

import numpy as np
from scipy.stats import skew
from sklearn.ensemble import ExtraTreesRegressor

from ..data.target_scale import TargetScale
from .members import VIEW_OF
from .stack_fit import composition_folds
from .views import EncodedTable

#: Skewness above which a target is tried as its square root.
_SKEWED = 1.0
#: Error of unseen rows, over that of the target as it was measured, up to which the root is taken.
_GAIN = 0.98
_FEWEST_ROWS, _MOST_ROWS = 50, 2_000
_N_FOLDS, _N_TREES = 3, 30


def chosen_transform(
    table: EncodedTable, y: np.ndarray, weight: np.ndarray, bounds: tuple, seed: int
) -> str | None:
    """Choose the scale of a target from its training rows.

    Most magnitudes (gaps, conductivities, lifetimes) are never negative, with many small values and
    few large ones, which then rule a fit. Of such targets, the square root (Tukey, Exploratory Data
    Analysis, 1977: the ladder of powers) is taken where trees that learn it predict unseen
    compositions better: with a mean absolute error, in the unit of the target, that is smaller by
    2 %. It is then nearer to the median of what may be measured than to its mean.

    Parameters
    ----------
    table : EncodedTable of n_samples rows
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        NaN where not measured.
    weight : ndarray of shape (n_samples,)
    bounds : (minimum, maximum)
        Of the target, as in `TargetScale.of`.
    seed : int

    Returns
    -------
    "sqrt" or None
        Of several outputs the same for all.
    """
    columns = y.reshape(len(y), -1).T
    if len(y) < _FEWEST_ROWS or not all(_is_skewed_magnitude(column) for column in columns):
        return None
    rng = np.random.default_rng(seed)
    folds = [
        tuple(rng.permutation(rows)[:_MOST_ROWS] for rows in fold)
        for fold in composition_folds(table.composition_of_row, None, seed)[:_N_FOLDS]
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of outliers, which the fit tells once
        scales = [TargetScale.of(y, transform, *bounds) for transform in (None, "sqrt")]
    as_measured, as_root = _errors(table, y, weight, scales, folds, seed)
    ratios = np.divide(as_root, as_measured, out=np.ones_like(as_root), where=as_measured > 0)
    return "sqrt" if ratios.mean() < _GAIN else None


def _is_skewed_magnitude(values: np.ndarray) -> bool:
    values = values[~np.isnan(values)]
    largest = np.max(values, initial=0.0)
    if largest == 0 or (values < 0).any():
        return False
    return bool(skew(values / largest) > _SKEWED)


def _errors(table, y, weight, scales: list[TargetScale], folds, seed: int) -> np.ndarray:
    """Mean absolute error on unseen rows of trees that learn on each scale, for each output."""
    view = VIEW_OF["element_trees"]
    measured = y.reshape(len(y), -1)
    targets = [scale.bounded(scale.standardise(y)) for scale in scales]
    errors = np.zeros((len(folds), len(scales), measured.shape[1]))
    for fold, (train, test) in enumerate(folds):
        X_train, X_test = table.view(view, train), table.view(view, test)
        for number, (scale, target) in enumerate(zip(scales, targets, strict=True)):
            predicted = np.empty((len(test), target.shape[1]))
            for output, column in enumerate(target[train].T):
                known = ~np.isnan(column)
                trees = ExtraTreesRegressor(_N_TREES, max_features=1 / 3, random_state=seed)
                trees.fit(X_train[known], column[known], weight[train][known])
                predicted[:, output] = trees.predict(X_test)
            restored = scale.restore(predicted).reshape(predicted.shape)
            misses = np.abs(restored - measured[test])
            errors[fold, number] = _weighted_mean(misses, weight[test])
    return errors.mean(axis=0)


def _weighted_mean(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    weight = np.where(np.isnan(values), 0.0, weight[:, None])
    return (np.nan_to_num(values) * weight).sum(axis=0) / np.maximum(weight.sum(axis=0), 1e-300)
