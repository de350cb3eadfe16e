"""The distilled encoder: NumPy and PyTorch agree, and a composition is a set of fractions."""

import numpy as np
import pytest
import torch

from cromel_sklearn.nn.distilled_encoder import DistilledEncoder
from cromel_sklearn.nn.distilled_network import (
    DistilledEncoderConfig,
    hidden_states,
    outputs,
    real_weights,
    rounded_weights,
)

CONFIG = DistilledEncoderConfig(8, 16, 2, 6, 4, 1, 2)


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return DistilledEncoder(CONFIG)


@pytest.fixture
def inputs():
    generator = np.random.default_rng(0)
    fractions = np.zeros((5, 104), dtype=np.float32)
    for row in range(5):
        fractions[row, generator.choice(np.arange(1, 104), row + 1, replace=False)] = 1 / (row + 1)
    return fractions, generator.normal(size=(5, 4)).astype(np.float32)


def _weights(encoder):
    return {key: value.detach().numpy() for key, value in encoder.named_parameters()}


def test_numpy_and_torch_agree(encoder, inputs):
    found = encoder(*map(torch.from_numpy, inputs))
    embedding, properties, log_spread = outputs(np, _weights(encoder), *inputs)
    for tensor, array in (
        (found.embedding, embedding), (found.properties, properties),
        (found.log_spread, log_spread),
    ):  # fmt: skip
        assert array.dtype == np.float32
        np.testing.assert_allclose(tensor.detach().numpy(), array, atol=1e-5)


def test_shapes_are_those_of_the_module(encoder):
    assert CONFIG.shapes() == {k: tuple(v.shape) for k, v in encoder.state_dict().items()}


def test_one_atom_in_a_hundred_is_seen(encoder, inputs):
    doped = inputs[0][:1].copy()
    host = int(doped.argmax())
    dopant = 5 if host != 5 else 6
    doped[0, host], doped[0, dopant] = 0.99, 0.01
    both = np.concatenate([inputs[0][:1], doped])
    embedding = outputs(np, _weights(encoder), both, inputs[1][:2] * 0)[0]
    assert np.abs(embedding[0] - embedding[1]).max() > 0.05


def test_known_values_are_read(encoder, inputs):
    other = inputs[1].copy()
    other[:, 0] += 1
    weights = _weights(encoder)
    assert not np.allclose(
        outputs(np, weights, *inputs)[0], outputs(np, weights, inputs[0], other)[0]
    )


def test_rounding_changes_little(encoder, inputs):
    weights = _weights(encoder)
    exact = outputs(np, weights, *inputs)
    for rounded, real in zip(
        outputs(np, rounded_weights(np, weights), *inputs), exact, strict=True
    ):
        assert np.abs(rounded - real).max() < 0.05
    again = real_weights(rounded_weights(np, weights))
    assert again.keys() == weights.keys()
    for name, array in weights.items():
        np.testing.assert_allclose(again[name], array, atol=np.abs(array).max() / 500)


def test_rounded_network_does_not_depend_on_the_order_of_sums(encoder, inputs):
    weights = rounded_weights(np, _weights(encoder))
    fractions = np.tile(inputs[0], (60, 1))
    remembered = np.tile(inputs[1], (60, 1))
    together = hidden_states(np, weights, fractions, remembered)
    for row in range(0, 300, 37):
        alone = hidden_states(np, weights, fractions[[row] * 300], remembered[[row] * 300])
        assert np.array_equal(alone[0], together[row])


def test_torch_and_numpy_agree_on_rounded_weights(encoder, inputs):
    weights = rounded_weights(np, _weights(encoder))
    of_torch = {key: torch.as_tensor(array) for key, array in weights.items()}
    for one, other in zip(
        outputs(np, weights, *inputs),
        outputs(torch, of_torch, *map(torch.from_numpy, inputs)),
        strict=True,
    ):
        np.testing.assert_allclose(one, other.numpy(), atol=0.02)
