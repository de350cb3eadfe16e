"""Errors where no training composition has the same elements."""

import numpy as np
import pandas as pd
import pytest

from cromel_sklearn import CroMELRegressor
from cromel_sklearn.estimators.new_systems import growth_of_errors

#: Of these the last is never trained on.
*PAIRS, NEW = [(a, b) for a in ("Li", "Na", "K", "Rb") for b in ("F", "Cl", "Br", "I")]


def _model(checkpoint, target_of_system):
    """A regressor of five compositions in each of fifteen systems."""
    frame = pd.DataFrame({"formula": [f"{a}{n}{b}" for a, b in PAIRS for n in range(1, 6)]})
    noise = np.random.default_rng(1).normal(size=len(frame)) * 0.1
    model = CroMELRegressor(checkpoint, members=["fraction_trees"], random_state=0, device="cpu")
    return model.fit(frame, np.repeat(target_of_system, 5) + noise)


@pytest.mark.filterwarnings("ignore:No member predicts rows")
def test_errors_grow_where_each_system_has_its_own_value(checkpoint):
    own = _model(checkpoint, np.random.default_rng(0).normal(size=len(PAIRS)))
    none = _model(checkpoint, np.zeros(len(PAIRS)))
    ratios = [model.uncertainty_.errors[0].new_system_ratio for model in (own, none)]
    assert ratios[0] > 1.5
    assert ratios[1] < 1.3
    frame = pd.DataFrame({"formula": ["".join(NEW), "RbBr"]})
    new, known = np.ptp(own.predict_interval(frame), axis=1)
    assert new > known


@pytest.mark.parametrize(
    ("larger", "usual", "growth"),
    [(2.0, 1.0, 2.0), (1.0, 2.0, 1.0), (9.0, 1.0, 3.0), (1.0, 0.0, 3.0)],
)
def test_growth_is_bounded(larger, usual, growth):
    assert growth_of_errors(np.full(30, larger), np.full(30, usual)) == pytest.approx(growth)


def test_few_errors_are_not_compared():
    assert growth_of_errors(np.full(5, 9.0), np.ones(100)) == 1.0
