"""The one door to scikit-learn's private API: checks, weights, output containers, single trees.

Nothing else in this package reads a private name of scikit-learn; what a version renames is
mended here. Estimators declare what their parameters may be in `_parameter_constraints`, as
scikit-learn's own do, and begin `fit` with `check_parameters(self)`.
"""

from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import (
    Interval,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.validation import _check_sample_weight

__all__ = [
    "COUNT", "NOT_NEGATIVE", "POSITIVE", "Interval", "StrOptions", "boosted_parts",
    "boosted_tree", "boosted_tree_values", "check_parameters", "check_sample_weight",
    "decision_tree", "output_container",
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


def decision_tree(n_features: int, left, right, feature, threshold, value):
    """Build a tree of a forest from its nodes, which nobody checks from here on.

    Parameters
    ----------
    n_features : int
    left, right, feature : ndarray of shape (n_nodes,), int
        Children and column of each node; the left child of a leaf is -1.
    threshold : ndarray of shape (n_nodes,)
    value : ndarray of shape (n_nodes, n_values)

    Returns
    -------
    sklearn.tree._tree.Tree
        Its `predict` takes float32 rows, and gives an array of shape (n_samples, n_values).
    """
    from sklearn.tree._tree import NODE_DTYPE, Tree

    nodes = np.zeros(len(left), dtype=NODE_DTYPE)
    nodes["left_child"], nodes["right_child"] = left, right
    nodes["feature"], nodes["threshold"] = feature, threshold
    tree = Tree(n_features, np.array([value.shape[1]], dtype=np.intp), 1)
    values = np.ascontiguousarray(value[:, None], dtype=np.float64)
    tree.__setstate__({"max_depth": 0, "node_count": len(nodes), "nodes": nodes, "values": values})
    return tree


def boosted_tree(left, right, feature, threshold, value):
    """Build a boosted tree from its nodes, which nobody checks from here on.

    Parameters
    ----------
    left, right, feature, threshold, value : as in `decision_tree`
        With one value.

    Returns
    -------
    TreePredictor
        For `boosted_tree_values`.
    """
    from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
    from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

    nodes = np.zeros(len(left), dtype=PREDICTOR_RECORD_DTYPE)
    is_leaf = left < 0
    nodes["left"], nodes["right"] = np.where(is_leaf, 0, left), np.where(is_leaf, 0, right)
    nodes["feature_idx"] = np.where(is_leaf, 0, feature)
    nodes["num_threshold"], nodes["value"] = threshold, value[:, 0]
    nodes["is_leaf"] = is_leaf
    no_categories = np.zeros((0, 8), dtype=np.uint32)
    return TreePredictor(nodes, no_categories, no_categories)


def boosted_parts(model) -> tuple[list[tuple[np.ndarray, ...]], np.ndarray]:
    """Take a fitted model of boosted trees without categories apart.

    Parameters
    ----------
    model : fitted HistGradientBoostingRegressor or -Classifier

    Returns
    -------
    trees : list of (left, right, feature, threshold, value)
        As `boosted_tree` takes them, those of each round in turn.
    baseline : ndarray of shape (n_values,), float64
        From which the sums start.
    """
    trees = []
    for round_ in model._predictors:
        for one in round_:
            nodes = one.nodes
            left = np.where(nodes["is_leaf"] != 0, -1, nodes["left"].astype(np.int64))
            fields = (nodes[name] for name in ("right", "feature_idx", "num_threshold", "value"))
            trees.append((left, *fields))
    return trees, np.asarray(model._baseline_prediction, dtype=np.float64).ravel()


def boosted_tree_values(tree, X):
    """Values that a boosted tree gives to float64 rows, shape (n_samples,)."""
    from sklearn.utils._openmp_helpers import _openmp_effective_n_threads

    no_categories = np.zeros((0, 8), dtype=np.uint32)
    places = np.zeros(X.shape[1], dtype=np.uint32)
    return tree.predict(X, no_categories, places, _openmp_effective_n_threads())
