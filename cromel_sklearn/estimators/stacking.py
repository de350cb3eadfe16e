"""Formulas and measurements in, several stock models weighed against each other out.

The members see one of two views of a composition. The frozen embedding carries all that
calculations have taught the encoder. The calculated properties that it predicts, beside the plain
fractions of the elements, are few, and let a tree tell two alloys or two dopings apart that lie
close together in the embedding. Numeric columns stand beside both.
"""

import warnings
from numbers import Integral
from pathlib import Path

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin, is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import StackingClassifier, StackingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_selection import VarianceThreshold
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.utils import assert_all_finite, check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from .._sklearn_compat import check_parameters
from ..device import find_device
from ..encoders.checkpoint import Checkpoint
from ..encoders.registry import load_encoder
from ..exceptions import InvalidTableError
from .measurement_estimator import MeasurementEstimator
from .member_weights import MemberWeights
from .members import stock_classifiers, stock_regressors

_MOST_FOLDS = 5


class _StackedEstimator(MeasurementEstimator):
    """Parameters, features, folds and prediction."""

    _parameter_constraints = {  # noqa: RUF012 (scikit-learn reads it from the class)
        "encoder": [str, Path, Checkpoint],
        "feature_columns": [None, "array-like"],
        "n_jobs": [None, Integral],
        "device": "no_validation",  # find_device says what is expected
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        encoder="mp-multi",
        *,
        feature_columns=None,
        n_jobs=None,
        device="auto",
        random_state=None,
        verbose=0,
    ):
        self.encoder = encoder
        self.feature_columns = feature_columns
        self.n_jobs = n_jobs
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def predict(self, X):
        """Predict.

        Parameters
        ----------
        X : as in `fit`, of n_samples rows

        Returns
        -------
        ndarray of shape (n_samples,)
            In the unit of `y`, or classes.
        """
        check_is_fitted(self, "stack_")
        return self.stack_.predict(self._features(self._read(X, reset=False)))

    def _features(self, table) -> np.ndarray:
        """Embedding, predicted properties, element fractions and numeric columns of each row.

        Returns an array of shape (n_samples, n_columns).
        """
        _, first, inverse = np.unique(
            table.composition_of_row, return_index=True, return_inverse=True
        )
        compositions = table.compositions[first]  # each is embedded once
        embedded = self.encoder_.embed(compositions, device=find_device(self.device))
        by_composition = np.hstack([*embedded, compositions.element_fractions()])
        return np.hstack([by_composition[inverse], table.features])

    def _members(self, stock: dict, n_columns: int, n_numeric: int) -> list[tuple]:
        """Put each stock model on each view; forests on the short one, where they are fast."""
        embedding, rest = np.split(np.arange(n_columns), [self.encoder_.embedding_dim])
        numeric = rest[len(rest) - n_numeric :]
        views = {"embedding": [*embedding, *numeric], "elements": rest}
        return [
            (
                f"{view}_{name}",
                make_pipeline(
                    ColumnTransformer([(view, "passthrough", columns)]),
                    VarianceThreshold(),  # elements that no row contains
                    model,
                ),
            )
            for view, columns in views.items()
            for name, model in stock.items()
            if (view, name) != ("embedding", "trees")
        ]

    def _fit(self, X, y, stock_models, folds_class, stack_class, final_estimator):
        """Fit the members on folds that keep the rows of one composition together."""
        self.encoder_ = load_encoder(self.encoder)
        table = self._read(X, reset=True)
        check_consistent_length(table, y)
        seed = int(check_random_state(self.random_state).randint(2**31))
        features = self._features(table)
        groups = table.composition_of_row
        n_folds = _n_folds(groups, y if is_classifier(self) else np.zeros(len(y)))
        folds = folds_class(n_folds, shuffle=True, random_state=seed)
        stack = stack_class(
            self._members(stock_models(seed, len(y)), features.shape[1], table.features.shape[1]),
            final_estimator,
            cv=list(folds.split(features, y, groups)),
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )
        with warnings.catch_warnings():
            # A Gaussian process at the bounds of its kernel is weighed by how well it predicts.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.stack_ = stack.fit(features, y)
        return self


def _n_folds(groups: np.ndarray, classes: np.ndarray) -> int:
    """As many folds, up to five, as the rarest class has compositions."""
    n_compositions = len(np.unique(groups))
    if n_compositions < 3:
        raise InvalidTableError(
            f"Expected at least 3 different compositions to fit to, got {n_compositions} "
            f"(n_samples={len(groups)})."
        )
    by_class = {name: len(np.unique(groups[classes == name])) for name in np.unique(classes)}
    rarest = min(by_class, key=lambda name: by_class[name])
    if by_class[rarest] < 2:
        raise InvalidTableError(
            f"Class {rarest} has rows of one composition only, expected at least two: leave it "
            f"out, or add rows."
        )
    return min(_MOST_FOLDS, by_class[rarest])


class CroMELStackingRegressor(RegressorMixin, _StackedEstimator):
    """Regression of measurements by a stack of stock models on frozen embeddings.

    A support vector machine (up to 10,000 rows), a Gaussian process (up to 2,000) and histogram
    gradient boosting on the embedding; the same and extremely randomized trees on the calculated
    properties that the encoder predicts beside the fractions of the elements. Their weights are
    positive and suit their predictions of rows that they were not fitted to, with all rows of a
    composition held out together (`MemberWeights`).

    Parameters
    ----------
    encoder : str, path-like or Checkpoint, default="mp-multi"
        As in `CroMELTransformer`.
    feature_columns : list of column names, optional
        Numeric columns beside the compositions (temperature, load, ...); all numeric columns of `X`
        by default.
    n_jobs : int, optional
        Members fitted in parallel, as in joblib.
    device : str, default="auto"
        "auto" (a CUDA GPU where there is one), "cpu", "cuda" or "cuda:<index>", for the embedding.
    random_state : int, RandomState or None, default=None
        Of folds and trees.
    verbose : int, default=0
        As in scikit-learn's `StackingRegressor`.

    Attributes
    ----------
    encoder_ : Checkpoint
    stack_ : StackingRegressor
        Its `named_estimators_` are the members, its `final_estimator_.coef_` their weights, in the
        same order.
    n_features_in_ : int
        Columns in use: that of compositions, and numeric ones.
    feature_names_in_ : ndarray of object
        Names of all columns of a table that has names.

    References
    ----------
    Breiman, Machine Learning 24, 49 (1996), doi:10.1007/BF00117832.

    Examples
    --------
    >>> from cromel_sklearn import CroMELStackingRegressor, load_standard_enthalpies
    >>> sample = load_standard_enthalpies()
    >>> model = CroMELStackingRegressor(random_state=0)
    >>> model = model.fit(sample.formulas[:100], sample.target[:100])
    >>> bool((model.predict(["MgO", "FeO"]) < 0).all())
    True
    """

    def fit(self, X, y):
        """Fit the members and their weights.

        Parameters
        ----------
        X : compositions, or table with one column of them beside numeric columns
            As in `CroMELRegressor.fit`.
        y : array-like of shape (n_samples,)

        Returns
        -------
        self

        Raises
        ------
        InvalidCompositionError, InvalidTableError
            Names the row, the value and what was expected.
        EncoderNotFoundError, CheckpointError, DeviceError
            If the encoder or the device cannot be used.
        """
        check_parameters(self)
        self._require_target(y)
        y = column_or_1d(y, dtype=float, warn=True)
        assert_all_finite(y, input_name="y")
        return self._fit(X, y, stock_regressors, GroupKFold, StackingRegressor, MemberWeights())


class CroMELStackingClassifier(ClassifierMixin, _StackedEstimator):
    """Classification of measurements by a stack of stock models on frozen embeddings.

    As `CroMELStackingRegressor`, without the Gaussian process; under a logistic regression in which
    classes count alike, however many rows they have.

    Parameters
    ----------
    encoder, feature_columns, n_jobs, device, random_state, verbose : as in \
    `CroMELStackingRegressor`

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    stack_ : StackingClassifier
        Its `named_estimators_` are the members.
    encoder_, n_features_in_, feature_names_in_ : as in `CroMELStackingRegressor`

    Examples
    --------
    >>> from cromel_sklearn import CroMELStackingClassifier
    >>> formulas = ["NaCl", "MgO", "KBr", "CaO", "Fe", "Cu", "Ni", "Al"]
    >>> model = CroMELStackingClassifier(random_state=0)
    >>> model = model.fit(formulas, ["insulator"] * 4 + ["metal"] * 4)
    >>> model.predict_proba(["LiF"]).shape
    (1, 2)
    """

    def fit(self, X, y):
        """Fit the members and the logistic regression.

        Parameters
        ----------
        X : as in `CroMELStackingRegressor.fit`
        y : array-like of shape (n_samples,)
            Classes of any type, two compositions of each at least.

        Returns
        -------
        self

        Raises
        ------
        InvalidCompositionError, InvalidTableError
            Names the row, the value and what was expected.
        EncoderNotFoundError, CheckpointError, DeviceError
            If the encoder or the device cannot be used.
        """
        check_parameters(self)
        y = self._checked_classes(y)
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise InvalidTableError(f"Expected two classes or more, got one class: {y[0]}.")
        weights = LogisticRegression(class_weight="balanced")
        return self._fit(X, y, stock_classifiers, StratifiedGroupKFold, StackingClassifier, weights)

    def predict_proba(self, X):
        """Predict probabilities, of classes that count alike.

        Parameters
        ----------
        X : as in `fit`, of n_samples rows

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        check_is_fitted(self, "stack_")
        return self.stack_.predict_proba(self._features(self._read(X, reset=False)))
