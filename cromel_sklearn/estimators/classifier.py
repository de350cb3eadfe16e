"""Formulas and measured classes in, fine-tuned and calibrated probabilities out."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import LabelEncoder
from sklearn.utils.class_weight import compute_sample_weight

from .._sklearn_compat import StrOptions, check_parameters
from .finetuned_estimator import FineTunedEstimator
from .uncertainty import probabilities, temperature


class CroMELClassifier(ClassifierMixin, FineTunedEstimator):
    """Classification of measurements by fine-tuning a pretrained encoder.

    An ensemble of networks as in `CroMELRegressor`; their probabilities are averaged and calibrated
    by temperature on held-out compositions.

    Parameters
    ----------
    encoder, hidden_layer_sizes, max_epochs, lr, encoder_lr : as in `CroMELRegressor`
    weight_decay, batch_size, early_stopping, validation_fraction : as in `CroMELRegressor`
    n_estimators, freeze_encoder, kernel_machine, feature_columns : as in `CroMELRegressor`
    class_weight : "balanced" or dict {class: weight}, optional
        As in scikit-learn's classifiers; probabilities are those of the weighted classes.
    n_jobs, device, random_state, warm_start, verbose : as in `CroMELRegressor`

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    temperature_ : float
        Calibration; above 1 where the networks were too sure.
    encoder_, checkpoint_, networks_, blend_, loss_curve_, best_epoch_, n_features_in_, \
    feature_names_in_ : as in `CroMELRegressor`

    References
    ----------
    Na, npj Comput. Mater. 11 (2025), doi:10.1038/s41524-025-01723-1.

    Examples
    --------
    >>> from cromel_sklearn import CroMELClassifier
    >>> formulas = ["NaCl", "MgO", "KBr", "CaO", "Fe", "Cu", "Ni", "Al"]
    >>> model = CroMELClassifier(max_epochs=2, n_estimators=1, random_state=0)
    >>> model = model.fit(formulas, ["insulator"] * 4 + ["metal"] * 4)
    >>> model.predict_proba(["LiF"]).shape
    (1, 2)
    """

    _parameter_constraints = {  # noqa: RUF012
        **FineTunedEstimator._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        encoder="mp-multi",
        *,
        hidden_layer_sizes=(128,),
        max_epochs="auto",
        lr=1e-3,
        encoder_lr=2e-4,
        weight_decay=1e-2,
        batch_size="auto",
        early_stopping=True,
        validation_fraction=0.1,
        n_estimators=3,
        freeze_encoder=False,
        kernel_machine=True,
        feature_columns=None,
        class_weight=None,
        n_jobs=None,
        device="auto",
        random_state=None,
        warm_start=False,
        verbose=0,
    ):
        self.encoder = encoder
        self.hidden_layer_sizes = hidden_layer_sizes
        self.max_epochs = max_epochs
        self.lr = lr
        self.encoder_lr = encoder_lr
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_estimators = n_estimators
        self.freeze_encoder = freeze_encoder
        self.kernel_machine = kernel_machine
        self.feature_columns = feature_columns
        self.class_weight = class_weight
        self.n_jobs = n_jobs
        self.device = device
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose

    def fit(self, X, y, sample_weight=None):
        """Fine-tune.

        Parameters
        ----------
        X : as in `CroMELRegressor.fit`
        y : array-like of shape (n_samples,)
            Classes of any type.
        sample_weight : array-like of shape (n_samples,), optional

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
        go_on = self.warm_start and hasattr(self, "networks_")
        return self._fit(X, y, sample_weight, None, go_on=go_on)

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train each network for one more epoch at constant rates; the first call starts.

        Parameters
        ----------
        X, y : as in `fit`
        classes : array-like of shape (n_classes,), optional
            All classes, at the first call; those of its `y` by default.
        sample_weight : as in `fit`

        Returns
        -------
        self
        """
        check_parameters(self)
        go_on = hasattr(self, "networks_")
        return self._fit(X, y, sample_weight, classes, go_on=go_on, one_epoch=True)

    def _fit(self, X, y, sample_weight, classes, *, go_on, one_epoch=False):
        y = self._checked_classes(y)
        if not go_on:
            encoder = LabelEncoder().fit(y if classes is None else classes)
            self.classes_ = encoder.classes_
            self.temperature_ = 1.0
        target = self._class_numbers(y)
        weight = self._checked_weight(sample_weight, target)
        if self.class_weight is not None:
            weight = weight * compute_sample_weight(self.class_weight, y)
        trained = self._train(
            X, target, weight, len(self.classes_), "log_loss", go_on=go_on, one_epoch=one_epoch
        )
        if trained is not None:
            outputs, _, held_out = trained
            logits = np.concatenate([outputs[i, rows] for i, rows in enumerate(held_out)])
            rows = np.concatenate(held_out)
            self.temperature_ = temperature(logits, target[rows], weight[rows])
        return self

    def predict_proba(self, X):
        """Predict calibrated probabilities.

        Parameters
        ----------
        X : as in `fit`, of n_samples rows

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        logits, _ = self._outputs(X)
        return probabilities(logits, self.temperature_)

    def predict(self, X):
        """Predict the most probable class.

        Parameters
        ----------
        X : as in `fit`, of n_samples rows

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        chosen = self.predict_proba(X).argmax(axis=1)
        return self.classes_[chosen]

    def _class_numbers(self, y: np.ndarray) -> np.ndarray:
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(
                f"y has the classes {unknown.tolist()!r}, which the model was not started with "
                f"({self.classes_.tolist()!r}); name all of them in the first partial_fit."
            )
        return np.searchsorted(self.classes_, y)
