"""Searches, cross-validation, calibration and inspection, on measured data."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 (makes it importable)
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    KFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from tasks import load_task

from cromel_sklearn import CroMELTransformer, list_encoders, load_standard_enthalpies
from cromel_sklearn.data.composition import reduced_formulas

PIPELINE = Pipeline(
    [("cromel", CroMELTransformer()), ("scaler", StandardScaler()), ("model", Ridge(10.0))]
)
GRID = {
    "cromel__encoder": list_encoders(),
    "cromel__output": ["embedding", "all"],
    "model__alpha": [1.0, 100.0],
}


@pytest.fixture(scope="module", params=["bundled sample", "formation_enthalpy"])
def enthalpies(request):
    """Formulas and measured enthalpies of formation in eV/atom."""
    if request.param == "bundled sample":
        sample = load_standard_enthalpies()
        return sample.formulas[:200], sample.target[:200]
    task = load_task(request.param, request.getfixturevalue("data_home"))
    rows = np.random.default_rng(0).permutation(len(task.X))[:200]
    return task.X["formula"].iloc[rows], task.target[rows]


def test_grid_search_over_encoder_output_and_model(enthalpies):
    search = GridSearchCV(PIPELINE, GRID, cv=3, error_score="raise").fit(*enthalpies)
    assert len(search.cv_results_["params"]) == 4 * len(list_encoders())
    assert search.best_score_ > 0.5
    assert search.predict(["MgO", "NaCl"]).shape == (2,)


def test_halving_grid_search(enthalpies):
    search = HalvingGridSearchCV(
        PIPELINE, GRID, cv=3, error_score="raise", min_resources=50, random_state=0
    )
    assert search.fit(*enthalpies).best_params_["cromel__encoder"] in list_encoders()


def test_search_over_checkpoints(checkpoint):
    grid = {"cromel__encoder": ["mp-multi", checkpoint.untrained()], "cromel__on_invalid": ["nan"]}
    halides = pd.Series(["LiF", "NaCl", "KBr", "RbI", "CsF", "LiCl", "NaBr", "KI", "RbF", "CsCl"])
    search = GridSearchCV(PIPELINE, grid, cv=2, error_score="raise")
    assert len(search.fit(halides, np.arange(10.0)).cv_results_["params"]) == 2


def test_cross_validation_takes_every_form_of_the_column(enthalpies):
    series, target = enthalpies
    folds = KFold(3)
    expected = cross_val_score(PIPELINE, list(series), target, cv=folds)
    for form in (series, series.to_frame("formula"), series.to_numpy()):
        assert np.array_equal(cross_val_score(PIPELINE, form, target, cv=folds), expected)
    scores = cross_validate(PIPELINE, series, target, cv=folds, return_estimator=True)
    assert np.array_equal(scores["test_score"], expected)
    encoders = {id(model["cromel"].encoder_) for model in scores["estimator"]}
    assert len(encoders) == 1
    assert cross_val_predict(PIPELINE, series, target, cv=folds).shape == target.shape


def test_groups_are_routed_to_the_splitter(enthalpies):
    series, target = enthalpies
    groups = reduced_formulas(series)
    expected = cross_val_score(PIPELINE, series, target, cv=GroupKFold(3), groups=groups)
    with sklearn.config_context(enable_metadata_routing=True):
        scores = cross_validate(
            PIPELINE, series, target, cv=GroupKFold(3), params={"groups": groups}
        )
    assert np.array_equal(scores["test_score"], expected)


def test_calibrated_classifier(enthalpies):
    series, target = enthalpies
    is_stable = target < np.median(target)
    model = make_pipeline(CroMELTransformer(), StandardScaler(), LogisticRegression(max_iter=1000))
    for ensemble in (True, False):
        calibrated = CalibratedClassifierCV(model, cv=3, ensemble=ensemble).fit(series, is_stable)
        probability = calibrated.predict_proba(series)
        np.testing.assert_allclose(probability.sum(axis=1), 1)
        assert calibrated.score(series, is_stable) > 0.7


def test_permutation_importance_of_column_and_of_outputs(enthalpies):
    series, target = enthalpies
    frame = series.to_frame("formula")
    transformer = CroMELTransformer(output="properties").set_output(transform="pandas")
    model = make_pipeline(transformer, ExtraTreesRegressor(50, random_state=0)).fit(frame, target)
    whole = permutation_importance(model, frame, target, n_repeats=2, random_state=0)
    assert whole.importances_mean[0] > 0.5
    outputs = model[:-1].transform(frame)
    parts = permutation_importance(model[-1], outputs, target, n_repeats=2, random_state=0)
    most_important = outputs.columns[parts.importances_mean.argmax()]  # by whichever database
    assert most_important.endswith("formation_energy_eV_per_atom")


def test_partial_dependence_on_an_output_column(enthalpies):
    series, target = enthalpies
    transformer = CroMELTransformer(output="properties").set_output(transform="pandas")
    model = make_pipeline(transformer, ExtraTreesRegressor(50, random_state=0))
    model.fit(series, target)
    outputs = model[:-1].transform(series).astype(float)  # pandas 3 sets no double in a float32
    name = "formation_energy_eV_per_atom"
    dependence = partial_dependence(model[-1], outputs, [name], kind="average")
    average = dependence["average"][0]
    assert average[-1] > average[0]
    assert np.corrcoef(average, dependence["grid_values"][0])[0, 1] > 0.9
