"""Uncertainty: intervals cover what they promise, stated errors are those that are made."""

import numpy as np
import pandas as pd
import pytest

from cromel_sklearn import CroMELRegressor

pytestmark = pytest.mark.filterwarnings("ignore:No member predicts rows")  # but noise

SALTS = [f"{a}{h}" for a in ("Li", "Na", "K", "Rb", "Cs") for h in ("F", "Cl", "Br", "I")]


@pytest.fixture
def noisy(checkpoint):
    """A regressor of noise that is ten times stronger when hot; new rows; which are hot."""
    generator = np.random.default_rng(0)
    hot = np.tile([0.0, 1.0], 200)
    frame = pd.DataFrame({"formula": np.repeat(SALTS, 20), "is_hot": hot})
    y, new_y = generator.normal(size=(2, 400)) * np.where(hot, 1.0, 0.1)
    model = CroMELRegressor(
        checkpoint, members=["element_trees", "support_vectors"], random_state=0, device="cpu"
    )
    return model.fit(frame, y), frame, new_y, hot.astype(bool)


def test_stated_deviation_grows_with_the_error_and_agrees_with_it(noisy):
    model, frame, new_y, hot = noisy
    mean, std = model.predict(frame, return_std=True)
    assert std[hot].mean() > 3 * std[~hot].mean()
    assert np.corrcoef(np.abs(new_y - mean), std)[0, 1] > 0.3
    assert 0.7 < np.sqrt(np.mean(((new_y - mean) / std) ** 2)) < 1.4


def test_intervals_nest_and_hold_what_they_promise(noisy):
    model, frame, new_y, _ = noisy
    wide, narrow = (model.predict_interval(frame, coverage) for coverage in (0.9, 0.5))
    assert wide.shape == (400, 2)
    assert (wide[:, 0] < narrow[:, 0]).all()
    assert (narrow[:, 1] < wide[:, 1]).all()
    for interval, coverage in ((wide, 0.9), (narrow, 0.5)):
        inside = ((interval[:, 0] <= new_y) & (new_y <= interval[:, 1])).mean()
        assert abs(inside - coverage) < 0.07
    assert abs(model.uncertainty_.errors[0].cross_validated_coverage - 0.9) < 0.05


def test_stated_deviation_grows_outside_the_domain(noisy):
    model, frame, _, _ = noisy
    _, known = model.predict(frame, return_std=True)
    far = pd.DataFrame({"formula": ["NaCl", "Cs"], "is_hot": [20.0, 0.0]})
    with pytest.warns(UserWarning, match="2 of 2 rows are far outside what the model was fitted"):
        _, unknown = model.predict(far, return_std=True)
    assert (unknown > np.quantile(known, 0.95)).all()
