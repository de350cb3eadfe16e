"""Applicability domain: training rows are in it; new elements, places and ranges are not."""

import numpy as np
import pandas as pd
import pytest

from cromel_sklearn import CroMELClassifier, CroMELRegressor, load_standard_enthalpies

SALTS = [f"{a}{h}" for a in ("Li", "Na", "K", "Rb", "Cs") for h in ("F", "Cl", "Br", "I")]


@pytest.fixture(params=[CroMELRegressor, CroMELClassifier])
def model(request, checkpoint, small_members):
    """An estimator of salts without iodine at one to three bars."""
    frame = pd.DataFrame({"formula": [s for s in SALTS if "I" not in s]})
    frame["pressure"] = np.linspace(1.0, 3.0, len(frame))
    y = np.arange(len(frame)) % 3
    return request.param(checkpoint, members=["element_trees"], random_state=0).fit(frame, y)


def test_training_rows_are_in_the_domain(model):
    rows = pd.DataFrame({"formula": ["NaCl", "KBr"], "pressure": [1.0, 3.0]})
    assert model.in_domain(rows).all()
    assert (model.domain_score(rows) < 0.9).all()


def test_what_was_never_seen_is_outside(model):
    rows = pd.DataFrame({"formula": ["NaI", "NaCl", "NaCl"], "pressure": [2.0, 5.0, 0.0]})
    np.testing.assert_allclose(model.domain_score(rows), [2.0, 2.0, 1.5])
    assert not model.in_domain(rows).any()


def test_nearly_all_held_out_rows_are_in_the_domain():
    sample = load_standard_enthalpies()
    rows = np.random.default_rng(0).permutation(len(sample.target))[:600]
    formulas = sample.formulas.to_numpy()[rows]
    model = CroMELRegressor("mp-multi@2.0", members=["element_trees"], random_state=0)
    model.fit(formulas[:400], sample.target[rows[:400]])
    assert 0.85 < model.in_domain(formulas[400:]).mean() < 1.0
    assert not model.in_domain(["PuO2"]).any()
