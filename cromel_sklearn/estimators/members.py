"""Stock members of an estimator: scikit-learn models by name, and the view that each sees."""

from dataclasses import dataclass

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)

from .kernel_models import GaussianProcess, SupportVectorClassifier, SupportVectorRegressor
from .trees import BoostedTrees, Forest
from .views import EncodedTable

#: Members of regressors and classifiers in the order in which they are fitted.
REGRESSOR_MEMBERS = (
    "element_trees", "fraction_trees", "support_vectors", "gaussian_process", "boosting",
    "networks",
)  # fmt: skip
CLASSIFIER_MEMBERS = (
    "element_trees", "fraction_trees", "support_vectors", "boosting", "networks",
)  # fmt: skip
#: View that each stock member sees.
VIEW_OF = {
    "element_trees": "elements",
    "fraction_trees": "fractions",
    "support_vectors": "embedding",
    "gaussian_process": "embedding",
    "boosting": "elements",
}
#: Rows up to which a member is used whose time grows faster than the table.
MOST_ROWS = {"gaussian_process": 2_000, "support_vectors": 8_000}
#: Trees of a forest.
N_TREES = 100
#: Smallest probability that a member can state of a class.
LEAST_PROBABILITY = 0.005


def stock_model(name: str, *, seed: int, n_numeric: int = 0, is_classifier: bool = False):
    """Build an unfitted model.

    Parameters
    ----------
    name : str
        One of `VIEW_OF`.
    seed : int
    n_numeric : int, default=0
        Numeric columns at the end of its view.
    is_classifier : bool, default=False

    Returns
    -------
    estimator
        Of scikit-learn's kind; regressors expect a standardised target.
    """
    trees, vectors, boosting = (
        (ExtraTreesClassifier, SupportVectorClassifier, HistGradientBoostingClassifier)
        if is_classifier
        else (ExtraTreesRegressor, SupportVectorRegressor, HistGradientBoostingRegressor)
    )
    if name == "element_trees":
        return trees(N_TREES, max_features=1 / 3, random_state=seed)
    if name == "fraction_trees":
        # With numeric columns among them, trees that may always split at these look at little else.
        return trees(N_TREES, max_features=1 / 3 if n_numeric else 1.0, random_state=seed)
    if name == "support_vectors":
        return vectors(n_numeric=n_numeric)
    if name == "gaussian_process":
        return GaussianProcess(n_numeric=n_numeric, random_state=seed)
    return boosting(early_stopping=False, random_state=seed)


@dataclass
class StockMember:
    """One stock model for each output, on one view.

    Attributes
    ----------
    view : str
    models : list of Forest, BoostedTrees or kernel models
        One for each output; a single one of classes.
    columns : ndarray of shape (n_used,), int64
        Columns of the view in use: those that are not constant.
    n_classes : int
        0 of regressors.
    """

    view: str
    models: list
    columns: np.ndarray
    n_classes: int

    @classmethod
    def fitted(
        cls, name: str, table: EncodedTable, rows, target, weight, *, seed, n_classes=0, X=None
    ) -> "StockMember":
        """Fit to some rows of a table.

        Parameters
        ----------
        name : str
        table : EncodedTable
        rows : ndarray of int
        target : ndarray of shape (n_samples, n_outputs), or (n_samples,) of classes
            Of all rows of the table; standardised, NaN where not measured.
        weight : ndarray of shape (n_samples,), or None
        seed : int
        n_classes : int, default=0
        X : ndarray, optional
            The view of the whole table, where it is at hand.

        Returns
        -------
        StockMember
        """
        view = VIEW_OF[name]
        matrix = table.view(view, rows) if X is None else X[rows]
        columns = np.flatnonzero(np.ptp(matrix, axis=0) > 0) if len(matrix) else np.arange(0)
        if not len(columns):
            columns = np.arange(1)
        n_numeric = int((columns >= matrix.shape[1] - table.features.shape[1]).sum())
        model = stock_model(name, seed=seed, n_numeric=n_numeric, is_classifier=n_classes > 0)
        if n_classes and len(seen := np.unique(target[rows])) == 1:
            return cls(view, [Forest.of_one_class(seen[0], len(columns))], columns, n_classes)
        models = []
        outputs = [target[rows]] if n_classes else target[rows].T
        for output in outputs:
            measured = slice(None) if n_classes else ~np.isnan(output)
            weights = None if weight is None else weight[rows][measured]
            fitted = clone(model).fit(matrix[measured][:, columns], output[measured], weights)
            models.append(_kept(fitted))
        return cls(view, models, columns, n_classes)

    def predict(self, table: EncodedTable, rows=slice(None), X=None):
        """Predict.

        Returns
        -------
        predicted : ndarray of shape (n_rows, n_outputs)
            Standardised targets, or scores of classes: logarithms of probabilities, or distances
            from the border.
        deviation : ndarray of the same shape, or None
            Of the trees, where there are trees.
        """
        matrix = table.view(self.view, rows) if X is None else X[rows]
        matrix = np.ascontiguousarray(matrix[:, self.columns])
        if self.n_classes:
            return self._scores(matrix), None
        predicted = [_regressed(model, matrix) for model in self.models]
        values = np.column_stack([one for one, _ in predicted])
        if predicted[0][1] is None:
            return values, None
        return values, np.column_stack([deviation for _, deviation in predicted])

    def _scores(self, matrix: np.ndarray) -> np.ndarray:
        (model,) = self.models
        if isinstance(model, Forest | BoostedTrees):
            found = np.log(np.maximum(model.predict_proba(matrix), LEAST_PROBABILITY))
            classes, missing = model.classes, np.log(LEAST_PROBABILITY)
        else:
            found = model.decision_function(matrix)
            found = np.column_stack([-found, found]) / 2 if found.ndim == 1 else found
            classes, missing = model.classes_, -2.0
        scores = np.full((len(matrix), self.n_classes), missing)
        scores[:, classes] = found
        return scores


def _kept(model):
    """What predicts, of a fitted model: of trees their nodes."""
    if hasattr(model, "estimators_"):
        return Forest.of(model)
    return BoostedTrees.of(model) if hasattr(model, "n_trees_per_iteration_") else model


def _regressed(model, matrix: np.ndarray):
    """Prediction of a model, and the deviation of its trees where it has trees."""
    if isinstance(model, Forest):
        return model.mean_and_deviation(matrix)
    return model.predict(matrix), None
