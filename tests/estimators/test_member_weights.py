"""Weights are positive, robust, and free of the target's unit."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.utils.estimator_checks import check_estimator

from cromel_sklearn.estimators.member_weights import MemberWeights


@pytest.fixture
def members():
    """A target, and predictions of it with noise of three sizes."""
    rng = np.random.default_rng(0)
    target = rng.normal(size=400)
    return target[:, None] + rng.normal(size=(400, 3)) * [0.1, 0.3, 1.0], target


def test_scikit_learn_takes_it_for_a_regressor(monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # without it, the checks of array namespaces skip
    check_estimator(MemberWeights())


def test_without_outliers_it_is_nearly_least_squares(members):
    predictions, target = members
    expected = LinearRegression(positive=True).fit(predictions, target)
    found = MemberWeights().fit(predictions, target)
    np.testing.assert_allclose(found.coef_, expected.coef_, atol=0.02)
    np.testing.assert_allclose(found.intercept_, expected.intercept_, atol=0.02)
    assert found.coef_[0] > found.coef_[1] > found.coef_[2]


def test_no_weight_is_negative_where_least_squares_has_one(members):
    predictions, target = members
    predictions[:, 2] -= 3 * target  # opposes the target
    assert LinearRegression().fit(predictions, target).coef_[2] < 0
    assert (MemberWeights().fit(predictions, target).coef_ >= 0).all()


def test_a_few_wrong_measurements_move_it_less_than_least_squares(members):
    predictions, target = members
    wrong = target.copy()
    wrong[:8] += 20.0
    for model, largest in ((MemberWeights(), 0.05), (LinearRegression(positive=True), np.inf)):
        clean = model.fit(predictions, target).predict(predictions)
        moved = np.abs(model.fit(predictions, wrong).predict(predictions) - clean).mean()
        assert moved < largest
    assert moved > 0.2  # least squares


@pytest.mark.parametrize(("factor", "shift"), [(1e6, 0.0), (1e-6, 3.0), (-2.0, 1e3)])
def test_the_unit_of_the_target_does_not_matter(members, factor, shift):
    predictions, target = members
    expected = MemberWeights().fit(predictions, target).predict(predictions)
    changed = factor * predictions + shift
    found = MemberWeights().fit(changed, factor * target + shift).predict(changed)
    np.testing.assert_allclose((found - shift) / factor, expected, atol=1e-5)


def test_a_member_without_error_gets_all_the_weight(members):
    predictions, target = members
    predictions[:, 1] = target
    found = MemberWeights().fit(predictions, target)
    np.testing.assert_allclose(found.predict(predictions), target, atol=1e-4)


def test_a_constant_target_is_predicted(members):
    predictions, _ = members
    found = MemberWeights().fit(predictions, np.full(400, 5.0))
    np.testing.assert_allclose(found.predict(predictions), 5.0, atol=1e-4)
