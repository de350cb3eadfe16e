"""Checkpoints: a round trip loses nothing, and anything else is refused with a clear error."""

import json
import pickle

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from threadpoolctl import threadpool_limits

from cromel_sklearn import Checkpoint, CheckpointError
from cromel_sklearn.data.composition import read_compositions
from cromel_sklearn.encoders.checkpoint import FORMAT_VERSION
from cromel_sklearn.encoders.description import EncoderDescription
from cromel_sklearn.storage.artifact import read_artifact, write_artifact

BATCH = read_compositions(["NaCl", "KBr", "LiF"])[0]


@pytest.fixture(params=["pretrained", "distilled"])
def encoder(request):
    """A checkpoint of each kind."""
    return request.getfixturevalue({"pretrained": "checkpoint"}.get(request.param, request.param))


@pytest.fixture
def path(encoder, tmp_path):
    encoder.save(tmp_path / "weights.safetensors")
    return tmp_path / "weights.safetensors"


def _rewrite(path, **changes):
    """Change entries of the header of a checkpoint file, under a new digest."""
    header, tensors = read_artifact(path, "cromel", FORMAT_VERSION)
    version = changes.pop("format_version", FORMAT_VERSION)
    write_artifact(path, "cromel", version, {**header, **changes}, tensors)


def _same(one, other) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("embedding", "properties", "spread")
    )


def test_saved_and_loaded_says_the_same(encoder, path):
    loaded = Checkpoint.load(path)
    assert _same(loaded.encode(BATCH), encoder.encode(BATCH))
    assert loaded.description == EncoderDescription.from_dict(
        json.loads(json.dumps(encoder.description.as_dict()))
    )
    assert loaded.checksum == encoder.checksum


def test_pickled_says_the_same(encoder):
    assert _same(pickle.loads(pickle.dumps(encoder)).encode(BATCH), encoder.encode(BATCH))


def test_shapes_and_types(encoder):
    encoded = encoder.encode(BATCH)
    assert encoded.embedding.shape == (3, encoder.embedding_dim)
    assert encoded.properties.shape == (3, len(encoder.properties))
    assert encoded.spread.shape == (3, len(encoder.description.spread_of))
    assert {encoded.embedding.dtype, encoded.properties.dtype} == {np.dtype(np.float32)}
    assert (encoded.spread >= 0).all()


def test_network_says_what_inference_says(encoder):
    found = encoder.new_network()(*map(torch.from_numpy, encoder.network_inputs(BATCH)))
    encoded = encoder.without_calculated_values().encode(BATCH)
    if encoder.description.kind == "distilled":  # what is remembered is an input
        encoded = encoder.encode(BATCH)
    is_rounded = encoder.description.kind == "distilled"  # to whole numbers, training is not
    tolerance = 0.05 if is_rounded else 1e-5
    np.testing.assert_allclose(found.embedding.detach(), encoded.embedding, atol=tolerance)
    scales, means = encoder.property_statistics
    columns = [n not in encoder.description.remembered for n in encoder.properties]
    standardised = (encoded.properties - means) / scales
    np.testing.assert_allclose(
        found.properties.detach()[:, columns], standardised[:, columns], atol=tolerance
    )


def test_training_the_network_leaves_the_checkpoint_alone(encoder):
    before = encoder.encode(BATCH)
    network = encoder.new_network()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1)
    assert _same(before, encoder.encode(BATCH))
    trained = encoder.with_network(network, note="moved")
    assert trained.provenance["note"] == "moved"
    assert not _same(before, trained.encode(BATCH))


def test_remembered_values_are_given_exactly(distilled):
    column = list(distilled.properties).index("band_gap")
    known = distilled.encode(BATCH).properties[:, column]
    predicted = distilled.without_calculated_values().encode(BATCH).properties[:, column]
    stored = distilled.tensors["calculated_values.values"].astype(np.float32)
    assert np.isin(known, stored).all()
    assert not np.isin(predicted, stored).any()


def test_a_row_is_the_same_bit_for_bit_whatever_stands_beside_it(distilled):
    formulas = ["NaCl", "KBr", "LiF", "Na0.5K0.5Cl", "CsI"] * 1 + [
        f"Na{i}K{600 - i}Cl600" for i in range(1, 600)
    ]
    batch = read_compositions(formulas)[0]
    together = distilled.encode(batch)
    for row in (0, 1, 383, 384, 400, len(batch) - 1):
        assert _same_row(distilled.encode(batch[[row]]), together, row)
    backwards = distilled.encode(batch[::-1])
    assert np.array_equal(backwards.embedding[::-1], together.embedding)


def _same_row(alone, together, row) -> bool:
    return np.array_equal(alone.embedding[0], together.embedding[row]) and np.array_equal(
        alone.properties[0], together.properties[row]
    )


@pytest.mark.parametrize("n_threads", [1, 2])
def test_thread_count_does_not_matter(distilled, n_threads):
    batch = read_compositions([f"Na{i}K{600 - i}Cl600" for i in range(1, 600)])[0]
    alone = distilled.encode(batch)
    with threadpool_limits(n_threads):
        assert _same(distilled.encode(batch), alone)


def test_embedding_leaves_the_weights_alone(path):
    loaded = Checkpoint.load(path)
    loaded.encode(BATCH)
    loaded.untrained()
    assert all(np.array_equal(loaded.tensors[key], value) for key, value in load_file(path).items())


def test_untrained_keeps_the_architecture_and_changes_the_weights(encoder):
    untrained = encoder.untrained(0)
    assert untrained.tensors.keys() == encoder.tensors.keys()
    assert not np.array_equal(untrained.encode(BATCH).embedding, encoder.encode(BATCH).embedding)
    assert _same(untrained.encode(BATCH), encoder.untrained(0).encode(BATCH))
    assert not _same(untrained.encode(BATCH), encoder.untrained(1).encode(BATCH))


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
    with pytest.raises(CheckpointError, match="format version 99, this package reads 2"):
        Checkpoint.load(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 4}, "of shape"),
        ({"colour": "red"}, "colour"),
        ({"width": 10**7}, "network is not what it should be"),
        ({"n_layers": 10**18}, "network is not what it should be"),
        ({"width": -1}, "network is not what it should be"),
        ({"width": None}, "network is not what it should be"),
        ({"width": True}, "network is not what it should be"),
        ({"n_layers": 60}, "layers"),
    ],
)
def test_network_that_does_not_fit_the_weights(path, encoder, change, message):
    _rewrite(path, network={**encoder.description.network, **change})
    with pytest.raises(CheckpointError, match=message):
        Checkpoint.load(path)


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("kind", "magic"), ("kind", None), ("network", []), ("network", None),
        ("properties", ["band_gap"]), ("properties", {"band_gap": 1}), ("known_elements", [0]),
        ("known_elements", [1.5]), ("known_elements", "all"), ("remembered", 1),
        ("provenance", None), ("errors", []), ("head_activation", 1),
    ],
)  # fmt: skip
def test_header_entry_of_the_wrong_form(path, entry, value):
    _rewrite(path, **{entry: value})
    with pytest.raises(CheckpointError, match=f"The header's {entry} is not what it should be"):
        Checkpoint.load(path)


def test_header_that_lacks_an_entry_or_has_another(checkpoint):
    header = checkpoint.description.as_dict()
    with pytest.raises(CheckpointError, match="The header has the unknown colour"):
        EncoderDescription.from_dict({**header, "colour": "red"})
    del header["known_elements"]
    with pytest.raises(CheckpointError, match="The header lacks known_elements"):
        EncoderDescription.from_dict(header)


def test_other_properties_than_the_weights_predict(path, encoder):
    _rewrite(path, properties={**encoder.properties, "colour": "nm"})
    with pytest.raises(CheckpointError, match="properties"):
        Checkpoint.load(path)


@pytest.mark.parametrize("change", ["missing", "extra", "not finite", "integers"])
def test_weights_that_are_missing_extra_or_not_what_they_should_be(path, encoder, change):
    tensors = dict(encoder.tensors)
    name = "composition_encoder.embedding.bias"
    name = name if name in tensors else "network.embedding.bias"
    bias = tensors[name]
    if change == "missing":
        del tensors[name]
    elif change == "extra":
        tensors[name.replace("bias", "more")] = np.zeros(1, dtype=np.float32)
    else:
        tensors[name] = np.full_like(bias, np.nan) if change == "not finite" else bias.astype(int)
    Checkpoint(encoder.description, tensors).save(path)
    expected = "do not fit the header|are not finite"
    with pytest.raises(CheckpointError, match=expected):
        Checkpoint.load(path)
