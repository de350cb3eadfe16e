"""The classifier: classes of any type and frequency, calibrated probabilities, rows by name."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score

from cromel_sklearn import (
    CroMELClassifier,
    InvalidCompositionWarning,
    InvalidTableError,
    load_standard_enthalpies,
)

SALTS = [f"{a}{h}" for a in ("Li", "Na", "K", "Rb", "Cs") for h in ("F", "Cl", "Br", "I")]
Y = np.linspace(-3.0, -1.0, 20)
STOCK = ["element_trees", "fraction_trees", "support_vectors", "boosting"]


@pytest.fixture
def settings(checkpoint, small_members):
    """Parameters of a classifier that takes a fraction of a second."""
    return {"encoder": checkpoint, "members": STOCK, "device": "cpu", "random_state": 0}


@pytest.mark.parametrize(
    "classes",
    [
        ["metal", "insulator"], [False, True], [3, 7, 11], np.array(["a", "b"], dtype=object),
        [0.0, 1.0],
    ],
)  # fmt: skip
def test_classes_of_any_type(classes, settings):
    settings["members"] = "auto"
    y = np.asarray(classes)[np.arange(20) % len(classes)]
    model = CroMELClassifier(**settings).fit(SALTS, y)
    probabilities = model.predict_proba(SALTS)
    assert probabilities.shape == (20, len(classes))
    np.testing.assert_allclose(probabilities.sum(1), 1.0)
    assert np.array_equal(model.classes_[probabilities.argmax(axis=1)], model.predict(SALTS))
    assert np.array_equal(model.classes_, np.unique(y))


def test_same_seed_gives_the_same_alone_or_in_parallel(settings):
    y = np.arange(20) % 3
    first, parallel = (
        CroMELClassifier(**settings, n_jobs=n_jobs).fit(SALTS, y).predict_proba(SALTS)
        for n_jobs in (None, 2)
    )
    assert np.array_equal(first, parallel)


def test_rare_classes_count_alike_unless_asked(settings):
    frame = pd.DataFrame({"formula": SALTS * 20, "load": np.linspace(0.0, 1.0, 400)})
    rng = np.random.default_rng(0)
    is_hard = rng.random(400) < 0.6 * frame["load"] ** 4  # one in eight, never the likelier class
    assert is_hard.mean() < 0.2
    predicted = CroMELClassifier(**settings).fit(frame, is_hard).predict(frame)
    assert balanced_accuracy_score(is_hard, predicted) > 0.7
    as_frequent = CroMELClassifier(**settings, class_weight=None).fit(frame, is_hard)
    probability = as_frequent.predict_proba(frame)[:, 1]
    assert abs(probability.mean() - is_hard.mean()) < 0.05


def test_probabilities_are_calibrated_where_nothing_can_be_learned(settings):
    y = np.random.default_rng(0).integers(0, 2, 200)
    model = CroMELClassifier(**settings).fit(SALTS * 10, y)
    assert np.abs(model.predict_proba(SALTS)[:, 1] - 0.5).mean() < 0.15


def test_pretrained_embeddings_tell_metals():
    sample = load_standard_enthalpies()
    formulas, y = sample.formulas.to_numpy(), sample.target < -1.0
    rows = np.random.default_rng(0).permutation(len(y))
    train, test = rows[:100], rows[100:300]
    model = CroMELClassifier("mp-multi@2.0", members=STOCK, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of rows with new elements
        assert model.fit(formulas[train], y[train]).score(formulas[test], y[test]) > 0.85


def test_a_class_of_one_row_is_taken(settings):
    y = np.array(["a"] * 19 + ["b"])
    assert CroMELClassifier(**settings).fit(SALTS, y).predict_proba(SALTS).shape == (20, 2)


def test_invalid_rows_get_no_class(settings):
    model = CroMELClassifier(**settings, on_invalid="nan").fit(SALTS, Y > -2)
    with pytest.warns(InvalidCompositionWarning, match="These rows are left out"):
        assert model.predict(["NaCl", "?"])[1] is None
    with pytest.warns(InvalidCompositionWarning):
        assert np.isnan(model.predict_proba(["NaCl", "?"])[1]).all()


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (
            list(range(20)),
            InvalidTableError,
            "Each of the 20 rows has a class of its own",
        ),
        (["a"] * 20, InvalidTableError, "Expected two classes or more, got one class: a"),
        (Y, ValueError, "Unknown label type"),
        (None, ValueError, "requires y to be passed"),
        (np.arange(5), ValueError, "inconsistent numbers of samples"),
    ],
)
def test_bad_classes_are_named(y, error, message, settings):
    with pytest.raises(error, match=message):
        CroMELClassifier(**settings).fit(SALTS, y)


def test_rows_of_zero_weight_change_nothing(settings):
    y, weight = np.arange(21) % 2, np.append(np.ones(20), 0.0)
    with_row = CroMELClassifier(**settings).fit([*SALTS, "NaK"], y, weight).predict_proba(SALTS)
    without = CroMELClassifier(**settings).fit(SALTS, y[:20]).predict_proba(SALTS)
    assert np.array_equal(with_row, without)


def test_gaussian_process_is_no_member(settings):
    settings["members"] = ["gaussian_process"]
    with pytest.raises(ValueError, match="members must be 'auto' or some of"):
        CroMELClassifier(**settings).fit(SALTS, Y > -2)
