"""Fitted estimators on disk: what comes back predicts the same, anything else is refused."""

import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
from damaged_files import kind_of

from cromel_sklearn import CheckpointError, CroMELClassifier, CroMELRegressor
from cromel_sklearn.storage.artifact import read_artifact, write_artifact

SALTS = [f"{a}{h}" for a in ("Li", "Na", "K", "Rb", "Cs") for h in ("F", "Cl", "Br", "I")]
TABLE = pd.DataFrame({"formula": SALTS, "load": np.linspace(0.0, 9.0, 20)})
Y = np.linspace(0, 1, 20)


@pytest.fixture(params=["one", "two", "classes"])
def model(request, checkpoint, small_members):
    """A fitted estimator with all members, on a user's own checkpoint."""
    settings = {"random_state": 0, "device": "cpu"}
    if request.param == "classes":
        y = np.where(Y > 0.4, "metal", "insulator")
        return CroMELClassifier(checkpoint, **settings).fit(TABLE, y)
    y = Y if request.param == "one" else np.column_stack([Y, np.where(Y < 0.7, Y**2, np.nan)])
    return CroMELRegressor(checkpoint, **settings, target_max=2.0).fit(TABLE, y)


def _everything(model):
    if isinstance(model, CroMELClassifier):
        return model.predict_proba(TABLE)
    mean, std = model.predict(TABLE, return_std=True)
    interval = model.predict_interval(TABLE, 0.5).reshape(20, -1)
    return np.column_stack([mean, std, interval, model.domain_score(TABLE)])


def test_saved_and_loaded_predicts_the_same(model, tmp_path):
    model.save(tmp_path / "model.cromel")
    loaded = type(model).load(tmp_path / "model.cromel")
    np.testing.assert_allclose(_everything(loaded), _everything(model), rtol=1e-9)
    own, other = model.get_params(), loaded.get_params()
    assert own.pop("encoder").checksum == other.pop("encoder").checksum
    assert own == other
    assert loaded.card() == model.card()
    assert loaded.member_weights_ == model.member_weights_
    assert [path.name for path in tmp_path.iterdir()] == ["model.cromel"]


def test_reading_and_predicting_need_no_pytorch(small_members, tmp_path):
    path = tmp_path / "model.cromel"
    CroMELRegressor(random_state=0, device="cpu").fit(SALTS, Y).save(path)
    code = (
        "import sys; from cromel_sklearn import CroMELRegressor; "
        f"model = CroMELRegressor.load({str(path)!r}); "
        "model.predict(['NaCl', 'KBr'], return_std=True); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_joblib_round_trip(model, tmp_path):
    joblib.dump(model, tmp_path / "model.joblib")
    assert np.array_equal(_everything(joblib.load(tmp_path / "model.joblib")), _everything(model))


def test_shipped_encoder_is_saved_by_its_id(small_members, tmp_path):
    model = CroMELRegressor("mp-multi@2.0", members=["element_trees"], random_state=0)
    model.fit(SALTS, Y).save(tmp_path / "model.cromel")
    loaded = CroMELRegressor.load(tmp_path / "model.cromel")
    assert loaded.encoder == "mp-multi@2.0"
    assert np.array_equal(loaded.predict(SALTS), model.predict(SALTS))


def test_other_estimators_and_files_are_refused(model, checkpoint, tmp_path):
    model.save(tmp_path / "model.cromel")
    other = CroMELRegressor if isinstance(model, CroMELClassifier) else CroMELClassifier
    name = type(model).__name__
    with pytest.raises(CheckpointError, match=f"holds a {name}; read it with {name}.load"):
        other.load(tmp_path / "model.cromel")
    checkpoint.save(tmp_path / "weights.safetensors")
    with pytest.raises(CheckpointError, match="it has no header 'cromel_model'"):
        CroMELRegressor.load(tmp_path / "weights.safetensors")
    content = bytearray((tmp_path / "model.cromel").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "model.cromel").write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged"):
        type(model).load(tmp_path / "model.cromel")


def test_a_path_in_place_of_an_id_is_refused(model, tmp_path):
    path = tmp_path / "model.cromel"
    model.save(path)
    header, tensors = read_artifact(path, *kind_of(path))
    encoder = {**header["encoder"], "named": "/etc/passwd"}
    write_artifact(path, *kind_of(path), {**header, "encoder": encoder}, tensors)
    with pytest.raises(CheckpointError, match="it names the encoder '/etc/passwd', no id of the"):
        type(model).load(path)


def test_what_json_cannot_hold_is_named(model, tmp_path):
    model.set_params(random_state=np.random.RandomState(0))
    with pytest.raises(CheckpointError, match="Only numbers, texts and lists can be written"):
        model.save(tmp_path / "model.cromel")
    assert not list(tmp_path.iterdir())


def test_class_weights_come_back(checkpoint, small_members, tmp_path):
    model = CroMELClassifier(
        checkpoint, members=["element_trees"], class_weight={1: 2.0, 3: 1.0}, random_state=0
    ).fit(SALTS, np.where(Y > 0.4, 1, 3))
    model.save(tmp_path / "model.cromel")
    assert CroMELClassifier.load(tmp_path / "model.cromel").class_weight == {1: 2.0, 3: 1.0}
