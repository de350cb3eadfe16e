"""Batches of Arrow come back with their rows, columns and predictions."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from cromel_sklearn import CroMELClassifier, CroMELRegressor, predict_batch
from cromel_sklearn.estimators.arrow_predictions import BatchPrediction
from cromel_sklearn.exceptions import (
    CheckpointError,
    InvalidCompositionError,
    InvalidCompositionWarning,
    InvalidTableError,
)

SALTS = [f"{a}{h}" for a in ("Li", "Na", "K", "Rb", "Cs") for h in ("F", "Cl", "Br", "I")]
Y = np.linspace(-3.0, -1.0, 20)
TEMPERATURES = 300.0 + 50.0 * (np.arange(20) % 4)
MEASURED = pd.DataFrame({"salt": SALTS, "temperature_K": TEMPERATURES})
BATCH = pa.table(
    {"temperature_K": [300.0, 350.0, None], "salt": ["NaCl", "M2O3", "KBr"], "id": [7, 8, 9]}
)


@pytest.fixture
def settings(checkpoint, small_members):
    """Parameters of an estimator that takes a fraction of a second."""
    return {
        "encoder": checkpoint, "members": ["element_trees", "support_vectors"], "device": "cpu",
        "random_state": 0,
    }  # fmt: skip


@pytest.fixture
def regressor(settings):
    return CroMELRegressor(**settings).fit(MEASURED, Y)


@pytest.mark.parametrize("kind", ["table", "batch"])
def test_a_batch_comes_back_as_what_it_was_with_what_the_model_predicts(kind, regressor):
    batch = BATCH.slice(0, 1) if kind == "table" else BATCH.slice(0, 1).to_batches()[0]
    predicted = predict_batch(batch, regressor)
    assert type(predicted) is type(batch)
    assert predicted.select(BATCH.schema.names).equals(batch)
    new = predicted.schema.names[3:]
    assert new == ["mean", "std", "lower", "upper", "in_domain"]
    mean, std = regressor.predict(MEASURED.iloc[[5]].assign(temperature_K=300.0), return_std=True)
    assert [predicted["mean"][0].as_py(), predicted["std"][0].as_py()] == [*mean, *std]


def test_rows_without_a_composition_or_a_number_are_named_and_keep_their_place(regressor):
    with pytest.raises(InvalidCompositionError, match="2 of 3 rows are invalid:") as caught:
        predict_batch(BATCH, regressor)
    assert [problem[:2] for problem in caught.value.problems] == [(1, "M2O3"), (2, "KBr")]
    assert "row 2: 'KBr': column 'temperature_K': " in str(caught.value)
    with pytest.warns(InvalidCompositionWarning, match="2 of 3 rows are invalid"):
        predicted = predict_batch(BATCH, regressor, on_invalid="nan")
    assert np.isnan(predicted["mean"].to_numpy()).tolist() == [False, True, True]
    assert predicted["in_domain"].is_null().to_pylist() == [False, True, True]


def test_probabilities_of_a_classifier_and_its_class(settings):
    model = CroMELClassifier(**settings).fit(SALTS, np.where(Y > -2, "wide", "narrow"))
    table = pa.table({"formula": ["KBr", "M2O3"]})
    with pytest.warns(InvalidCompositionWarning):
        predicted = predict_batch(table, model, on_invalid="nan", prefix="gap_")
    names = ["predicted", "probability_narrow", "probability_wide", "in_domain"]
    assert predicted.schema.names[1:] == [f"gap_{name}" for name in names]
    (probabilities,) = model.predict_proba(["KBr"])
    chosen = model.classes_[probabilities.argmax()]
    assert predicted["gap_predicted"].to_pylist() == [chosen, None]
    assert [predicted[f"gap_probability_{one}"][0].as_py() for one in model.classes_] == list(
        probabilities
    )


@pytest.mark.parametrize("order", [["salt", "temperature_K"], ["temperature_K", "salt"]])
def test_columns_that_the_fit_has_found_are_found_in_the_batch(order, settings):
    """By their names; of an array, by their places."""
    batch = pa.table({str(place): BATCH[name] for place, name in enumerate(order)}).slice(0, 1)
    named = CroMELRegressor(**settings).fit(MEASURED[order], Y)
    array = CroMELRegressor(**settings).fit(MEASURED[order].to_numpy(dtype=object), Y)
    expected = predict_batch(BATCH.slice(0, 1), named)["mean"]
    assert predict_batch(batch, array)["mean"].equals(expected)


def test_an_empty_batch_gets_its_columns(regressor):
    predicted = predict_batch(BATCH.slice(0, 0), regressor)
    assert predicted.num_rows == 0
    assert "mean" in predicted.schema.names


def test_a_model_in_a_file_predicts_the_same(regressor, tmp_path):
    regressor.save(tmp_path / "model.safetensors")
    batch = BATCH.slice(0, 1)
    read = predict_batch(batch, tmp_path / "model.safetensors")
    assert read.equals(predict_batch(batch, regressor))


def test_columns_and_models_are_checked(regressor, settings):
    with pytest.raises(InvalidTableError, match="needs the column 'temperature_K'"):
        predict_batch(BATCH.drop_columns("temperature_K"), regressor)
    with pytest.raises(InvalidTableError, match="There is no column 'alloy'; the columns are "):
        predict_batch(BATCH, regressor, formula_column="alloy")
    with pytest.raises(InvalidTableError, match="already has the column 'mean'"):
        predict_batch(BATCH.append_column("mean", [[0.0] * 3]), regressor)
    with pytest.raises(InvalidTableError, match="coverage is between 0 and 1, got 2"):
        predict_batch(BATCH, regressor, coverage=2)
    two_targets = CroMELRegressor(**settings).fit(SALTS, np.column_stack([Y, Y]))
    with pytest.raises(CheckpointError, match="predicts 2 targets at once; here it must be one"):
        BatchPrediction(two_targets, "formula")
