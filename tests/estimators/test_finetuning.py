"""Fine-tuning: it helps, folds share nothing, and whatever people feed it is taken or named."""

import hashlib
import pickle
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score

from cromel_sklearn import (
    CroMELClassifier,
    CroMELRegressor,
    CroMELTransformer,
    DeviceError,
    EncoderNotFoundError,
    InvalidCompositionError,
    InvalidTableError,
    load_encoder,
    load_standard_enthalpies,
)
from cromel_sklearn.data.measurements import read_table
from cromel_sklearn.estimators.networks import FineTunedNetwork

SALTS = [
    f"{alkali}{halogen}"
    for alkali in ("Li", "Na", "K", "Rb", "Cs")
    for halogen in ["F", "Cl", "Br", "I"]
]
Y = np.linspace(-3.0, -1.0, 20)


@pytest.fixture
def settings(checkpoint):
    """Parameters of an estimator that takes a fraction of a second."""
    return {
        "encoder": checkpoint, "hidden_layer_sizes": (8,), "max_epochs": 3, "n_estimators": 2,
        "device": "cpu", "random_state": 0,
    }  # fmt: skip


@pytest.fixture
def table():
    """Two temperatures of every salt, and a target that depends on both."""
    frame = pd.DataFrame({"formula": SALTS * 2, "temperature_K": [300.0] * 20 + [900.0] * 20})
    return frame, np.concatenate([Y, Y + 2.0])


def _pointers(module) -> set[int]:
    return {tensor.data_ptr() for tensor in module.state_dict().values()}


def test_pretrained_start_beats_random_weights_on_measured_enthalpies():
    sample = load_standard_enthalpies()
    formulas, target = sample.formulas.to_numpy(), sample.target
    rows = np.random.default_rng(0).permutation(len(target))
    train, test = rows[:150], rows[150:450]
    scores = {}
    for name, encoder in (
        ("pretrained", "mp-multi"),
        ("random", load_encoder("mp-multi").untrained()),
    ):
        model = CroMELRegressor(encoder, n_estimators=1, max_epochs=15, random_state=0)
        scores[name] = r2_score(
            target[test], model.fit(formulas[train], target[train]).predict(formulas[test])
        )
    assert scores["pretrained"] > max(0.85, scores["random"] + 0.05)


@pytest.mark.parametrize("estimator", [CroMELRegressor, CroMELClassifier])
def test_a_fold_does_not_depend_on_the_fold_before(estimator, settings, checkpoint):
    before = hashlib.sha256(pickle.dumps(checkpoint.tensors)).hexdigest()
    y = Y > -2.0 if estimator is CroMELClassifier else Y
    used = estimator(**settings).fit(SALTS[:15], y[:15])
    used.fit(SALTS[5:], y[5:])
    fresh = estimator(**settings).fit(SALTS[5:], y[5:])
    assert all(
        torch.equal(a, b)
        for one, other in zip(used.networks_, fresh.networks_, strict=True)
        for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    )
    assert hashlib.sha256(pickle.dumps(checkpoint.tensors)).hexdigest() == before


def test_clones_and_networks_share_no_tensor(settings):
    model = CroMELRegressor(**settings).fit(SALTS, Y)
    other = clone(model).fit(SALTS, Y)
    modules = [
        *model.networks_,
        *other.networks_,
        *(m for pair in model.encoder_.copied_modules() for m in pair),
    ]
    pointers = [_pointers(module) for module in modules]
    assert len(set.union(*pointers)) == sum(map(len, pointers))


@pytest.mark.parametrize("estimator", [CroMELRegressor, CroMELClassifier])
def test_same_seed_gives_the_same_to_the_last_bit_alone_or_in_parallel(estimator, settings):
    y = np.arange(20) % 3 if estimator is CroMELClassifier else Y
    torch_state, numpy_state = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    predict = "predict_proba" if estimator is CroMELClassifier else "predict"
    first = getattr(estimator(**settings).fit(SALTS, y), predict)(SALTS)
    assert torch.equal(torch.random.get_rng_state(), torch_state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002
    torch.rand(3)
    parallel = getattr(estimator(**settings, n_jobs=2).fit(SALTS, y), predict)(SALTS)
    other = getattr(estimator(**{**settings, "random_state": 1}).fit(SALTS, y), predict)(SALTS)
    assert np.array_equal(first, parallel)
    assert not np.array_equal(first, other)


def test_prediction_of_a_row_does_not_depend_on_the_others(settings):
    model = CroMELRegressor(**settings).fit(SALTS, Y)
    together = model.predict(SALTS)
    np.testing.assert_allclose([model.predict([salt])[0] for salt in SALTS], together, rtol=1e-12)


def test_numeric_columns_are_used(settings, table):
    frame, y = table
    model = CroMELRegressor(**{**settings, "max_epochs": 40, "lr": 1e-2}).fit(frame, y)
    cold, hot = (
        model.predict(frame.assign(temperature_K=value)).mean() for value in (300.0, 900.0)
    )
    assert hot - cold > 0.5
    assert model.n_features_in_ == 2
    assert list(model.feature_names_in_) == ["formula", "temperature_K"]


@pytest.mark.parametrize("form", ["frame", "array", "named", "polars"])
def test_tables_in_every_form_give_the_same(form, settings, table):
    frame, y = table
    expected = CroMELRegressor(**settings).fit(frame, y).predict(frame)
    feature_columns = ["temperature_K"] if form == "named" else None
    X = {
        "frame": frame,
        "array": frame.to_numpy(),
        "named": frame.assign(temperature_K=frame["temperature_K"].astype(str)),
    }
    if form == "polars":
        X["polars"] = pytest.importorskip("polars").from_pandas(frame)
    model = CroMELRegressor(**settings, feature_columns=feature_columns).fit(X[form], y)
    assert np.array_equal(model.predict(X[form]), expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"extra": "a"}, r"Expected one column of compositions .* got \['formula', 'extra'\]"),
        (
            {"temperature_K": np.nan},
            "Column 'temperature_K' has nan at index 0 .and 39 more values.; expected a finite",
        ),
        ({"formula": 1.0}, "Expected one column of compositions .* got none"),
        ({"formula": "Xx"}, "Xx"),
    ],
)
def test_bad_tables_are_named(change, message, settings, table):
    frame, y = table
    with pytest.raises((InvalidTableError, InvalidCompositionError), match=message):
        CroMELRegressor(**settings).fit(frame.assign(**change), y)


def test_bad_feature_columns_are_named(settings, table):
    frame, y = table
    with pytest.raises(InvalidTableError, match="names \\['load'\\], which X lacks"):
        CroMELRegressor(**settings, feature_columns=["load"]).fit(frame, y)
    with pytest.raises(InvalidTableError, match="needs a table with these columns"):
        CroMELRegressor(**settings, feature_columns=["load"]).fit(SALTS, Y)
    with pytest.raises(ValueError, match="The 'feature_columns' parameter of CroMELRegressor"):
        CroMELRegressor(**settings, feature_columns="load").fit(frame, y)
    model = CroMELRegressor(**settings).fit(frame, y)
    with (
        pytest.warns(UserWarning, match="does not have valid feature names"),
        pytest.raises(InvalidTableError, match="X has 1 columns, but .* is expecting 2 columns"),
    ):
        model.predict(SALTS)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame.rename(columns={"temperature_K": "T"}))


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("lr", 0.0), ("encoder_lr", -1.0), ("max_epochs", 0), ("n_estimators", 1.5), ("loss", "l1"),
        ("validation_fraction", 1.0), ("batch_size", "big"), ("target_transform", "sqrt"),
        ("weight_decay", -1), ("early_stopping", 3),
    ],
)  # fmt: skip
def test_wrong_parameters_are_named_with_their_range(parameter, value, settings):
    with pytest.raises(ValueError, match=f"The '{parameter}' parameter of CroMELRegressor must be"):
        CroMELRegressor(**{**settings, parameter: value}).fit(SALTS, Y)


def test_encoder_and_device_that_are_not_there(settings):
    with pytest.raises(EncoderNotFoundError, match="No encoder 'none'"):
        CroMELRegressor(**{**settings, "encoder": "none"}).fit(SALTS, Y)
    with pytest.raises(DeviceError, match="is not on this machine"):
        CroMELRegressor(**{**settings, "device": "cuda:99"}).fit(SALTS, Y)
    with pytest.raises(NotFittedError):
        CroMELRegressor(**settings).predict(SALTS)


def test_targets_are_checked(settings):
    with pytest.raises(InvalidTableError, match="y has no measured value at index 3 .1 such"):
        CroMELRegressor(**settings).fit(SALTS, np.where(np.arange(20) == 3, np.nan, Y))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        CroMELRegressor(**settings).fit(SALTS, Y[:19])
    with pytest.raises(InvalidTableError, match="needs positive targets, y has -3.0 at index 0"):
        CroMELRegressor(**settings, target_transform="log10").fit(SALTS, Y)
    infinite, text = [*Y[:-1], np.inf], [*Y[:7], "high", *Y[8:]]
    with pytest.raises(InvalidTableError, match="infinity.* y has inf at index 19; expected a fin"):
        CroMELRegressor(**settings).fit(SALTS, infinite)
    with pytest.raises(InvalidTableError, match="y has 'high' at index 7; expected a finite"):
        CroMELRegressor(**settings).fit(SALTS, np.array(text, dtype=object))


@pytest.mark.parametrize("estimator", [CroMELRegressor, CroMELClassifier])
def test_negative_weights_are_named(estimator, settings):
    weight = np.where(np.arange(20) == 5, -0.5, 1.0)
    with pytest.raises(InvalidTableError, match="sample_weight has -0.5 at index 5; expected zero"):
        estimator(**settings).fit(SALTS, np.arange(20) % 2, sample_weight=weight)


@pytest.mark.parametrize("estimator", [CroMELRegressor, CroMELClassifier])
def test_forms_that_hold_no_formulas_are_refused(estimator, settings):
    with pytest.raises(ValueError, match="requires y to be passed, but the target y is None"):
        estimator(**settings).fit(SALTS, None)
    with pytest.raises(InvalidTableError, match="got a sparse csr_matrix; sparse input cannot"):
        estimator(**settings).fit(csr_matrix(np.eye(20)), np.arange(20) % 2)
    table = SimpleNamespace(ndim=2, shape=(20, 2))
    with pytest.raises((InvalidTableError, TypeError), match="Expected a DataFrame or an array"):
        read_table(table, None, frozenset())


def test_several_outputs_with_missing_values(settings):
    y = np.column_stack([Y, -Y])
    y[::2, 1] = np.nan
    y[1::4, 0] = np.nan
    model = CroMELRegressor(**{**settings, "max_epochs": 30, "lr": 1e-2}).fit(SALTS, y)
    mean, std = model.predict(SALTS, return_std=True)
    assert mean.shape == std.shape == (20, 2)
    assert np.corrcoef(mean[:, 0], Y)[0, 1] > 0.7
    assert np.corrcoef(mean[:, 1], -Y)[0, 1] > 0.7


def test_sample_weights_decide_between_contradicting_rows(settings):
    y = np.concatenate([np.zeros(20), np.ones(20)])
    means = []
    for heavy in (0, 1):
        weight = np.where(y == heavy, 10.0, 0.1)
        model = CroMELRegressor(**{**settings, "max_epochs": 20, "lr": 1e-2})
        means.append(model.fit(SALTS * 2, y, sample_weight=weight).predict(SALTS).mean())
    assert means[0] < 0.2
    assert means[1] > 0.8


@pytest.mark.parametrize("loss", ["absolute_error", "squared_error", "huber"])
def test_every_loss_learns(loss, settings):
    model = CroMELRegressor(**{**settings, "loss": loss, "max_epochs": 40, "lr": 1e-2}).fit(
        SALTS, Y
    )
    assert r2_score(Y, model.predict(SALTS)) > 0.5


@pytest.mark.parametrize(
    "classes",
    [
        ["metal", "insulator"],
        [False, True],
        [3, 7, 11],
        np.array(["a", "b"], dtype=object),
        [0.0, 1.0],
    ],
)
def test_classes_of_any_type(classes, settings):
    y = np.asarray(classes)[np.arange(20) % len(classes)]
    model = CroMELClassifier(**settings).fit(SALTS, y)
    probabilities = model.predict_proba(SALTS)
    assert probabilities.shape == (20, len(classes))
    np.testing.assert_allclose(probabilities.sum(1), 1.0)
    assert set(model.predict(SALTS)) <= set(y)
    assert np.array_equal(model.classes_, np.unique(y))


def test_balanced_class_weights_find_the_rare_class(settings):
    y = np.isin(np.arange(20), [3, 9, 16])  # with nothing in common
    found = [
        CroMELClassifier(**{**settings, "max_epochs": 20, "lr": 5e-3}, class_weight=weight)
        .fit(SALTS, y)
        .predict_proba(SALTS)[:, 1]
        .mean()
        for weight in (None, "balanced")
    ]
    assert found[1] > found[0] + 0.1


def test_continuous_classes_are_refused(settings):
    with pytest.raises(ValueError, match="Unknown label type"):
        CroMELClassifier(**settings).fit(SALTS, Y)


def test_frozen_encoder_keeps_its_weights(settings, checkpoint):
    model = CroMELRegressor(**settings, freeze_encoder=True).fit(SALTS, Y)
    pretrained = checkpoint.copied_modules()[0][0].state_dict()
    for network in model.networks_:
        state = network.encoder.state_dict()
        assert all(torch.equal(state[key], pretrained[key]) for key in pretrained)


def test_fine_tuned_encoder_is_a_featurizer(settings, checkpoint):
    model = CroMELRegressor(**settings).fit(SALTS, Y)
    embedded = CroMELTransformer(model.checkpoint_).transform(SALTS)
    assert embedded.shape == (20, 2 * (16 + 5))
    assert not np.allclose(embedded[:, :16], CroMELTransformer(checkpoint).transform(SALTS)[:, :16])


def test_histories_and_best_epochs(settings):
    model = CroMELRegressor(**settings).fit(SALTS, Y)
    assert [len(history) for history in model.loss_curve_] == [3, 3]
    for history, best in zip(model.loss_curve_, model.best_epoch_, strict=True):
        losses = [epoch["valid_loss"] for epoch in history]
        assert losses[best - 1] == min(losses)
    without = CroMELRegressor(**settings, early_stopping=False).fit(SALTS, Y)
    assert without.best_epoch_ == [3, 3]
    assert "valid_loss" not in without.loss_curve_[0][0]


def test_warm_start_goes_on(settings):
    warm = CroMELRegressor(**settings, warm_start=True).fit(SALTS, Y)
    first = r2_score(Y, warm.predict(SALTS))
    warm.set_params(max_epochs=60, lr=1e-2).fit(SALTS, Y)
    assert r2_score(Y, warm.predict(SALTS)) > first + 0.1


@pytest.mark.parametrize("estimator", [CroMELRegressor, CroMELClassifier])
def test_partial_fit_lowers_the_loss(estimator, settings):
    y = Y > -2.0 if estimator is CroMELClassifier else Y
    model = estimator(**{**settings, "lr": 1e-2})
    losses = [model.partial_fit(SALTS, y).loss_curve_[0][-1]["train_loss"] for _ in range(15)]
    assert losses[-1] < losses[0] - 0.1


def test_partial_fit_names_a_class_it_does_not_know(settings):
    model = CroMELClassifier(**settings).partial_fit(SALTS, np.arange(20) % 2, classes=[0, 1, 2])
    assert model.predict_proba(SALTS).shape == (20, 3)
    with pytest.raises(ValueError, match=r"classes \[5\], which the model was not started with"):
        model.partial_fit(SALTS, np.full(20, 5))


def test_interruption_leaves_a_usable_model(settings, monkeypatch):
    forward, calls = FineTunedNetwork.forward, []

    def interrupted(self, *args, **kwargs):
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return forward(self, *args, **kwargs)

    monkeypatch.setattr(FineTunedNetwork, "forward", interrupted)
    with pytest.warns(ConvergenceWarning, match="interrupted: 1 of 2 networks are kept"):
        model = CroMELRegressor(**{**settings, "max_epochs": 50}).fit(SALTS, Y)
    assert np.isfinite(model.predict(SALTS)).all()
    assert 0 < len(model.loss_curve_[0]) < 50


def test_progress_is_shown_when_asked(settings, capsys):
    CroMELRegressor(**settings).fit(SALTS, Y)
    assert capsys.readouterr().err == ""
    CroMELRegressor(**settings, verbose=1).fit(SALTS, Y)
    assert "network 2 of 2" in capsys.readouterr().err


def test_cross_validation_and_search(settings):
    model = CroMELRegressor(**settings)
    assert cross_val_score(model, SALTS, Y, cv=2).shape == (2,)
    search = GridSearchCV(model, {"encoder_lr": [1e-4, 1e-3]}, cv=2).fit(SALTS, Y)
    assert search.predict(SALTS).shape == (20,)


@pytest.mark.gpu
def test_gpu_agrees_with_cpu(settings):
    models = [
        CroMELRegressor(**{**settings, "device": device}).fit(SALTS, Y)
        for device in ("cpu", "cuda")
    ]
    np.testing.assert_allclose(models[0].predict(SALTS), models[1].predict(SALTS), atol=1e-2)
