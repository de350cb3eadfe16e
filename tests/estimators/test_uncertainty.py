"""Uncertainty: intervals cover what they promise, stated errors are those that are made."""

import numpy as np
import pandas as pd
import pytest
import torch

from cromel_sklearn import CalibrationError, CroMELClassifier, CroMELRegressor
from cromel_sklearn.estimators.networks import ClassificationLoss
from cromel_sklearn.estimators.uncertainty import (
    conformal_quantile,
    noise_factor,
    probabilities,
    temperature,
)

SALTS = [f"{a}{h}" for a in ("Li", "Na", "K", "Rb", "Cs") for h in ("F", "Cl", "Br", "I")]


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.95])
def test_conformal_coverage_on_new_rows(coverage):
    generator = np.random.default_rng(0)
    covered = [
        (
            generator.standard_t(3, 500) ** 2
            <= conformal_quantile(generator.standard_t(3, 99) ** 2, coverage)
        ).mean()
        for _ in range(200)
    ]
    assert abs(np.mean(covered) - coverage) < 0.015


def test_too_few_held_out_rows_are_said():
    with pytest.raises(
        CalibrationError, match="coverage=0.9 needs at least 9 held-out rows, the fit kept 8"
    ):
        conformal_quantile(np.arange(8.0), 0.9)
    assert conformal_quantile(np.arange(9.0), 0.9) == 8.0


def test_noise_factor_repairs_a_wrong_scale():
    errors = np.abs(np.random.default_rng(0).normal(size=10_000))
    assert noise_factor(errors / 0.5) == pytest.approx(2.0, rel=0.03)
    assert noise_factor(np.empty(0)) == 1.0


def test_temperature_repairs_probabilities_that_are_too_sure():
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(5_000, 3))
    chance = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    classes = np.array([generator.choice(3, p=row) for row in chance])
    found = temperature(4 * logits, classes, np.ones(5_000))
    assert found == pytest.approx(4.0, rel=0.1)
    np.testing.assert_allclose(probabilities(4 * logits[None], 4.0), chance)
    assert temperature(logits[:0], classes[:0], np.empty(0)) == 1.0


def test_few_rows_that_are_all_right_do_not_make_certain():
    logits = np.array([[2.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
    found = temperature(logits, np.array([0, 0, 1]), np.ones(3))
    most = probabilities(logits[None], found).max(axis=1)
    assert (most < 0.85).all()
    many = temperature(np.tile(logits, (100, 1)), np.tile([0, 0, 1], 100), np.ones(300))
    assert probabilities(logits[None], many).max() > 0.98


@pytest.fixture
def noisy(checkpoint):
    """A regressor of noise that is ten times stronger when hot; new rows; which are hot."""
    generator = np.random.default_rng(0)
    hot = np.tile([0.0, 1.0], 200)
    frame = pd.DataFrame({"formula": np.repeat(SALTS, 20), "is_hot": hot})
    y, new_y = generator.normal(size=(2, 400)) * np.where(hot, 1.0, 0.1)
    model = CroMELRegressor(
        checkpoint, hidden_layer_sizes=(16,), max_epochs=40, lr=1e-2, n_estimators=2,
        validation_fraction=0.2, random_state=0, device="cpu",
    )  # fmt: skip
    return model.fit(frame, y), frame, new_y, hot.astype(bool)


def test_stated_deviation_grows_with_the_error_and_agrees_with_it(noisy):
    model, frame, new_y, hot = noisy
    mean, std = model.predict(frame, return_std=True)
    assert std[hot].mean() > 1.5 * std[~hot].mean()
    assert np.corrcoef(np.abs(new_y - mean), std)[0, 1] > 0.2
    assert 0.7 < np.sqrt(np.mean(((new_y - mean) / std) ** 2)) < 1.4


def test_intervals_nest_and_hold_what_they_promise(noisy):
    model, frame, new_y, _ = noisy
    wide, narrow = (model.predict_interval(frame, coverage) for coverage in (0.9, 0.5))
    assert wide.shape == (400, 2)
    assert (wide[:, 0] < narrow[:, 0]).all()
    assert (narrow[:, 1] < wide[:, 1]).all()
    for interval, coverage in ((wide, 0.9), (narrow, 0.5)):
        inside = ((interval[:, 0] <= new_y) & (new_y <= interval[:, 1])).mean()
        assert abs(inside - coverage) < 0.1


def test_intervals_of_a_logarithm_are_positive_and_those_of_several_outputs_stacked(checkpoint):
    settings = {"hidden_layer_sizes": (8,), "max_epochs": 2, "n_estimators": 2, "random_state": 0}
    y = np.logspace(-3, 3, 20)
    model = CroMELRegressor(
        checkpoint, **settings, target_transform="log10", validation_fraction=0.5
    )
    interval = model.fit(SALTS, y).predict_interval(SALTS, 0.8)
    assert (interval > 0).all()
    mean, std = model.predict(SALTS, return_std=True)
    assert (mean > 0).all()
    assert (std > 0).all()
    several = model.fit(SALTS, np.column_stack([y, y])).predict_interval(SALTS, 0.8)
    assert several.shape == (20, 2, 2)


def test_coverage_and_calibration_are_checked(checkpoint):
    settings = {"hidden_layer_sizes": (8,), "max_epochs": 1, "n_estimators": 1, "random_state": 0}
    model = CroMELRegressor(checkpoint, **settings).fit(SALTS, np.arange(20.0))
    with pytest.raises(ValueError, match="coverage must be between 0 and 1, got 90"):
        model.predict_interval(SALTS, 90)
    with pytest.raises(CalibrationError, match="needs at least 9 held-out rows, the fit kept 2"):
        model.predict_interval(SALTS)


def test_best_epoch_of_a_classifier_is_not_the_least_certain():
    """The held-out loss is the same for logits that differ by a factor, the training loss not."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(300, 3, generator=generator)
    target = torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]
    truth = {"target": target, "weight": torch.ones(300)}
    loss = ClassificationLoss()
    assert loss((4 * logits, None), truth) > 1.2 * loss((logits, None), truth)
    loss.eval()
    torch.testing.assert_close(
        loss((4 * logits, None), truth), loss((logits, None), truth), rtol=1e-3, atol=0
    )


def test_classifier_is_calibrated_on_held_out_rows(checkpoint):
    y = np.random.default_rng(0).integers(0, 2, 200)  # nothing to learn: the probability is a half
    model = CroMELClassifier(
        checkpoint, hidden_layer_sizes=(16,), max_epochs=30, lr=1e-2, n_estimators=1,
        validation_fraction=0.3, kernel_machine=False, random_state=0, device="cpu",
    )  # fmt: skip
    probability = model.fit(SALTS * 10, y).predict_proba(SALTS)[:, 1]
    assert model.temperature_ > 1.0
    assert np.abs(probability - 0.5).mean() < 0.2
