"""Where people put estimators: pipelines, columns, searches, clones, pickles, frames."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import estimator_checks

import cromel_sklearn
from cromel_sklearn import CroMELPretrainer, CroMELTransformer, load_standard_enthalpies
from cromel_sklearn.demo import element_statistics

ESTIMATORS = [CroMELTransformer(), CroMELPretrainer()]
# scikit-learn's common checks that feed no table of numbers.
CHECKS = [
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_set_params",
    "check_valid_tag_types",
]
SAMPLE = load_standard_enthalpies()
FORMULAS, TARGET = list(SAMPLE.formulas[:100]), SAMPLE.target[:100]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_parameters_are_stored_untouched_and_cloned(estimator):
    values = {name: object() for name in estimator.get_params(deep=False)}
    changed = type(estimator)(**values)
    assert all(getattr(changed, name) is value for name, value in values.items())
    assert clone(estimator).get_params() == estimator.get_params()
    assert vars(clone(estimator)).keys() == values.keys()


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("check", CHECKS)
def test_scikit_learn_checks_that_need_no_numbers_pass(check, estimator):
    getattr(estimator_checks, check)(type(estimator).__name__, estimator)


def test_every_public_name_is_importable_and_documented():
    for name in cromel_sklearn.__all__:
        assert getattr(cromel_sklearn, name).__doc__
    assert set(cromel_sklearn.__all__) <= set(dir(cromel_sklearn))
    with pytest.raises(AttributeError, match="has no attribute 'CroMEL'"):
        _ = cromel_sklearn.CroMEL


def test_the_readme_pipeline():
    model = Pipeline([("cromel", CroMELTransformer()), ("model", GradientBoostingRegressor())])
    assert model.fit(FORMULAS, TARGET).predict(["MgO"]).shape == (1,)


@pytest.mark.parametrize("column", ["formula", ["formula"]])
def test_column_transformer_beside_a_numeric_column(column):
    frame = pd.DataFrame({"formula": FORMULAS, "temperature_K": np.linspace(300, 900, 100)})
    columns = ColumnTransformer(
        [("cromel", CroMELTransformer(), column), ("numeric", StandardScaler(), ["temperature_K"])]
    )
    model = make_pipeline(columns, Ridge()).fit(frame, TARGET)
    assert model.predict(frame).shape == (100,)
    assert columns.get_feature_names_out()[-1] == "numeric__temperature_K"


def test_feature_union_with_another_featurizer():
    union = FeatureUnion(
        [("cromel", CroMELTransformer()), ("elements", FunctionTransformer(element_statistics))]
    )
    n_columns = CroMELTransformer().get_feature_names_out().size + 111
    assert union.fit_transform(FORMULAS).shape == (100, n_columns)


def test_grid_search_gives_the_same_numbers_in_parallel():
    pipeline = Pipeline([("cromel", CroMELTransformer()), ("model", Ridge())])
    grid = {"cromel__output": ["embedding", "properties"], "model__alpha": [0.1, 10.0]}
    scores = [
        GridSearchCV(pipeline, grid, cv=3, n_jobs=n_jobs)
        .fit(FORMULAS, TARGET)
        .cv_results_["mean_test_score"]
        for n_jobs in (1, 2)
    ]
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-6)


def test_cross_val_score_takes_a_series_and_a_frame():
    model = make_pipeline(CroMELTransformer(), Ridge())
    folds = KFold(3)
    series, frame = pd.Series(FORMULAS, name="formula"), pd.DataFrame({"formula": FORMULAS})
    expected = cross_val_score(model, FORMULAS, TARGET, cv=folds)
    assert np.array_equal(cross_val_score(model, series, TARGET, cv=folds), expected)
    assert np.array_equal(cross_val_score(model, frame, TARGET, cv=folds), expected)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_set_output(library):
    frame = CroMELTransformer().set_output(transform=library).fit_transform(FORMULAS)
    assert type(frame).__module__.startswith(library)
    assert list(frame.columns) == list(CroMELTransformer().get_feature_names_out())


def test_set_output_keeps_the_index():
    series = pd.Series(["NaCl", "MgO"], index=[7, 3], name="formula")
    frame = CroMELTransformer().set_output(transform="pandas").fit_transform(series)
    assert list(frame.index) == [7, 3]


def test_changed_encoder_is_used_at_once(checkpoint):
    transformer = CroMELTransformer(checkpoint).fit(["NaCl"])
    expected = CroMELTransformer().transform(["NaCl"])
    assert np.array_equal(transformer.set_params(encoder="mp-multi").transform(["NaCl"]), expected)


def test_memory_caches_the_embeddings(tmp_path):
    model = make_pipeline(CroMELTransformer(), Ridge(), memory=str(tmp_path))
    first = model.fit(FORMULAS, TARGET).predict(FORMULAS)
    assert np.array_equal(model.fit(FORMULAS, TARGET).predict(FORMULAS), first)


def test_fit_leaves_its_input_alone():
    frame = pd.DataFrame({"formula": FORMULAS})
    before = frame.copy()
    CroMELTransformer().fit_transform(frame)
    pd.testing.assert_frame_equal(frame, before)
