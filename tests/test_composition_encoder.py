"""The composition encoder is a function of the composition; heads give properties in units."""

import pytest
import torch

from cromel_sklearn.composition import CompositionBatch, read_compositions
from cromel_sklearn.composition_encoder import (
    POOLINGS,
    CompositionEncoder,
    CompositionEncoderConfig,
    PropertyHeads,
)
from cromel_sklearn.elements import pymatgen_element_table

FORMULAS = ["Fe", "NaCl", "Fe2O3", "BaTiO3", "Ba0.4K0.6Fe2As2", "CuSO4(H2O)5", "La1.85Sr0.15CuO4"]


def _encoder(pooling="attention", **settings):
    table = torch.tensor(pymatgen_element_table().features)
    settings = {"embedding_dim": 12, "width": 16, "n_layers": 2, "n_heads": 4, **settings}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = CompositionEncoderConfig(pooling=pooling, **settings)
        return CompositionEncoder(config, table).double().eval()


def _tensors(formulas):
    batch, inverse, _ = read_compositions(formulas)
    batch = batch[inverse]
    return torch.tensor(batch.atomic_numbers), torch.tensor(batch.atomic_fractions)


def _assert_close(actual, expected):
    for a, e in zip(actual, expected, strict=True):
        torch.testing.assert_close(a, e, atol=1e-10, rtol=0)


@pytest.fixture(params=POOLINGS)
def encoder(request):
    return _encoder(request.param)


@torch.no_grad()
def test_padding_does_not_matter(encoder):
    numbers, fractions = _tensors(FORMULAS)
    padded = [torch.nn.functional.pad(tensor, (0, 5)) for tensor in (numbers, fractions)]
    _assert_close(encoder(*padded), encoder(numbers, fractions))


@torch.no_grad()
def test_padding_between_the_elements_does_not_matter(encoder):
    numbers, fractions = torch.tensor([[8, 26]]), torch.tensor([[0.6, 0.4]]).double()
    gap = torch.tensor([[8, 0, 26]]), torch.tensor([[0.6, 0.0, 0.4]]).double()
    _assert_close(encoder(*gap), encoder(numbers, fractions))


@torch.no_grad()
def test_batch_equals_single(encoder):
    single = [encoder(*_tensors([formula])) for formula in FORMULAS]
    means, spreads = (torch.cat(parts) for parts in zip(*single, strict=True))
    _assert_close(encoder(*_tensors(FORMULAS)), (means, spreads))


@torch.no_grad()
def test_order_of_the_elements_does_not_matter(encoder):
    numbers, fractions = _tensors(FORMULAS)
    order = torch.randperm(numbers.shape[1], generator=torch.Generator().manual_seed(1))
    _assert_close(encoder(numbers[:, order], fractions[:, order]), encoder(numbers, fractions))


@torch.no_grad()
def test_one_element_split_into_two_entries_is_the_same_mean():
    # Attention in proportion to the fraction: two halves of an element attend as the whole would.
    encoder = _encoder("statistics")
    whole = encoder(torch.tensor([[8, 26]]), torch.tensor([[0.6, 0.4]]).double())
    halves = encoder(torch.tensor([[8, 8, 26]]), torch.tensor([[0.3, 0.3, 0.4]]).double())
    _assert_close(halves, whole)


@torch.no_grad()
@pytest.mark.parametrize(
    ("one", "other"),
    [("NaCl", "KCl"), ("FeO", "Fe2O3"), ("Fe", "Ru"), ("La1.85Sr0.15CuO4", "La1.8Sr0.2CuO4")],
)
def test_embedding_tells_compositions_apart(one, other, encoder):
    mean = encoder(*_tensors([one, other]))[0]
    assert (mean[0] - mean[1]).abs().max() > 1e-4


@torch.no_grad()
@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_spread_is_positive(scale, encoder):
    torch.nn.init.normal_(encoder.spread.weight, std=scale, generator=torch.manual_seed(0))
    spread = encoder(*_tensors(FORMULAS))[1]
    assert (spread >= 1e-3).all()


@torch.no_grad()
@pytest.mark.parametrize("embedding_dim", [1, 12, 33])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_mean_and_spread_have_a_row_for_each_composition(pooling, embedding_dim):
    mean, spread = _encoder(pooling, embedding_dim=embedding_dim)(*_tensors(FORMULAS))
    assert mean.shape == spread.shape == (len(FORMULAS), embedding_dim)


@torch.no_grad()
def test_embedding_of_every_element_is_finite(encoder):
    numbers = torch.arange(1, 104)[:, None]
    mean, spread = encoder(numbers, torch.ones(103, 1).double())
    assert mean.isfinite().all() and spread.isfinite().all()


@torch.no_grad()
def test_trace_of_an_element_hardly_matters_to_attention():
    encoder = _encoder("attention")
    pure = encoder(torch.tensor([[26]]), torch.ones(1, 1).double())
    traced = encoder(torch.tensor([[26, 79]]), torch.tensor([[1 - 1e-8, 1e-8]]).double())
    torch.testing.assert_close(traced[0], pure[0], atol=1e-3, rtol=0)


def test_gradient_is_finite_with_padding(encoder):
    mean, spread = encoder.train()(*_tensors(FORMULAS))
    (mean.square().sum() + spread.log().sum()).backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad.isfinite().all(), name


def test_gradient_reaches_every_parameter(encoder):
    mean, spread = encoder.train()(*_tensors(FORMULAS))
    (mean.square().sum() + spread.log().sum()).backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad.abs().max() > 0, name


@torch.no_grad()
def test_training_and_evaluation_give_the_same(encoder):
    tensors = _tensors(FORMULAS)
    _assert_close(encoder.train()(*tensors), encoder.eval()(*tensors))


@torch.no_grad()
def test_empty_batch_has_no_embeddings(encoder):
    batch = CompositionBatch.from_amounts([])
    mean, spread = encoder(
        torch.tensor(batch.atomic_numbers), torch.tensor(batch.atomic_fractions)
    )
    assert mean.shape == spread.shape == (0, 12)


@pytest.mark.parametrize("pooling", ["mean", "Attention", None])
def test_unknown_pooling_is_an_error(pooling):
    with pytest.raises(ValueError, match=rf"must be one of \('attention'.*got {pooling!r}"):
        _encoder(pooling)


@torch.no_grad()
@pytest.mark.parametrize("hidden_dim", [0, 8])
def test_properties_in_units_undo_the_standardisation(hidden_dim):
    means, scales = [-1.5, 2.0, 300.0], [0.5, 3.0, 100.0]
    heads = PropertyHeads(12, means, scales, hidden_dim)
    embedding = torch.randn(5, 12, generator=torch.manual_seed(0))
    standardised = (heads.in_units(embedding) - torch.tensor(means)) / torch.tensor(scales)
    torch.testing.assert_close(standardised, heads(embedding), atol=1e-5, rtol=0)


@torch.no_grad()
def test_heads_of_zero_weights_give_the_means():
    heads = PropertyHeads(4, [1.0, -2.0], [3.0, 5.0])
    for parameter in heads.parameters():
        parameter.zero_()
    torch.testing.assert_close(
        heads.in_units(torch.ones(3, 4)), torch.tensor([[1.0, -2.0]]).expand(3, 2)
    )


@torch.no_grad()
def test_heads_without_a_hidden_layer_are_affine():
    heads = PropertyHeads(4, [1.0, -2.0], [3.0, 5.0], hidden_dim=0)
    one, other = torch.randn(2, 3, 4, generator=torch.manual_seed(0))
    middle = (heads.in_units(one) + heads.in_units(other)) / 2
    torch.testing.assert_close(heads.in_units((one + other) / 2), middle)


def test_scales_travel_with_the_weights_of_the_heads():
    state = PropertyHeads(4, [1.0, -2.0], [3.0, 5.0]).state_dict()
    assert state["means"].tolist() == [1.0, -2.0]
    assert state["scales"].tolist() == [3.0, 5.0]
