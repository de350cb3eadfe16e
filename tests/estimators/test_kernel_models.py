"""Kernel models: they predict what scikit-learn's do, by matrix products."""

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from cromel_sklearn.estimators.kernel_models import (
    NUMERIC_STRETCH,
    ColumnScale,
    GaussianProcess,
    SupportVectorClassifier,
    SupportVectorRegressor,
)


@pytest.fixture
def rows():
    """Rows of twelve columns, and a smooth target."""
    X = np.random.default_rng(0).normal(size=(150, 12)) * np.linspace(1, 9, 12)
    return X, np.sin(X[:, 0]) + 0.1 * X[:, 3]


def test_support_vector_regression_is_that_of_scikit_learn(rows):
    X, y = rows
    expected = make_pipeline(StandardScaler(), SVR(C=10.0, gamma=1 / 12)).fit(X, y).predict(X)
    found = SupportVectorRegressor().fit(X, y).predict(X)
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_support_vector_classification_is_that_of_scikit_learn(rows):
    X, y = rows
    expected = make_pipeline(StandardScaler(), SVC(C=10.0, gamma=1 / 12)).fit(X, y > 0)
    found = SupportVectorClassifier().fit(X, y > 0)
    decisions = found.decision_function(X)
    np.testing.assert_allclose(decisions, expected.decision_function(X), atol=2e-3)
    assert np.array_equal(found.predict(X), decisions > 0)
    three = SupportVectorClassifier().fit(X, np.digitize(y, [-0.5, 0.5]))
    assert three.decision_function(X).shape == (150, 3)
    assert np.array_equal(three.predict(X), three.decision_function(X).argmax(axis=1))


def test_gaussian_process_is_that_of_scikit_learn(rows):
    X, y = rows
    found = GaussianProcess(random_state=0).fit(X, y)
    kernel = ConstantKernel(found.amplitude_) * Matern(found.width_, nu=1.5)
    noise = found.noise_ + 1e-6 * found.amplitude_
    expected = GaussianProcessRegressor(kernel, alpha=noise, optimizer=None)
    expected.fit(StandardScaler().fit_transform(X), y)
    new = np.random.default_rng(1).normal(size=(40, 12)) * np.linspace(1, 9, 12)
    scaled = StandardScaler().fit(X).transform(new)
    np.testing.assert_allclose(found.predict(new), expected.predict(scaled), atol=1e-4)


@pytest.mark.parametrize("model", [SupportVectorRegressor(), GaussianProcess(random_state=0)])
def test_many_rows_are_predicted_as_few(model, rows):
    X, y = rows
    model.fit(X, y)
    many = np.tile(X, (10, 1))
    np.testing.assert_allclose(model.predict(many)[:150], model.predict(X), atol=1e-4)


def test_constant_columns_take_no_part_and_numeric_ones_are_stretched():
    X = np.column_stack([np.full(9, 1e6), np.arange(9.0), np.arange(9.0)])
    scaled = ColumnScale.of(X, 1)(X + np.array([5.0, 0, 0]))
    assert (scaled[:, 0] == 0).all()
    np.testing.assert_allclose(scaled[:, 2], NUMERIC_STRETCH * scaled[:, 1], rtol=1e-6)
