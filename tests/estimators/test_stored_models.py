"""Stock models as bytes: what was written predicts the same, and no node leads astray."""

import io
import zipfile

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.linear_model import Ridge

from cromel_sklearn import CheckpointError
from cromel_sklearn.estimators.stored_models import models_from_bytes, models_to_bytes

X = np.random.default_rng(0).random((60, 3))
Y = (X[:, 0] > 0.5).astype(int)
MODELS = {
    "trees": ExtraTreesRegressor(3, random_state=0),
    "classes": ExtraTreesClassifier(3, random_state=0),
    "boosted": HistGradientBoostingRegressor(max_iter=2),
    "boosted_classes": HistGradientBoostingClassifier(max_iter=2),
}


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param].fit(X, Y)


def _rewritten(model, change) -> np.ndarray:
    """Bytes of a model whose arrays were changed where it lies in its archive."""
    source = zipfile.ZipFile(io.BytesIO(models_to_bytes({"model": model}).tobytes()))
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename.endswith(".npy"):
                array = np.load(io.BytesIO(content), allow_pickle=False)
                if array.dtype.names:
                    array = array.copy()
                    change(array)
                    buffer = io.BytesIO()
                    np.save(buffer, array)
                    content = buffer.getvalue()
            archive.writestr(entry.filename, content)
    return np.frombuffer(target.getvalue(), dtype=np.uint8)


def _set(names, value):
    def change(nodes):
        for name in names:
            if name in nodes.dtype.names:
                nodes[name][0] = value

    return change


def test_what_was_written_predicts_the_same(model):
    (read,) = models_from_bytes(models_to_bytes({"model": model})).values()
    assert np.array_equal(read.predict(X), model.predict(X))
    (read,) = models_from_bytes(_rewritten(model, lambda nodes: None)).values()
    assert np.array_equal(read.predict(X), model.predict(X))


@pytest.mark.parametrize(
    "change",
    [
        _set(("left_child", "left"), 10**6),  # foreign memory
        _set(("right_child", "right"), 10**6),
        _set(("left_child", "left"), 0),  # a circle
        _set(("right_child", "right"), 0),
        _set(("feature", "feature_idx"), 10**6),
    ],
)
def test_trees_that_lead_astray_are_refused(model, change):
    content = _rewritten(model, change)
    with pytest.raises(CheckpointError, match="the nodes of a tree of 'model' lead astray"):
        models_from_bytes(content)


def test_boosted_trees_of_categories_are_refused():
    model = MODELS["boosted"].fit(X, Y)
    content = _rewritten(model, lambda nodes: nodes["is_categorical"].fill(1))
    with pytest.raises(CheckpointError, match="splits categories, which none here does"):
        models_from_bytes(content)


def test_forests_whose_parts_do_not_fit_are_refused():
    wide = ExtraTreesRegressor(3, random_state=0).fit(np.hstack([X, X]), Y)
    wide.n_features_in_ = 3
    with pytest.raises(CheckpointError, match="a tree reads other columns than its forest has"):
        models_from_bytes(models_to_bytes({"model": wide}))
    short = ExtraTreesRegressor(3, random_state=0).fit(X, Y)
    short.estimators_.pop()
    with pytest.raises(CheckpointError, match="another number of trees than it says"):
        models_from_bytes(models_to_bytes({"model": short}))


def test_other_models_are_refused():
    class Stranger(Ridge):
        pass

    with pytest.raises(CheckpointError, match="it holds .*Stranger, which is not known here"):
        models_from_bytes(models_to_bytes({"a": Stranger()}))
    with pytest.raises(CheckpointError, match="it holds a Ridge, which no model here is"):
        models_from_bytes(models_to_bytes({"a": Ridge()}))
    content = np.frombuffer(skops.io.dumps([1]), dtype=np.uint8)
    with pytest.raises(CheckpointError, match="it holds a list, expected models by name"):
        models_from_bytes(content)


def test_archives_that_unpack_to_too_much_are_refused():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", bytes(10**7))
    with pytest.raises(CheckpointError, match="bytes of models unpack to 10000000"):
        models_from_bytes(np.frombuffer(target.getvalue(), dtype=np.uint8))
