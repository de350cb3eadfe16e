"""Weights of members that predict the same target, from predictions of rows they have not seen."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax

# A member whose predictions of unseen rows spread by less than this part of the target's spread
# says nothing about them.
_LEAST_SPREAD = 0.05
# Pull towards equal weights, over the number of rows.
_PULL = 5.0
_MOST_ITERATIONS = 300


@dataclass(frozen=True)
class MemberWeights:
    r"""Weights of regressors, not negative, with a sum of at most one, and a constant.

    Minimises :math:`\frac1n \sum_i \rho((\sum_m w_m p_{im} + b - y_i) / s) + \frac{5}{n}
    \lVert w - u \rVert^2`, where :math:`\rho` is Huber's loss, :math:`s` a third of the mean
    absolute error of the best member, and :math:`u` gives equal weights to the members whose error
    is within a tenth of it: outliers do not move the weights, and few rows do not part members that
    are equally good. Members that are nearly constant on unseen rows get no weight, and where the
    combination is worse than the best member, that one does alone.

    Attributes
    ----------
    weights : ndarray of shape (n_members,)
    constant : float

    References
    ----------
    Positive weights: Breiman, Machine Learning 24, 49 (1996), doi:10.1007/BF00117832. Loss: Huber,
    Ann. Math. Statist. 35, 73 (1964), doi:10.1214/aoms/1177703732.

    Examples
    --------
    >>> import numpy as np
    >>> from cromel_sklearn.estimators.member_weights import MemberWeights
    >>> rng = np.random.default_rng(0)
    >>> target = rng.normal(size=300)
    >>> predictions = target[:, None] + rng.normal(size=(300, 2)) * [0.1, 1.0]
    >>> bool(MemberWeights.of(predictions, target).weights[0] > 0.9)
    True
    """

    weights: np.ndarray
    constant: float

    @classmethod
    def of(cls, predictions, target, sample_weight=None) -> "MemberWeights":
        """Find the weights.

        Parameters
        ----------
        predictions : ndarray of shape (n_samples, n_members)
            Each of a row that the member was not fitted to.
        target : ndarray of shape (n_samples,)
            Standardised.
        sample_weight : ndarray of shape (n_samples,), optional

        Returns
        -------
        MemberWeights
        """
        count = np.ones(len(target)) if sample_weight is None else sample_weight
        share = count / count.sum()
        center = _median(target, share)
        usual = _median(np.abs(target - center), share)
        farthest = 10 * usual if usual > 0 else np.inf  # outliers count as this far away

        def size(error):
            return share @ np.minimum(np.abs(error), farthest)

        spread = size(target - center)
        weights = np.zeros(predictions.shape[1])
        usable = np.flatnonzero(
            _mean_spread(predictions, share) > _LEAST_SPREAD * max(spread, 1e-12)
        )
        errors = size(predictions - target[:, None])
        usable = usable[errors[usable] < max(spread, 1e-300)]  # better than a constant
        if spread == 0 or not len(usable):
            return cls(weights, float(center))
        best = usable[np.argmin(errors[usable])]
        equal = (errors[usable] <= 1.1 * errors[best]).astype(float)
        found, constant = _huber_weights(
            predictions[:, usable] - center, target - center, share, equal / equal.sum(),
            scale=max(errors[best] / 3, 1e-6), pull=_PULL / len(target),
        )  # fmt: skip
        weights[usable] = np.where(found < 1e-3, 0.0, found)
        constant = float(constant + center * (1 - weights.sum()))
        if size(predictions @ weights + constant - target) > errors[best]:
            weights, constant = np.zeros_like(weights), 0.0
            weights[best] = 1.0
        return cls(weights, constant)

    def combine(self, predictions: np.ndarray) -> np.ndarray:
        """Combine predictions of shape (n_samples, n_members)."""
        return predictions @ self.weights + self.constant


@dataclass(frozen=True)
class ClassWeights:
    """Weights of classifiers, not negative, and a constant for each class.

    The logarithms of the probabilities are the weighted sum of the members' scores; the weights
    are those that make the classes of unseen rows most likely. This calibrates the probabilities.

    Attributes
    ----------
    weights : ndarray of shape (n_members,)
    constants : ndarray of shape (n_classes,)

    References
    ----------
    Platt, Advances in Large Margin Classifiers (1999), for two classes and one member.
    """

    weights: np.ndarray
    constants: np.ndarray

    @classmethod
    def of(cls, scores, classes, sample_weight) -> "ClassWeights":
        """Find the weights.

        Parameters
        ----------
        scores : ndarray of shape (n_samples, n_members, n_classes)
            Of rows that the member was not fitted to.
        classes : ndarray of shape (n_samples,), int
        sample_weight : ndarray of shape (n_samples,)

        Returns
        -------
        ClassWeights
        """
        n_samples, n_members, n_classes = scores.shape
        share = sample_weight / sample_weight.sum()
        # Platt's smoothing: a handful of rows, all right, does not call for certainty.
        doubt = 1 / (np.bincount(classes, minlength=n_classes)[classes] + 2)
        truth = np.full((n_samples, n_classes), 1 / max(n_classes - 1, 1)) * doubt[:, None]
        truth[np.arange(n_samples), classes] = 1 - doubt
        pull = _PULL / n_samples / 10

        def loss(values):
            weights, constants = values[:n_members], values[n_members:]
            logits = np.einsum("nmc,m->nc", scores, weights) + constants
            logs = log_softmax(logits, axis=1)
            slope = share[:, None] * (np.exp(logs) - truth)
            gradient = np.append(np.einsum("nmc,nc->m", scores, slope), slope.sum(axis=0))
            gradient[:n_members] += 2 * pull * (weights - start[:n_members])
            value = -(share @ (truth * logs).sum(axis=1))
            return value + pull * ((weights - start[:n_members]) ** 2).sum(), gradient

        start = np.append(np.full(n_members, 1 / n_members), np.zeros(n_classes))
        bounds = [(0.0, None)] * n_members + [(-10.0, 10.0)] * n_classes
        options = {"maxiter": _MOST_ITERATIONS}
        found = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B", options=options).x
        return cls(found[:n_members], found[n_members:])

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """Probabilities of shape (n_samples, n_classes)."""
        logits = np.einsum("nmc,m->nc", scores, self.weights) + self.constants
        return np.exp(log_softmax(logits, axis=1))


def _huber_weights(predictions, target, share, equal, *, scale: float, pull: float):
    """Weights with a sum of at most one, and the constant, that minimise Huber's loss."""
    n_members = predictions.shape[1]

    def loss(values):
        weights = values[:-1]
        error = (predictions @ weights + values[-1] - target) / scale
        slope = share * np.clip(error, -1.0, 1.0)
        size = np.abs(error)
        value = share @ np.where(size < 1, 0.5 * error**2, size - 0.5)
        gradient = np.append(predictions.T @ slope / scale, slope.sum() / scale)
        gradient[:-1] += 2 * pull * (weights - equal)
        return value + pull * ((weights - equal) ** 2).sum(), gradient

    sum_to_one = {
        "type": "ineq",
        "fun": lambda values: 1 - values[:-1].sum(),
        "jac": lambda values: np.append(-np.ones(n_members), 0.0),
    }
    found = minimize(
        loss, np.append(equal, 0.0), jac=True, method="SLSQP", constraints=[sum_to_one],
        bounds=[(0.0, 1.0)] * n_members + [(None, None)],
        options={"maxiter": _MOST_ITERATIONS, "ftol": 1e-9},
    ).x  # fmt: skip
    weights = np.maximum(found[:-1], 0.0)
    return weights / max(weights.sum(), 1.0), found[-1]


def _median(values: np.ndarray, share: np.ndarray) -> float:
    order = np.argsort(values, kind="stable")
    place = int(np.searchsorted(np.cumsum(share[order]), 0.5))
    return float(values[order[min(place, len(order) - 1)]])


def _mean_spread(predictions: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Weighted mean absolute deviation of each column from its median."""
    centers = [_median(column, share) for column in predictions.T]
    return share @ np.abs(predictions - centers)
