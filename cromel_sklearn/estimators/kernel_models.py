"""Support vector machine and Gaussian process whose predictions are matrix products.

Both standardise their columns. A numeric column beside the compositions counts as much as 25
columns of the embedding, among which it would be lost otherwise.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from sklearn.svm import SVC, SVR
from sklearn.utils import check_random_state

#: How much a numeric column is stretched after it was standardised.
NUMERIC_STRETCH = 5.0
# Elements of a matrix of distances that are held at once: 8 MB in single precision.
_LARGEST_BLOCK = 2_000_000
# Rows up to which predictions are computed in double precision.
_FEW_ROWS = 1_000


@dataclass(frozen=True)
class ColumnScale:
    """Standardisation of columns, the last ones stretched.

    Attributes
    ----------
    mean, scale : ndarray of shape (n_columns,), float64
        Columns that are constant have an infinite scale: they take no part.
    """

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, X: np.ndarray, n_numeric: int) -> "ColumnScale":
        """Take the scale of training columns, of which the last `n_numeric` are stretched."""
        mean, scale = X.mean(axis=0), X.std(axis=0)
        is_constant = scale <= 1e-9 * np.maximum(np.abs(mean), 1.0)
        scale = np.where(is_constant, np.inf, scale)
        if n_numeric:
            scale[-n_numeric:] /= NUMERIC_STRETCH
        return cls(mean, scale)

    def __call__(self, X: np.ndarray, dtype=np.float32) -> np.ndarray:
        """Scale columns."""
        return ((X - self.mean) / self.scale).astype(dtype)


def working_precision(n_rows: int) -> Any:
    """Number type in which predictions are computed.

    Double for few rows, so that a row does not depend on its batch; single for many, where the
    predictions differ by about a millionth of their spread.
    """
    return np.float64 if n_rows <= _FEW_ROWS else np.float32


def squared_distances(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Squared Euclidean distance of each row of `A` to each row of `B`, in their precision."""
    distances = A @ (-2 * B.T)
    distances += np.einsum("ij,ij->i", A, A)[:, None]
    distances += np.einsum("ij,ij->i", B, B)
    return np.maximum(distances, 0, out=distances)


def row_blocks(n_rows: int, n_columns: int):
    """Slices of rows whose matrices of `n_columns` stay small."""
    size = max(1, _LARGEST_BLOCK // max(n_columns, 1))
    for start in range(0, n_rows, size):
        yield slice(start, min(start + size, n_rows))


class _SupportVectors(BaseEstimator):
    """Support vectors of one or several machines with a Gaussian kernel, and their weights."""

    def __init__(self, C=10.0, n_numeric=0):
        self.C = C
        self.n_numeric = n_numeric

    def _machine_weights(self, machine, X, target, sample_weight) -> np.ndarray:
        """Weight of each training row in a machine's decision, then its constant."""
        machine.fit(X, target, sample_weight)
        weights = np.zeros(len(X) + 1)
        weights[machine.support_] = machine.dual_coef_[0]
        weights[-1] = machine.intercept_[0]
        return weights

    def _fit_machines(self, X, targets, sample_weight, machine_class) -> None:
        self.scale_ = ColumnScale.of(X, self.n_numeric)
        scaled = self.scale_(X)
        self.gamma_ = 1.0 / max(1, np.isfinite(self.scale_.scale).sum())
        machines = [
            self._machine_weights(
                machine_class(C=self.C, gamma=self.gamma_, cache_size=500),
                scaled.astype(np.float64), target, sample_weight,
            )
            for target in targets
        ]  # fmt: skip
        weights = np.column_stack(machines)
        used = weights[:-1].any(axis=1)
        self.vectors_ = scaled[used]
        self.weights_ = weights[:-1][used]
        self.intercepts_ = weights[-1]

    def _decisions(self, X) -> np.ndarray:
        dtype = working_precision(len(X))
        scaled, vectors = self.scale_(X, dtype), self.vectors_.astype(dtype)
        weights = self.weights_.astype(dtype)
        decisions = np.empty((len(X), weights.shape[1]))
        for rows in row_blocks(len(X), len(vectors)):
            kernel = squared_distances(scaled[rows], vectors)
            kernel *= dtype(-self.gamma_)
            decisions[rows] = np.exp(kernel, out=kernel) @ weights
        return decisions + self.intercepts_


class SupportVectorRegressor(RegressorMixin, _SupportVectors):
    """Support vector regression with a Gaussian kernel on standardised columns.

    Parameters
    ----------
    C : float, default=10.0
        Penalty, of a standardised target.
    n_numeric : int, default=0
        Columns at the end that are numeric ones of the table.

    Examples
    --------
    >>> import numpy as np
    >>> from cromel_sklearn.estimators.kernel_models import SupportVectorRegressor
    >>> X = np.linspace(-2.0, 2.0, 30)[:, None]
    >>> model = SupportVectorRegressor().fit(X, np.sin(X[:, 0]))
    >>> model.predict([[1.0]]).round(1)
    array([0.7])
    """

    def fit(self, X, y, sample_weight=None):
        """Fit to rows of shape (n_samples, n_columns) and standardised targets (n_samples,)."""
        self._fit_machines(np.asarray(X, dtype=float), [y], sample_weight, SVR)
        return self

    def predict(self, X):
        """Predict targets of shape (n_samples,)."""
        return self._decisions(np.asarray(X, dtype=float))[:, 0]


class SupportVectorClassifier(ClassifierMixin, _SupportVectors):
    """Support vector machines with a Gaussian kernel, one for each class against the others.

    Parameters
    ----------
    C, n_numeric : as in `SupportVectorRegressor`

    Examples
    --------
    >>> import numpy as np
    >>> from cromel_sklearn.estimators.kernel_models import SupportVectorClassifier
    >>> X = np.linspace(-2.0, 2.0, 30)[:, None]
    >>> SupportVectorClassifier().fit(X, X[:, 0] > 0).predict([[1.0], [-1.0]])
    array([ True, False])
    """

    def fit(self, X, y, sample_weight=None):
        """Fit to rows of shape (n_samples, n_columns) and classes (n_samples,)."""
        self.classes_ = np.unique(y)
        against = self.classes_ if len(self.classes_) > 2 else self.classes_[1:]
        targets = [np.asarray(y) == one for one in against]
        self._fit_machines(np.asarray(X, dtype=float), targets, sample_weight, SVC)
        return self

    def decision_function(self, X):
        """Distance from the border of each class, or of the second of two."""
        decisions = self._decisions(np.asarray(X, dtype=float))
        return decisions[:, 0] if len(self.classes_) == 2 else decisions

    def predict(self, X):
        """Predict the classes of rows."""
        decisions = self._decisions(np.asarray(X, dtype=float))
        if len(self.classes_) == 2:
            return self.classes_[(decisions[:, 0] > 0).astype(int)]
        return self.classes_[decisions.argmax(axis=1)]


class GaussianProcess(RegressorMixin, BaseEstimator):
    r"""Gaussian process on standardised columns: Matérn kernel of order 3/2 and white noise.

    Amplitude, width and noise are those of the largest likelihood of at most `n_search` rows; with
    them, all rows are conditioned on.

    Parameters
    ----------
    n_search : int, default=500
        Rows by which amplitude, width and noise are found.
    n_numeric : int, default=0
        Columns at the end that are numeric ones of the table.
    random_state : int, RandomState or None, default=None
        Of the choice of these rows.

    References
    ----------
    Rasmussen and Williams, Gaussian Processes for Machine Learning, MIT Press 2006, eq. 2.23.

    Examples
    --------
    >>> import numpy as np
    >>> from cromel_sklearn.estimators.kernel_models import GaussianProcess
    >>> X = np.linspace(-2.0, 2.0, 30)[:, None]
    >>> GaussianProcess(random_state=0).fit(X, np.sin(X[:, 0])).predict([[1.0]]).round(2)
    array([0.84])
    """

    def __init__(self, n_search=500, n_numeric=0, random_state=None):
        self.n_search = n_search
        self.n_numeric = n_numeric
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        """Fit to rows of shape (n_samples, n_columns) and standardised targets (n_samples,)."""
        X, y = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
        self.scale_ = ColumnScale.of(X, self.n_numeric)
        scaled = self.scale_(X)
        chosen = check_random_state(self.random_state).permutation(len(y))[: self.n_search]
        width = np.sqrt(2.0 * max(1, np.isfinite(self.scale_.scale).sum()))
        kernel = ConstantKernel() * Matern(width, nu=1.5) + WhiteKernel(0.1, (1e-4, 10.0))
        found = _most_likely(kernel, scaled[chosen], y[chosen])
        self.amplitude_ = float(found.k1.k1.constant_value)
        self.width_ = float(found.k1.k2.length_scale)
        self.noise_ = float(found.k2.noise_level)
        noise = np.full(len(y), self.noise_)
        if sample_weight is not None:
            noise = noise / np.maximum(np.asarray(sample_weight, dtype=float), 1e-6)
        scaled = scaled.astype(np.float64)
        covariance = self._covariance(scaled, scaled)
        covariance[np.diag_indices(len(y))] += noise + 1e-6 * self.amplitude_
        self.vectors_ = scaled.astype(np.float32)
        self.weights_ = cho_solve(cho_factor(covariance, lower=True), y)
        return self

    def predict(self, X):
        """Predict targets of shape (n_samples,)."""
        X = np.asarray(X, dtype=float)
        dtype = working_precision(len(X))
        # Column by column, fitted or loaded: the order in memory decides the last bits of products.
        scaled, vectors = self.scale_(X, dtype), self.vectors_.astype(dtype, order="F")
        predicted = np.empty(len(scaled))
        for rows in row_blocks(len(scaled), len(vectors)):
            predicted[rows] = self._covariance(scaled[rows], vectors) @ self.weights_
        return predicted

    def _covariance(self, A, B) -> np.ndarray:
        distances = squared_distances(A, B)
        np.sqrt(distances, out=distances)
        number = distances.dtype.type
        distances *= number(np.sqrt(3.0) / self.width_)
        decay = np.exp(-distances)
        distances += 1
        decay *= distances
        decay *= number(self.amplitude_)
        return decay


def _most_likely(kernel, X, y):
    """Kernel whose parameters make the targets most likely."""
    process = GaussianProcessRegressor(kernel, optimizer=None).fit(X, y)

    def unlikelihood(theta):
        value, gradient = process.log_marginal_likelihood(theta, eval_gradient=True)
        return -value, -gradient

    start = process.kernel_.theta
    found = minimize(
        unlikelihood, start, jac=True, method="L-BFGS-B", bounds=process.kernel_.bounds,
        options={"maxiter": 50},
    )  # fmt: skip
    return process.kernel_.clone_with_theta(found.x)
