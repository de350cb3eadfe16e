"""Displays: what they draw and the figures they state."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from cromel_sklearn import ParityDisplay, UncertaintyDisplay, evaluate
from cromel_sklearn.inspection import optional_packages


@pytest.fixture(scope="module")
def honest():
    """Predictions whose errors are as large as they say."""
    random = np.random.default_rng(0)
    std = random.uniform(0.1, 2.0, size=4000)
    truth = random.normal(size=4000)
    return truth, truth + std * random.normal(size=4000), std


def test_parity_shows_every_row_and_its_scores(honest):
    truth, predicted, _ = honest
    display = ParityDisplay.from_predictions(truth, predicted, target_name="gap (eV)")
    np.testing.assert_allclose(display.scatter_.get_offsets(), np.c_[truth, predicted])
    assert display.mae == pytest.approx(mean_absolute_error(truth, predicted))
    assert display.r2 == pytest.approx(r2_score(truth, predicted))
    assert f"MAE {display.mae:.3g}" in display.ax_.get_title()
    assert display.ax_.get_xlabel() == "measured gap (eV)"
    assert display.figure_ is display.ax_.figure


def test_residuals_and_labels_of_the_worst(honest):
    truth, predicted, _ = (values[:50] for values in honest)
    labels = [f"row {number}" for number in range(50)]
    display = ParityDisplay.from_predictions(
        truth, predicted, labels=labels, kind="residuals", n_labels=2
    )
    np.testing.assert_allclose(display.scatter_.get_offsets()[:, 1], predicted - truth)
    worst = np.argsort(-np.abs(predicted - truth))[:2]
    assert [text.get_text() for text in display.ax_.texts] == [labels[row] for row in worst]


def test_parity_from_estimator_draws_on_given_axes():
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    X, y = np.arange(10.0)[:, None], np.arange(10.0)
    display = ParityDisplay.from_estimator(Ridge(alpha=1e-9).fit(X, y), X, y, ax=axes)
    assert display.ax_ is axes
    assert display.r2 == pytest.approx(1)
    process = GaussianProcessRegressor(optimizer=None).fit(X, y)
    display = ParityDisplay.from_estimator(process, X, y, error_bars=True)
    assert len(display.ax_.collections) == 2


def test_honest_deviations_look_honest(honest):
    truth, predicted, std = honest
    display = UncertaintyDisplay.from_predictions(truth, predicted, std)
    assert display.spearman == pytest.approx(spearmanr(np.abs(predicted - truth), std).statistic)
    assert 0.3 < display.retention < 0.9
    deviation, retention, coverage = display.axes_
    stated, made = deviation.lines[0].get_data()
    np.testing.assert_allclose(made, stated, rtol=0.15)
    nominal, observed = coverage.lines[1].get_data()
    np.testing.assert_allclose(observed, nominal, atol=0.03)
    kept = retention.lines[0].get_ydata()
    assert kept[-1] == pytest.approx(np.abs(predicted - truth).mean())


@pytest.mark.parametrize("kind", ["deviation", "retention", "coverage"])
def test_single_panels(honest, kind):
    display = UncertaintyDisplay.from_predictions(*honest, kind=kind)
    assert display.axes_ == [display.ax_]


def test_order_of_doubt_decides_retention():
    error = np.arange(1.0, 101.0)
    zeros = np.zeros(100)
    assert UncertaintyDisplay.from_predictions(zeros, error, error).retention == pytest.approx(1)
    assert UncertaintyDisplay.from_predictions(zeros, error, error[::-1]).retention < -0.5
    assert UncertaintyDisplay.from_predictions(zeros, zeros + 1, error).retention == 0
    assert UncertaintyDisplay.from_predictions(zeros, error, zeros).spearman == 0


def test_uncertainty_from_estimator_asks_for_intervals():
    X = np.linspace(0, 1, 30)[:, None]

    class Stating(GaussianProcessRegressor):
        def predict_interval(self, X, coverage=0.9):
            return np.tile([-1e9, 1e9] if coverage > 0.6 else [5, 6], (len(X), 1))

    model = Stating(alpha=0.1, optimizer=None).fit(X, X[:, 0])
    display = UncertaintyDisplay.from_estimator(model, X, X[:, 0])
    assert display.coverage == {0.5: 0.0, 0.7: 1.0, 0.8: 1.0, 0.9: 1.0, 0.95: 1.0}
    with pytest.raises(ValueError, match="Ridge states no standard deviations"):
        UncertaintyDisplay.from_estimator(Ridge().fit(X, X[:, 0]), X, X[:, 0])


def _amounts(column):
    return np.array([[float(formula[2:-2])] for formula in column])


def test_displays_of_an_evaluation():
    model = make_pipeline(
        FunctionTransformer(_amounts), GaussianProcessRegressor(alpha=0.1, optimizer=None)
    )
    formulas = [f"Na{n}Cl" for n in range(1, 16)] * 2
    result = evaluate(model, formulas, np.sqrt(np.arange(30.0)), baselines=[], learning_curve=False)
    parity = result.parity("shuffled", kind="residuals")
    rows = result.predictions.query("split == 'shuffled'")
    assert parity.mae == pytest.approx((rows["prediction"] - rows["target"]).abs().mean())
    doubt = result.uncertainty()
    assert list(doubt.coverage) == [0.9]
    assert result.verdict == ""


def test_unknown_options_are_refused(honest):
    truth, predicted, std = honest
    with pytest.raises(ValueError, match="kind must be one of"):
        ParityDisplay(truth, predicted).plot(kind="scatter")
    with pytest.raises(ValueError, match="kind must be one of"):
        UncertaintyDisplay(truth, std).plot(kind="scatter")
    with pytest.raises(ValueError, match="No error bars to draw"):
        ParityDisplay(truth, predicted).plot(error_bars=True)
    with pytest.raises(ValueError, match="No labels to write"):
        ParityDisplay(truth, predicted).plot(n_labels=3)
    from matplotlib.figure import Figure

    with pytest.raises(ValueError, match="Expected 3 axes to draw on, got 2"):
        UncertaintyDisplay(truth, std).plot(Figure().subplots(1, 2))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ParityDisplay(truth, predicted[1:])


def test_missing_library_says_what_to_install(monkeypatch, honest):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(optional_packages, "import_module", missing)
    with pytest.raises(ImportError, match=r"A plot needs matplotlib.*cromel-sklearn\[inspect\]"):
        ParityDisplay.from_predictions(*honest[:2])


def test_displays_say_in_one_line_what_they_show():
    from cromel_sklearn import (
        CompositionMapDisplay,
        ElementContributionDisplay,
        ElementCoverageDisplay,
    )

    parity = ParityDisplay([1.0, 2.0, 4.0], [1.0, 2.0, 3.0], target_name="gap (eV)")
    assert repr(parity) == "ParityDisplay(3 rows of gap (eV): MAE 0.333, R2 0.786)"
    doubt = UncertaintyDisplay([0.1, -0.2, 0.4], [1, 2, 3], target_name="gap (eV)")
    assert repr(doubt) == (
        "UncertaintyDisplay(3 rows of gap (eV): rank correlation 1.00, 100% of the possible gain)"
    )
    plane = CompositionMapDisplay([[0, 0], [1, 1]], ["NaCl", "MgO"], color=[1, 2], color_name="gap")
    assert repr(plane) == "CompositionMapDisplay(2 compositions, colored by gap)"
    coverage = ElementCoverageDisplay({8: 3, 11: 5})
    assert repr(coverage) == "ElementCoverageDisplay(2 elements; Na in 5, O in 3 rows)"
    shares = ElementContributionDisplay({11: 0.5, 17: -1.0}, {"T_K": 0.1}, base=2, prediction=1.6)
    assert repr(shares) == (
        "ElementContributionDisplay(prediction 1.6, mean of the comparison 2; "
        "Cl -1, Na +0.5, T_K +0.1)"
    )


def test_parity_has_the_same_scale_on_both_axes():
    axes = ParityDisplay([0.0, 1.0, 10.0], [-2.0, 1.0, 3.0]).plot().ax_
    assert axes.get_xlim() == axes.get_ylim()
    np.testing.assert_array_equal(axes.get_xticks(), axes.get_yticks())
