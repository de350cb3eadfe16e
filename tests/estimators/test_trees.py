"""Trees as plain arrays: they answer as scikit-learn's models do, and no node leads astray."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)

from cromel_sklearn import CheckpointError
from cromel_sklearn.estimators.trees import BoostedTrees, Forest, TreeNodes

X = np.random.default_rng(0).random((80, 3))
NUMBERS = X[:, 0] + X[:, 1] * X[:, 2]
SINGLE = X.astype(np.float32)  # what forests read
MODELS = {
    "forest": (Forest, ExtraTreesRegressor(7, random_state=0), NUMBERS),
    "forest_of_classes": (Forest, ExtraTreesClassifier(7, random_state=0), NUMBERS.round()),
    "boosted": (BoostedTrees, HistGradientBoostingRegressor(max_iter=4), NUMBERS),
    "boosted_classes": (BoostedTrees, HistGradientBoostingClassifier(max_iter=4), X[:, 0] > 0.5),
    "boosted_many": (BoostedTrees, HistGradientBoostingClassifier(max_iter=4), NUMBERS.round()),
}


@pytest.fixture(params=MODELS)
def pair(request):
    """A fitted model of scikit-learn, and its trees."""
    kind, model, target = MODELS[request.param]
    is_classes = "classes" in request.param or request.param == "boosted_many"
    model = model.fit(X, target.astype(int) if is_classes else target)
    return model, kind.of(model)


def _answers(trees, rows):
    if trees.classes is not None:
        return trees.predict_proba(rows)
    return trees.mean_and_deviation(rows)[0] if isinstance(trees, Forest) else trees.predict(rows)


def test_answers_are_those_of_the_model(pair):
    model, trees = pair
    rows = np.random.default_rng(1).random((500, 3))
    expected = model.predict(rows) if trees.classes is None else model.predict_proba(rows)
    np.testing.assert_allclose(_answers(trees, rows), expected, rtol=1e-13, atol=1e-15)
    if trees.classes is not None:
        np.testing.assert_array_equal(trees.classes, model.classes_)


def test_rows_at_the_thresholds_go_the_same_way():
    model = ExtraTreesRegressor(5, random_state=0).fit(X, NUMBERS)
    forest = Forest.of(model)
    below = np.concatenate([tree.tree_.threshold for tree in model.estimators_])
    rows = np.repeat(below.astype(np.float32)[:, None], 3, axis=1)
    rows = np.vstack([rows, np.nextafter(rows, np.float32(9)), np.nextafter(rows, np.float32(-9))])
    np.testing.assert_allclose(forest.mean_and_deviation(rows)[0], model.predict(rows), rtol=1e-13)


def test_deviation_is_that_of_the_trees():
    model = ExtraTreesRegressor(7, random_state=0, min_samples_leaf=4).fit(X, NUMBERS)
    each = [tree.predict(SINGLE) for tree in model.estimators_]
    found = Forest.of(model).mean_and_deviation(SINGLE)[1]
    np.testing.assert_allclose(found, np.std(each, axis=0), atol=1e-8)


def test_arrays_give_the_same_trees(pair):
    _, trees = pair
    arrays = {name: array.copy() for name, array in trees.arrays().items()}
    read = type(trees).from_arrays(arrays)
    np.testing.assert_array_equal(_answers(read, X), _answers(trees, X))
    assert all(np.array_equal(read.arrays()[name], arrays[name]) for name in arrays)


def test_one_leaf_is_sure_of_the_only_class():
    forest = Forest.of_one_class(2, 3)
    forest = Forest.from_arrays(forest.arrays())
    assert forest.classes.tolist() == [2]
    assert (forest.predict_proba(X) == 1).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("right", 10**6),  # foreign memory
        ("right", 0),  # a circle
        ("right", 1),  # the left child as well
        ("feature", 10**6),
        ("feature", -1),
    ],
)
def test_trees_that_lead_astray_are_refused(pair, name, value):
    _, trees = pair
    arrays = {key: array.copy() for key, array in trees.arrays().items()}
    arrays[name][0] = value
    with pytest.raises(CheckpointError, match="the nodes of a tree lead astray"):
        type(trees).from_arrays(arrays)


@pytest.mark.parametrize(
    "change",
    [
        lambda nodes: {"first": nodes.first + 1},
        lambda nodes: {"first": nodes.first[:-1]},
        lambda nodes: {"first": np.append(nodes.first, nodes.first[-1])},
        lambda nodes: {"leaf_values": nodes.leaf_values[:-1]},
        lambda nodes: {"threshold": nodes.threshold[:-1]},
        lambda nodes: {"feature": np.append(nodes.feature, 0)},
    ],
)
def test_arrays_that_do_not_fit_each_other_are_refused(pair, change):
    nodes: TreeNodes = replace(pair[1].nodes, **change(pair[1].nodes))
    with pytest.raises(CheckpointError, match="other numbers of nodes than they say"):
        nodes.require_sound(3)


def test_rows_of_another_width_are_refused(pair):
    """The compiled code would read beyond their end."""
    with pytest.raises(ValueError, match=r"X has shape \(80, 2\), expected 3 columns"):
        _answers(pair[1], X[:, :2])
