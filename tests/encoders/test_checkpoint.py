"""Checkpoints: a round trip loses nothing, and anything else is refused with a clear error."""

import json
import pickle

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from cromel_sklearn import Checkpoint, CheckpointError
from cromel_sklearn.data.composition import read_compositions
from cromel_sklearn.encoders.weights_file import read_weights, write_weights

BATCH = read_compositions(["NaCl", "KBr", "LiF"])[0]


@pytest.fixture
def path(checkpoint, tmp_path):
    checkpoint.save(tmp_path / "weights.safetensors")
    return tmp_path / "weights.safetensors"


def _rewrite(path, **changes):
    """Change entries of the header of a checkpoint file, under a new digest."""
    header, tensors = read_weights(path, "cromel", 1)
    write_weights(path, "cromel", {"format_version": 1, **header, **changes}, tensors)


def test_saved_and_loaded_gives_the_same_embedding(checkpoint, path):
    loaded = Checkpoint.load(path)
    assert np.array_equal(loaded.embed(BATCH)[0], checkpoint.embed(BATCH)[0])
    assert loaded.header == json.loads(json.dumps(checkpoint.header))
    assert loaded.checksum == checkpoint.checksum


def test_pickled_gives_the_same_embedding(checkpoint):
    copied = pickle.loads(pickle.dumps(checkpoint))
    assert np.array_equal(copied.embed(BATCH)[0], checkpoint.embed(BATCH)[0])


def test_inference_needs_no_element_library(checkpoint, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cromel_sklearn.data.elements", None)
    assert checkpoint.embed(BATCH)[0].shape == (3, 21)


def test_properties_come_in_their_units(checkpoint):
    heads = checkpoint.tensors
    predicted = checkpoint.embed(BATCH)[1]
    standardised = (predicted - heads["property_heads.means"]) / heads["property_heads.scales"]
    assert np.abs(standardised).max() < 10
    assert checkpoint.properties["band_gap"] == "eV"


def test_properties_of_a_loaded_checkpoint_are_those_of_the_trained_modules(checkpoint, path):
    predicted = Checkpoint.load(path).embed(BATCH)[1]
    standardised = Checkpoint.load(path).embed(BATCH)[0][:, 16:]
    tensors = load_file(path)
    means, scales = tensors["property_heads.means"], tensors["property_heads.scales"]
    assert not np.allclose(means, scales)
    np.testing.assert_allclose(predicted, standardised * scales + means, rtol=1e-5)


def test_embedding_leaves_the_weights_alone(path):
    loaded = Checkpoint.load(path)
    loaded.embed(BATCH)
    loaded.untrained()
    assert all(np.array_equal(loaded.tensors[key], value) for key, value in load_file(path).items())


def test_untrained_keeps_the_architecture_and_changes_the_weights(checkpoint):
    untrained = checkpoint.untrained(0)
    assert untrained.tensors.keys() == checkpoint.tensors.keys()
    assert not np.array_equal(untrained.embed(BATCH)[0], checkpoint.embed(BATCH)[0])
    assert np.array_equal(untrained.embed(BATCH)[0], checkpoint.untrained(0).embed(BATCH)[0])
    assert not np.array_equal(untrained.embed(BATCH)[0], checkpoint.untrained(1).embed(BATCH)[0])


def test_missing_file(tmp_path):
    with pytest.raises(CheckpointError, match="Could not read the checkpoint"):
        Checkpoint.load(tmp_path / "none.safetensors")


def test_other_checksum(path):
    with pytest.raises(CheckpointError, match="is damaged: its SHA-256 is .*, expected 0123"):
        Checkpoint.load(path, checksum="0123")


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_truncated_file(path, kept):
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(
        CheckpointError, match="is truncated(, damaged or not a safetensors file| or damaged)"
    ):
        Checkpoint.load(path)


@pytest.mark.parametrize(
    "write", [torch.save, lambda obj, path: path.write_bytes(pickle.dumps(obj))]
)
def test_pickle(tmp_path, write):
    path = tmp_path / "weights.safetensors"
    write({"weights": torch.zeros(2)}, path)
    with pytest.raises(CheckpointError, match="is a pickle .* it is refused"):
        Checkpoint.load(path)


def test_safetensors_of_somebody_else(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file({"weights": np.zeros(2)}, path)
    with pytest.raises(CheckpointError, match="but not of cromel-sklearn"):
        Checkpoint.load(path)


def test_other_format_version(path):
    _rewrite(path, format_version=99)
    with pytest.raises(CheckpointError, match="format version 99, this package reads 1"):
        Checkpoint.load(path)


def test_header_that_does_not_fit_the_weights(path, checkpoint):
    config = {**checkpoint.header["composition_encoder"], "width": 4}
    _rewrite(path, composition_encoder=config)
    with pytest.raises(CheckpointError, match="The weights do not fit the header"):
        Checkpoint.load(path)


def test_header_with_an_unknown_setting(path, checkpoint):
    config = {**checkpoint.header["composition_encoder"], "colour": "red"}
    _rewrite(path, composition_encoder=config)
    with pytest.raises(CheckpointError, match="header is inconsistent: .*colour"):
        Checkpoint.load(path)


def test_header_that_lacks_an_entry(checkpoint):
    header = {key: value for key, value in checkpoint.header.items() if key != "known_elements"}
    with pytest.raises(CheckpointError, match="The checkpoint's header lacks known_elements"):
        Checkpoint(header, checkpoint.tensors)


@pytest.mark.parametrize("change", ["missing", "extra", "not finite"])
def test_weights_that_are_missing_extra_or_not_finite(path, checkpoint, change):
    tensors = dict(checkpoint.tensors)
    if change == "missing":
        tensors.pop("composition_encoder.embedding.bias")
    elif change == "extra":
        tensors["composition_encoder.more"] = np.zeros(1, dtype=np.float32)
    else:
        tensors["composition_encoder.embedding.bias"] = np.full(16, np.nan, dtype=np.float32)
    Checkpoint(checkpoint.header, tensors).save(path)
    with pytest.raises(CheckpointError, match="do not fit the header|are not finite"):
        Checkpoint.load(path)


def test_header_of_any_length_is_read(tmp_path):
    """Some lengths begin with the byte that pickles begin with."""
    path = tmp_path / "weights.safetensors"
    starts = set()
    for n in range(40):
        write_weights(path, "key", {"format_version": 1, "padding": 8 * n * "x"}, {})
        starts.add(path.read_bytes()[:1])
        assert read_weights(path, "key", 1)[0] == {"padding": 8 * n * "x"}
    assert b"\x80" in starts
