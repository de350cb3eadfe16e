"""Predictions of a stack's members for rows they have not seen in, positive weights out."""

import numpy as np
from scipy.optimize import least_squares
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data


class MemberWeights(RegressorMixin, BaseEstimator):
    r"""Positive weights of regressors that predict the same target.

    Minimises :math:`\sum_i \rho((\sum_m w_m p_{im} + b - y_i) / s)` over :math:`w \ge 0` and
    :math:`b`, where :math:`\rho` is Huber's loss and :math:`s` the mean absolute error of the best
    member: rows that are missed by more than that, such as measurements that others contradict,
    count by the size of their error and not by its square.

    Attributes
    ----------
    coef_ : ndarray of shape (n_members,)
    intercept_ : float
        In the unit of the target.

    References
    ----------
    Positive weights: Breiman, Machine Learning 24, 49 (1996), doi:10.1007/BF00117832. Loss: Huber,
    Ann. Math. Statist. 35, 73 (1964), doi:10.1214/aoms/1177703732.

    Examples
    --------
    >>> import numpy as np
    >>> from cromel_sklearn.estimators.member_weights import MemberWeights
    >>> predictions = np.array([[1.0, 3.0], [2.0, 1.0], [3.0, 2.0], [4.0, 4.0]])
    >>> MemberWeights().fit(predictions, [1.0, 2.0, 3.0, 4.0]).coef_.round(3)
    array([1., 0.])
    """

    def fit(self, X, y):
        """Find the weights.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_members)
            Predictions.
        y : array-like of shape (n_samples,)

        Returns
        -------
        self
        """
        X, y = validate_data(self, X, y, dtype=float, y_numeric=True)
        center, unit = y.mean(), y.std() or 1.0
        target = (y - center) / unit
        inputs = np.column_stack([(X - center) / unit, np.ones(len(y))])
        n_members = X.shape[1]
        best_error = np.abs(inputs[:, :-1] - target[:, None]).mean(axis=0).min()
        solution = least_squares(
            lambda weights: inputs @ weights - target,
            np.append(np.full(n_members, 1 / n_members), 0.0),
            jac=lambda weights: inputs,
            bounds=(np.append(np.zeros(n_members), -np.inf), np.inf),
            loss="huber",
            f_scale=max(best_error, 1e-3),  # a member without error: no kink that stops the search
        ).x
        self.coef_ = solution[:-1]
        self.intercept_ = center * (1 - self.coef_.sum()) + unit * solution[-1]
        return self

    def predict(self, X):
        """Combine predictions.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_members)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        return validate_data(self, X, dtype=float, reset=False) @ self.coef_ + self.intercept_
