"""Where people put estimators: pipelines, columns, unions, frames, caches, other libraries."""

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from public_estimators import ESTIMATORS
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import GradientBoostingRegressor, StackingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from tasks import load_task

import cromel_sklearn
from cromel_sklearn import (
    Checkpoint,
    CroMELTransformer,
    load_standard_enthalpies,
)
from cromel_sklearn.cli.demo import element_statistics
from cromel_sklearn.encoders import registry

N_ROWS = 120


@pytest.fixture(scope="module", params=["bundled sample", "zT"])
def measured(request):
    """Frame with a formula and a temperature column, and the measured values."""
    if request.param == "bundled sample":
        sample = load_standard_enthalpies()
        frame = pd.DataFrame({"formula": sample.formulas, "temperature_K": 298.15})
        return frame[:N_ROWS], sample.target[:N_ROWS]
    task = load_task(request.param, request.getfixturevalue("data_home"))
    rows = np.random.default_rng(0).permutation(len(task.X))[:N_ROWS]
    return task.X.iloc[rows], task.target[rows]


@pytest.fixture(scope="module")
def formulas(measured):
    """The formula column alone."""
    return measured[0]["formula"]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_parameters_are_stored_untouched_and_cloned(estimator):
    values = {name: object() for name in estimator.get_params(deep=False)}
    changed = type(estimator)(**values)
    assert all(getattr(changed, name) is value for name, value in values.items())
    assert vars(changed).keys() == values.keys()
    assert clone(estimator).get_params() == estimator.get_params()
    assert vars(clone(estimator)).keys() == values.keys()
    assert type(estimator)().set_params(**values).get_params(deep=False) == values
    with pytest.raises(ValueError, match="Invalid parameter 'colour' for estimator"):
        estimator.set_params(colour="red")


def test_every_public_name_is_importable_and_documented():
    for name in cromel_sklearn.__all__:
        assert getattr(cromel_sklearn, name).__doc__
    assert set(cromel_sklearn.__all__) <= set(dir(cromel_sklearn))
    with pytest.raises(AttributeError, match="has no attribute 'CroMEL'"):
        _ = cromel_sklearn.CroMEL


def test_the_readme_pipeline(measured, formulas):
    model = Pipeline([("cromel", CroMELTransformer()), ("model", GradientBoostingRegressor())])
    assert model.fit(formulas, measured[1]).score(formulas, measured[1]) > 0.5


@pytest.mark.parametrize("column", ["formula", ["formula"]])
def test_column_transformer_beside_a_numeric_column(column, measured):
    frame, target = measured
    columns = ColumnTransformer(
        [("cromel", CroMELTransformer(), column), ("numeric", StandardScaler(), ["temperature_K"])]
    )
    model = make_pipeline(columns, Ridge()).fit(frame, target)
    assert model.predict(frame).shape == (N_ROWS,)
    names = model[:-1].get_feature_names_out()
    assert names[0] == "cromel__cromel_000"
    assert names[-1] == "numeric__temperature_K"


@pytest.mark.parametrize("column", ["formula", ["formula"]])
def test_column_transformer_gives_frames_with_rows_in_place(column, measured):
    transformer = CroMELTransformer(output="properties")
    columns = ColumnTransformer([("cromel", transformer, column)], remainder="passthrough")
    shuffled = measured[0].sample(frac=1, random_state=0)
    frame = columns.set_output(transform="pandas").fit_transform(shuffled)
    assert frame.index.equals(shuffled.index)
    assert np.array_equal(frame["remainder__temperature_K"], shuffled["temperature_K"])
    expected = transformer.transform(shuffled["formula"])
    assert np.array_equal(frame.drop(columns="remainder__temperature_K"), expected)


def test_feature_union_with_another_featurizer(formulas):
    union = FeatureUnion(
        [("cromel", CroMELTransformer()), ("elements", FunctionTransformer(element_statistics))]
    )
    n_columns = CroMELTransformer().get_feature_names_out().size + 111
    assert union.fit_transform(formulas).shape == (N_ROWS, n_columns)


def test_transformed_target(measured, formulas):
    model = TransformedTargetRegressor(
        make_pipeline(CroMELTransformer(output="embedding"), Ridge()), transformer=StandardScaler()
    )
    assert model.fit(formulas, measured[1]).predict(formulas).shape == (N_ROWS,)


def test_stacking(measured, formulas):
    parts = [
        (output, make_pipeline(CroMELTransformer(output=output), StandardScaler(), Ridge()))
        for output in ("embedding", "properties")
    ]
    model = StackingRegressor(parts, final_estimator=Ridge(), cv=3).fit(formulas, measured[1])
    assert model.predict(formulas).shape == (N_ROWS,)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_set_output(library, formulas):
    frame = CroMELTransformer().set_output(transform=library).fit_transform(formulas)
    assert type(frame).__module__.startswith(library)
    assert list(frame.columns) == list(CroMELTransformer().get_feature_names_out())


def test_set_output_keeps_the_index():
    series = pd.Series(["NaCl", "MgO"], index=[7, 3], name="formula")
    frame = CroMELTransformer().set_output(transform="pandas").fit_transform(series)
    assert list(frame.index) == [7, 3]


def test_global_output_configuration(measured, formulas):
    with sklearn.config_context(transform_output="pandas"):
        model = make_pipeline(CroMELTransformer(output="properties"), StandardScaler(), Ridge())
        model.fit(formulas, measured[1])
        frame = model[:-1].transform(formulas)
    assert "band_gap_eV" in frame.columns
    assert list(model[-1].feature_names_in_) == list(frame.columns)


def test_polars_column(measured):
    polars = pytest.importorskip("polars", reason="polars is not installed")
    frame = polars.from_pandas(measured[0])
    expected = CroMELTransformer().transform(measured[0]["formula"])
    transformer = CroMELTransformer().fit(frame.select("formula"))
    assert list(transformer.feature_names_in_) == ["formula"]
    assert np.array_equal(transformer.transform(frame.select("formula")), expected)
    assert np.array_equal(CroMELTransformer().fit_transform(frame["formula"]), expected)


def test_changed_encoder_is_used_at_once(checkpoint):
    transformer = CroMELTransformer(checkpoint).fit(["NaCl"])
    expected = CroMELTransformer().transform(["NaCl"])
    assert np.array_equal(transformer.set_params(encoder="mp-multi").transform(["NaCl"]), expected)


def test_memory_embeds_each_table_once(tmp_path, measured, formulas, monkeypatch):
    calls, embed = [], Checkpoint.encode
    monkeypatch.setattr(
        Checkpoint, "encode", lambda self, *args, **kw: calls.append(1) or embed(self, *args, **kw)
    )
    model = make_pipeline(CroMELTransformer(output="embedding"), Ridge(), memory=str(tmp_path))
    first = model.fit(formulas, measured[1])
    second = clone(model).set_params(ridge__alpha=1.0).fit(formulas, measured[1])
    assert len(calls) == 1
    assert np.array_equal(first.predict(formulas), second.predict(formulas))


def test_equal_estimators_have_one_place_in_the_cache(checkpoint, tmp_path):
    checkpoint.save(tmp_path / "weights.safetensors")
    used = Checkpoint.load(tmp_path / "weights.safetensors")
    CroMELTransformer(used).transform(["NaCl"])
    unused = Checkpoint.load(tmp_path / "weights.safetensors")
    assert joblib.hash(CroMELTransformer(used)) == joblib.hash(CroMELTransformer(unused))
    other = unused.untrained()
    assert joblib.hash(CroMELTransformer(other)) != joblib.hash(CroMELTransformer(unused))


def test_another_release_or_file_has_another_place_in_the_cache(checkpoint, tmp_path, monkeypatch):
    path = tmp_path / "weights.safetensors"
    checkpoint.save(path)
    with_id, with_path = joblib.hash(CroMELTransformer()), joblib.hash(CroMELTransformer(path))
    assert joblib.hash(CroMELTransformer()) == with_id
    checkpoint.with_provenance(note="rewritten").save(path)
    assert joblib.hash(CroMELTransformer(path)) != with_path
    newer = {"mp-multi": {"99.0": {"sha256": "0" * 64}}}
    monkeypatch.setattr(registry, "read_manifest", lambda: newer)
    assert joblib.hash(CroMELTransformer()) != with_id
    for encoder in ("mp-multi@0.0", "no-such-encoder", None):
        assert joblib.hash(CroMELTransformer(encoder)) is not None


def test_sample_weights_are_routed_past_the_transformer(measured, formulas):
    weights = np.linspace(0.1, 1.0, N_ROWS)
    with sklearn.config_context(enable_metadata_routing=True):
        model = make_pipeline(
            CroMELTransformer(output="embedding"), Ridge().set_fit_request(sample_weight=True)
        )
        weighted = model.fit(formulas, measured[1], sample_weight=weights)
        embedded = CroMELTransformer(output="embedding").transform(formulas)
        expected = Ridge().fit(embedded, measured[1], sample_weight=weights)
        assert not CroMELTransformer().get_metadata_routing().fit.requests
    np.testing.assert_allclose(weighted[-1].coef_, expected.coef_)


def test_imbalanced_learn_pipelines(measured, formulas):
    imblearn = pytest.importorskip("imblearn", reason="imbalanced-learn is not installed")
    from imblearn.over_sampling import SMOTE, RandomOverSampler

    is_rare = measured[1] > np.quantile(measured[1], 0.8)
    for steps in (
        [CroMELTransformer(), StandardScaler(), SMOTE(random_state=0)],
        [RandomOverSampler(random_state=0), CroMELTransformer(), StandardScaler()],
    ):
        model = imblearn.pipeline.make_pipeline(*steps, LogisticRegression(max_iter=1000))
        model.fit(formulas.to_frame(), is_rare)
        assert model.predict_proba(formulas.to_frame()).shape == (N_ROWS, 2)


def test_fit_leaves_its_input_alone(measured):
    frame = measured[0][["formula"]]
    before = frame.copy()
    CroMELTransformer().fit_transform(frame)
    pd.testing.assert_frame_equal(frame, before)


def test_number_of_features():
    assert CroMELTransformer().fit(["NaCl"]).n_features_in_ == 1
    transformer = CroMELTransformer().fit(pd.DataFrame({"formula": ["NaCl"]}))
    assert transformer.n_features_in_ == 1
    assert not hasattr(CroMELTransformer(), "n_features_in_")
    two = pd.DataFrame({"formula": ["NaCl"], "name": ["salt"]})
    with pytest.raises(ValueError, match="Expected one column of compositions, got an array of"):
        CroMELTransformer().fit(two)
    for table in (two.rename(columns={"formula": "a"}), two):
        with pytest.raises(ValueError, match="feature names should match|expecting 1 features"):
            transformer.transform(table)


def test_column_name():
    transformer = CroMELTransformer().fit(pd.DataFrame({"formula": ["NaCl"]}))
    assert list(transformer.feature_names_in_) == ["formula"]
    with pytest.raises(ValueError, match="feature names should match those that were passed"):
        transformer.transform(pd.DataFrame({"name": ["NaCl"]}))
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        transformer.transform(np.array([["NaCl"]]))
    refitted = transformer.fit(["NaCl"])
    assert not hasattr(refitted, "feature_names_in_")
