"""Fitted estimators on disk: what comes back predicts the same, anything else is refused."""

import joblib
import numpy as np
import pytest

from cromel_sklearn import CheckpointError, CroMELClassifier, CroMELRegressor

SALTS = [f"{a}{h}" for a in ("Li", "Na", "K", "Rb", "Cs") for h in ("F", "Cl", "Br", "I")]


@pytest.fixture(params=[CroMELRegressor, CroMELClassifier])
def model(request, checkpoint):
    """A fitted estimator on a user's own checkpoint."""
    y = np.linspace(0, 1, 20)
    y = np.where(y > 0.4, "metal", "insulator") if request.param is CroMELClassifier else y
    return request.param(
        checkpoint, hidden_layer_sizes=(8,), max_epochs=2, n_estimators=2, random_state=0,
        device="cpu",
    ).fit(SALTS, y)  # fmt: skip


def _everything(model):
    if isinstance(model, CroMELClassifier):
        return model.predict_proba(SALTS)
    return np.column_stack(
        [*model.predict(SALTS, return_std=True), model.predict_interval(SALTS, 0.5)]
    )


def test_saved_and_loaded_predicts_the_same(model, tmp_path):
    model.save(tmp_path / "model.safetensors")
    loaded = type(model).load(tmp_path / "model.safetensors")
    assert np.array_equal(_everything(loaded), _everything(model))
    own, other = model.get_params(), loaded.get_params()
    assert own.pop("encoder").checksum == other.pop("encoder").checksum
    assert own == other
    assert loaded.loss_curve_ == model.loss_curve_
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_joblib_round_trip(model, tmp_path):
    joblib.dump(model, tmp_path / "model.joblib")
    assert np.array_equal(_everything(joblib.load(tmp_path / "model.joblib")), _everything(model))


def test_shipped_encoder_is_saved_by_its_id(tmp_path):
    model = CroMELRegressor("mp-multi@1.0", max_epochs=1, n_estimators=1, random_state=0)
    model.fit(SALTS, np.arange(20.0)).save(tmp_path / "model.safetensors")
    loaded = CroMELRegressor.load(tmp_path / "model.safetensors")
    assert loaded.encoder == "mp-multi@1.0"
    assert np.array_equal(loaded.predict(SALTS), model.predict(SALTS))


def test_other_estimator_is_refused(model, tmp_path):
    model.save(tmp_path / "model.safetensors")
    other = CroMELRegressor if isinstance(model, CroMELClassifier) else CroMELClassifier
    name = type(model).__name__
    with pytest.raises(CheckpointError, match=f"holds a {name}; read it with {name}.load"):
        other.load(tmp_path / "model.safetensors")


def test_checkpoint_of_an_encoder_is_refused(checkpoint, tmp_path):
    checkpoint.save(tmp_path / "weights.safetensors")
    with pytest.raises(CheckpointError, match="has no header 'cromel_finetuned'"):
        CroMELRegressor.load(tmp_path / "weights.safetensors")


def test_what_json_cannot_hold_is_named(model, tmp_path):
    model.set_params(random_state=np.random.RandomState(0))
    with pytest.raises(CheckpointError, match="Only numbers, texts and lists can be written"):
        model.save(tmp_path / "model.safetensors")
    assert not list(tmp_path.iterdir())
