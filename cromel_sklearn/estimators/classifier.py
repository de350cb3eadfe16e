"""Classifier of measurements: a stack of members with calibrated probabilities."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import check_is_fitted

from .._sklearn_compat import StrOptions, check_parameters
from ..data.targets import checked_classes, checked_weights
from ..exceptions import InvalidTableError
from .measurement_estimator import (
    MeasurementEstimator,
    in_place,
    usable_rows,
)
from .members import CLASSIFIER_MEMBERS

_MOST_DOUBT = 3.0


class CroMELClassifier(ClassifierMixin, MeasurementEstimator):
    """Classification of measurements, with calibrated probabilities and a domain.

    A stack of members as in `CroMELRegressor`, without the Gaussian process. The logarithms of the
    probabilities are a weighted sum of what the members say; the weights make the classes of rows
    that the members had not seen most likely, which calibrates the probabilities.

    Parameters
    ----------
    encoder : str, path-like or Checkpoint, default="mp-multi"
        Registry id, `name` (newest version) or `name@version`; path of a checkpoint; or a
        `Checkpoint` from `CroMELPretrainer`.
    members : "auto" or list of str, default="auto"
        Names of the members to use: "element_trees", "fraction_trees", "support_vectors" (up to
        8,000 rows), "boosting", "networks". All by default.
    formula_column, feature_columns : as in `CroMELRegressor`
        Columns of a table.
    class_weight : "balanced", dict {class: weight} or None, default="balanced"
        As in scikit-learn's classifiers. Probabilities are those of the weighted classes:
        "balanced" counts all classes alike, however many rows they have; None gives the
        probabilities of classes that are as frequent as in the table.
    on_invalid, time_limit, n_jobs, device, random_state, verbose : as in `CroMELRegressor`
        Likewise.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    cross_validated_error_ : list of float
        1 - balanced accuracy on rows that the members had not seen.
    encoder_, member_weights_, left_out_, stack_, card_ : as in `CroMELRegressor`
        Likewise the next.
    n_features_in_, feature_names_in_ : as in `CroMELRegressor`
        Likewise.

    References
    ----------
    Na, npj Comput. Mater. 11 (2025), doi:10.1038/s41524-025-01723-1. Calibration: Platt, Advances
    in Large Margin Classifiers (1999).

    Examples
    --------
    >>> from cromel_sklearn import CroMELClassifier
    >>> formulas = ["NaCl", "MgO", "KBr", "CaO", "Fe", "Cu", "Ni", "Al"]
    >>> model = CroMELClassifier(members=["element_trees"], random_state=0)
    >>> model = model.fit(formulas, ["insulator"] * 4 + ["metal"] * 4)
    >>> model.predict_proba(["NaBr"]).shape
    (1, 2)
    """

    _member_names = CLASSIFIER_MEMBERS
    _parameter_constraints = {  # noqa: RUF012
        **MeasurementEstimator._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        encoder="mp-multi",
        *,
        members="auto",
        formula_column=None,
        feature_columns=None,
        class_weight="balanced",
        on_invalid="raise",
        time_limit=None,
        n_jobs=None,
        device="cpu",
        random_state=None,
        verbose=1,
    ):
        self.encoder = encoder
        self.members = members
        self.formula_column = formula_column
        self.feature_columns = feature_columns
        self.class_weight = class_weight
        self.on_invalid = on_invalid
        self.time_limit = time_limit
        self.n_jobs = n_jobs
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y, sample_weight=None):
        """Fit the members and their weights.

        Parameters
        ----------
        X : as in `CroMELRegressor.fit`
        y : array-like of shape (n_samples,)
            Classes of any type.
        sample_weight : array-like of shape (n_samples,), optional
            Rows of weight zero change nothing.

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
        from .applicability import TrainingDomain, usual_distance
        from .model_card import ModelCard
        from .uncertainty import rows_of

        check_parameters(self)
        if y is None:
            raise ValueError("CroMELClassifier requires y to be passed, but the target y is None.")
        y = checked_classes(y)
        weight = checked_weights(sample_weight, len(y))
        table = self._start_fit(X)
        table, y, weight = usable_rows(table, y, weight)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise InvalidTableError(f"Expected two classes or more, got one class: {y[0]}.")
        if len(self.classes_) == len(y):
            raise InvalidTableError(
                f"Each of the {len(y)} rows has a class of its own, such as {y[0]}; expected "
                f"classes of several rows. For measured numbers, fit a CroMELRegressor."
            )
        class_weight = weight
        if self.class_weight is not None:
            class_weight = weight * _class_weights(self.class_weight, y, weight)
        encoded = self._encoded_for_fit(table)
        unseen = self._fit_stack(
            encoded, numbers, weight, n_classes=len(self.classes_), class_weight=class_weight
        )
        nothing = np.empty((len(table), 0))
        distances = np.empty(len(table))
        for train, test in unseen.folds:
            part = TrainingDomain.of(encoded, train, nothing, self._seed)
            near = part.neighborhood(rows_of(encoded, test))
            distances[test] = near.distances.mean(axis=1)
        self.domain_ = TrainingDomain.of(
            encoded, np.arange(len(table)), nothing, self._seed, usual_distance(distances)
        )
        found = self.stack_.combine(unseen.predicted).argmax(axis=1)
        counts = np.bincount(numbers).tolist()
        recalls = [(found == one)[numbers == one].mean() for one in range(len(counts))]
        self.cross_validated_error_ = [float(1 - np.mean(recalls))]
        classes = [list(pair) for pair in zip(self.classes_.tolist(), counts, strict=True)]
        targets = [{"classes": classes, "balanced_error": self.cross_validated_error_[0]}]
        self.card_ = ModelCard.of(self, table, y, targets, [])
        return self

    def predict_proba(self, X):
        """Predict calibrated probabilities.

        Warns of rows far outside the domain, where the probabilities come nearer to each other.

        Parameters
        ----------
        X : as in `fit`, of n_samples rows
            A table may have more columns, in any order.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            NaN for rows left out by `on_invalid`.
        """
        probabilities, score, valid = self._predicted(X)
        self._warn_of_far_rows(score)
        return in_place(probabilities, valid)

    def predict(self, X):
        """Predict the most probable class.

        Parameters
        ----------
        X : as in `fit`, of n_samples rows

        Returns
        -------
        ndarray of shape (n_samples,)
            None for rows left out by `on_invalid`.
        """
        probabilities, score, valid = self._predicted(X)
        self._warn_of_far_rows(score)
        chosen = self.classes_[probabilities.argmax(axis=1)]
        if valid.all():
            return chosen
        placed = np.full(len(valid), None, dtype=object)
        placed[valid] = chosen
        return placed

    def _predict_all(self, X):
        """Probabilities and domain of each row, for the price of one of them."""
        probabilities, score, valid = self._predicted(X)
        return in_place(probabilities, valid), in_place(score, valid) <= 1.0

    @property
    def _domain(self):
        return self.domain_

    def _predicted(self, X):
        """Probabilities and domain scores, and which rows are valid."""
        check_is_fitted(self, "stack_")
        table = self._read(X)
        probabilities, scores = [], []
        for part in self._encoded(table):
            predicted, _ = self.stack_.predict(part)
            score = self.domain_.score(part, self.domain_.neighborhood(part))
            doubt = np.clip(score, 1.0, _MOST_DOUBT)[:, None]
            tempered = self.stack_.combine(predicted) ** (1 / doubt)
            probabilities.append(tempered / tempered.sum(axis=1, keepdims=True))
            scores.append(score)
        n_rows = len(table)
        return np.concatenate(probabilities)[:n_rows], np.concatenate(scores)[:n_rows], table.valid


def _class_weights(class_weight, y, weight) -> np.ndarray:
    """Weight of each row by its class; "balanced" counts weights of rows, not rows."""
    if class_weight != "balanced":
        return compute_sample_weight(class_weight, y)
    classes, numbers = np.unique(y, return_inverse=True)
    totals = np.bincount(numbers, weights=weight)
    return weight.sum() / (len(classes) * totals[numbers])
