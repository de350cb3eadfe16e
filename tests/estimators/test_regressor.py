"""The regressor: folds share nothing, odd data is taken or named, uncertainty means something."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score

from cromel_sklearn import (
    CalibrationError,
    CroMELRegressor,
    DeviceError,
    EncoderNotFoundError,
    InvalidCompositionError,
    InvalidCompositionWarning,
    InvalidTableError,
    load_encoder,
    load_standard_enthalpies,
)

SALTS = [f"{a}{h}" for a in ("Li", "Na", "K", "Rb", "Cs") for h in ("F", "Cl", "Br", "I")]
Y = np.linspace(-3.0, -1.0, 20)
STOCK = ["element_trees", "fraction_trees", "support_vectors", "gaussian_process", "boosting"]


@pytest.fixture
def settings(checkpoint, small_members):
    """Parameters of a regressor that takes a fraction of a second."""
    return {"encoder": checkpoint, "members": STOCK, "device": "cpu", "random_state": 0}


@pytest.fixture
def table():
    """Two temperatures of every salt, and a target that depends on both."""
    frame = pd.DataFrame({"formula": SALTS * 2, "temperature_K": [300.0] * 20 + [900.0] * 20})
    return frame, np.concatenate([Y, Y + 2.0])


def test_pretrained_embeddings_beat_random_ones_on_measured_enthalpies():
    sample = load_standard_enthalpies()
    formulas, target = sample.formulas.to_numpy(), sample.target
    rows = np.random.default_rng(0).permutation(len(target))
    train, test = rows[:100], rows[100:300]
    scores = {}
    for name, encoder in (
        ("pretrained", "mp-multi@2.0"),
        ("random", load_encoder("mp-multi@2.0").untrained()),
    ):
        model = CroMELRegressor(encoder, members=STOCK, device="cpu", random_state=0)
        model.fit(formulas[train], target[train])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of rows with new elements
            scores[name] = r2_score(target[test], model.predict(formulas[test]))
    assert scores["pretrained"] > max(0.88, scores["random"] + 0.05)


def test_a_fit_does_not_depend_on_the_fit_before(settings, checkpoint):
    settings["members"] = ["element_trees", "networks"]
    before = pickle.dumps(checkpoint.tensors)
    used = CroMELRegressor(**settings).fit(SALTS[:15], Y[:15]).fit(SALTS[5:], Y[5:])
    fresh = CroMELRegressor(**settings).fit(SALTS[5:], Y[5:])
    assert np.array_equal(used.predict(SALTS[5:]), fresh.predict(SALTS[5:]))
    assert pickle.dumps(checkpoint.tensors) == before


def test_same_seed_gives_the_same_alone_or_in_parallel(settings):
    settings["members"] = "auto"
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    first = CroMELRegressor(**settings).fit(SALTS, Y).predict(SALTS, return_std=True)
    assert np.array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    parallel = CroMELRegressor(**settings, n_jobs=2).fit(SALTS, Y)
    settings["random_state"] = 1
    other = CroMELRegressor(**settings).fit(SALTS, Y).predict(SALTS)
    assert np.array_equal(first, parallel.predict(SALTS, return_std=True))
    assert not np.array_equal(first[0], other)


def test_prediction_of_a_row_does_not_depend_on_the_others(settings):
    settings["members"] = "auto"
    model = CroMELRegressor(**settings).fit(SALTS, Y)
    together = model.predict(SALTS)
    np.testing.assert_allclose([model.predict([salt])[0] for salt in SALTS], together, rtol=1e-7)


def test_long_tables_are_predicted_in_chunks(settings, table, monkeypatch):
    frame, y = table
    model = CroMELRegressor(**settings).fit(frame, y)
    expected = model.predict(frame, return_std=True)
    monkeypatch.setattr("cromel_sklearn.estimators.stack.CHUNK", 7)
    np.testing.assert_allclose(model.predict(frame, return_std=True), expected, rtol=1e-9)


def test_compositions_are_held_out_together(settings, table, monkeypatch):
    from cromel_sklearn.estimators import regressor, uncertainty

    seen = []
    learn = uncertainty.learn_uncertainty
    monkeypatch.setattr(
        uncertainty, "learn_uncertainty", lambda *args: seen.append(args[3].folds) or learn(*args)
    )
    assert regressor.CroMELRegressor(**settings).fit(*table)
    held_out = [set(table[0]["formula"].iloc[test]) for _, test in seen[0]]
    assert len(held_out) == 5
    assert sum(map(len, held_out)) == len(set.union(*held_out)) == len(SALTS)


def test_numeric_columns_are_used(settings, table):
    frame, y = table
    model = CroMELRegressor(**settings).fit(frame, y)
    cold, hot = (
        model.predict(frame.assign(temperature_K=value)).mean() for value in (300.0, 900.0)
    )
    assert hot - cold > 1.0
    assert model.n_features_in_ == 2
    assert list(model.feature_names_in_) == ["formula", "temperature_K"]


@pytest.mark.parametrize("form", ["array", "named", "polars", "shuffled"])
def test_tables_in_every_form_give_the_same(form, settings, table):
    frame, y = table
    expected = CroMELRegressor(**settings).fit(frame, y).predict(frame)
    named = form == "named"
    X = {
        "array": frame.to_numpy(),
        "named": frame.assign(
            temperature_K=frame["temperature_K"].astype(str), note="cast", mass=np.arange(40)
        ),
        "shuffled": frame[["temperature_K", "formula"]],
    }
    if form == "polars":
        X["polars"] = pytest.importorskip("polars").from_pandas(frame)
    settings["feature_columns"] = ["temperature_K"] if named else None
    settings["formula_column"] = "formula" if named else None
    model = CroMELRegressor(**settings).fit(X[form], y)
    assert np.array_equal(model.predict(X[form]), expected)


def test_a_new_table_may_have_more_columns_in_any_order(settings, table):
    frame, y = table
    model = CroMELRegressor(**settings).fit(frame, y)
    new = frame[["temperature_K", "formula"]].assign(comment="new", mass=1.0)
    assert np.array_equal(model.predict(new), model.predict(frame))
    with pytest.raises(InvalidTableError, match="X lacks the columns .'temperature_K'."):
        model.predict(new.drop(columns="temperature_K"))
    with pytest.raises(InvalidTableError, match="X has 1 columns, but the model is expecting 2"):
        model.predict(SALTS)


def test_a_column_that_is_the_target_is_refused(settings, table):
    frame, y = table
    with pytest.raises(InvalidTableError, match="Column 'energy' of X equals the target y"):
        CroMELRegressor(**settings).fit(frame.assign(energy=y), y)


def test_invalid_rows_are_left_out_and_predicted_as_nan(settings):
    formulas = [*SALTS, "not a formula"]
    y = np.append(Y, 5.0)
    with pytest.raises(InvalidCompositionError, match="index 20(.|\n)*pass on_invalid='drop'"):
        CroMELRegressor(**settings).fit(formulas, y)
    with pytest.warns(InvalidCompositionWarning, match="index 20(.|\n)*These rows are left out"):
        model = CroMELRegressor(**settings, on_invalid="drop").fit(formulas, y)
    expected = CroMELRegressor(**settings).fit(SALTS, Y)
    assert np.array_equal(model.predict(SALTS), expected.predict(SALTS))
    expected.set_params(on_invalid="nan")
    for fitted in (model, expected):
        with pytest.warns(InvalidCompositionWarning):
            mean, std = fitted.predict(["NaCl", "?"], return_std=True)
        assert np.isnan([mean, std]).tolist() == [[False, True], [False, True]]
        with pytest.warns(InvalidCompositionWarning):
            assert np.isnan(fitted.predict_interval(["?", "NaCl"], 0.5)[0]).all()


def test_a_table_of_which_no_row_can_be_read_is_predicted_as_nan(settings):
    model = CroMELRegressor(**settings, on_invalid="nan").fit(SALTS, Y)
    with pytest.warns(InvalidCompositionWarning):
        mean, std = model.predict(["?", None], return_std=True)
    with pytest.warns(InvalidCompositionWarning):
        interval, score = model.predict_interval(["?", None], 0.5), model.domain_score(["?", None])
    assert [mean.shape, std.shape, interval.shape, score.shape] == [(2,), (2,), (2, 2), (2,)]
    assert np.isnan(np.column_stack([mean, std, interval, score])).all()
    with pytest.warns(InvalidCompositionWarning):
        assert not model.in_domain(["?", None]).any()


def test_what_has_no_order_or_no_real_part_is_refused(settings, table):
    with pytest.raises(InvalidCompositionError, match="got a set, whose order is none: rows would"):
        CroMELRegressor(**settings).fit(set(SALTS), Y)
    frame, y = table
    with pytest.raises(InvalidTableError, match="Column 'more' holds complex numbers; pass real"):
        CroMELRegressor(**settings).fit(frame.assign(more=1j), y)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("members", "all"), ("target_transform", "square"), ("time_limit", 0), ("n_jobs", "two"),
        ("on_invalid", "ignore"), ("feature_columns", "load"), ("target_min", "0"),
    ],
)  # fmt: skip
def test_wrong_parameters_are_named_with_their_range(parameter, value, settings):
    settings[parameter] = value
    with pytest.raises(ValueError, match=f"The '{parameter}' parameter of CroMELRegressor must be"):
        CroMELRegressor(**settings).fit(SALTS, Y)


def test_encoder_device_and_members_that_are_not_there(settings):
    with pytest.raises(EncoderNotFoundError, match="No encoder 'none'"):
        CroMELRegressor(**{**settings, "encoder": "none"}).fit(SALTS, Y)
    with pytest.raises(DeviceError, match="is not on this machine"):
        CroMELRegressor(**{**settings, "device": "cuda:99"}).fit(SALTS, Y)
    with pytest.raises(ValueError, match=r"members must be 'auto' or some of \['element_trees',"):
        CroMELRegressor(**{**settings, "members": ["trees"]}).fit(SALTS, Y)
    with pytest.raises(NotFittedError):
        CroMELRegressor(**settings).predict(SALTS)


@pytest.mark.parametrize(
    ("X", "y", "error", "message"),
    [
        (["NaCl", "KCl"], [1, 2], InvalidTableError, "at least 3 different compositions"),
        (["NaCl"] * 9, range(9), InvalidTableError, r"got 1 \(n_samples=9\)"),
        (SALTS, Y[:5], ValueError, "inconsistent numbers of samples"),
        (SALTS, [*Y[1:], np.nan], InvalidTableError, "y has no measured value at index 19"),
        (SALTS, [*Y[1:], 1e300], InvalidTableError, "y has 1e.300 at index 19"),
        (SALTS, Y * 1e200, InvalidTableError, "y has -3e.200 at index 0"),
        (SALTS, None, ValueError, "requires y to be passed"),
    ],
)
def test_bad_input_is_named(X, y, error, message, settings):
    with pytest.raises(error, match=message):
        CroMELRegressor(**settings).fit(X, y)


def test_no_rows_are_refused_in_predict_too(settings):
    model = CroMELRegressor(**settings).fit(SALTS, Y)
    with pytest.raises(InvalidTableError, match=r"X has no rows \(n_samples=0\)"):
        model.predict([])


def test_large_weights_are_refused_and_bad_ones_named(settings):
    weight = np.ones(20)
    for value, message in ((1e300, "1e.300 at index 5"), (-0.5, "-0.5 at index 5; expected zero")):
        weight[5] = value
        with pytest.raises(InvalidTableError, match=f"sample_weight has {message}"):
            CroMELRegressor(**settings).fit(SALTS, Y, sample_weight=weight)


def test_rows_of_zero_weight_change_nothing(settings):
    settings["members"] = "auto"
    weight = np.append(np.ones(20), 0.0)
    with_row = CroMELRegressor(**settings).fit([*SALTS, "NaK"], np.append(Y, 99.0), weight)
    without = CroMELRegressor(**settings).fit(SALTS, Y)
    assert np.array_equal(
        with_row.predict(SALTS, return_std=True), without.predict(SALTS, return_std=True)
    )


@pytest.mark.filterwarnings("ignore:No member predicts rows")
def test_sample_weights_decide_between_contradicting_rows(settings):
    settings["members"] = "auto"
    y = np.concatenate([np.zeros(20), np.ones(20)])
    means = []
    for heavy in (0, 1):
        weight = np.where(y == heavy, 100.0, 1.0)
        model = CroMELRegressor(**settings).fit(SALTS * 2, y, sample_weight=weight)
        means.append(model.predict(SALTS).mean())
    assert means[0] < 0.2
    assert means[1] > 0.8


def test_weights_and_standard_deviations_are_routed(settings):
    with sklearn.config_context(enable_metadata_routing=True):
        model = CroMELRegressor(**settings).set_fit_request(sample_weight=True)
        model.set_score_request(sample_weight=True)
        weights = {"sample_weight": np.ones(40)}
        scores = cross_val_score(model, SALTS * 2, np.tile(Y, 2), cv=2, params=weights)
    assert scores.shape == (2,)


def test_constant_targets_are_predicted_exactly(settings):
    mean, std = CroMELRegressor(**settings).fit(SALTS, np.full(20, 2.5)).predict(SALTS, True)
    assert np.array_equal(mean, np.full(20, 2.5))
    assert (std < 1e-6).all()


@pytest.mark.filterwarnings("ignore:No member predicts rows")
def test_three_rows_are_enough(settings):
    model = CroMELRegressor(**settings).fit(["NaCl", "KCl", "NaBr"], [-2.0, -2.2, -3.0])
    assert np.isfinite(model.predict(["NaCl", "KCl"], return_std=True)).all()


@pytest.mark.filterwarnings("ignore:No member predicts rows")
def test_one_outlier_moves_no_other_row(settings):
    y = np.random.default_rng(0).normal(-1.0, 0.1, 20)
    expected, deviation = CroMELRegressor(**settings).fit(SALTS, y).predict(SALTS, True)
    y[7] = 1e9
    with pytest.warns(UserWarning, match="y has 1e.09 at index 7, far from all other rows"):
        model = CroMELRegressor(**settings).fit(SALTS, y)
    mean, std = model.predict(SALTS, return_std=True)
    others = np.arange(20) != 7
    assert np.abs(mean - expected)[others].mean() < 0.2
    assert np.median(std) < 5 * np.median(deviation)


@pytest.mark.parametrize("seed", range(4))
def test_forty_rows_are_never_worse_than_their_mean(seed):
    sample = load_standard_enthalpies()
    rows = np.random.default_rng(seed).permutation(len(sample.target))
    train, test = rows[:40], rows[40:140]
    formulas = sample.formulas.to_numpy()
    model = CroMELRegressor("mp-multi@2.0", members=STOCK, random_state=0)
    model.fit(formulas[train], sample.target[train])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        error = mean_absolute_error(sample.target[test], model.predict(formulas[test]))
    constant = np.abs(sample.target[test] - np.median(sample.target[train])).mean()
    assert error < 0.5 * constant


def test_several_outputs_with_missing_values(settings):
    settings["members"] = "auto"
    y = np.column_stack([Y, -Y])
    y[::2, 1] = np.nan
    y[1::4, 0] = np.nan
    model = CroMELRegressor(**settings).fit(SALTS, y)
    mean, std = model.predict(SALTS, return_std=True)
    assert mean.shape == std.shape == (20, 2)
    assert np.corrcoef(mean[:, 0], Y)[0, 1] > 0.7
    assert np.corrcoef(mean[:, 1], -Y)[0, 1] > 0.7
    assert model.predict_interval(SALTS, 0.5).shape == (20, 2, 2)


def test_bounds_and_logarithms_hold_in_intervals(settings):
    y = np.logspace(-3, 3, 20)
    model = CroMELRegressor(**settings, target_transform="log10", target_max=1e3).fit(SALTS, y)
    interval = model.predict_interval(SALTS, 0.9)
    assert (interval > 0).all()
    assert (interval <= 1e3).all()
    mean, std = model.predict(SALTS, return_std=True)
    assert (mean > 0).all()
    assert (std > 0).all()
    bounded = CroMELRegressor(**settings, target_min=-3.0, target_max=-1.0).fit(SALTS, Y)
    interval = bounded.predict_interval(SALTS, 0.9)
    assert interval.min() >= -3.0
    assert interval.max() <= -1.0


def test_time_limit_leaves_members_out_and_says_which(settings):
    settings["members"] = "auto"
    with pytest.warns(ConvergenceWarning, match="Members were left out: .*networks: no time is"):
        model = CroMELRegressor(**settings, time_limit=1e-6).fit(SALTS, Y)
    assert list(model.member_weights_) == ["element_trees"]
    assert "time_limit=1e-06 s" in model.left_out_["networks"]
    assert np.isfinite(model.predict(SALTS)).all()


def test_interruption_leaves_a_usable_model(settings, monkeypatch):
    from cromel_sklearn.estimators.stack_fit import StackFit

    fit_stock = StackFit._fit_stock

    def interrupted(self, name, *args):
        if name == "support_vectors":
            raise KeyboardInterrupt
        return fit_stock(self, name, *args)

    monkeypatch.setattr(StackFit, "_fit_stock", interrupted)
    with pytest.warns(ConvergenceWarning, match="left out: support_vectors: interrupted"):
        model = CroMELRegressor(**settings).fit(SALTS, Y)
    assert list(model.member_weights_) == ["element_trees", "fraction_trees"]
    assert np.isfinite(model.predict(SALTS)).all()


def test_nothing_is_shown_where_there_is_no_terminal(settings, capsys):
    CroMELRegressor(**settings, verbose=1).fit(SALTS, Y)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_cross_validation_and_search(settings):
    model = CroMELRegressor(**settings)
    formulas, y = SALTS * 2, np.tile(Y, 2)
    assert cross_val_score(model, formulas, y, cv=2).shape == (2,)
    grid = {"members": [["element_trees"], ["support_vectors"]]}
    assert GridSearchCV(model, grid, cv=2).fit(formulas, y).predict(SALTS).shape == (20,)
    assert clone(model).get_params() == model.get_params()


def test_coverage_and_calibration_are_checked(settings):
    model = CroMELRegressor(**settings).fit(SALTS, Y)
    with pytest.raises(ValueError, match="coverage must be between 0 and 1, got '0.9'"):
        model.predict_interval(SALTS, "0.9")
    with pytest.raises(ValueError, match="coverage must be between 0 and 1, got 90"):
        model.predict_interval(SALTS, 90)
    with pytest.raises(CalibrationError, match="coverage=0.99 needs at least 99 rows in fit, th"):
        model.predict_interval(SALTS, 0.99)
