"""Model cards: what they say follows from the fit, and the data changes their checksum."""

import numpy as np
import pandas as pd
import pytest

from cromel_sklearn import CroMELClassifier, CroMELRegressor

SALTS = [f"{a}{h}" for a in ("Li", "Na", "K", "Rb", "Cs") for h in ("F", "Cl", "Br", "I")]
TABLE = pd.DataFrame({"formula": SALTS, "load": np.linspace(0.0, 9.0, 20)})
Y = np.linspace(0, 1, 20)


@pytest.fixture
def settings(checkpoint, small_members):
    """Parameters of an estimator that takes a fraction of a second."""
    return {"encoder": checkpoint, "members": ["element_trees"], "random_state": 0}


def test_a_card_tells_data_errors_and_versions(settings):
    model = CroMELRegressor(**settings).fit(TABLE, Y)
    text = model.card()
    assert "20 rows of 20 compositions" in text
    assert "9 elements: Li F Na Cl K Br Rb I Cs" in text
    assert "column `load` from 0 to 9" in text
    assert f"mean absolute error {model.cross_validated_error_[0]:.4g} (of the median" in text
    assert "of the rows inside intervals of 90 %" in text
    assert "element_trees: weight" in text
    assert "scikit-learn" in text


def test_the_checksum_is_that_of_the_data(settings):
    cards = [
        CroMELRegressor(**settings).fit(table, y).card_.data_sha256
        for table, y in ((TABLE, Y), (TABLE, Y), (TABLE, Y + 1e-9), (TABLE.assign(load=1.0), Y))
    ]
    assert cards[0] == cards[1]
    assert len(set(cards)) == 3


def test_classes_are_counted(settings):
    model = CroMELClassifier(**settings).fit(SALTS, np.where(Y > 0.4, "metal", "insulator"))
    assert "rows of each class: insulator: 8, metal: 12" in model.card()
    assert "balanced error" in model.card()
