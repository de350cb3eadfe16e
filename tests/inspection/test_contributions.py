"""What drives a prediction: shares add up, and find what a model is made of."""

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Composition
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from cromel_sklearn import ElementContributionDisplay
from cromel_sklearn.inspection import contributions, shapley

pytest.importorskip("shap", reason="shap is not installed")

OXIDES = [f"{m}{n}O" for m in ("Mg", "Ca", "Sr", "Ba", "Fe", "Ni") for n in ("", "2", "3")]


class PerElement(RegressorMixin, BaseEstimator):
    """A sum over elements of fraction times a number, and of the temperature."""

    NUMBERS = {"O": -2.0, "Fe": 5.0, "Mg": 1.0}  # noqa: RUF012

    def predict(self, X):
        column = X["formula"] if isinstance(X, pd.DataFrame) else X
        found = [
            sum(self.NUMBERS.get(e.symbol, 0.0) * c.get_atomic_fraction(e) for e in c)
            for c in map(Composition, column)
        ]
        return np.array(found) + (X["T"].to_numpy() / 100 if isinstance(X, pd.DataFrame) else 0)


class HasIron(ClassifierMixin, PerElement):
    """Says iron where iron is."""

    classes_ = np.array(["iron", "none"])

    def predict_proba(self, X):
        iron = np.array(["Fe" in formula for formula in X], dtype=float)
        return np.c_[iron, 1 - iron]


@pytest.fixture
def without_stand_in(monkeypatch):
    monkeypatch.setattr(contributions, "_property_importance", lambda *args: (None, None))


def test_shares_of_an_additive_model_are_exact(without_stand_in):
    model = PerElement()
    display = ElementContributionDisplay.from_estimator(model, "Fe2O3", OXIDES)
    assert display.prediction == pytest.approx(0.4 * 5 - 0.6 * 2)
    assert display.base + sum(display.elements.values()) == pytest.approx(display.prediction)
    # An element takes its fraction from the others, whose mean is the base.
    assert display.elements[26] == pytest.approx(0.4 * (5 - display.base), abs=1e-6)
    assert display.elements[8] == pytest.approx(0.6 * (-2 - display.base), abs=1e-6)
    # d/dx of (2 x_Fe ...): one at. % more iron, and everything else less.
    assert display.per_percent[26] == pytest.approx(0.01 / 1.01 * (5 - 0.8), abs=1e-6)
    assert list(display.table().index) == ["Fe", "O"]


def test_numeric_columns_have_shares_too(without_stand_in):
    table = pd.DataFrame({"formula": OXIDES, "T": np.linspace(300, 500, len(OXIDES)), "note": "a"})
    display = ElementContributionDisplay.from_estimator(
        PerElement(), table.iloc[-1], table, formula_column="formula", kind="table"
    )
    assert display.columns["T"] == pytest.approx((500 - 400) / 100, abs=1e-6)
    total = sum(display.elements.values()) + sum(display.columns.values())
    assert display.base + total == pytest.approx(display.prediction)
    assert "+0.1" not in [text.get_text() for text in display.ax_.texts]


def test_sampled_shares_add_up(without_stand_in, monkeypatch):
    monkeypatch.setattr(shapley, "MOST_EXACT_PLAYERS", 1)
    display = ElementContributionDisplay.from_estimator(PerElement(), ["Fe2O3", "MgO"], OXIDES)
    assert set(display.elements) == {8, 12, 26}
    exact = 0.4 * (5 - display.base)
    assert display.elements[26] == pytest.approx(exact, abs=1e-6)


def test_probability_of_a_class(without_stand_in):
    explain = ElementContributionDisplay.from_estimator
    display = explain(HasIron(), "FeO", OXIDES, label="iron")
    assert display.prediction == 1
    assert display.elements[26] == pytest.approx(1 - display.base, abs=1e-6)
    assert explain(HasIron(), "FeO", OXIDES).prediction == 0
    with pytest.raises(ValueError, match="label must be one of the classes"):
        explain(HasIron(), "FeO", OXIDES, label="gold")
    with pytest.raises(ValueError, match="the model predicts values"):
        explain(PerElement(), "FeO", OXIDES, label="gold")


def test_stand_in_finds_the_property_that_a_model_uses():
    from cromel_sklearn import CroMELTransformer

    class Gap(RegressorMixin, BaseEstimator):
        """Predicts the gap that the encoder predicts."""

        def predict(self, X):
            frame = CroMELTransformer(output="properties").set_output(transform="pandas")
            return frame.fit_transform(X)["band_gap_eV"].to_numpy()

    metals = ("Li", "Na", "K", "Mg", "Ca", "Sr", "Al", "Fe", "Ni", "Cu", "Ti", "Zr")
    table = [a + b for a in metals for b in ("F", "Cl", "O", "S", "N", "Te", "P", "Al2")]
    display = ElementContributionDisplay.from_estimator(
        Gap(), "MgO", table, n_background=5, kind="properties"
    )
    assert display.fidelity > 0.7
    assert "band_gap" in list(display.properties.sort_values(ascending=False).index[:4])
    assert "stand-in reproduces" in display.ax_.get_title(loc="right")


def test_unknown_options_are_refused():
    display = ElementContributionDisplay({26: 1.0}, {}, base=0.0, prediction=1.0)
    with pytest.raises(ValueError, match="kind must be one of"):
        display.plot(kind="waterfall")
    with pytest.raises(ValueError, match="No predicted properties to draw"):
        display.plot(kind="properties")
