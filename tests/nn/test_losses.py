"""The CroMEL criteria obey the identities that their formulas promise."""

import pytest
import torch
from torch import nn

from cromel_sklearn.nn.losses import (
    GRADIENT_PENALTY_WEIGHT,
    Critic,
    adversarial_loss,
    critic_loss,
    decorrelation_loss,
    effective_rank,
    paired_loss,
)


class _LinearCritic(nn.Module):
    """Potential w.h, whose gradient is w everywhere."""

    def __init__(self, weights):
        super().__init__()
        self.weights = nn.Parameter(torch.as_tensor(weights))

    def forward(self, embedding, condition=None):
        return embedding @ self.weights


def _normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture(scope="module")
def polymorphs():
    """Embeddings of the seven structures of one composition, with their mean and spread."""
    structures = _normal(7, 5) * torch.tensor([0.1, 0.5, 1.0, 2.0, 3.0]) + 1.0
    return structures, structures.mean(0), structures.std(0, unbiased=False)


def test_paired_loss_is_stationary_at_mean_and_spread_of_the_polymorphs(polymorphs):
    structures, mean, spread = polymorphs
    mean, spread = mean.clone().requires_grad_(), spread.clone().requires_grad_()
    loss = paired_loss(structures, mean.expand(7, 5), spread.expand(7, 5))
    for gradient in torch.autograd.grad(loss, (mean, spread)):
        torch.testing.assert_close(gradient, torch.zeros_like(gradient), atol=1e-12, rtol=0)


@pytest.mark.parametrize("shift", [-0.3, -0.01, 0.01, 0.3])
@pytest.mark.parametrize("which", ["mean", "spread"])
def test_paired_loss_is_higher_away_from_mean_and_spread_of_the_polymorphs(
    which, shift, polymorphs
):
    structures, mean, spread = polymorphs
    best = paired_loss(structures, mean.expand(7, 5), spread.expand(7, 5))
    mean, spread = (mean + shift, spread) if which == "mean" else (mean, spread * (1 + shift))
    assert paired_loss(structures, mean.expand(7, 5), spread.expand(7, 5)) > best


def test_paired_loss_at_its_minimum_is_the_entropy_of_the_polymorphs(polymorphs):
    structures, mean, spread = polymorphs
    loss = paired_loss(structures, mean.expand(7, 5), spread.expand(7, 5))
    torch.testing.assert_close(loss, 0.5 + spread.log().mean())


def test_paired_loss_is_the_log_likelihood_of_a_normal_distribution():
    structure, mean, spread = _normal(6, 4), _normal(6, 4, seed=1), _normal(6, 4, seed=2).exp()
    likelihood = torch.distributions.Normal(mean, spread).log_prob(structure).mean()
    constant = 0.5 * torch.log(torch.tensor(2 * torch.pi, dtype=torch.float64))
    torch.testing.assert_close(paired_loss(structure, mean, spread), -likelihood - constant)


def test_paired_loss_sends_no_gradient_to_the_structures():
    structure = _normal(6, 4).requires_grad_()
    mean = _normal(6, 4, seed=1).requires_grad_()
    paired_loss(structure, mean, torch.ones(6, 4)).backward()
    assert structure.grad is None
    assert mean.grad.abs().sum() > 0


@pytest.mark.parametrize("length", [1.0, 0.5, 3.0])
def test_gradient_penalty_is_the_square_of_the_excess_length(length):
    weights = length * torch.tensor([0.6, 0.8], dtype=torch.float64)
    same = _normal(50, 2)  # equal embeddings: no distance, the penalty alone
    loss = critic_loss(_LinearCritic(weights), same, same)
    expected = torch.tensor(GRADIENT_PENALTY_WEIGHT * (length - 1) ** 2, dtype=torch.float64)
    torch.testing.assert_close(loss.detach(), expected)


def test_critic_loss_of_a_unit_gradient_critic_is_minus_the_shift():
    weights = torch.tensor([0.6, 0.8], dtype=torch.float64)
    composition = _normal(50, 2)
    loss = critic_loss(_LinearCritic(weights), composition + 2.5 * weights, composition)
    torch.testing.assert_close(loss.item(), -2.5)


@pytest.mark.parametrize("conditions", [0, 3])
def test_critic_loss_sends_no_gradient_to_the_embeddings(conditions):
    structure = torch.randn(6, 4).requires_grad_()
    composition = torch.randn(6, 4).requires_grad_()
    condition = torch.randn(6, conditions) if conditions else None
    critic = Critic(4, conditions)
    critic_loss(critic, structure, composition, condition).backward()
    assert structure.grad is None
    assert composition.grad is None
    assert all(parameter.grad is not None for parameter in critic.parameters())


def test_adversarial_loss_falls_as_compositions_move_to_the_structures():
    # The critic is higher at the structures, so the composition encoder climbs it.
    weights = torch.tensor([0.6, 0.8], dtype=torch.float64)
    composition = _normal(50, 2).requires_grad_()
    adversarial_loss(_LinearCritic(weights), composition).backward()
    downhill = -composition.grad.sum(0)
    torch.testing.assert_close(downhill, weights)


def test_adversarial_loss_is_minus_the_potential_of_the_compositions():
    critic, composition = Critic(4), torch.randn(6, 4)
    assert adversarial_loss(critic, composition) == -critic(composition).mean()


@pytest.mark.parametrize("conditions", [0, 3])
def test_potential_is_a_scalar_for_each_sample(conditions):
    condition = torch.randn(6, conditions) if conditions else None
    assert Critic(4, conditions)(torch.randn(6, 4), condition).shape == (6,)


def _dual_distance(structure, composition, condition=None, *, n_steps=250):
    """Distance that a critic trained on all samples sees."""
    n_conditions = 0 if condition is None else condition.shape[1]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        critic = Critic(structure.shape[1], n_conditions)
    optimiser = torch.optim.Adam(critic.parameters(), lr=5e-3)
    for _ in range(n_steps):
        optimiser.zero_grad()
        critic_loss(critic, structure, composition, condition).backward()
        optimiser.step()
    with torch.no_grad():
        return float((critic(structure, condition) - critic(composition, condition)).mean())


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.0, 2.0])
def test_trained_critic_estimates_the_shift_between_two_distributions(shift):
    # The Wasserstein-1 distance of two Gaussians that differ by a shift is its length; the penalty
    # lets the slope exceed 1 by about shift / 20, and a bit more where no composition lies.
    composition = _normal(256, 4).float()
    structure = composition + torch.tensor([0.6, 0.8, 0.0, 0.0]) * shift
    assert _dual_distance(structure, composition) == pytest.approx(shift, abs=0.02, rel=0.15)


@pytest.fixture(scope="module")
def shuffled_pairs():
    """Structures at their composition's description, and compositions at that of another one."""
    condition = _normal(256, 2).float()
    return (
        condition,
        condition[torch.randperm(256, generator=torch.Generator().manual_seed(0))],
        condition,
    )


def test_joint_critic_tells_shuffled_pairs_apart(shuffled_pairs):
    assert _dual_distance(*shuffled_pairs) > 0.5


def test_marginal_critic_cannot_tell_shuffled_pairs_apart(shuffled_pairs):
    structure, composition, _ = shuffled_pairs
    assert abs(_dual_distance(structure, composition)) < 0.01


def test_joint_critic_sees_no_distance_between_equal_pairs(shuffled_pairs):
    structure, _, condition = shuffled_pairs
    assert abs(_dual_distance(structure, structure, condition)) < 0.01


def _whitened(n_samples, n_dimensions):
    centered = _normal(n_samples, n_dimensions)
    centered = centered - centered.mean(0)
    return torch.linalg.qr(centered)[0] * n_samples**0.5


def test_decorrelation_of_a_whitened_embedding_is_zero():
    loss = decorrelation_loss(_whitened(100, 6))
    torch.testing.assert_close(loss.item(), 0.0, atol=1e-12, rtol=0)


@pytest.mark.parametrize("n_dimensions", [2, 6, 20])
def test_decorrelation_of_a_collapsed_embedding_is_the_number_of_other_dimensions(n_dimensions):
    collapsed = _whitened(100, 1).expand(100, n_dimensions)
    torch.testing.assert_close(decorrelation_loss(collapsed).item(), n_dimensions - 1.0)


def test_decorrelation_does_not_depend_on_signs():
    embedding = _normal(100, 6)
    signs = torch.tensor([1, -1, 1, 1, -1, -1])
    torch.testing.assert_close(decorrelation_loss(embedding * signs), decorrelation_loss(embedding))


@pytest.mark.parametrize("n_dimensions", [1, 3, 10])
def test_effective_rank_of_an_isotropic_embedding_is_its_width(n_dimensions):
    assert effective_rank(_whitened(200, n_dimensions)) == pytest.approx(n_dimensions)


def test_effective_rank_of_a_line_is_one():
    line = _normal(100, 1) * torch.tensor([[1.0, -2.0, 0.5]]) + 4.0
    assert effective_rank(line) == pytest.approx(1.0, abs=1e-6)


def test_effective_rank_of_a_plane_in_many_dimensions_is_two():
    plane = _whitened(100, 2) @ torch.linalg.qr(_normal(8, 2, seed=1))[0].T
    assert effective_rank(plane) == pytest.approx(2.0, abs=1e-6)


def test_effective_rank_does_not_depend_on_place_rotation_and_scale():
    embedding = _normal(100, 4) * torch.tensor([1.0, 2.0, 3.0, 4.0])
    rotation = torch.linalg.qr(_normal(4, 4, seed=1))[0]
    moved = 7.0 * embedding @ rotation + 100.0
    assert effective_rank(moved) == pytest.approx(effective_rank(embedding))


def test_effective_rank_of_equal_rows_is_zero():
    assert effective_rank(torch.ones(10, 4)) == 0.0
