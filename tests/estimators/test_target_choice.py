"""When a target is learned as its square root."""

import numpy as np
import pytest

from cromel_sklearn import CroMELRegressor
from cromel_sklearn.data.measurements import read_table
from cromel_sklearn.data.table_layout import find_layout
from cromel_sklearn.encoders.registry import load_encoder
from cromel_sklearn.estimators.target_choice import chosen_transform
from cromel_sklearn.estimators.views import encode_table

FREE = (None, None)


@pytest.fixture(scope="module")
def alloys():
    """Alloys, their tantalum from 0 to 1 in no order, and a magnitude that grows by factors."""
    amounts = np.random.default_rng(0).permutation(150) / 149
    magnitude = np.exp(3 * amounts) * np.random.default_rng(1).lognormal(0.0, 1.5, 150)
    formulas = [f"Ta{x:.4f}Nb{1 - x:.4f}" if 0 < x < 1 else ["Nb", "Ta"][int(x)] for x in amounts]
    encoder = load_encoder("mp-multi")
    table = read_table(formulas, find_layout(formulas, None, None), encoder.known_elements, "raise")
    return formulas, amounts, magnitude, encode_table(encoder, table)


def _chosen(alloys, y, weight=None, bounds=FREE):
    weight = np.ones(len(y)) if weight is None else weight
    return chosen_transform(alloys[3], y, weight, bounds, seed=0)


def test_the_root_is_taken_of_skewed_magnitudes(alloys):
    y = alloys[2]
    assert _chosen(alloys, y) == "sqrt"
    assert _chosen(alloys, 1e-200 * y) == "sqrt"
    assert _chosen(alloys, np.column_stack([y, np.where(alloys[1] > 0.3, y, np.nan)])) == "sqrt"
    assert _chosen(alloys, y, bounds=(0.0, 1e9)) == "sqrt"
    weight = np.where(np.arange(150) < 75, 1.0, 1e-6)
    assert _chosen(alloys, y, weight) == _chosen(alloys, y, 7.0 * weight)


def test_others_are_learned_as_they_were_measured(alloys):
    _, amounts, y, _ = alloys
    assert _chosen(alloys, amounts) is None  # not skewed
    assert _chosen(alloys, -y) is None
    assert _chosen(alloys, y - 1.01 * y.min()) is None  # one of them is negative
    assert _chosen(alloys, np.zeros(150)) is None
    assert _chosen(alloys, np.column_stack([y, amounts])) is None  # one for both
    assert _chosen(alloys, 1e5 + y) is None  # the root of which is as skewed


@pytest.mark.filterwarnings("ignore:No member predicts rows")
def test_a_regressor_says_what_it_learned(alloys, tmp_path):
    formulas, _, y, _ = alloys
    settings = {"members": ["element_trees", "support_vectors"], "random_state": 0, "verbose": 0}
    model = CroMELRegressor(**settings).fit(formulas, y)
    assert model.target_scale_.transform == "sqrt"
    assert "learned as sqrt" in model.card()
    mean, std = model.predict(formulas, return_std=True)
    assert (std > 0).all()
    assert (model.predict_interval(formulas) >= 0).all()
    same = CroMELRegressor(**settings, target_transform="sqrt").fit(formulas, y)
    assert np.array_equal(same.predict(formulas), mean)
    model.save(tmp_path / "model.cromel")
    assert np.array_equal(CroMELRegressor.load(tmp_path / "model.cromel").predict(formulas), mean)
    assert np.array_equal(CroMELRegressor(**settings).fit(formulas, y).predict(formulas), mean)
    plain = CroMELRegressor(**settings, target_transform=None).fit(formulas, y)
    assert plain.target_scale_.transform is None
    few = CroMELRegressor(**settings).fit(formulas[:49], y[:49])
    assert few.target_scale_.transform is None


def test_small_predictions_outside_the_domain_are_no_sure_ones(alloys):
    formulas, _, y, _ = alloys
    settings = {"members": ["element_trees", "support_vectors"], "random_state": 0, "verbose": 0}
    model = CroMELRegressor(**settings, target_transform="sqrt").fit(formulas, y)
    foreign = ["UF6", "H2O", "NaCl", "C2H4"]
    with pytest.warns(UserWarning, match="rows are far outside"):
        _, std = model.predict(foreign, return_std=True)
    _, known = model.predict(formulas, return_std=True)
    assert (std > np.median(known)).all()
    scale = model.target_scale_
    center, expected, _, valid = model._predicted(formulas[:3], with_errors=True)
    low = np.minimum(center, -1.0)
    inside, outside = (
        model._deviation(low, expected, np.full(3, value), valid) for value in (1.0, 2.0)
    )
    factor = model.uncertainty_.errors[0].factor
    assert np.array_equal(inside, scale.restore_deviation(low, factor * expected))
    assert np.array_equal(outside, scale.restore_deviation(0 * low, factor * expected))
