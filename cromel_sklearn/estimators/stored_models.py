"""Stock models of scikit-learn as bytes, without pickle, and read so that no node leads astray.

skops writes them as arrays and JSON and builds nothing but the types that are named here. What
predicts with a tree is compiled and trusts its nodes: an index beyond the last one would read
foreign memory, one back to an earlier node would never end. Both are looked for before.
"""

import io
import zipfile
from collections.abc import Iterator

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)

from ..exceptions import CheckpointError

#: Types beyond skops' own list that a file may hold; both are arrays of nodes.
_TREES = (
    "sklearn.tree._tree.Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
)
_FORESTS = (ExtraTreesClassifier, ExtraTreesRegressor)
_BOOSTED = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)
#: Bytes that one stored byte may stand for: ten times what models come to.
_MOST_COMPRESSED = 100


def models_to_bytes(models: dict) -> np.ndarray:
    """Write models.

    Parameters
    ----------
    models : dict of str to fitted scikit-learn model

    Returns
    -------
    ndarray of shape (n_bytes,), uint8
    """
    from skops.io import dumps

    content = dumps(models, compression=zipfile.ZIP_DEFLATED, compresslevel=1)
    return np.frombuffer(content, dtype=np.uint8)


def models_from_bytes(content: np.ndarray) -> dict:
    """Read models.

    Parameters
    ----------
    content : ndarray of shape (n_bytes,), uint8

    Returns
    -------
    dict of str to fitted scikit-learn model

    Raises
    ------
    CheckpointError
        If the bytes hold other types, a tree whose nodes lead astray, or unpack to more than a
        hundred times their size.
    """
    from skops.io import get_untrusted_types, loads

    data = content.tobytes()
    _require_moderate_size(data)
    unknown = set(get_untrusted_types(data=data)) - set(_TREES)
    if unknown:
        raise CheckpointError(f"it holds {', '.join(sorted(unknown))}, which is not known here")
    models = loads(data, trusted=list(_TREES))
    if not isinstance(models, dict):
        raise CheckpointError(f"it holds a {type(models).__name__}, expected models by name")
    for name, model in models.items():
        if type(model) not in (*_FORESTS, *_BOOSTED, DummyClassifier):
            raise CheckpointError(f"it holds a {type(model).__name__}, which no model here is")
        for nodes, is_leaf, left, right, feature in _trees(model):
            _require_sound(name, is_leaf, (left, right), feature, model.n_features_in_, len(nodes))
    return models


def _require_moderate_size(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > _MOST_COMPRESSED * len(data):
        raise CheckpointError(f"its {len(data)} bytes of models unpack to {unpacked}")


def _trees(model) -> Iterator[tuple]:
    """Nodes of each tree, which of them are leaves, their children and features."""
    if isinstance(model, _FORESTS):
        if len(model.estimators_) != model.n_estimators:
            raise CheckpointError("a forest has another number of trees than it says")
        for one in model.estimators_:
            tree = one.tree_
            if tree.n_features != model.n_features_in_ or tree.n_outputs != model.n_outputs_:
                raise CheckpointError("a tree reads other columns than its forest has")
            nodes = tree.__getstate__()["nodes"]
            left, right = nodes["left_child"], nodes["right_child"]
            yield nodes, left == -1, left, right, nodes["feature"]
    elif isinstance(model, _BOOSTED):
        for iteration in model._predictors:
            for one in iteration:
                nodes = one.nodes
                if nodes["is_categorical"].any():
                    raise CheckpointError("a boosted tree splits categories, which none here does")
                yield (
                    nodes,
                    nodes["is_leaf"] != 0,
                    nodes["left"],
                    nodes["right"],
                    nodes["feature_idx"],
                )


def _require_sound(name: str, is_leaf, children, feature, n_features: int, n_nodes: int) -> None:
    """Check that every way from the root ends at a leaf, by columns that there are."""
    split = ~is_leaf
    number = np.arange(n_nodes)[split]
    goes_on = all(
        ((child[split].astype(np.int64) > number) & (child[split] < n_nodes)).all()
        for child in children
    )
    columns = feature[split].astype(np.int64)
    if not n_nodes or not goes_on or ((columns < 0) | (columns >= n_features)).any():
        raise CheckpointError(f"the nodes of a tree of {name!r} lead astray")
