"""The models that are compared, by name."""

import numpy as np
from featurizers import ElementEmbedding, MagpieFeaturizer
from peers.estimator import PEERS, PeerClassifier, PeerRegressor
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    StackingClassifier,
    StackingRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, SVR

from cromel_sklearn import (
    CroMELClassifier,
    CroMELRegressor,
    CroMELTransformer,
    list_encoders,
    load_encoder,
)
from cromel_sklearn.cli.demo import element_statistics
from cromel_sklearn.data.composition import find_compositions, read_compositions
from cromel_sklearn.estimators.members import MOST_ROWS as MEMBERS_MOST_ROWS
from cromel_sklearn.estimators.members import stock_model

#: Most rows for the stock models that the package does not use itself; others stand in for them.
MOST_ROWS = {"gbr": 2_000, "svr-search": 6_000}

#: Names of the package's stock models here.
SHORT = {
    "element_trees": "extratrees", "support_vectors": "svr", "gaussian_process": "gp",
    "boosting": "histgbr",
}  # fmt: skip

#: Stock models that take rows of NaN.
TAKES_NAN = ("extratrees", "histgbr")

#: Stock models of a stack, as far as the table is not too long for them.
STACKED = ("extratrees", "svr", "gp", "histgbr")

#: The baseline of random weights; of one release, so that it need not run again for each encoder.
UNTRAINED = "mp-multi@2.0"


def searched(machine, scoring: str) -> GridSearchCV:
    """Search penalty and width of a support vector machine by cross-validation."""
    grid = {"machine__C": [10.0, 30.0, 100.0], "machine__gamma": [0.001, 0.003, 0.01, 0.03]}
    steps = [("scaler", StandardScaler()), ("machine", machine)]
    return GridSearchCV(
        Pipeline(steps), grid, scoring=scoring, cv=KFold(3, shuffle=True, random_state=0)
    )


def _together(is_classifier: bool, others: dict, n_rows: int) -> dict:
    names = [name for name in SHORT if not (is_classifier and name == "gaussian_process")]
    short = {
        SHORT[name]: stock_model(name, seed=0, is_classifier=is_classifier)
        for name in names
        if n_rows <= MEMBERS_MOST_ROWS.get(name, n_rows)
    }
    short["extratrees"].set_params(n_estimators=200)
    if "svr" in short and not is_classifier:
        short["svr"] = TransformedTargetRegressor(short["svr"], transformer=StandardScaler())
    if "gp" in short:
        short["gp"] = TransformedTargetRegressor(short["gp"], transformer=StandardScaler())
    suiting = {name: model for name, model in others.items() if n_rows <= MOST_ROWS[name]}
    return short | suiting


def regressors(n_rows: int = 0) -> dict:
    """Stock regressors: those of the package, gradient boosting, and a searched machine."""
    search = searched(SVR(cache_size=1000), "neg_mean_absolute_error")
    others = {
        "gbr": GradientBoostingRegressor(random_state=0),
        "svr-search": TransformedTargetRegressor(search, transformer=StandardScaler()),
    }
    return _together(False, others, n_rows)


def classifiers(n_rows: int = 0) -> dict:
    """The same families for classes."""
    others = {
        "gbr": GradientBoostingClassifier(random_state=0),
        "svr-search": searched(SVC(class_weight="balanced", cache_size=1000), "balanced_accuracy"),
    }
    return _together(True, others, n_rows)


def stack(estimators: list[tuple], is_classification: bool):
    """Combine models by weights that their out-of-fold predictions in the training rows choose.

    Those of regressors are positive (Breiman, Machine Learning 24, 49 (1996),
    doi:10.1007/BF00117832); classes count alike, whatever their numbers, since the score is the
    balanced accuracy.
    """
    folds = KFold(3, shuffle=True, random_state=0)
    if is_classification:
        balanced = LogisticRegression(class_weight="balanced")
        return StackingClassifier(estimators, balanced, cv=folds)
    return StackingRegressor(estimators, LinearRegression(positive=True), cv=folds)


def element_fractions(formulas) -> np.ndarray:
    """Atomic fraction of each element, a column each."""
    batch, inverse, _ = read_compositions(formulas)
    return batch.element_fractions()[inverse]


def featurizers(on_invalid: str) -> dict:
    """Composition featurizers, all on the CPU."""
    default = load_encoder("mp-multi")
    settings = {"on_invalid": on_invalid, "device": "cpu"}
    shipped = {
        f"cromel:{encoder}": CroMELTransformer(encoder, **settings)
        for encoder in list_encoders()
        if load_encoder(encoder) is not default
    }
    both = [("cromel", CroMELTransformer(**settings)), ("magpie", MagpieFeaturizer())]
    return {
        "cromel": CroMELTransformer(**settings),
        "cromel-embedding": CroMELTransformer(output="embedding", **settings),
        "cromel-magpie": FeatureUnion(both),
        "untrained": CroMELTransformer(load_encoder(UNTRAINED).untrained(), **settings),
        "fractions": FunctionTransformer(element_fractions),
        "statistics": FunctionTransformer(element_statistics),
        "magpie": MagpieFeaturizer(),
        "mat2vec": ElementEmbedding("mat2vec"),
        "matscholar": ElementEmbedding("matscholar"),
        **shipped,
    }


def on_features(name: str, featurizer, estimator):
    """Put a model on top of a featurizer; the features beside the formula go through unscaled."""
    columns = ColumnTransformer([(name, featurizer, "formula")], remainder="passthrough")
    return make_pipeline(columns, estimator)


def has_known_elements(formulas) -> np.ndarray:
    """Tell for each formula whether the encoder has seen all its elements."""
    return find_compositions(formulas, load_encoder("mp-multi").known_elements)[2]


class KnownElementsRegressor(RegressorMixin, BaseEstimator):
    """Leave the rows with elements that the encoder has never seen to the median.

    Parameters
    ----------
    estimator : CroMELRegressor
    """

    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, X, y):
        """Fit on the rows that the encoder can read."""
        is_known = has_known_elements(X["formula"])
        self.estimator_ = clone(self.estimator).fit(X[is_known], y[is_known])
        self.median_ = np.median(y)
        return self

    def predict(self, X):
        """Predict those rows, and the median for the others."""
        is_known = has_known_elements(X["formula"])
        predicted = np.full(len(X), self.median_)
        predicted[is_known] = self.estimator_.predict(X[is_known])
        return predicted


def stock_models(task, n_rows: int, has_unknown: bool) -> dict:
    """Name -> featurizer and stock model.

    Where the task has elements that the encoder has never seen, those rows are NaN, which only the
    forests and the histogram boosting take.
    """
    stock = (classifiers if task.is_classification else regressors)(n_rows)
    parts = [(name, stock[name]) for name in STACKED if name in stock]
    stock["stack"] = stack(parts, task.is_classification)
    found = {}
    for featurizer_name, featurizer in featurizers("nan" if has_unknown else "raise").items():
        gives_nan = has_unknown and featurizer_name.startswith(("cromel", "untrained"))
        for stock_name, estimator in stock.items():
            if stock_name in TAKES_NAN or not gives_nan:
                model = on_features(featurizer_name, featurizer, estimator)
                found[f"{featurizer_name}+{stock_name}"] = model
    return found


def models(task, formulas) -> dict:
    """Name -> estimator of a task's frame, which has a column `formula` and the other features."""
    has_unknown = not has_known_elements(formulas).all()
    found = {"dummy": DummyClassifier() if task.is_classification else DummyRegressor()}
    found.update(stock_models(task, len(formulas), has_unknown))
    ours = CroMELClassifier if task.is_classification else CroMELRegressor
    settings = {"random_state": 0, "device": "cpu", "verbose": 0}
    untrained = load_encoder(UNTRAINED).untrained()
    for name, encoder in (("model", "mp-multi"), ("model:untrained", untrained)):
        model = ours(encoder, **settings)
        found[name] = KnownElementsRegressor(model) if has_unknown else model
    if not task.features:  # the peers read formulas only
        peer_class = PeerClassifier if task.is_classification else PeerRegressor
        found.update({peer: peer_class(peer) for peer in PEERS})
    return found
