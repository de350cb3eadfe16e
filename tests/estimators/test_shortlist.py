"""Expected improvement is what it is defined to be."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from cromel_sklearn.estimators.shortlist import expected_improvement


@pytest.mark.parametrize(
    ("mean", "std", "best"), [(1.0, 0.5, 1.2), (0.0, 2.0, -1.0), (3.0, 1.0, 1.0)]
)
def test_expected_improvement_is_the_mean_of_what_is_gained(mean, std, best):
    expected, _ = quad(lambda y: (y - best) * norm.pdf(y, mean, std), best, best + 20)
    assert expected_improvement(np.array([mean]), np.array([std]), best)[0] == pytest.approx(
        expected
    )


def test_lower_is_the_mirror_of_higher():
    mean, std = np.array([1.0, -2.0]), np.array([0.3, 1.0])
    lower = expected_improvement(mean, std, 0.5, "min")
    np.testing.assert_allclose(lower, expected_improvement(-mean, std, -0.5, "max"))


def test_certainty_gains_the_difference_and_doubt_gains_more():
    np.testing.assert_allclose(
        expected_improvement(np.array([2.0, 1.0, 0.0]), np.zeros(3), 1.0),
        [1.0, 0.0, 0.0],
        atol=1e-12,
    )
    gains = expected_improvement(np.zeros(3), np.array([0.1, 1.0, 2.0]), 0.0)
    assert (np.diff(gains) > 0).all()
