"""All that a fitted model says of new rows: value, deviation, interval, domain."""

import inspect
import warnings
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm
from sklearn.pipeline import Pipeline

from ..exceptions import CalibrationError


@dataclass(frozen=True, eq=False)
class StatedPrediction:
    """Predictions with what the model states of its doubt; None where it states nothing.

    Attributes
    ----------
    mean : ndarray of shape (n_samples,)
        Predicted values, or classes.
    std : ndarray of shape (n_samples,) or None
        Stated standard deviation, in the unit of the target.
    lower, upper : ndarray of shape (n_samples,) or None
        Ends of the interval of the coverage that was asked for.
    in_domain : ndarray of shape (n_samples,), bool, or None
        Whether the model counts the row to its applicability domain.
    probability : ndarray of shape (n_samples, n_classes) or None
        Of each class.
    """

    mean: np.ndarray
    std: np.ndarray | None = None
    lower: np.ndarray | None = None
    upper: np.ndarray | None = None
    in_domain: np.ndarray | None = None
    probability: np.ndarray | None = None


def states_deviation(model) -> bool:
    """Tell whether `model.predict` takes `return_std`, as a Gaussian process or CroMEL does."""
    last = model[-1] if isinstance(model, Pipeline) else model
    predict = getattr(last, "predict", None)
    return predict is not None and "return_std" in inspect.signature(predict).parameters


def stated_interval(model, X, coverage: float, mean=None, std=None):
    """Ends of the intervals of a coverage.

    The model's own `predict_interval`, or, where it has none but states a deviation, the interval
    of a normal distribution.

    Parameters
    ----------
    model : fitted regressor
    X : n_samples rows
    coverage : float
        Between 0 and 1.
    mean, std : ndarray of shape (n_samples,), optional
        Predictions made before.

    Returns
    -------
    (ndarray of shape (n_samples,), ndarray of shape (n_samples,)) or None
        None where the model states neither, or too little was held out to calibrate it.
    """
    if hasattr(model, "predict_interval"):
        try:
            ends = model.predict_interval(X, coverage=coverage)
        except CalibrationError:
            return None
        return ends[:, 0], ends[:, 1]
    if std is None:
        return None
    half = norm.ppf((1 + coverage) / 2) * std
    return mean - half, mean + half


def stated_predictions(
    model, X, *, coverage: float | None = None, with_doubt=True
) -> StatedPrediction:
    """Ask a fitted model for all that it says of new rows.

    Parameters
    ----------
    model : fitted regressor or classifier
    X : n_samples rows
    coverage : float, optional
        Of the intervals; none by default.
    with_doubt : bool, default=True
        Also ask for deviations, intervals and the domain.

    Returns
    -------
    StatedPrediction

    Examples
    --------
    >>> from sklearn.gaussian_process import GaussianProcessRegressor
    >>> from cromel_sklearn.inspection.stated_predictions import stated_predictions
    >>> model = GaussianProcessRegressor().fit([[0.0], [1.0]], [0.0, 1.0])
    >>> stated = stated_predictions(model, [[0.0], [9.0]], coverage=0.9)
    >>> bool(stated.std[0] < stated.std[1])
    True
    """
    with warnings.catch_warnings():
        if hasattr(model, "in_domain"):
            # Of rows outside the domain, which are told one by one here.
            warnings.simplefilter("ignore", UserWarning)
        if hasattr(model, "classes_"):
            probability = model.predict_proba(X) if hasattr(model, "predict_proba") else None
            mean, std, interval = np.asarray(model.predict(X)), None, None
        else:
            probability = None
            if with_doubt and states_deviation(model):
                mean, std = model.predict(X, return_std=True)
            else:
                mean, std = np.asarray(model.predict(X)), None
            mean = mean.reshape(len(mean), -1)[:, 0] if mean.ndim == 2 else mean
            interval = None if coverage is None else stated_interval(model, X, coverage, mean, std)
        asks_domain = with_doubt and hasattr(model, "in_domain")
        in_domain = model.in_domain(X) if asks_domain else None
    lower, upper = interval or (None, None)
    return StatedPrediction(mean, std, lower, upper, in_domain, probability)
