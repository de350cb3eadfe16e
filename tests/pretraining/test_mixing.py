"""Mixtures are compositions, with the properties of their parts in proportion."""

import pytest
import torch

from cromel_sklearn.pretraining.mixing import mixtures

N_SAMPLES = 400


@pytest.fixture(scope="module")
def batch():
    """Half NaCl with targets 1 and 3, half MgAl2 with 2 and none."""
    numbers = torch.tensor([[11, 17], [12, 13]]).repeat(N_SAMPLES // 2, 1)
    fractions = torch.tensor([[0.5, 0.5], [1 / 3, 2 / 3]]).repeat(N_SAMPLES // 2, 1)
    targets = torch.tensor([[1.0, 3.0], [2.0, torch.nan]]).repeat(N_SAMPLES // 2, 1)
    return numbers, fractions, targets


@pytest.fixture(scope="module")
def mixed(batch):
    """Their mixtures."""
    torch.manual_seed(0)
    return mixtures(*batch)


def _amounts(numbers, fractions):
    return torch.zeros(len(numbers), 18).scatter_add_(1, numbers, fractions)


def test_a_quarter_of_the_batch_is_mixed(mixed):
    assert all(len(part) == N_SAMPLES // 4 for part in mixed)


def test_mixtures_are_compositions(mixed):
    numbers, fractions, _ = mixed
    torch.testing.assert_close(fractions.sum(1), torch.ones(len(fractions)))
    assert ((numbers > 0) == (fractions > 0)).all()
    for row in numbers:
        present = row[row > 0].tolist()
        assert len(set(present)) == len(present)


def test_targets_are_in_proportion_to_the_parts(mixed):
    numbers, fractions, targets = mixed
    share_of_mgal2 = _amounts(numbers, fractions)[:, [12, 13]].sum(1)
    torch.testing.assert_close(targets[:, 0], 1 + share_of_mgal2)
    assert 0 < share_of_mgal2[share_of_mgal2 > 0].min() < 0.05  # dopants
    assert ((share_of_mgal2 > 0.1) & (share_of_mgal2 < 0.9)).any()  # alloys


def test_missing_targets_stay_missing(mixed):
    numbers, fractions, targets = mixed
    has_mgal2 = _amounts(numbers, fractions)[:, 12] > 0
    assert (torch.isnan(targets[:, 1]) == has_mgal2).all()
    assert (targets[~has_mgal2, 1] == 3).all()


def test_compounds_of_the_same_elements_share_them(batch):
    numbers = torch.tensor([[11, 17]]).repeat(8, 1)
    mixed_numbers, fractions, _ = mixtures(numbers, torch.full((8, 2), 0.5), torch.zeros(8, 1))
    torch.testing.assert_close(
        _amounts(mixed_numbers, fractions)[:, [11, 17]], torch.full((2, 2), 0.5)
    )


def test_one_composition_is_mixed_with_itself():
    numbers, fractions, targets = mixtures(
        torch.tensor([[11, 17]]), torch.tensor([[0.25, 0.75]]), torch.tensor([[4.0]])
    )
    torch.testing.assert_close(
        _amounts(numbers, fractions)[0, [11, 17]], torch.tensor([0.25, 0.75])
    )
    torch.testing.assert_close(targets, torch.tensor([[4.0]]))


def test_the_batch_stays_as_it_is(batch):
    before = [part.clone() for part in batch]
    mixtures(*batch)
    for part, copy in zip(batch, before, strict=True):
        torch.testing.assert_close(part, copy, equal_nan=True)
