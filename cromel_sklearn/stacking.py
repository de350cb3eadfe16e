"""Formulas and measurements in, several stock models weighed against each other out.

What the members see is the frozen embedding, or the plain fractions of the elements: the embedding
carries what calculations know, the fractions let a tree tell two alloys or two dopings apart that
lie close together in the embedding.
"""

import warnings
from numbers import Integral
from pathlib import Path

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    StackingClassifier,
    StackingRegressor,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.utils import assert_all_finite, check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from .checkpoint import Checkpoint
from .device import find_device
from .exceptions import InvalidTableError
from .measurement_estimator import MeasurementEstimator
from .registry import load_encoder

#: Rows up to which a member whose time grows faster than the table takes part.
MOST_ROWS = {"gaussian_process": 2_000, "support_vectors": 10_000}
_N_FOLDS = 3


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
        """Embedding, element fractions and numeric columns, of shape (n_samples, n_features)."""
        _, first, inverse = np.unique(
            table.composition_of_row, return_index=True, return_inverse=True
        )
        compositions = table.compositions[first]  # each is embedded once
        embedding, _ = self.encoder_.embed(compositions, device=find_device(self.device))
        by_composition = np.hstack([embedding, compositions.element_fractions()])
        return np.hstack([by_composition[inverse], table.features])

    def _members(self, stock: dict, n_columns: int) -> list[tuple]:
        """Put each stock model on each of the two features; both see the numeric columns."""
        embedding_dim = self.encoder_.embedding_dim
        n_fractions = n_columns - embedding_dim - self.n_features_in_ + 1
        columns = np.arange(n_columns)
        is_fraction = (columns >= embedding_dim) & (columns < embedding_dim + n_fractions)
        seen = {"embedding": columns[~is_fraction], "fractions": columns[columns >= embedding_dim]}
        return [
            (
                f"{features}_{name}",
                make_pipeline(ColumnTransformer([(features, "passthrough", own)]), model),
            )
            for features, own in seen.items()
            for name, model in stock.items()
        ]

    def _fit(self, X, y, stock, folds, stack_class, final_estimator):
        """Fit the members on folds that keep the rows of one composition together."""
        self.encoder_ = load_encoder(self.encoder)
        table = self._read(X, reset=True)
        check_consistent_length(table, y)
        groups = table.composition_of_row
        if len(np.unique(groups)) < _N_FOLDS:
            raise InvalidTableError(
                f"Expected at least {_N_FOLDS} different compositions to fit to, got "
                f"{len(np.unique(groups))} (n_samples={len(y)})."
            )
        features = self._features(table)
        small = {
            name: model for name, model in stock.items() if len(y) <= MOST_ROWS.get(name, len(y))
        }
        stack = stack_class(
            self._members(small, features.shape[1]),
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


class CroMELStackingRegressor(RegressorMixin, _StackedEstimator):
    """Regression of measurements by a stack of stock models on frozen embeddings.

    Extremely randomized trees, a support vector machine, histogram gradient boosting and, up to
    2,000 rows, a Gaussian process, each on the embedding and again on the fractions of the
    elements, weighed by positive weights that suit their predictions of rows they were not fitted
    to. All rows of a composition are held out together.

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
        Its `named_estimators_` are the members, its `final_estimator_.coef_` their weights.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)

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
        self._validate_params()
        self._require_target(y)
        y = column_or_1d(y, dtype=float, warn=True)
        assert_all_finite(y, input_name="y")
        seeds = check_random_state(self.random_state).randint(2**31, size=4).tolist()
        kernel = ConstantKernel() * Matern(length_scale=20.0, nu=1.5) + WhiteKernel(0.1)
        process = GaussianProcessRegressor(kernel, normalize_y=True, random_state=seeds[0])
        machine = make_pipeline(StandardScaler(), SVR(C=10.0))
        stock = {
            "trees": ExtraTreesRegressor(200, max_features=1 / 3, random_state=seeds[1]),
            "support_vectors": TransformedTargetRegressor(machine, transformer=StandardScaler()),
            "gaussian_process": make_pipeline(StandardScaler(), process),
            "boosting": HistGradientBoostingRegressor(random_state=seeds[2]),
        }
        folds = GroupKFold(_N_FOLDS, shuffle=True, random_state=seeds[3])
        weights = LinearRegression(positive=True)
        return self._fit(X, y, stock, folds, StackingRegressor, weights)


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
            Classes of any type, three rows of each at least.

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
        self._validate_params()
        self._require_target(y)
        y = column_or_1d(y, warn=True)
        assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        self.classes_, counts = np.unique(y, return_counts=True)
        if len(self.classes_) < 2:
            raise InvalidTableError(f"Expected two classes or more, got one class: {y[0]!r}.")
        if counts.min() < _N_FOLDS:
            rare = self.classes_[counts.argmin()]
            raise InvalidTableError(
                f"Class {rare!r} has {counts.min()} rows, expected at least {_N_FOLDS} of each "
                f"class: leave it out, or add rows."
            )
        seeds = check_random_state(self.random_state).randint(2**31, size=4).tolist()
        stock = {
            "trees": ExtraTreesClassifier(200, max_features=1 / 3, random_state=seeds[1]),
            "support_vectors": make_pipeline(StandardScaler(), SVC(C=10.0)),
            "boosting": HistGradientBoostingClassifier(random_state=seeds[2]),
        }
        folds = StratifiedGroupKFold(_N_FOLDS, shuffle=True, random_state=seeds[3])
        weights = LogisticRegression(class_weight="balanced")
        return self._fit(X, y, stock, folds, StackingClassifier, weights)

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
