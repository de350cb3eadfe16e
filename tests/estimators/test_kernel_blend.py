"""Kernel machines equal scikit-learn's, and take the share that held-out rows give them."""

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from cromel_sklearn import CroMELClassifier, CroMELRegressor
from cromel_sklearn.estimators import kernel_blend, kernel_machine
from cromel_sklearn.estimators.kernel_blend import KernelBlend, fit_blend
from cromel_sklearn.estimators.kernel_machine import KernelMachine, KernelSettings

SETTINGS = KernelSettings(gamma=1.0, C=10.0)
SALTS = [f"{a}{h}" for a in ("Li", "Na", "K", "Rb", "Cs") for h in ("F", "Cl", "Br", "I")]


@pytest.fixture
def inputs():
    return np.random.default_rng(0).normal(size=(120, 4)).astype(np.float32)


@pytest.fixture
def weight():
    return np.random.default_rng(1).uniform(0.5, 2.0, 120)


def test_regression_is_that_of_scikit_learn(inputs, weight):
    target = np.stack([np.sin(inputs[:, 0]), inputs[:, 1] ** 2], axis=1)
    target[:20, 1] = np.nan
    machine = KernelMachine.fit(inputs, target, weight, SETTINGS)
    scaled = StandardScaler().fit_transform(inputs)
    for column, first in ((0, 0), (1, 20)):
        own_weight = weight[first:] / weight[first:].mean()
        own = SVR(C=10.0, gamma=0.25).fit(scaled[first:], target[first:, column], own_weight)
        expected = own.predict(scaled)
        np.testing.assert_allclose(machine.predict(inputs)[:, column], expected, atol=5e-3)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_classes_are_decided_as_one_against_the_others_by_scikit_learn(inputs, weight, n_classes):
    target = np.digitize(inputs[:, 0] + 0.3 * inputs[:, 1] ** 2, [0.0, 0.8][: n_classes - 1])
    decisions = KernelMachine.fit(inputs, target, weight, SETTINGS, n_classes).predict(inputs)
    scaled = StandardScaler().fit_transform(inputs)
    for number in range(n_classes):
        own = SVC(C=10.0, gamma=0.25).fit(scaled, target == number, weight / weight.mean())
        np.testing.assert_allclose(decisions[:, number], own.decision_function(scaled), atol=1e-2)


def test_output_that_never_varies_is_predicted_as_it_is(inputs, weight):
    target = np.stack([np.full(120, 0.7), np.full(120, np.nan)], axis=1)
    predicted = KernelMachine.fit(inputs, target, weight, SETTINGS).predict(inputs)
    assert np.array_equal(predicted, np.tile([0.7, 0.0], (120, 1)))
    absent = KernelMachine.fit(inputs, np.zeros(120, dtype=int), weight, SETTINGS, n_classes=3)
    assert np.array_equal(absent.predict(inputs), np.tile([1.0, -1.0, -1.0], (120, 1)))


def test_rows_without_weight_do_not_count(inputs, weight):
    target = inputs[:, :1].astype(float)
    spoiled, silent = target.copy(), weight.copy()
    spoiled[:30], silent[:30] = 100.0, 0.0
    machine = KernelMachine.fit(inputs, spoiled, silent, SETTINGS)
    assert np.abs(machine.predict(inputs)[30:] - target[30:]).max() < 0.3


def test_of_too_many_rows_some_are_drawn(inputs, weight, monkeypatch):
    monkeypatch.setattr(kernel_machine, "MOST_ROWS", 50)
    first, same, other = (
        KernelMachine.fit(inputs, inputs[:, :1], weight, SETTINGS, random_state=seed)
        for seed in (0, 0, 1)
    )
    assert len(first.support) <= 50
    assert np.array_equal(first.predict(inputs), same.predict(inputs))
    assert not np.array_equal(first.predict(inputs), other.predict(inputs))


def _blend(inputs, target, network_outputs, loss, weight=None):
    held_out = [np.arange(0, 40), np.arange(40, 80)]
    weight = np.ones(len(target)) if weight is None else weight
    return fit_blend([inputs, inputs], target, weight, held_out, network_outputs, loss, [0, 1])


@pytest.mark.parametrize("loss", ["absolute_error", "squared_error", "huber"])
def test_share_goes_to_whoever_is_right_on_held_out_rows(inputs, loss):
    target = inputs[:, :1].astype(float)
    noise = np.random.default_rng(2).normal(size=(2, 120, 1))
    assert _blend(inputs, target, np.stack([target] * 2), loss).machines == []
    assert _blend(inputs, target, target + 3 * noise, loss).share == 1.0
    error = np.random.default_rng(5).normal(size=(120, 1))
    both = _blend(inputs, target + 0.3 * error, target + 0.3 * noise, loss)
    assert 0.0 < both.share < 1.0
    assert len(both.machines) == 2


def test_share_of_classes(inputs):
    target = (inputs[:, 0] > 0).astype(int)
    certain = np.stack([np.where(target == k, 3.0, -3.0) for k in (0, 1)], axis=1)
    assert _blend(inputs, target, np.stack([certain] * 2), "log_loss").share == 0.0
    guesses = np.random.default_rng(3).normal(size=(2, 120, 2))
    found = _blend(inputs, target, guesses, "log_loss")
    assert found.share == 1.0
    outputs = found.outputs(guesses, [inputs, inputs])
    rows = np.arange(80)
    own = np.where(rows < 40, 0, 1)
    assert (outputs[own, rows].argmax(axis=1) == target[:80]).mean() > 0.9
    # On the scale of the networks' logits, which calibration by temperature expects.
    assert np.isfinite(log_softmax(outputs, axis=2)).all()


@pytest.mark.parametrize("n_held_out", [1, 5])
def test_few_held_out_rows_leave_equal_shares(inputs, n_held_out):
    """They say little: the first settings at equal shares stay."""
    target = inputs[:, :1].astype(float)
    noise = 0.5 * np.random.default_rng(4).normal(size=(2, 120, 1))
    weight = np.ones(120)
    held_out = np.array_split(np.arange(n_held_out), 2)
    blend = fit_blend(
        [inputs] * 2, target + noise[0], weight, held_out, target + noise, "absolute_error", [0, 1]
    )
    assert blend.share == kernel_blend.SHARES[0] == 0.5


def test_nothing_held_out_or_weightless_leaves_the_networks_alone(inputs):
    target = inputs[:, :1].astype(float)
    outputs = np.stack([target] * 2)
    weight = np.ones(120)
    none = [np.array([], dtype=int)] * 2
    assert fit_blend([inputs] * 2, target, weight, none, outputs, "huber", [0, 1]) == KernelBlend()
    weight[:80] = 0.0
    assert _blend(inputs, target, outputs, "huber", weight) == KernelBlend()


@pytest.mark.parametrize("estimator", [CroMELRegressor, CroMELClassifier])
def test_estimators_blend_only_if_asked_and_able(estimator, checkpoint):
    y = np.arange(20) // 4  # the alkali
    settings = {
        "encoder": checkpoint, "hidden_layer_sizes": (8,), "max_epochs": 2, "n_estimators": 2,
        "lr": 1e-6, "encoder_lr": 1e-6, "device": "cpu", "random_state": 0,
    }  # fmt: skip
    predict = "predict_proba" if estimator is CroMELClassifier else "predict"
    blended = estimator(**settings, validation_fraction=0.3).fit(SALTS, y)
    alone = estimator(**settings, validation_fraction=0.3, kernel_machine=False).fit(SALTS, y)
    assert 0.0 < blended.blend_.share <= 1.0  # at these rates the networks learn nothing
    assert alone.blend_ == KernelBlend()
    assert not np.allclose(getattr(blended, predict)(SALTS), getattr(alone, predict)(SALTS))
    assert estimator(**settings, early_stopping=False).fit(SALTS, y).blend_ == KernelBlend()
    started = estimator(**settings).partial_fit(SALTS, y)
    assert started.blend_ == KernelBlend()
    before = blended.blend_
    assert blended.partial_fit(SALTS, y).blend_ is before


def test_interrupted_machines_leave_usable_networks(checkpoint, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(kernel_blend, "fit_blend", interrupt)
    model = CroMELRegressor(checkpoint, max_epochs=2, n_estimators=1, device="cpu")
    with pytest.warns(UserWarning, match="Interrupted while kernel machines were fitted"):
        model.fit(SALTS, np.linspace(0.0, 1.0, 20))
    assert np.isfinite(model.predict_interval(SALTS, coverage=0.5)).all()
