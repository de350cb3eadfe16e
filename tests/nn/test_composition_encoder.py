"""The composition encoder is a function of the composition; heads give properties in units."""

from dataclasses import fields

import pytest
import torch

from cromel_sklearn.data.composition import CompositionBatch, read_compositions
from cromel_sklearn.data.elements import pymatgen_element_table
from cromel_sklearn.nn.composition_encoder import (
    ALIGNED_LAYERS,
    POOLINGS,
    CompositionEncoder,
    CompositionEncoderConfig,
    EncodedCompositions,
    PropertyHeads,
)

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


OUTPUTS = [field.name for field in fields(EncodedCompositions)]


def _assert_close(actual, expected):
    for name in OUTPUTS:
        a, e = getattr(actual, name), getattr(expected, name)
        torch.testing.assert_close(a, e, atol=1e-10, rtol=0)


def _sum_of_squares(encoded):
    """A number that depends on every output."""
    return sum(getattr(encoded, name).square().sum() for name in OUTPUTS)


@pytest.fixture(params=[(pooling, layer) for pooling in POOLINGS for layer in ALIGNED_LAYERS])
def encoder(request):
    pooling, aligned_layer = request.param
    return _encoder(pooling, aligned_layer=aligned_layer)


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
    joined = {name: torch.cat([getattr(encoded, name) for encoded in single]) for name in OUTPUTS}
    _assert_close(encoder(*_tensors(FORMULAS)), EncodedCompositions(**joined))


@torch.no_grad()
def test_order_of_the_elements_does_not_matter(encoder):
    numbers, fractions = _tensors(FORMULAS)
    order = torch.randperm(numbers.shape[1], generator=torch.Generator().manual_seed(1))
    _assert_close(encoder(numbers[:, order], fractions[:, order]), encoder(numbers, fractions))


@torch.no_grad()
def test_statistics_do_not_depend_on_splitting_an_element_in_two():
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
    embedding = encoder(*_tensors([one, other])).embedding
    assert (embedding[0] - embedding[1]).abs().max() > 1e-4


@torch.no_grad()
@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_spread_is_positive(scale, encoder):
    torch.nn.init.normal_(
        encoder.structure_spread.weight, std=scale, generator=torch.Generator().manual_seed(0)
    )
    spread = encoder(*_tensors(FORMULAS)).structure_spread
    assert (spread > 0).all()


@torch.no_grad()
@pytest.mark.parametrize("embedding_dim", [1, 12, 33])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_outputs_have_a_row_for_each_composition(pooling, embedding_dim):
    encoded = _encoder(pooling, embedding_dim=embedding_dim)(*_tensors(FORMULAS))
    for name in OUTPUTS:
        assert getattr(encoded, name).shape == (len(FORMULAS), embedding_dim), name


@torch.no_grad()
def test_embedding_of_every_element_is_finite(encoder):
    numbers = torch.arange(1, 104)[:, None]
    encoded = encoder(numbers, torch.ones(103, 1).double())
    for name in OUTPUTS:
        assert getattr(encoded, name).isfinite().all(), name


@torch.no_grad()
def test_trace_of_an_element_hardly_matters_to_attention():
    encoder = _encoder("attention")
    pure = encoder(torch.tensor([[26]]), torch.ones(1, 1).double())
    traced = encoder(torch.tensor([[26, 79]]), torch.tensor([[1 - 1e-8, 1e-8]]).double())
    torch.testing.assert_close(traced.embedding, pure.embedding, atol=1e-3, rtol=0)


def test_gradient_is_finite_with_padding(encoder):
    _sum_of_squares(encoder.train()(*_tensors(FORMULAS))).backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad.isfinite().all(), name


def test_gradient_reaches_every_parameter(encoder):
    _sum_of_squares(encoder.train()(*_tensors(FORMULAS))).backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad.abs().max() > 0, name


@torch.no_grad()
def test_training_and_evaluation_give_the_same(encoder):
    tensors = _tensors(FORMULAS)
    _assert_close(encoder.train()(*tensors), encoder.eval()(*tensors))


@torch.no_grad()
def test_empty_batch_has_no_embeddings(encoder):
    batch = CompositionBatch.from_amounts([])
    encoded = encoder(torch.tensor(batch.atomic_numbers), torch.tensor(batch.atomic_fractions))
    for name in OUTPUTS:
        assert getattr(encoded, name).shape == (0, 12), name


@torch.no_grad()
@pytest.mark.parametrize("pooling", POOLINGS)
def test_aligned_embedding_is_the_mean_of_the_structures(pooling):
    encoded = _encoder(pooling, aligned_layer="embedding")(*_tensors(FORMULAS))
    assert torch.equal(encoded.structure_mean, encoded.embedding)


@torch.no_grad()
@pytest.mark.parametrize("pooling", POOLINGS)
def test_aligned_hidden_layer_leaves_the_embedding_free(pooling):
    encoder = _encoder(pooling, aligned_layer="hidden")
    before = encoder(*_tensors(FORMULAS))
    encoder.structure_mean.weight.zero_()
    after = encoder(*_tensors(FORMULAS))
    assert torch.equal(after.embedding, before.embedding)
    assert not torch.equal(after.structure_mean, before.structure_mean)


@pytest.mark.parametrize("aligned_layer", ["mean", "Hidden", None])
def test_unknown_aligned_layer_is_an_error(aligned_layer):
    with pytest.raises(ValueError, match=rf"must be one of \('hidden'.*got {aligned_layer!r}"):
        _encoder(aligned_layer=aligned_layer)


@pytest.mark.parametrize("pooling", ["mean", "Attention", None])
def test_unknown_pooling_is_an_error(pooling):
    with pytest.raises(ValueError, match=rf"must be one of \('attention'.*got {pooling!r}"):
        _encoder(pooling)


@torch.no_grad()
@pytest.mark.parametrize("activation", [True, False])
def test_properties_in_units_undo_the_standardisation(activation):
    means, scales = [-1.5, 2.0, 300.0], [0.5, 3.0, 100.0]
    heads = PropertyHeads(12, means, scales, activation)
    embedding = torch.randn(5, 12, generator=torch.Generator().manual_seed(0))
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
@pytest.mark.parametrize("activation", [True, False])
def test_heads_are_affine_exactly_without_activation(activation):
    heads = PropertyHeads(4, [1.0, -2.0], [3.0, 5.0], activation)
    one, other = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    middle = (heads.in_units(one) + heads.in_units(other)) / 2
    assert torch.allclose(heads.in_units((one + other) / 2), middle, atol=1e-5) is not activation


def test_scales_travel_with_the_weights_of_the_heads():
    state = PropertyHeads(4, [1.0, -2.0], [3.0, 5.0]).state_dict()
    assert state["means"].tolist() == [1.0, -2.0]
    assert state["scales"].tolist() == [3.0, 5.0]
