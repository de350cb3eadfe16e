"""Stacks: what their members see, that compositions stay together, and what people feed them."""

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, r2_score

from cromel_sklearn import (
    CroMELStackingClassifier,
    CroMELStackingRegressor,
    InvalidCompositionError,
    InvalidTableError,
    load_encoder,
    load_standard_enthalpies,
)
from cromel_sklearn.estimators.members import stock_classifiers, stock_regressors

SALTS = [f"{a}{h}" for a in ("Li", "Na", "K", "Rb", "Cs") for h in ("F", "Cl", "Br", "I")]
Y = np.linspace(-3.0, -1.0, 20)
ESTIMATORS = [CroMELStackingRegressor, CroMELStackingClassifier]


@pytest.fixture
def table():
    """Two temperatures of every salt, and a target that depends on both."""
    frame = pd.DataFrame({"formula": SALTS * 2, "temperature_K": [300.0] * 20 + [900.0] * 20})
    return frame, np.concatenate([Y, Y + 2.0])


@pytest.fixture
def settings(checkpoint, small_stock_models):
    """Parameters of a stack that takes a fraction of a second."""
    return {"encoder": checkpoint, "device": "cpu", "random_state": 0}


def test_pretrained_embeddings_beat_random_ones_on_measured_enthalpies():
    sample = load_standard_enthalpies()
    formulas, target = sample.formulas.to_numpy(), sample.target
    rows = np.random.default_rng(0).permutation(len(target))
    train, test = rows[:100], rows[100:400]
    scores = {}
    for name, encoder in (
        ("pretrained", "mp-multi"),
        ("random", load_encoder("mp-multi@1.0").untrained()),
    ):
        model = CroMELStackingRegressor(encoder, device="cpu", random_state=0)
        model.fit(formulas[train], target[train])
        scores[name] = r2_score(target[test], model.predict(formulas[test]))
    assert scores["pretrained"] > max(0.9, scores["random"] + 0.05)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_rows_of_a_composition_are_held_out_together(estimator, settings, table):
    frame, y = table
    model = estimator(**settings).fit(frame, y > 0 if estimator is ESTIMATORS[1] else y)
    held_out = [set(frame["formula"].iloc[test]) for _, test in model.stack_.cv]
    assert len(model.stack_.cv) == 5
    assert sum(map(len, held_out)) == len(set.union(*held_out)) == len(SALTS)


def test_each_view_has_its_columns_and_the_numeric_ones(settings, table, checkpoint):
    frame, y = table
    model = CroMELStackingRegressor(**settings).fit(frame, y)
    n_columns = {
        name: len(member[0].transformers_[0][2])
        for name, member in model.stack_.named_estimators_.items()
    }
    n_elements = len(checkpoint.properties) + 103 + 1
    assert n_columns == {
        "embedding_linear": checkpoint.embedding_dim + 1,
        "elements_trees": n_elements,
        "elements_linear": n_elements,
    }
    cold, hot = (
        model.predict(frame.assign(temperature_K=kelvin)).mean() for kelvin in (300.0, 900.0)
    )
    assert hot - cold > 1.0


def test_feature_columns_choose(settings, table):
    frame, y = table
    frame = frame.assign(noise=np.arange(40.0))
    chosen = CroMELStackingRegressor(**settings, feature_columns=["temperature_K"]).fit(frame, y)
    assert chosen.n_features_in_ == 2
    assert list(chosen.feature_names_in_) == ["formula", "temperature_K", "noise"]
    changed = frame.assign(noise=0.0)
    assert np.array_equal(chosen.predict(frame), chosen.predict(changed))
    everything = CroMELStackingRegressor(**settings).fit(frame, y)
    assert not np.array_equal(everything.predict(frame), everything.predict(changed))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_same_seed_gives_the_same_alone_or_in_parallel(estimator, checkpoint):
    settings = {"encoder": checkpoint, "device": "cpu"}
    y = Y > -2.0 if estimator is CroMELStackingClassifier else Y
    first, parallel, other = (
        estimator(**settings, random_state=seed, n_jobs=n_jobs).fit(SALTS, y).predict(SALTS)
        for seed, n_jobs in ((0, None), (0, 2), (1, None))
    )
    assert np.array_equal(first, parallel)
    assert estimator is CroMELStackingClassifier or not np.array_equal(first, other)


def test_prediction_of_a_row_does_not_depend_on_the_others(settings):
    model = CroMELStackingRegressor(**settings).fit(SALTS, Y)
    together = model.predict(SALTS)
    np.testing.assert_allclose([model.predict([salt])[0] for salt in SALTS], together, rtol=1e-10)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_joblib_keeps_it(estimator, settings, tmp_path):
    y = Y > -2.0 if estimator is CroMELStackingClassifier else Y
    model = estimator(**settings).fit(SALTS, y)
    joblib.dump(model, tmp_path / "model")
    assert np.array_equal(joblib.load(tmp_path / "model").predict(SALTS), model.predict(SALTS))


def test_classes_of_any_type_and_number(settings):
    names = np.array(["one", "two", "three"])[np.arange(20) % 3]
    model = CroMELStackingClassifier(**settings).fit(SALTS, names)
    assert list(model.classes_) == ["one", "three", "two"]
    probabilities = model.predict_proba(SALTS)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    assert np.array_equal(model.classes_[probabilities.argmax(axis=1)], model.predict(SALTS))


def test_rare_classes_count_alike(settings):
    frame = pd.DataFrame({"formula": SALTS * 20, "load": np.linspace(0.0, 1.0, 400)})
    rng = np.random.default_rng(0)
    is_hard = rng.random(400) < 0.6 * frame["load"] ** 4  # one in eight, never the likelier class
    assert is_hard.mean() < 0.2
    predicted = CroMELStackingClassifier(**settings).fit(frame, is_hard).predict(frame)
    top = frame["load"] > 0.8
    assert predicted[top].mean() > 0.8
    assert balanced_accuracy_score(is_hard, predicted) > 0.7


def test_long_tables_do_without_what_grows_faster():
    assert set(stock_regressors(0, 2_000)) - set(stock_regressors(0, 2_001)) == {"gaussian_process"}
    assert set(stock_regressors(0, 10_001)) == set(stock_classifiers(0, 10_001))
    assert set(stock_regressors(0, 10_001)) == {"trees", "boosting"}


@pytest.mark.parametrize(
    ("estimator", "X", "y", "error", "message"),
    [
        (ESTIMATORS[0], ["NaCl", "KCl"], [1, 2], InvalidTableError, "at least 3 different comp"),
        (ESTIMATORS[0], ["NaCl"] * 9, range(9), InvalidTableError, r"got 1 \(n_samples=9\)"),
        (ESTIMATORS[0], SALTS, Y[:5], ValueError, "inconsistent numbers of samples"),
        (ESTIMATORS[0], SALTS, [*Y[1:], np.nan], ValueError, "Input y contains NaN"),
        (ESTIMATORS[0], SALTS, None, ValueError, "requires y to be passed"),
        (ESTIMATORS[0], ["Fe2O=", *SALTS[1:]], Y, InvalidCompositionError, "index 0"),
        (
            ESTIMATORS[1],
            SALTS,
            ["a"] * 20,
            InvalidTableError,
            "Expected two classes or more, got one class: a",
        ),
        (ESTIMATORS[1], SALTS, [*"a" * 19, "b"], InvalidTableError, "Class b has rows of one"),
        (ESTIMATORS[1], SALTS, Y, ValueError, "Unknown label type"),
    ],
)
def test_bad_input_is_named(estimator, X, y, error, message, settings):
    with pytest.raises(error, match=message):
        estimator(**settings).fit(X, y)


def test_bad_parameters_are_named(settings):
    with pytest.raises(ValueError, match="'n_jobs' parameter"):
        CroMELStackingRegressor(**{**settings, "n_jobs": "two"}).fit(SALTS, Y)
