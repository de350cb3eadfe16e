"""Scores of predictions for one set of test rows."""

import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import (
    accuracy_score,
    mean_absolute_error,
    r2_score,
    recall_score,
    roc_auc_score,
    root_mean_squared_error,
)
from sklearn.pipeline import Pipeline

from .stated_predictions import StatedPrediction

_SMALLEST = np.finfo(float).tiny

#: Name of a score -> how tables head it.
HEADINGS = {
    "mae": "MAE",
    "rmse": "RMSE",
    "r2": "R2",
    "mae_log10": "MAE of log10",
    "r2_log10": "R2 of log10",
    "balanced_accuracy": "balanced accuracy",
    "roc_auc": "ROC AUC",
    "accuracy": "accuracy",
    "coverage": "coverage",
    "spearman": "rank correlation of error and stated deviation",
}


def learns_logarithm(model) -> bool:
    """Tell whether a model, or the last step of a pipeline, learns the logarithm of the target."""
    last = model[-1] if isinstance(model, Pipeline) else model
    return getattr(last, "target_transform", None) == "log10"


def value_scores(
    target: np.ndarray, stated: StatedPrediction, *, is_logarithmic: bool = False
) -> dict[str, float]:
    """Score predicted values.

    Parameters
    ----------
    target : ndarray of shape (n_samples,)
    stated : StatedPrediction of n_samples rows
    is_logarithmic : bool, default=False
        Score the decadic logarithms as well; all values are positive then.

    Returns
    -------
    dict
        `mae`, `rmse` (unit of the target), `r2` (NaN for a single row); `mae_log10` and `r2_log10`
        of logarithms; `coverage` and
        `interval_width` where intervals are stated, `spearman` of absolute error and stated
        deviation where a deviation is.
    """
    error = np.abs(target - stated.mean)
    found = {
        "mae": float(mean_absolute_error(target, stated.mean)),
        "rmse": float(root_mean_squared_error(target, stated.mean)),
        "r2": float(r2_score(target, stated.mean)) if len(target) > 1 else np.nan,
    }
    if is_logarithmic:
        decades = [np.log10(np.maximum(one, _SMALLEST)) for one in (target, stated.mean)]
        found["mae_log10"] = float(mean_absolute_error(*decades))
        found["r2_log10"] = float(r2_score(*decades)) if len(target) > 1 else np.nan
    if stated.lower is not None and stated.upper is not None:
        found["coverage"] = float(((stated.lower <= target) & (target <= stated.upper)).mean())
        found["interval_width"] = float((stated.upper - stated.lower).mean())
    if stated.std is not None:
        found["spearman"] = rank_correlation(error, stated.std)
    return found


def class_scores(target: np.ndarray, stated: StatedPrediction, classes) -> dict[str, float]:
    """Score predicted classes.

    Parameters
    ----------
    target : ndarray of shape (n_samples,)
    stated : StatedPrediction of n_samples rows
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    dict
        `balanced_accuracy`, `accuracy`, and `roc_auc` (of more than two classes, the mean over
        pairs of one and the rest), NaN where a class is missing or no probability is stated.
    """
    present = np.unique(target)
    found = {
        "balanced_accuracy": float(
            recall_score(target, stated.mean, labels=present, average="macro", zero_division=0)
        ),
        "accuracy": float(accuracy_score(target, stated.mean)),
        "roc_auc": np.nan,
    }
    probability = stated.probability
    if probability is not None and len(present) == len(classes) == probability.shape[1]:
        scores = probability[:, 1] if len(classes) == 2 else probability
        found["roc_auc"] = float(roc_auc_score(target, scores, multi_class="ovr", labels=classes))
    return found


def rank_correlation(error, deviation) -> float:
    """Spearman's correlation of errors and stated deviations; 0 where one of them is constant.

    Parameters
    ----------
    error, deviation : ndarray of shape (n_samples,)

    Returns
    -------
    float
    """
    if len(error) < 2 or np.ptp(error) == 0 or np.ptp(deviation) == 0:
        return 0.0
    return float(spearmanr(error, deviation).statistic)
