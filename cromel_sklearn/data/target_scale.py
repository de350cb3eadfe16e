"""Scale of measured targets: transform, bounds, centre and spread, and the way back."""

import warnings
from dataclasses import dataclass

import numpy as np

from ..exceptions import InvalidTableError
from .targets import checked_targets

#: Names of transforms -> targets that they take.
TARGET_TRANSFORMS = {
    "sqrt": "targets that are not negative", "log10": "targets above 0",
    "log1p": "targets above -1",
}  # fmt: skip
_LN_10 = np.log(10.0)
# A target further from the median than the first many times what all but a hundredth of the rows
# (all but one, of less than a hundred) keep to counts as the second many times as far away.
_FARTHEST, _TAKEN_FOR = 8.0, 2.0


@dataclass(frozen=True)
class TargetScale:
    """Centre and spread of each target after its transform, and the bounds of predictions.

    Attributes
    ----------
    mean, scale : ndarray of shape (n_outputs,)
        Of the transformed targets, outliers taken for less.
    lowest, highest : ndarray of shape (n_outputs,)
        Standardised targets beyond these are outliers; `bounded` brings them nearer.
    transform : {None, "sqrt", "log10", "log1p"}
    minimum, maximum : float
        Bounds of predictions in the unit of the target; infinite without.
    is_single : bool
        One-dimensional targets.

    Examples
    --------
    >>> from cromel_sklearn.data.target_scale import TargetScale
    >>> scale = TargetScale.of([1.0, 10.0, 100.0], "log10")
    >>> scale.standardise([10.0])
    array([[0.]])
    """

    mean: np.ndarray
    scale: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    transform: str | None
    minimum: float
    maximum: float
    is_single: bool

    @classmethod
    def of(cls, y, transform: str | None = None, minimum=None, maximum=None) -> "TargetScale":
        """Take the scale from training targets.

        Warns of a value so far from all others that it is taken for less, and of one that repeats
        there, as numbers do that stand for a missing value.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            NaN where one of several outputs was not measured.
        transform : {None, "sqrt", "log10", "log1p"}
        minimum, maximum : float, optional

        Returns
        -------
        TargetScale

        Raises
        ------
        InvalidTableError
            If a target is missing, no number, too large, or outside what the transform or the
            bounds take; names the row.
        """
        y = checked_targets(y)
        low = -np.inf if minimum is None else float(minimum)
        high = np.inf if maximum is None else float(maximum)
        if not low < high:  # NaN too
            raise InvalidTableError(
                f"Expected target_min below target_max, got {low:g} and {high:g}."
            )
        one = np.ones(1)
        raw = cls(0 * one, one, -np.inf * one, np.inf * one, transform, low, high, y.ndim == 1)
        values = raw.standardise(y)
        limits = np.array([_limits(column) for column in values.T])
        bounded = _bounded(values, *limits.T)
        _warn_of_outliers(y, values, bounded)
        _warn_of_stand_ins(y.reshape(len(y), -1))
        # In units of the largest: the squares of tiny numbers are zero.
        largest = np.nanmax(np.abs(bounded), axis=0)
        largest = np.where(largest > 0, largest, 1.0)
        mean = np.nanmean(bounded / largest, axis=0) * largest
        scale = np.nanstd(bounded / largest, axis=0)
        scale = np.where(scale > 1e-12, scale * largest, 1.0)
        ends = (limits.T - mean) / scale
        return cls(
            mean, scale, ends[0], ends[1], transform, raw.minimum, raw.maximum, raw.is_single
        )

    def standardise(self, y) -> np.ndarray:
        """Check targets and standardise them, shape (n_samples, n_outputs)."""
        target = self.checked(y)
        if self.transform == "sqrt":
            target = np.sqrt(target)
        elif self.transform == "log10":
            target = np.log10(target)
        elif self.transform == "log1p":
            target = np.log1p(target)
        return (target - self.mean) / self.scale

    def bounded(self, standardised: np.ndarray) -> np.ndarray:
        """Take outliers among standardised targets for less, so that they move no other row."""
        return _bounded(standardised, self.lowest, self.highest)

    def checked(self, y) -> np.ndarray:
        """Targets as numbers that the transform and the bounds take, (n_samples, n_outputs)."""
        values = checked_targets(y)
        target = values.reshape(len(values), -1)
        if target.shape[1] != len(self.mean) and len(self.mean) != 1:
            raise InvalidTableError(
                f"y has {target.shape[1]} outputs, the model was fitted with {len(self.mean)}."
            )
        if self.transform is not None:
            lowest = -1.0 if self.transform == "log1p" else 0.0
            is_bad = target < 0 if self.transform == "sqrt" else target <= lowest
            self._require(
                is_bad, target,
                f"target_transform={self.transform!r} needs {TARGET_TRANSFORMS[self.transform]}; "
                f"leave the row out or pass target_transform=None",
            )  # fmt: skip
        self._require(
            (target < self.minimum) | (target > self.maximum), target,
            f"expected values from target_min={self.minimum:g} to target_max={self.maximum:g}; "
            f"leave the row out or widen the bounds",
        )  # fmt: skip
        return target

    def restore(self, standardised: np.ndarray) -> np.ndarray:
        """Give predictions their unit back, within the bounds."""
        values = standardised * self.scale + self.mean
        if self.transform == "sqrt":
            values = np.square(np.maximum(values, 0.0))
        elif self.transform == "log10":
            values = 10.0 ** np.minimum(values, 300.0)
        elif self.transform == "log1p":
            values = np.expm1(np.minimum(values, 690.0))
        values = np.clip(values, self.minimum, self.maximum)
        return values[:, 0] if self.is_single else values

    def restore_deviation(self, standardised: np.ndarray, deviation: np.ndarray) -> np.ndarray:
        """Give standard deviations their unit back, to first order of a logarithm.

        That of the square of a root with normal errors is exact, and not zero at zero.
        """
        deviation = deviation * self.scale
        values = standardised * self.scale + self.mean
        if self.transform == "sqrt":
            root = np.maximum(values, 0.0)
            deviation = deviation * np.sqrt(4 * root**2 + 2 * deviation**2)
        elif self.transform == "log10":
            deviation = deviation * 10.0 ** np.minimum(values, 300.0) * _LN_10
        elif self.transform == "log1p":
            deviation = deviation * np.exp(np.minimum(values, 690.0))
        return deviation[:, 0] if self.is_single else deviation

    def _require(self, is_bad: np.ndarray, target: np.ndarray, expected: str) -> None:
        if is_bad.any():
            row, column = np.argwhere(is_bad)[0]
            more = f" (and {is_bad.sum() - 1} more values)" if is_bad.sum() > 1 else ""
            raise InvalidTableError(
                f"y has {target[row, column]:g} at index {row}{more}; {expected}."
            )


def _limits(values: np.ndarray) -> tuple[float, float]:
    """Smallest and largest target that is taken as it is."""
    values = values[~np.isnan(values)]
    median = np.median(values)
    away = np.sort(np.abs(values - median))
    usual = away[len(away) - 1 - max(1, len(away) // 100)] if len(away) > 3 else 0.0
    if usual == 0:
        return -np.inf, np.inf
    return median - _FARTHEST * usual, median + _FARTHEST * usual


def _bounded(values: np.ndarray, lowest: np.ndarray, highest: np.ndarray) -> np.ndarray:
    is_outlier = (values < lowest) | (values > highest)
    if not is_outlier.any():
        return values
    nearer = _TAKEN_FOR / _FARTHEST
    center = np.where(np.isfinite(lowest), lowest + highest, 0.0) / 2
    half = np.where(np.isfinite(highest), highest - center, 0.0) * nearer
    return np.where(is_outlier, np.clip(values, center - half, center + half), values)


def _warn_of_outliers(y: np.ndarray, values: np.ndarray, bounded: np.ndarray) -> None:
    moved = np.argwhere(np.nan_to_num(values) != np.nan_to_num(bounded))
    if not len(moved):
        return
    row, column = moved[0]
    value = float(y.reshape(len(y), -1)[row, column])
    more = f" (and {len(moved) - 1} more values)" if len(moved) > 1 else ""
    warnings.warn(
        f"y has {value:g} at index {row}{more}, far from all other rows; it is taken for less "
        f"when models are fitted. Correct the value or leave the row out; for values that span "
        f"decades pass target_transform='log10'.",
        UserWarning,
        stacklevel=4,
    )


def _warn_of_stand_ins(y: np.ndarray) -> None:
    """Warn of a number like -999 that several rows have, beyond all that was measured."""
    for column in y.T:
        distinct, counts = np.unique(column[~np.isnan(column)], return_counts=True)
        if len(distinct) < 5:  # levels, of which any may lie apart
            continue
        for end, others in ((0, distinct[1:]), (-1, distinct[:-1])):
            away = np.abs(others - distinct[end]).min()
            if counts[end] > 1 and away > 3 * np.ptp(others):
                warnings.warn(
                    f"y has {distinct[end]:g} in {counts[end]} rows, far beyond all others. If it "
                    f"stands for a missing value, leave these rows out.",
                    UserWarning,
                    stacklevel=4,
                )
