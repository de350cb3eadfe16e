"""Fine-tuned networks: they learn on a copy, and predict without PyTorch what PyTorch predicts."""

import numpy as np
import pytest
import torch

from cromel_sklearn import CroMELRegressor, CroMELTransformer, load_encoder
from cromel_sklearn.data.measurements import read_table
from cromel_sklearn.estimators.networks import (
    OutOfTimeError,
    TrainingSettings,
    fitted_member,
    mean_network,
    new_network,
    train_network,
)
from cromel_sklearn.estimators.views import encode_table

SALTS = [f"{a}{h}" for a in ("Li", "Na", "K", "Rb", "Cs") for h in ("F", "Cl", "Br", "I")]
ROWS = np.arange(20)
SETTINGS = TrainingSettings(max_epochs=15, batch_size=8, lr=1e-2)


@pytest.fixture(params=["distilled", "pretrained"])
def parts(request, checkpoint):
    """Checkpoint, encoded salts, network inputs, a new network, targets."""
    encoder = load_encoder("mp-multi") if request.param == "distilled" else checkpoint
    table = encode_table(encoder, read_table(SALTS))
    inputs = encoder.network_inputs(table.compositions)
    target = np.linspace(-1.5, 1.5, 20)[:, None]
    return encoder, table, inputs, new_network(encoder, table, 1, seed=0), target


def _trained(parts, rows=ROWS, seed=0, **settings):
    _, table, inputs, network, target = parts
    weight = np.ones(20)
    return train_network(
        network, inputs, table, rows, target, weight, SETTINGS, seed=seed, **settings
    )


def test_a_network_learns_and_leaves_its_start_alone(parts):
    encoder, table, _, start, target = parts
    before = {key: value.clone() for key, value in start.state_dict().items()}
    state = torch.random.get_rng_state()
    member = fitted_member(encoder, _trained(parts))
    assert np.abs(member.predict(table)[0] - target).mean() < 0.5
    assert all(torch.equal(before[key], value) for key, value in start.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_inference_without_pytorch_is_that_of_pytorch(parts):
    encoder, table, inputs, _, _ = parts
    network = _trained(parts)
    with torch.no_grad():
        tensors = tuple(torch.from_numpy(part) for part in inputs)
        expected = network(tensors, torch.empty(20, 0)).numpy()
    member = fitted_member(encoder, network)
    np.testing.assert_allclose(member.predict(table)[0], expected, atol=2e-4)
    few = member.predict(table, ROWS[5:7])[0]
    np.testing.assert_allclose(few, member.predict(table)[0][5:7], atol=1e-6)


def test_the_same_seed_trains_the_same_network(parts):
    first, again, other = (_trained(parts, seed=seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not all(torch.equal(first[key], other[key]) for key in first)


def test_the_mean_of_networks_is_between_them(parts):
    networks = [_trained(parts, rows=ROWS[:15]), _trained(parts, rows=ROWS[5:])]
    bias = "output.bias"
    means = mean_network(networks).state_dict()
    expected = sum(network.state_dict()[bias] for network in networks) / 2
    torch.testing.assert_close(means[bias], expected)


def test_a_network_that_would_take_too_long_says_how_long(parts):
    with pytest.raises(OutOfTimeError) as error:
        _trained(parts, seconds_left=1e-6)
    assert error.value.args[0] > 0


@pytest.mark.parametrize("n_rows", [3, 30, 300, 3_000, 30_000])
def test_longer_tables_take_larger_batches_and_fewer_epochs(n_rows):
    short, long = TrainingSettings.suiting(n_rows), TrainingSettings.suiting(10 * n_rows)
    assert 16 <= short.batch_size <= long.batch_size <= 256
    assert 12 <= long.max_epochs <= short.max_epochs <= 60


@pytest.mark.filterwarnings("ignore:No member predicts rows")
def test_the_fine_tuned_encoder_is_a_featurizer(checkpoint, small_members):
    model = CroMELRegressor(checkpoint, members=["networks"], random_state=0)
    model.fit(SALTS, np.linspace(-3.0, -1.0, 20))
    if not model.stack_.members:
        pytest.skip("two epochs taught the network nothing")
    tuned = CroMELTransformer(model.checkpoint_).transform(SALTS)
    assert tuned.shape == CroMELTransformer(checkpoint).transform(SALTS).shape
    assert not np.allclose(tuned, CroMELTransformer(checkpoint).transform(SALTS))


def test_without_a_network_there_is_no_fine_tuned_encoder(checkpoint, small_members):
    model = CroMELRegressor(checkpoint, members=["element_trees"], random_state=0)
    with pytest.raises(AttributeError, match="No network has a weight in this model; fit with"):
        _ = model.fit(SALTS, np.linspace(-3.0, -1.0, 20)).checkpoint_
