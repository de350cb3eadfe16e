"""Numbers and targets in, the decisions of a support vector machine with a Gaussian kernel out."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.utils import check_random_state

#: Time grows with the square of the rows; of more, as many are drawn.
MOST_ROWS = 10_000
_CACHE_MEGABYTES = 500
_PREDICTION_BATCH = 2048


class KernelSettings(NamedTuple):
    """Gaussian kernel and penalty, as in scikit-learn's `SVR` on standardised inputs.

    Attributes
    ----------
    gamma : float
        In units of one over the number of inputs: 1 is scikit-learn's "scale".
    C : float
    """

    gamma: float
    C: float


@dataclass(frozen=True)
class KernelMachine:
    r"""Support vector machines that share their inputs, one for each output.

    :math:`f(x) = b + \sum_i a_i \exp(-|z - z_i|^2)` with :math:`z = (x - mean) / scale`.

    Attributes
    ----------
    mean, scale : ndarray of shape (n_inputs,)
    support : ndarray of shape (n_support, n_inputs), float32
        Scaled inputs of the support vectors.
    coefficients : ndarray of shape (n_support, n_outputs)
    intercept : ndarray of shape (n_outputs,)

    References
    ----------
    Cortes and Vapnik, Mach. Learn. 20, 273 (1995), doi:10.1007/BF00994018; fitted by
    scikit-learn's `SVR` and `SVC`.
    """

    mean: np.ndarray
    scale: np.ndarray
    support: np.ndarray
    coefficients: np.ndarray
    intercept: np.ndarray

    @classmethod
    def fit(
        cls,
        inputs: np.ndarray,
        target: np.ndarray,
        weight: np.ndarray,
        settings: KernelSettings,
        n_classes: int | None = None,
        random_state=None,
    ) -> "KernelMachine":
        """Fit one machine an output, or one a class against the others.

        Parameters
        ----------
        inputs : ndarray of shape (n_samples, n_inputs)
        target : ndarray of shape (n_samples, n_outputs) or (n_samples,)
            Standardised values, NaN where not measured; or class numbers.
        weight : ndarray of shape (n_samples,)
        settings : KernelSettings
        n_classes : int, optional
            With class numbers.
        random_state : int, RandomState or None, default=None
            Draws the rows where there are more than `MOST_ROWS`.

        Returns
        -------
        KernelMachine

        Examples
        --------
        >>> import numpy as np
        >>> from cromel_sklearn.estimators.kernel_machine import KernelMachine, KernelSettings
        >>> x = np.linspace(0, 3, 30)[:, None]
        >>> machine = KernelMachine.fit(x, np.sin(x), np.ones(30), KernelSettings(1.0, 10.0))
        >>> bool(abs(machine.predict([[1.5]]) - np.sin(1.5)).max() < 0.15)
        True
        """
        if len(inputs) > MOST_ROWS:
            rows = check_random_state(random_state).choice(len(inputs), MOST_ROWS, replace=False)
            inputs, target, weight = inputs[rows], target[rows], weight[rows]
        scaler = StandardScaler().fit(inputs)
        scale = scaler.scale_ * np.sqrt(inputs.shape[1] / settings.gamma)
        scaled = ((inputs - scaler.mean_) / scale).astype(np.float32)
        shared = {"C": settings.C, "gamma": 1.0, "cache_size": _CACHE_MEGABYTES}
        if n_classes is None:
            outputs = [_fit_output(SVR(**shared), scaled, column, weight) for column in target.T]
        elif n_classes == 2:  # what speaks for one class speaks against the other
            coefficients, intercept = _against_others(shared, scaled, target, 1, weight)
            outputs = [(-coefficients, -intercept), (coefficients, intercept)]
        else:
            outputs = [
                _against_others(shared, scaled, target, number, weight)
                for number in range(n_classes)
            ]
        coefficients = np.stack([column for column, _ in outputs], axis=1)
        is_support = (coefficients != 0).any(axis=1)
        return cls(
            scaler.mean_,
            scale,
            scaled[is_support],
            coefficients[is_support],
            np.array([intercept for _, intercept in outputs]),
        )

    def predict(self, inputs) -> np.ndarray:
        """Predict values, or the decision for each class, of shape (n_samples, n_outputs)."""
        scaled = (np.asarray(inputs) - self.mean) / self.scale
        outputs = np.tile(self.intercept, (len(scaled), 1))
        if len(self.support):
            support = self.support.astype(np.float64)
            for start in range(0, len(scaled), _PREDICTION_BATCH):
                rows = slice(start, start + _PREDICTION_BATCH)
                outputs[rows] += rbf_kernel(scaled[rows], support, gamma=1.0) @ self.coefficients
        return outputs

    def multiplied(self, factor: float) -> "KernelMachine":
        """Build the machine whose outputs are those of this one times a factor."""
        return replace(
            self, coefficients=factor * self.coefficients, intercept=factor * self.intercept
        )


def _against_others(shared, scaled, target, number, weight):
    return _fit_output(SVC(**shared), scaled, np.where(target == number, 1.0, -1.0), weight)


def _fit_output(model, scaled, target, weight) -> tuple[np.ndarray, float]:
    """Coefficient of each row, zero but for support vectors, and the intercept."""
    coefficients = np.zeros(len(scaled))
    rows = np.flatnonzero(~np.isnan(target) & (weight > 0))
    values = np.unique(target[rows])
    if len(values) < 2:
        return coefficients, float(values[0]) if len(values) else 0.0
    model.fit(scaled[rows], target[rows], sample_weight=weight[rows] / weight[rows].mean())
    coefficients[rows[model.support_]] = model.dual_coef_[0]
    return coefficients, float(model.intercept_[0])
