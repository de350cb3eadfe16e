"""The one door to scikit-learn's private API: parameter checks, sample weights, output containers.

Nothing else in this package imports a private name of scikit-learn; what a version renames is
mended here. Estimators declare what their parameters may be in `_parameter_constraints`, as
scikit-learn's own do, and begin `fit` with `check_parameters(self)`.
"""

from numbers import Integral, Real

from sklearn.utils._param_validation import (
    Interval,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.validation import _check_sample_weight

__all__ = [
    "COUNT", "NOT_NEGATIVE", "POSITIVE", "Interval", "StrOptions", "check_parameters",
    "check_sample_weight", "output_container",
]  # fmt: skip


class _Count(Interval):
    """Integer from 1 on; True and False, which Python takes for integers, are none."""

    def __init__(self):
        super().__init__(Integral, 1, None, closed="left")

    def is_satisfied_by(self, value) -> bool:
        return not isinstance(value, bool) and super().is_satisfied_by(value)


#: Constraint: an integer from 1 on.
COUNT = _Count()
#: Constraint: a number above 0.
POSITIVE = Interval(Real, 0, None, closed="neither")
#: Constraint: a number from 0 on.
NOT_NEGATIVE = Interval(Real, 0, None, closed="left")


def check_parameters(estimator) -> None:
    """Check the parameters of an estimator against its `_parameter_constraints`.

    Parameters
    ----------
    estimator : estimator
        Its class names each parameter in `_parameter_constraints`.

    Raises
    ------
    ValueError
        Names the first parameter that is not what it may be, what it may be, and what it is.

    Examples
    --------
    >>> from cromel_sklearn import CroMELTransformer
    >>> from cromel_sklearn._sklearn_compat import check_parameters
    >>> check_parameters(CroMELTransformer(output="energy"))
    Traceback (most recent call last):
    ...
    sklearn.utils._param_validation.InvalidParameterError: The 'output' parameter of \
CroMELTransformer must be a str among {...}... Got 'energy' instead.
    """
    validate_parameter_constraints(
        estimator._parameter_constraints,
        estimator.get_params(deep=False),
        caller_name=type(estimator).__name__,
    )


def check_sample_weight(sample_weight, X):
    """Check the weights of rows; None is a weight of 1 for each.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,) or None
    X : array-like of n_samples rows

    Returns
    -------
    ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        If there are more or fewer than rows, or one of them is not finite.
    """
    return _check_sample_weight(sample_weight, X)


def output_container(transformer) -> str:
    """Container that `transform` is to return its array in, as `set_output` has chosen it.

    Parameters
    ----------
    transformer : transformer

    Returns
    -------
    {"default", "pandas", "polars"}
    """
    return _get_output_config("transform", transformer)["dense"]
