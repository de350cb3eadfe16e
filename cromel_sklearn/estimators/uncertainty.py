"""Calibration of noise, intervals and probabilities on held-out rows."""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from ..exceptions import CalibrationError


def noise_factor(scores: np.ndarray) -> float:
    """Factor that makes stated standard deviations agree with held-out errors.

    Parameters
    ----------
    scores : ndarray of shape (n_held_out,)
        Absolute errors over stated standard deviations.

    Returns
    -------
    float
        Root of the mean square; 1 without held-out rows.
    """
    return float(np.sqrt(np.mean(scores**2))) if len(scores) else 1.0


def conformal_quantile(scores: np.ndarray, coverage: float) -> float:
    r"""Score below which a new row falls with probability `coverage`.

    The :math:`\lceil (n + 1) c \rceil`-th smallest of n held-out scores (split conformal
    prediction, Lei et al., J. Am. Stat. Assoc. 113, 1094 (2018),
    doi:10.1080/01621459.2017.1307116).

    Parameters
    ----------
    scores : ndarray of shape (n_held_out,)
    coverage : float between 0 and 1

    Returns
    -------
    float

    Raises
    ------
    CalibrationError
        If there are too few held-out rows for that coverage.

    Examples
    --------
    >>> import numpy as np
    >>> from cromel_sklearn.estimators.uncertainty import conformal_quantile
    >>> conformal_quantile(np.arange(1.0, 20.0), 0.9)
    18.0
    """
    rank = int(np.ceil((len(scores) + 1) * coverage - 1e-9))
    if rank > len(scores):
        needed = int(np.ceil(coverage / (1 - coverage) - 1e-9))
        raise CalibrationError(
            f"coverage={coverage} needs at least {needed} held-out rows, the fit kept "
            f"{len(scores)}; ask for less coverage, fit with early_stopping=True and a larger "
            f"validation_fraction or n_estimators, or give more rows."
        )
    return float(np.sort(scores)[rank - 1])


def temperature(logits: np.ndarray, classes: np.ndarray, weight: np.ndarray) -> float:
    """Temperature that makes held-out probabilities most likely.

    Guo et al., ICML 2017, arXiv:1706.04599. The classes are smoothed as by Platt (Advances in Large
    Margin Classifiers, 1999), so that a handful of rows, all right, does not call for certainty.

    Parameters
    ----------
    logits : ndarray of shape (n_held_out, n_classes)
    classes : ndarray of shape (n_held_out,), int
    weight : ndarray of shape (n_held_out,)

    Returns
    -------
    float
        Between 0.1 and 10; 1 without held-out rows.
    """
    if not weight.sum() > 0:
        return 1.0
    n_classes = logits.shape[1]
    smoothing = 1 / (np.bincount(classes, minlength=n_classes)[classes] + 2)
    truth = np.full(logits.shape, 1 / max(n_classes - 1, 1)) * smoothing[:, None]
    truth[np.arange(len(classes)), classes] = 1 - smoothing

    def negative_log_likelihood(log_temperature: float) -> float:
        scaled = log_softmax(logits / np.exp(log_temperature), axis=1)
        return -np.average((truth * scaled).sum(axis=1), weights=weight)

    bound = np.log(10.0)
    found = minimize_scalar(negative_log_likelihood, bounds=(-bound, bound), method="bounded")
    return float(np.exp(found.x))


def probabilities(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Mean over networks of the tempered probabilities.

    Parameters
    ----------
    logits : ndarray of shape (n_networks, n_samples, n_classes)
    temperature : float

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
    """
    return softmax(logits / temperature, axis=2).mean(axis=0)
