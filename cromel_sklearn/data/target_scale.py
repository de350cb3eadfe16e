"""Scale of measured targets: their transform, mean and standard deviation."""

from dataclasses import dataclass

import numpy as np

from ..exceptions import InvalidTableError
from .targets import checked_targets

TARGET_TRANSFORMS = {"log10"}
_LN_10 = np.log(10.0)


@dataclass(frozen=True)
class TargetScale:
    """Mean and standard deviation of each target, after its transform.

    Attributes
    ----------
    mean, scale : ndarray of shape (n_outputs,)
    transform : {None, "log10"}
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
    transform: str | None
    is_single: bool

    @classmethod
    def of(cls, y, transform: str | None) -> "TargetScale":
        """Take the scale from training targets."""
        y = checked_targets(y)
        raw = cls(np.zeros(1), np.ones(1), transform, y.ndim == 1)
        target = raw.standardise(y)
        # In units of the largest: the squares of tiny numbers are zero.
        largest = np.nanmax(np.abs(target), axis=0)
        largest = np.where(largest > 0, largest, 1.0)
        scale = np.nanstd(target / largest, axis=0) * largest
        mean = np.nanmean(target / largest, axis=0) * largest
        return cls(mean, np.where(scale > 0, scale, 1.0), transform, raw.is_single)

    def standardise(self, y) -> np.ndarray:
        """Check targets and standardise them, shape (n_samples, n_outputs)."""
        values = checked_targets(y)
        target = values.reshape(len(values), -1)
        if target.shape[1] != len(self.mean) and len(self.mean) != 1:
            raise InvalidTableError(
                f"y has {target.shape[1]} outputs, the model was fitted with {len(self.mean)}."
            )
        if self.transform == "log10":
            if (target <= 0).any():
                row, column = np.argwhere(target <= 0)[0]
                raise InvalidTableError(
                    f"target_transform='log10' needs positive targets, y has {target[row, column]} "
                    f"at index {row}; leave the row out or pass target_transform=None."
                )
            target = np.log10(target)
        return (target - self.mean) / self.scale

    def restore(self, standardised: np.ndarray) -> np.ndarray:
        """Give predictions their unit back."""
        values = standardised * self.scale + self.mean
        values = 10.0**values if self.transform == "log10" else values
        return values[:, 0] if self.is_single else values

    def restore_deviation(self, standardised: np.ndarray, deviation: np.ndarray) -> np.ndarray:
        """Give standard deviations their unit back, to first order."""
        deviation = deviation * self.scale
        deviation = deviation[:, 0] if self.is_single else deviation
        if self.transform == "log10":
            deviation = deviation * self.restore(standardised) * _LN_10
        return deviation
