"""The models that are compared, by name."""

from functools import lru_cache

import numpy as np
from featurizers import ElementEmbedding, MagpieFeaturizer
from peers.estimator import PEERS, PeerClassifier, PeerRegressor
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from stock import TAKES_NAN, classifiers, regressors

from cromel_sklearn import CroMELClassifier, CroMELRegressor, CroMELTransformer, load_encoder
from cromel_sklearn.data.composition import find_compositions, read_compositions

#: Featurizers and models that depend on the shipped encoder.
OURS = ("cromel", "cromel-embedding", "cromel-elements", "untrained", "model")
#: Stock models of the blocks of our columns, as the documents advise; of all columns the others.
BLOCKS = {
    "cromel-embedding": ("svr", "svr-search", "gp"),
    "cromel-elements": ("extratrees", "histgbr"),
}


def element_fractions(formulas) -> np.ndarray:
    """Atomic fraction of each element, a column each."""
    batch, inverse, _ = read_compositions(formulas)
    return batch.element_fractions()[inverse]


@lru_cache(maxsize=1)
def untrained_encoder():
    """The network of the default encoder with random weights."""
    return load_encoder("mp-multi").untrained()


def featurizers(on_invalid: str = "raise") -> dict:
    """Composition featurizers, all on the CPU."""
    settings = {"on_invalid": on_invalid, "device": "cpu"}
    fractions = FunctionTransformer(element_fractions)
    both = [("fractions", fractions), ("magpie", MagpieFeaturizer())]
    return {
        "cromel": CroMELTransformer(**settings),
        "cromel-embedding": CroMELTransformer(output="embedding", **settings),
        "cromel-elements": CroMELTransformer(output="elements", **settings),
        "untrained": CroMELTransformer(untrained_encoder(), **settings),
        "fractions": fractions,
        "magpie": MagpieFeaturizer(),
        "magpie-fractions": FeatureUnion(both),
        "mat2vec": ElementEmbedding("mat2vec"),
        "matscholar": ElementEmbedding("matscholar"),
    }


def on_features(name: str, featurizer, estimator):
    """Put a model on top of a featurizer; the features beside the formula go through unscaled."""
    columns = ColumnTransformer([(name, featurizer, "formula")], remainder="passthrough")
    return make_pipeline(columns, estimator)


def _suiting(name: str, stock: tuple[str, ...]) -> tuple[str, ...]:
    """Stock models that stand on a featurizer."""
    if name == "cromel":
        return tuple(s for s in stock if s not in BLOCKS["cromel-embedding"])
    return BLOCKS.get(name, stock)


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


def models(task, formulas) -> dict:
    """Name -> estimator of a task's frame, which has a column `formula` and the other features.

    Where the task has elements that the encoder has never seen, those rows are NaN, which only the
    forests and the histogram boosting take.
    """
    has_unknown = not has_known_elements(formulas).all()
    found = {"dummy": DummyClassifier() if task.is_classification else DummyRegressor()}
    ours = CroMELClassifier if task.is_classification else CroMELRegressor
    model = ours(random_state=0, device="cpu", verbose=0)
    found["model"] = KnownElementsRegressor(model) if has_unknown else model
    stock = (classifiers if task.is_classification else regressors)(len(formulas))
    for name, featurizer in featurizers("nan" if has_unknown else "raise").items():
        for stock_name, estimator in stock.items():
            takes_nan = stock_name in TAKES_NAN or not (has_unknown and name in OURS)
            if takes_nan and stock_name in _suiting(name, tuple(stock)):
                found[f"{name}+{stock_name}"] = on_features(name, featurizer, estimator)
    if not task.features:  # the peers read formulas only
        peer_class = PeerClassifier if task.is_classification else PeerRegressor
        found.update({peer: peer_class(peer) for peer in PEERS})
    return found
