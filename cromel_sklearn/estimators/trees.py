"""Decision trees that scikit-learn has fitted, kept as plain arrays: forests and boosted trees.

An array holds one entry for each node of all trees, tree after tree and each tree in the order of a
walk that takes the left branch first: the left child of a node is the next node. What predicts with
a tree is compiled and trusts its nodes (an index beyond the last one would read foreign memory, one
back to an earlier node would never end), so arrays from a file are looked through before.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._sklearn_compat import boosted_parts, boosted_tree, boosted_tree_values, decision_tree
from ..exceptions import CheckpointError

#: Value of `right` and `feature` at a leaf.
_NONE = -1


@dataclass(frozen=True)
class TreeNodes:
    """Nodes of several trees.

    Attributes
    ----------
    first : ndarray of shape (n_trees + 1,), int64
        Number of the first node of each tree, and of all nodes.
    right : ndarray of shape (n_nodes,), int32
        Right child, counted within its tree; -1 at a leaf.
    feature : ndarray of shape (n_nodes,), int32
        Column that a node reads; -1 at a leaf.
    threshold : ndarray of shape (n_nodes,), float32 or float64
        Rows up to this value go left; 0 at a leaf.
    leaf_values : ndarray of shape (n_leaves, n_values), float64
        What the leaves say, in the order of the nodes.
    """

    first: np.ndarray
    right: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    leaf_values: np.ndarray

    @classmethod
    def packed(cls, trees: list[tuple], dtype) -> "TreeNodes":
        """Pack trees, each given as left, right, feature, threshold and value of its nodes."""
        sizes, columns = [0], []
        for left, right, feature, threshold, value in trees:
            is_leaf = left <= 0
            numbers = np.arange(len(left))
            if (left[~is_leaf] != numbers[~is_leaf] + 1).any():
                raise ValueError("the nodes of a tree are not in the order of a walk")
            sizes.append(len(left))
            columns.append(
                (
                    np.where(is_leaf, _NONE, right).astype(np.int32),
                    np.where(is_leaf, _NONE, feature).astype(np.int32),
                    np.where(is_leaf, 0, _rounded_down(threshold, dtype)).astype(dtype),
                    np.asarray(value, dtype=np.float64).reshape(len(left), -1)[is_leaf],
                )
            )
        return cls(np.cumsum(sizes), *(np.concatenate(parts) for parts in zip(*columns)))  # noqa: B905

    def require_sound(self, n_features: int) -> None:
        """Check that every way from a root ends at a leaf, by columns that there are.

        Raises
        ------
        CheckpointError
        """
        n_nodes = len(self.right)
        sizes = np.diff(self.first)
        fits = (
            self.first[0] == 0
            and self.first[-1] == n_nodes == len(self.feature) == len(self.threshold)
            and (sizes > 0).all()
            and len(self.leaf_values) == (self.right == _NONE).sum()
        )
        if not fits:
            raise CheckpointError("its trees have other numbers of nodes than they say")
        number = np.arange(n_nodes) - np.repeat(self.first[:-1], sizes)
        split = self.right != _NONE
        right, feature = self.right[split], self.feature[split]
        goes_on = (right > number[split] + 1) & (right < np.repeat(sizes, sizes)[split])
        if not goes_on.all() or ((feature < 0) | (feature >= n_features)).any():
            raise CheckpointError("the nodes of a tree lead astray")

    def trees(self) -> Iterator[tuple[np.ndarray, ...]]:
        """Left, right, feature, threshold and value of the nodes of each tree in turn."""
        is_leaf = self.right == _NONE
        leaf = np.cumsum(is_leaf) - 1  # a node's own, or the last one before it
        for begin, end in zip(self.first[:-1], self.first[1:], strict=True):
            here, ends = slice(begin, end), is_leaf[begin:end]
            value = np.where(ends[:, None], self.leaf_values[leaf[here]], 0.0)
            left = np.where(ends, _NONE, np.arange(1, end - begin + 1))
            yield left, self.right[here], self.feature[here], self.threshold[here], value


class _Trees:
    """What forests and boosted trees have in common: nodes, columns and classes, on disk too."""

    nodes: TreeNodes
    n_features: int
    classes: np.ndarray | None

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything as arrays by name."""
        found = {**vars(self.nodes), "n_features": np.asarray(self.n_features)}
        return found if self.classes is None else {**found, "classes": self.classes}

    @staticmethod
    def _parts(arrays: dict[str, np.ndarray]) -> tuple[TreeNodes, int, np.ndarray | None]:
        nodes = TreeNodes(*(arrays[name] for name in TreeNodes.__dataclass_fields__))
        n_features = int(arrays["n_features"])
        nodes.require_sound(n_features)
        return nodes, n_features, arrays.get("classes")

    def _require_width(self, X: np.ndarray) -> None:
        if X.ndim != 2 or X.shape[1] != self.n_features:
            raise ValueError(f"X has shape {X.shape}, expected {self.n_features} columns")


class Forest(_Trees):
    """Trees whose answers are averaged.

    Parameters
    ----------
    nodes : TreeNodes
        With thresholds in single precision, as rows are.
    n_features : int
        Columns of a row.
    classes : ndarray of shape (n_classes,), int64, optional
        Classes of which each leaf says the probability; none for numbers.
    """

    def __init__(self, nodes: TreeNodes, n_features: int, classes: np.ndarray | None = None):
        self.nodes = nodes
        self.n_features = n_features
        self.classes = classes
        self._trees: list[Any] = [decision_tree(n_features, *tree) for tree in nodes.trees()]

    @classmethod
    def of(cls, model) -> "Forest":
        """Take over a fitted ExtraTreesRegressor or ExtraTreesClassifier of one output."""
        trees = []
        for one in model.estimators_:
            tree = one.tree_
            trees.append(
                (tree.children_left, tree.children_right, tree.feature, tree.threshold, tree.value)
            )
        nodes = TreeNodes.packed(trees, np.float32)
        return cls(nodes, model.n_features_in_, getattr(model, "classes_", None))

    @classmethod
    def of_one_class(cls, number: int, n_features: int) -> "Forest":
        """Give one leaf that is sure of the only class there is."""
        tree = [np.array([_NONE])] * 3 + [np.zeros(1), np.ones(1)]
        return cls(TreeNodes.packed([tuple(tree)], np.float32), n_features, np.array([number]))

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "Forest":
        """Read what `arrays` gave.

        Raises
        ------
        CheckpointError
            If a way through a tree leads astray.
        """
        return cls(*cls._parts(arrays))

    def __len__(self) -> int:
        return len(self._trees)

    def mean_and_deviation(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the trees, each of shape (n_samples,)."""
        total, squares = np.zeros(len(X)), np.zeros(len(X))
        for one in self._of_each_tree(X):
            one = one.ravel()
            total += one
            squares += one * one
        mean = total / len(self)
        return mean, np.sqrt(np.maximum(squares / len(self) - mean**2, 0.0))

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Probabilities of the classes, shape (n_samples, n_classes)."""
        total = np.zeros((len(X), self.nodes.leaf_values.shape[1]))
        for one in self._of_each_tree(X):
            total += one
        return total / len(self)

    def _of_each_tree(self, X: np.ndarray) -> Iterator[np.ndarray]:
        self._require_width(X)
        single = np.ascontiguousarray(X, dtype=np.float32)
        return (tree.predict(single) for tree in self._trees)


class BoostedTrees(_Trees):
    """Trees whose answers are added up.

    Parameters
    ----------
    nodes : TreeNodes
        Of each round in turn, with one tree for each number that a row is given.
    n_features : int
        Columns of a row.
    baseline : ndarray of shape (n_values,)
        From which the sums start.
    classes : ndarray of shape (n_classes,), int64, optional
        Classes of which sums are logits: of the second of two, or of each; none for numbers.
    """

    def __init__(
        self,
        nodes: TreeNodes,
        n_features: int,
        baseline: np.ndarray,
        classes: np.ndarray | None = None,
    ):
        self.nodes = nodes
        self.n_features = n_features
        self.baseline = baseline
        self.classes = classes
        self._trees: list[Any] = [boosted_tree(*tree) for tree in nodes.trees()]

    @classmethod
    def of(cls, model) -> "BoostedTrees":
        """Take over a fitted HistGradientBoostingRegressor or -Classifier without categories."""
        trees, baseline = boosted_parts(model)
        nodes = TreeNodes.packed(trees, np.float64)
        return cls(nodes, model.n_features_in_, baseline, getattr(model, "classes_", None))

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "BoostedTrees":
        """Read what `arrays` gave.

        Raises
        ------
        CheckpointError
            If a way through a tree leads astray.
        """
        nodes, n_features, classes = cls._parts(arrays)
        return cls(nodes, n_features, arrays["baseline"], classes)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything as arrays by name."""
        return {**super().arrays(), "baseline": self.baseline}

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Numbers of the rows, shape (n_samples,)."""
        return self._sums(X)[:, 0]

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Probabilities of the classes, shape (n_samples, n_classes)."""
        from scipy.special import expit, softmax

        sums = self._sums(X)
        if sums.shape[1] > 1:
            return softmax(sums, axis=1)
        second = expit(sums[:, 0])
        return np.column_stack([1 - second, second])

    def _sums(self, X: np.ndarray) -> np.ndarray:
        self._require_width(X)
        X = np.ascontiguousarray(X, dtype=np.float64)
        n_values = len(self.baseline)
        sums = np.zeros((len(X), n_values), order="F") + self.baseline
        for number, tree in enumerate(self._trees):
            sums[:, number % n_values] += boosted_tree_values(tree, X)
        return sums


def _rounded_down(threshold: np.ndarray, dtype) -> np.ndarray:
    """Largest numbers of a type up to the thresholds: numbers of that type go the same ways."""
    rounded = threshold.astype(dtype)
    return np.where(rounded > threshold, np.nextafter(rounded, dtype(-np.inf)), rounded)
