"""Weights of members: not negative, bounded, robust, and none for what says nothing."""

import numpy as np
import pytest

from cromel_sklearn.estimators.member_weights import ClassWeights, MemberWeights


@pytest.fixture
def members():
    """A target, and predictions of it with noise of three sizes."""
    rng = np.random.default_rng(0)
    target = rng.normal(size=400)
    return target[:, None] + rng.normal(size=(400, 3)) * [0.1, 0.3, 1.0], target


def test_better_members_weigh_more_and_the_sum_is_bounded(members):
    found = MemberWeights.of(*members)
    assert found.weights[0] > found.weights[1] >= found.weights[2] >= 0
    assert 0.9 < found.weights.sum() <= 1.0


def test_a_member_that_opposes_the_target_gets_nothing(members):
    predictions, target = members
    predictions[:, 2] -= 3 * target
    assert MemberWeights.of(predictions, target).weights[2] == 0


@pytest.mark.parametrize("factor", [1e-6, 1.0, 1e6])
def test_never_worse_than_the_best_member(factor):
    rng = np.random.default_rng(1)
    for n_samples in (12, 40, 200):
        target = rng.normal(size=n_samples) * factor
        noise = rng.normal(size=(n_samples, 4)) * [0.2, 0.5, 1.0, 3.0] * factor
        predictions = target[:, None] + noise
        found = MemberWeights.of(predictions, target)
        error = np.abs(found.combine(predictions) - target).mean()
        assert error <= np.abs(predictions - target[:, None]).mean(axis=0).min() * (1 + 1e-9)


def test_outliers_do_not_move_the_weights(members):
    predictions, target = members
    before = MemberWeights.of(predictions, target)
    target = target.copy()
    target[7] = 1e6
    after = MemberWeights.of(predictions, target)
    np.testing.assert_allclose(after.weights, before.weights, atol=0.05)
    assert abs(after.constant - before.constant) < 0.05


def test_members_that_are_nearly_constant_get_nothing(members):
    predictions, target = members
    predictions[:, 0] = 0.01 * target  # perfectly correlated, and of no use
    assert MemberWeights.of(predictions, target).weights[0] == 0


def test_without_a_useful_member_the_median_does_alone():
    rng = np.random.default_rng(0)
    target = rng.normal(size=30)
    found = MemberWeights.of(rng.normal(size=(30, 2)) * 9, target)
    assert found.weights.sum() == 0
    assert target.min() < found.constant < target.max()
    constant = MemberWeights.of(np.zeros((30, 2)), np.full(30, 2.0))
    assert constant.combine(np.zeros((3, 2))).tolist() == [2.0] * 3


def test_weights_count_rows(members):
    predictions, target = members
    repeats = np.random.default_rng(0).integers(1, 4, 400)
    rows = np.repeat(np.arange(400), repeats)
    weighted = MemberWeights.of(predictions, target, repeats.astype(float))
    repeated = MemberWeights.of(predictions[rows], target[rows])
    np.testing.assert_allclose(weighted.weights, repeated.weights, atol=0.02)


def test_class_probabilities_are_calibrated():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(5_000, 3))
    chance = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    classes = np.array([rng.choice(3, p=row) for row in chance])
    too_sure = np.stack([4 * logits, rng.normal(size=logits.shape)], axis=1)
    found = ClassWeights.of(too_sure, classes, np.ones(5_000))
    assert found.weights[0] == pytest.approx(0.25, rel=0.1)
    assert found.weights[1] < 0.05
    np.testing.assert_allclose(found.probabilities(too_sure), chance, atol=0.1)


def test_few_rows_that_are_all_right_do_not_make_certain():
    scores = np.array([[2.0, 0.0], [2.0, 0.0], [0.0, 2.0]])[:, None] * 5
    found = ClassWeights.of(scores, np.array([0, 0, 1]), np.ones(3))
    assert found.probabilities(scores).max() < 0.95
