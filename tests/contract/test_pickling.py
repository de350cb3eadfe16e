"""Small pickles, light clones: ids travel instead of shipped weights, and weights are read once."""

import pickle
import shutil
import threading

import cloudpickle
import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from cromel_sklearn import (
    Checkpoint,
    CheckpointError,
    CroMELTransformer,
    EncoderNotFoundError,
    load_encoder,
    load_standard_enthalpies,
)
from cromel_sklearn.encoders import registry

SAMPLE = load_standard_enthalpies()
FORMULAS, TARGET = list(SAMPLE.formulas[:40]), SAMPLE.target[:40]


def _joblib_round_trip(estimator, folder):
    joblib.dump(estimator, folder / "estimator.joblib")
    return joblib.load(folder / "estimator.joblib")


ROUND_TRIPS = {
    "pickle": lambda estimator, folder: pickle.loads(pickle.dumps(estimator)),
    "cloudpickle": lambda estimator, folder: cloudpickle.loads(cloudpickle.dumps(estimator)),
    "joblib": _joblib_round_trip,
}


@pytest.fixture
def run_folder(checkpoint, tmp_path):
    """A user's own checkpoint, as `cromel pretrain` writes it."""
    checkpoint.save(tmp_path / "run" / registry.WEIGHTS)
    return tmp_path / "run"


@pytest.mark.parametrize("round_trip", ROUND_TRIPS)
@pytest.mark.parametrize("is_fitted", [False, True])
def test_round_trip_gives_the_same(is_fitted, round_trip, tmp_path):
    transformer = CroMELTransformer(output="properties")
    if is_fitted:
        transformer.fit(FORMULAS)
    copied = ROUND_TRIPS[round_trip](transformer, tmp_path)
    assert np.array_equal(copied.transform(FORMULAS), transformer.transform(FORMULAS))
    assert hasattr(copied, "encoder_") == is_fitted


@pytest.mark.parametrize("round_trip", ROUND_TRIPS)
def test_round_trip_of_a_fitted_pipeline(round_trip, tmp_path):
    model = make_pipeline(CroMELTransformer(output="embedding"), Ridge()).fit(FORMULAS, TARGET)
    loaded = ROUND_TRIPS[round_trip](model, tmp_path)
    assert np.array_equal(loaded.predict(FORMULAS), model.predict(FORMULAS))


@pytest.mark.parametrize(
    "encoder", ["mp-multi", load_encoder("mp-multi")], ids=["id", "checkpoint"]
)
@pytest.mark.parametrize("is_fitted", [False, True])
def test_pickle_with_a_shipped_encoder_holds_its_id_and_checksum(is_fitted, encoder):
    transformer = CroMELTransformer(encoder)
    if is_fitted:
        transformer.fit(FORMULAS)
    content = pickle.dumps(transformer)
    assert len(content) < 10_000
    if is_fitted:
        release = load_encoder("mp-multi").release
        assert release[0].encode() in content
        assert release[1].encode() in content


def test_pickle_keeps_the_version_it_was_fitted_with(monkeypatch):
    content = pickle.dumps(CroMELTransformer("mp-multi").fit(["NaCl"]))
    name, version = load_encoder("mp-multi").release[0].split("@")
    manifest = dict(registry.read_manifest())
    older = manifest[name]
    manifest[name] = {**older, "99.0": {"sha256": "0" * 64}}
    monkeypatch.setattr(registry, "read_manifest", lambda: manifest)
    assert pickle.loads(content).encoder_.release[0] == f"{name}@{version}"
    manifest[name] = {version: {"sha256": "0" * 64}}
    with pytest.raises(CheckpointError, match=f"was made with another {name}@{version}: its SHA"):
        pickle.loads(content)
    del manifest[name]
    with pytest.raises(EncoderNotFoundError, match=f"The pickle needs the encoder '{name}@"):
        pickle.loads(content)


@pytest.mark.parametrize("form", [load_encoder, str], ids=["checkpoint", "path"])
@pytest.mark.parametrize("round_trip", ROUND_TRIPS)
def test_user_checkpoint_travels_with_its_weights(round_trip, form, run_folder, tmp_path):
    transformer = CroMELTransformer(form(run_folder)).fit(["NaCl"])
    expected = transformer.transform(["KBr"])
    content = pickle.dumps(transformer)
    shutil.rmtree(run_folder)
    assert np.array_equal(pickle.loads(content).transform(["KBr"]), expected)
    copied = ROUND_TRIPS[round_trip](transformer, tmp_path)
    assert np.array_equal(copied.transform(["KBr"]), expected)


def test_clones_share_the_weights(checkpoint):
    for encoder in ("mp-multi", load_encoder("mp-multi"), checkpoint):
        fitted = [clone(CroMELTransformer(encoder)).fit(["NaCl"]) for _ in range(2)]
        assert fitted[0].encoder_ is fitted[1].encoder_
        assert clone(fitted[0]).get_params()["encoder"] is fitted[0].encoder


def _in_threads(function, n_threads=8):
    """Results of a function called at once from many threads."""
    barrier, results = threading.Barrier(n_threads), []

    def call():
        barrier.wait()
        results.append(function())

    threads = [threading.Thread(target=call) for _ in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_weights_are_read_once_by_many_threads(run_folder, monkeypatch):
    reads, load = [], Checkpoint.load
    monkeypatch.setattr(
        Checkpoint, "load", lambda *args, **kw: reads.append(1) or load(*args, **kw)
    )
    loaded = _in_threads(lambda: load_encoder(run_folder))
    assert len(reads) == 1
    assert all(checkpoint is loaded[0] for checkpoint in loaded)


def test_many_threads_may_be_the_first_to_use_an_encoder(checkpoint):
    fresh = pickle.loads(pickle.dumps(checkpoint))
    embedded = _in_threads(lambda: CroMELTransformer(fresh).transform(["NaCl"]))
    assert all(np.array_equal(one, embedded[0]) for one in embedded)


def test_repeated_formulas_are_encoded_once_a_call(checkpoint, monkeypatch):
    encoded, embed = [], Checkpoint.encode
    monkeypatch.setattr(
        Checkpoint, "encode",
        lambda self, batch, **kwargs: encoded.append(len(batch)) or embed(self, batch, **kwargs),
    )  # fmt: skip
    embedded = CroMELTransformer(checkpoint).transform(["NaCl", "KBr", "Cl2Na2", "NaCl"])
    assert encoded == [2]
    assert np.array_equal(embedded[0], embedded[2])
