"""`evaluate`: rows held out together, baselines beside the model, the gap named."""

import dataclasses
import sys

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from cromel_sklearn import (
    CroMELRegressor,
    InvalidCompositionError,
    InvalidTableError,
    evaluate,
    load_standard_enthalpies,
)
from cromel_sklearn.data.composition import read_compositions, reduced_formulas
from cromel_sklearn.inspection import baselines
from cromel_sklearn.inspection.held_out_splits import nested_training_rows
from cromel_sklearn.inspection.measured_table import read_measured_table

QUICK = {"baselines": ["mean"], "learning_curve": False}


class Decades(RegressorMixin, BaseEstimator):
    """Predicts the geometric mean, and says that it learns the logarithm."""

    def __init__(self, target_transform="log10"):
        self.target_transform = target_transform

    def fit(self, X, y):
        self.mean_ = 10 ** np.log10(y).mean()
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


def test_of_a_logarithmic_target_the_logarithms_are_scored_first():
    formulas = load_standard_enthalpies().formulas[:40]
    y = 10.0 ** np.linspace(-3, 2, 40)
    options = {"baselines": ["mean", "fractions"], "learning_curve": False}
    result = evaluate(Decades(), formulas, y, splits=["composition"], **options)
    assert result.score_names[:2] == ("mae_log10", "r2_log10")
    ours, mean, fractions = (
        result.table().loc[("composition", name)] for name in ("Decades", "mean", "fractions")
    )
    pd.testing.assert_series_equal(ours.drop("seconds"), mean.drop("seconds"), check_names=False)
    rows = result.predictions
    decades = np.abs(np.log10(rows["target"]) - np.log10(rows["prediction"]))
    assert ours["mae_log10"] == pytest.approx(decades.groupby(rows["fold"]).mean().mean())
    assert fractions["mae_log10"] < 5
    assert "MAE of log10" in repr(result)
    assert "R2 of log10" in result.to_html()
    linear = evaluate(Decades(None), formulas, y, splits=["composition"], **QUICK)
    assert linear.score_names == ("mae", "rmse", "r2")


def fractions(column):
    batch, inverse, _ = read_compositions(column)
    return batch.element_fractions()[inverse]


def on_fractions(model):
    return make_pipeline(FunctionTransformer(fractions), model)


class Oracle(RegressorMixin, BaseEstimator):
    """Predicts 0 with wide intervals, and states which rows are in its domain."""

    def __init__(self, formula_column=None):
        self.formula_column = formula_column

    def fit(self, X, y):
        self.columns_ = list(X) if isinstance(X, pd.DataFrame) else None
        return self

    def predict(self, X, return_std=False):
        zeros = np.zeros(len(X))
        return (zeros, zeros + 1) if return_std else zeros

    def predict_interval(self, X, coverage=0.9):
        return np.tile([-1e9 * coverage, 1e9], (len(X), 1))

    def in_domain(self, X):
        return np.arange(len(X)) % 2 == 0


@pytest.fixture(scope="module")
def temperatures() -> pd.DataFrame:
    """40 binaries of 20 systems at three temperatures; the target is a whim of each composition."""
    random = np.random.default_rng(0)
    metals, others = ("Li", "Na", "K", "Mg", "Ca"), ("F", "Cl", "O", "S")
    formulas = [f"{a}{n}{b}" for a in metals for b in others for n in ("", "2")]
    whims = dict(zip(formulas, random.normal(size=len(formulas)), strict=True))
    frame = pd.DataFrame({"formula": np.repeat(formulas, 3)})
    frame["temperature_K"] = np.tile([300.0, 400.0, 500.0], len(formulas))
    frame["zT"] = [whims[f] for f in frame["formula"]] + frame["temperature_K"] / 1e4
    return frame


@pytest.fixture(scope="module")
def remembered(temperatures):
    """Result of a model that remembers: the nearest neighbor."""
    model = on_fractions(KNeighborsRegressor(1))
    return evaluate(
        model, temperatures["formula"], temperatures["zT"], n_splits=4, baselines=["mean"]
    )


def test_rows_are_held_out_together_and_once(temperatures, remembered):
    predictions = remembered.predictions.merge(
        temperatures.reset_index(names="row")[["row", "formula"]], on=["row", "formula"]
    )
    assert len(predictions) == len(remembered.predictions) == 3 * len(temperatures)
    predictions["composition"] = reduced_formulas(predictions["formula"])
    predictions["system"] = [formula.replace("2", "") for formula in predictions["formula"]]
    for split, rows in predictions.groupby("split"):
        assert sorted(rows["row"]) == list(range(len(temperatures)))
        if split != "shuffled":
            assert (rows.groupby(split)["fold"].nunique() == 1).all()


def test_gap_between_remembering_and_knowing_is_named(remembered):
    r2 = remembered.table()["r2"].xs("Pipeline", level="model")
    assert r2["shuffled"] > 0.8
    assert r2["composition"] < 0.3
    assert f"Shuffled rows promise R2 {r2['shuffled']:.2f}" in remembered.gap
    assert f"it is {r2['composition']:.2f}" in remembered.gap
    assert "what the model remembers: 120 rows share 40 compositions" in remembered.gap
    assert "20 sets of elements" in remembered.gap


def test_scores_are_those_of_scikit_learn(temperatures):
    model, X, y = on_fractions(Ridge()), temperatures["formula"], temperatures["zT"].to_numpy()
    result = evaluate(model, X, y, splits=["composition"], random_state=7, **QUICK)
    folds = result.predictions.groupby("row")["fold"].first().to_numpy()
    expected = cross_val_predict(
        model, X, y, cv=[(np.flatnonzero(folds != k), np.flatnonzero(folds == k)) for k in range(5)]
    )
    got = result.predictions.sort_values("row")["prediction"]
    np.testing.assert_allclose(got, expected)
    errors = [mean_absolute_error(y[folds == k], expected[folds == k]) for k in range(5)]
    assert result.table().loc[("composition", "Pipeline"), "mae"] == pytest.approx(np.mean(errors))
    sizes = [len(test) for _, test in GroupKFold(5).split(X, y, reduced_formulas(X))]
    assert sorted(np.bincount(folds)) == sorted(sizes)


def test_baselines_stand_on_the_same_folds(temperatures):
    model = make_pipeline(
        make_column_transformer((FunctionTransformer(fractions), "formula")), Ridge()
    )
    result = evaluate(
        model, temperatures[["formula", "temperature_K"]], temperatures["zT"],
        baselines=["mean", "fractions"], learning_curve=False,
    )  # fmt: skip
    sizes = result.folds.groupby(["split", "fold"])[["n_train", "n_test"]].nunique()
    assert (sizes == 1).all(axis=None)
    table = result.table()
    assert list(table.index[:3]) == [
        ("shuffled", "Pipeline"), ("shuffled", "mean"), ("shuffled", "fractions"),
    ]  # fmt: skip
    # Trees that see the temperature tell the rows of one composition apart; shuffled, they know it.
    assert table.loc[("shuffled", "fractions"), "r2"] > 0.9
    assert '"mean"' in result.verdict or '"fractions"' in result.verdict


def test_same_result_from_any_container_and_any_number_of_jobs(temperatures):
    polars = pytest.importorskip("polars", reason="polars is not installed")
    X, y, model = temperatures["formula"], temperatures["zT"], on_fractions(Ridge())
    expected = evaluate(model, X, y, **QUICK).predictions
    for column in (list(X), X.to_numpy(), X.set_axis(X.index + 9), polars.Series(X.to_list())):
        pd.testing.assert_frame_equal(
            evaluate(model, column, list(y), **QUICK).predictions, expected
        )
    with parallel_config("threading"):
        parallel = evaluate(model, X, y, n_jobs=2, **QUICK)
    pd.testing.assert_frame_equal(parallel.predictions, expected)
    other = evaluate(model, X, y, random_state=1, **QUICK).predictions
    assert not other.equals(expected)


def test_dask_runs_the_fits(temperatures):
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    X, y, model = temperatures["formula"], temperatures["zT"], on_fractions(Ridge())
    expected = evaluate(model, X, y, **QUICK).predictions
    settings = {"processes": False, "n_workers": 1, "threads_per_worker": 2}
    with (
        distributed.Client(dashboard_address=None, **settings),
        parallel_config("dask"),
    ):
        found = evaluate(model, X, y, n_jobs=2, **QUICK)
    pd.testing.assert_frame_equal(found.predictions, expected)


def test_stated_doubt_is_counted(temperatures):
    result = evaluate(Oracle(), temperatures["formula"], temperatures["zT"], coverage=0.8, **QUICK)
    table = result.table().xs("Oracle", level="model")
    assert (table["coverage"] == 1).all()
    assert (table["interval_width"] == 1.8e9).all()
    assert (table["spearman"] == 0).all()
    assert "Intervals of 80% hold 100.0% rows shuffled" in result.doubt
    assert result.predictions["in_domain"].mean() == pytest.approx(0.5, abs=0.05)
    assert "coverage" not in evaluate(on_fractions(Ridge()), *_pair(temperatures), **QUICK).folds


def _pair(frame):
    return frame["formula"], frame["zT"]


def test_doubt_of_the_regressor_is_counted():
    sample = load_standard_enthalpies()
    model = CroMELRegressor(members=["support_vectors"], random_state=0)
    result = evaluate(
        model, sample.formulas[:80], sample.target[:80], splits=["composition"], n_splits=2,
        coverage=0.8, **QUICK,
    )  # fmt: skip
    row = result.table().loc[("composition", "CroMELRegressor")]
    assert row["r2"] > 0.5
    assert row["coverage"] > 0.5
    assert (result.predictions["std"] > 0).all()
    assert result.predictions["in_domain"].any()
    assert (result.predictions["lower"] < result.predictions["upper"]).all()


def test_model_sees_the_columns_that_are_named(temperatures):
    seen = []

    class Spy(Oracle):
        def fit(self, X, y):
            seen.append(list(X))
            return super().fit(X, y)

    frame = temperatures.assign(note="from a paper", load=1.0)
    evaluate(
        Spy(), frame, frame["zT"], formula_column="formula", feature_columns=["temperature_K"],
        **QUICK,
    )  # fmt: skip
    assert set(map(tuple, seen)) == {("formula", "temperature_K")}
    seen.clear()
    evaluate(Spy(formula_column="formula"), frame, frame["zT"], **QUICK)
    assert set(map(tuple, seen)) == {tuple(frame)}


@pytest.mark.parametrize("classes", [["metal", "salt"], [0, 1], ["a", "b", "c"]])
def test_classifiers(temperatures, classes):
    y = np.array(classes)[[len(f) % len(classes) for f in temperatures["formula"]]]
    model = on_fractions(LogisticRegression(C=1e3, max_iter=500))
    result = evaluate(model, temperatures["formula"], y, **QUICK)
    table = result.table()
    chance = table.xs("mean", level="model")
    assert chance["balanced_accuracy"].to_numpy() == pytest.approx(1 / len(classes), abs=0.01)
    assert (table["balanced_accuracy"] <= 1).all()
    names = [f"probability_{name}" for name in classes]
    np.testing.assert_allclose(result.predictions[names].sum(axis=1), 1)
    assert "balanced accuracy" in repr(result)
    worst = result.worst(5)
    assert (worst["prediction"] != worst["target"]).all()
    with pytest.raises(ValueError, match="predicts classes; this plot is of values"):
        result.parity()


def test_learning_curve_grows_by_whole_compositions(temperatures, remembered):
    curve = remembered.learning_curve()
    assert curve["n_train"].is_monotonic_increasing
    assert curve.index[-1] == 1
    table = read_measured_table(temperatures, temperatures["zT"], formula_column="formula")
    train = np.arange(90)
    small, large = (nested_training_rows(table, train, share, 0) for share in (0.25, 0.5))
    assert set(small) < set(large) < set(train)
    for rows in (small, large):
        outside = np.setdiff1d(train, rows)
        assert not set(table.composition_of_row[rows]) & set(table.composition_of_row[outside])


def test_splits_that_cannot_be_made_are_noted(temperatures):
    formulas = ["NaCl", "Na2Cl", "NaCl2"] * 4
    result = evaluate(on_fractions(Ridge()), formulas, np.arange(12.0), **QUICK)
    assert result.splits == ("shuffled", "composition")
    assert "No split by chemical system: too few groups" in repr(result)
    assert result.table().loc[("composition", "Pipeline"), "n_folds"] == 3
    with pytest.raises(ValueError, match="None of the splits"):
        evaluate(on_fractions(Ridge()), ["NaCl"] * 5, range(5), splits="system")


def test_one_question_is_asked_once(temperatures):
    pair = _pair(temperatures[::3])
    alone = evaluate(on_fractions(Ridge()), *pair, **QUICK)
    assert alone.splits == ("composition", "system")
    assert "Every row is a composition of its own" in repr(alone)
    r2 = alone.table()["r2"]
    assert f"{r2['system', 'Pipeline']:.2f}, " in alone.gap
    assert alone.gap.endswith("new compositions.")
    shuffled = evaluate(on_fractions(Ridge()), *pair, **{**QUICK, "splits": "shuffled"})
    assert shuffled.splits == ("shuffled",)
    assert shuffled.summary == (shuffled.verdict,)


def test_nothing_is_written_where_no_terminal_is(temperatures, capfd):
    evaluate(on_fractions(Ridge()), *_pair(temperatures), **QUICK)
    assert capfd.readouterr() == ("", "")


def test_result_is_short_and_never_changes(remembered):
    assert len(repr(remembered).splitlines()) < 25
    assert "by chemical system" in remembered._repr_html_()
    with pytest.raises(dataclasses.FrozenInstanceError):
        remembered.n_rows = 0
    worst = remembered.worst(3)
    assert worst["error"].abs().is_monotonic_decreasing
    with pytest.raises(ValueError, match="split must be one of"):
        remembered.worst(split="random")
    with pytest.raises(ValueError, match="states no standard deviations"):
        remembered.uncertainty()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"splits": ["composition", "element"]}, "splits must be some of"),
        ({"splits": []}, "splits must be some of"),
        ({"baselines": "median"}, "baselines must be some of"),
        ({"n_splits": 1}, "n_splits must be an integer of at least 2"),
        ({"coverage": 90}, "coverage must lie between 0 and 1"),
        ({"formula_column": "formula"}, "name columns of a DataFrame"),
    ],
)
def test_unknown_options_are_refused(temperatures, change, message):
    with pytest.raises(ValueError, match=message):
        evaluate(on_fractions(Ridge()), *_pair(temperatures), **change)


def test_tables_that_cannot_be_used_are_refused(temperatures):
    model, (X, y) = on_fractions(Ridge()), _pair(temperatures)
    with pytest.raises(InvalidTableError, match="y has nan at index 1"):
        evaluate(model, X[:3], [1.0, np.nan, 2.0])
    with pytest.raises(InvalidTableError, match="y has inf at index 2"):
        evaluate(model, X[:3], [1.0, 2.0, np.inf])
    with pytest.raises(InvalidTableError, match="X has 120 rows, and y has 119"):
        evaluate(model, X, y[1:])
    with pytest.raises(InvalidTableError, match="evaluate one target at a time"):
        evaluate(model, X, np.c_[y, y])
    with pytest.raises(InvalidTableError, match="Cannot tell which column holds the compositions"):
        evaluate(model, temperatures.assign(note="a"), y)
    with pytest.raises(InvalidTableError, match="No column 'compound' in the table"):
        evaluate(model, temperatures, y, formula_column="compound")
    with pytest.raises(InvalidTableError, match="feature_columns names"):
        evaluate(model, temperatures, y, feature_columns=["load"])
    with pytest.raises(InvalidCompositionError, match="index 1: 'Xx2'") as caught:
        evaluate(model, ["NaCl", "Xx2"], [1.0, 2.0])
    assert "correct them or leave them out" in str(caught.value)
    assert "on_invalid" not in str(caught.value)
    with pytest.raises(InvalidCompositionError, match="and 2 more"):
        evaluate(model, ["?"] * 7, range(7))
    with pytest.raises(ValueError, match="Expected a regressor or classifier"):
        evaluate(FunctionTransformer(), X, y)


def test_magpie_without_matminer(temperatures, monkeypatch):
    monkeypatch.setitem(sys.modules, "matminer.featurizers.composition", None)
    with pytest.raises(ImportError, match="needs matminer, which is not installed"):
        evaluate(on_fractions(Ridge()), *_pair(temperatures), baselines=["magpie"])
    monkeypatch.setattr(baselines, "find_spec", lambda name: None)
    assert baselines.installed_baselines() == ("mean", "fractions")


def test_magpie_with_matminer():
    pytest.importorskip("matminer", reason="matminer is not installed")
    table = read_measured_table(["NaCl", "Na2Cl2", "Fe0.5Ni0.5"], [1, 2, 3])
    columns = baselines.baseline_features("magpie", table)
    assert columns.shape == (3, 132)
    assert np.array_equal(columns[0], columns[1])
