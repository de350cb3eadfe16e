"""Formulas and measurements in, fine-tuned predictions with their uncertainty out."""

from numbers import Integral, Real
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from .checkpoint import Checkpoint
from .device import find_device
from .exceptions import InvalidTableError
from .registry import load_encoder
from .target_scale import TARGET_TRANSFORMS, TargetScale
from .uncertainty import conformal_quantile, noise_factor, probabilities, temperature

_POSITIVE = Interval(Real, 0, None, closed="neither")
_COUNT = Interval(Integral, 1, None, closed="left")


class _FineTunedEstimator(BaseEstimator):
    """What regressor and classifier share: an ensemble of fine-tuned networks."""

    _parameter_constraints = {  # noqa: RUF012 (scikit-learn reads it from the class)
        "encoder": [str, Path, Checkpoint],
        "hidden_layer_sizes": ["array-like"],
        "max_epochs": [_COUNT],
        "lr": [_POSITIVE],
        "encoder_lr": [_POSITIVE],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), _COUNT],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_estimators": [_COUNT],
        "freeze_encoder": ["boolean"],
        "feature_columns": [None, "array-like"],
        "n_jobs": [None, Integral],
        "device": [str, HasMethods("type")],
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
    }

    @property
    def checkpoint_(self) -> Checkpoint:
        """The fine-tuned encoder, for `CroMELTransformer(encoder=...)`."""
        check_is_fitted(self, "networks_")
        return Checkpoint.combined(
            Checkpoint.from_modules(member.header, network.encoder, network.property_heads)
            for member, network in zip(self._members(), self.networks_, strict=True)
        ).with_provenance(finetuned_by=type(self).__name__, n_measurements=self.n_measurements_)

    def save(self, path) -> None:
        """Write the fitted estimator to a safetensors file.

        Parameters
        ----------
        path : path-like
        """
        from .finetuned_file import save_finetuned

        save_finetuned(self, path)

    @classmethod
    def load(cls, path):
        """Read a fitted estimator.

        Parameters
        ----------
        path : path-like
            Written by `save`.

        Returns
        -------
        estimator of this class

        Raises
        ------
        CheckpointError
            If the file is missing, damaged, or holds another estimator.
        """
        from .finetuned_file import load_finetuned

        return load_finetuned(cls, path)

    def _train(self, X, target, weight, n_outputs, loss, *, go_on=False, one_epoch=False):
        """Train the ensemble.

        Returns
        -------
        held_out : list of ndarray
            Rows that each network has not seen.
        outputs, noises : ndarray of shape (n_networks, n_samples, n_outputs)
            Of all networks, for all rows.
        """
        from .finetuning_data import LabelledRows
        from .finetuning_ensemble import (
            held_out_rows,
            new_networks,
            predict_ensemble,
            train_ensemble,
        )
        from .finetuning_net import TrainingSettings

        device = find_device(self.device)
        if not go_on:
            self.encoder_ = load_encoder(self.encoder)
        table = self._read(X, reset=not go_on)
        check_consistent_length(table, target)
        n_networks = len(self.networks_) if go_on else self.n_estimators
        seeds = check_random_state(self.random_state).randint(2**31, size=n_networks + 1).tolist()
        holds_out = self.early_stopping and not one_epoch
        held_out = held_out_rows(
            table.composition_of_row,
            self.validation_fraction if holds_out else None,
            n_networks,
            seeds[0],
        )
        networks = (
            self.networks_
            if go_on
            else new_networks(
                self.encoder_,
                seeds[1:],
                hidden_layer_sizes=tuple(self.hidden_layer_sizes),
                n_features=table.features.shape[1],
                n_outputs=n_outputs,
                has_noise=loss != "log_loss",
                freeze_encoder=self.freeze_encoder,
            )
        )
        settings = TrainingSettings(
            loss=loss,
            max_epochs=1 if one_epoch else self.max_epochs,
            batch_size=_batch_size(self.batch_size, len(table)),
            lr=self.lr,
            encoder_lr=self.encoder_lr,
            weight_decay=self.weight_decay,
            anneals=not one_epoch,
        )
        trained = train_ensemble(
            networks,
            LabelledRows(table, target, weight),
            settings,
            held_out,
            standardise=not go_on,
            seeds=seeds[1:],
            device=device,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )
        self.networks_ = [one.network for one in trained]
        self.loss_curve_ = [one.history for one in trained]
        self.best_epoch_ = [one.best_epoch for one in trained]
        self.n_measurements_ = len(table)
        outputs, noises = predict_ensemble(self.networks_, table, device)
        return held_out[: len(trained)], outputs, noises

    def _members(self) -> list[Checkpoint]:
        """Pretrained checkpoint that each network started from."""
        members = self.encoder_.members
        return [members[number % len(members)] for number in range(len(self.networks_))]

    def _read(self, X, reset: bool):
        from .finetuning_data import read_table

        validate_data(self, X, reset=reset, skip_check_array=True, ensure_2d=False)
        table = read_table(X, self.feature_columns, self.encoder_.known_elements)
        n_columns = 1 + table.features.shape[1]
        if reset:
            self.n_features_in_ = n_columns
        elif n_columns != self.n_features_in_:
            raise InvalidTableError(
                f"X has {n_columns} columns, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} columns as in fit."
            )
        return table

    def _outputs(self, X) -> tuple[np.ndarray, np.ndarray]:
        from .finetuning_ensemble import predict_ensemble

        check_is_fitted(self, "networks_")
        return predict_ensemble(
            self.networks_, self._read(X, reset=False), find_device(self.device)
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.non_deterministic = False
        return tags


class CroMELRegressor(RegressorMixin, _FineTunedEstimator):
    r"""Regression of measurements by fine-tuning a pretrained encoder.

    An ensemble of networks: each is a copy of the pretrained encoder under a small head, trained
    together with a one-cycle schedule, the encoder at a lower rate than the head. Each network
    holds out other compositions, which choose the epoch whose weights are kept and calibrate the
    uncertainty. Targets and numeric columns are standardised inside.

    Parameters
    ----------
    encoder : str, path-like or Checkpoint, default="mp-multi"
        As in `CroMELTransformer`.
    hidden_layer_sizes : tuple of int, default=(128,)
        Hidden layers of the head.
    loss : {"absolute_error", "squared_error", "huber"}, default="absolute_error"
        Of the standardised target.
    max_epochs : int, default=60
    lr, encoder_lr : float, default=1e-3, 3e-4
        Peak learning rates of head and encoder.
    weight_decay : float, default=1e-2
        Of AdamW.
    batch_size : "auto" or int, default="auto"
        "auto" is a thirtieth of the rows, at least 16 and at most 256.
    early_stopping : bool, default=True
        Hold out compositions, keep each network's best epoch on them, and calibrate with them.
    validation_fraction : float, default=0.1
        Compositions that each network holds out.
    n_estimators : int, default=4
        Networks.
    freeze_encoder : bool, default=False
        Train the heads only.
    feature_columns : list of column names, optional
        Numeric columns beside the compositions (temperature, load, ...); all numeric columns of `X`
        by default.
    target_transform : {None, "log10"}, default=None
        Predict the decadic logarithm of a positive target; predictions are transformed back.
    n_jobs : int, optional
        Networks trained in parallel, as in joblib.
    device : str, default="auto"
        "auto" (a CUDA GPU where there is one), "cpu", "cuda" or "cuda:<index>".
    random_state : int, RandomState or None, default=None
        Of heads, held-out rows and order; an int makes fits on a CPU equal to the last bit.
    warm_start : bool, default=False
        Go on from the networks of the last fit instead of the pretrained encoder.
    verbose : int, default=0
        1 shows a progress bar a network.

    Attributes
    ----------
    encoder_ : Checkpoint
        The pretrained encoder, unchanged.
    checkpoint_ : Checkpoint
        The fine-tuned encoder, for `CroMELTransformer(encoder=...)`; the properties that it
        predicts have drifted with it.
    networks_ : list of FineTunedNetwork
    loss_curve_ : list of list of dict
        For each network and epoch: train_loss, and valid_loss on its held-out rows.
    best_epoch_ : list of int
        Epoch, counted from 1, whose weights each network keeps.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)

    References
    ----------
    Na, npj Comput. Mater. 11 (2025), doi:10.1038/s41524-025-01723-1. Deep ensembles:
    Lakshminarayanan et al., NeurIPS 2017, arXiv:1612.01474.

    Examples
    --------
    >>> from cromel_sklearn import CroMELRegressor, load_standard_enthalpies
    >>> sample = load_standard_enthalpies()
    >>> model = CroMELRegressor(max_epochs=2, n_estimators=1, random_state=0)
    >>> model = model.fit(sample.formulas[:200], sample.target[:200])
    >>> mean, std = model.predict(["MgO", "FeO"], return_std=True)
    >>> model.predict_interval(["MgO", "FeO"], coverage=0.8).shape
    (2, 2)
    """

    _parameter_constraints = {  # noqa: RUF012
        **_FineTunedEstimator._parameter_constraints,
        "loss": [StrOptions({"absolute_error", "squared_error", "huber"})],
        "target_transform": [StrOptions(TARGET_TRANSFORMS), None],
    }

    def __init__(
        self,
        encoder="mp-multi",
        *,
        hidden_layer_sizes=(128,),
        loss="absolute_error",
        max_epochs=60,
        lr=1e-3,
        encoder_lr=3e-4,
        weight_decay=1e-2,
        batch_size="auto",
        early_stopping=True,
        validation_fraction=0.1,
        n_estimators=4,
        freeze_encoder=False,
        feature_columns=None,
        target_transform=None,
        n_jobs=None,
        device="auto",
        random_state=None,
        warm_start=False,
        verbose=0,
    ):
        self.encoder = encoder
        self.hidden_layer_sizes = hidden_layer_sizes
        self.loss = loss
        self.max_epochs = max_epochs
        self.lr = lr
        self.encoder_lr = encoder_lr
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_estimators = n_estimators
        self.freeze_encoder = freeze_encoder
        self.feature_columns = feature_columns
        self.target_transform = target_transform
        self.n_jobs = n_jobs
        self.device = device
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose

    def fit(self, X, y, sample_weight=None):
        """Fine-tune.

        Parameters
        ----------
        X : compositions, or table with one column of them beside numeric columns
            As in `CroMELTransformer.fit`; a DataFrame or array of shape (n_samples, n_columns).
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            With several outputs, NaN where not measured.
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
        self._validate_params()
        go_on = self.warm_start and hasattr(self, "networks_")
        return self._fit(X, y, sample_weight, go_on=go_on)

    def partial_fit(self, X, y, sample_weight=None):
        """Train each network for one more epoch at constant rates; the first call starts.

        Nothing is held out: the uncertainty stays as the last `fit` calibrated it.

        Parameters
        ----------
        X, y, sample_weight : as in `fit`

        Returns
        -------
        self
        """
        self._validate_params()
        return self._fit(X, y, sample_weight, go_on=hasattr(self, "networks_"), one_epoch=True)

    def _fit(self, X, y, sample_weight, *, go_on, one_epoch=False):
        if not go_on:
            self.target_scale_ = TargetScale.of(y, self.target_transform)
        target = self.target_scale_.standardise(y)
        weight = _check_sample_weight(sample_weight, target)
        held_out, outputs, noises = self._train(
            X, target, weight, target.shape[1], self.loss, go_on=go_on, one_epoch=one_epoch
        )
        if not one_epoch:
            stated = _stated(outputs, noises)
            scores = [
                np.abs(outputs[number, rows] - target[rows]) / stated[rows]
                for number, rows in enumerate(held_out)
            ]
            self.held_out_scores_ = np.concatenate(scores)
        elif not go_on:
            self.held_out_scores_ = np.empty((0, target.shape[1]))
        return self

    def predict(self, X, return_std=False):
        """Predict.

        Parameters
        ----------
        X : as in `fit`, of n_samples rows
        return_std : bool, default=False

        Returns
        -------
        mean : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            In the unit of `y`.
        std : the same, if `return_std`
            Spread of the networks and noise that they have learned, scaled so that it agrees with
            the errors on held-out rows.
        """
        outputs, noises = self._outputs(X)
        scale = self.target_scale_
        mean = outputs.mean(0)
        if not return_std:
            return scale.restore(mean)
        std = _stated(outputs, noises) * [noise_factor(scores) for scores in self._scores()]
        return scale.restore(mean), scale.restore_deviation(mean, std)

    def predict_interval(self, X, coverage=0.9):
        """Predict intervals that hold the measured value with a given probability.

        Conformal: the stated uncertainty times the quantile of its misses on held-out rows. With
        one network the coverage is that of split conformal prediction; with several, each held-out
        error is that of one network and the intervals of their mean are rather too wide.

        Parameters
        ----------
        X : as in `fit`, of n_samples rows
        coverage : float, default=0.9
            Between 0 and 1.

        Returns
        -------
        ndarray of shape (n_samples, 2) or (n_samples, n_outputs, 2)
            Lower and upper end, in the unit of `y`.

        Raises
        ------
        CalibrationError
            If there are too few held-out rows for that coverage.
        """
        if not 0 < coverage < 1:
            raise ValueError(f"coverage must be between 0 and 1, got {coverage!r}")
        outputs, noises = self._outputs(X)
        quantiles = [conformal_quantile(scores, coverage) for scores in self._scores()]
        half = _stated(outputs, noises) * quantiles
        ends = (outputs.mean(0) - half, outputs.mean(0) + half)
        return np.stack([self.target_scale_.restore(end) for end in ends], axis=-1)

    def _scores(self) -> list[np.ndarray]:
        """Held-out scores of each output, without those that were not measured."""
        return [column[~np.isnan(column)] for column in self.held_out_scores_.T]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.two_d_labels = False
        return tags


class CroMELClassifier(ClassifierMixin, _FineTunedEstimator):
    """Classification of measurements by fine-tuning a pretrained encoder.

    An ensemble of networks as in `CroMELRegressor`; their probabilities are averaged and calibrated
    by temperature on held-out compositions.

    Parameters
    ----------
    encoder, hidden_layer_sizes, max_epochs, lr, encoder_lr, weight_decay, batch_size, \
    early_stopping, validation_fraction, n_estimators, freeze_encoder, feature_columns, n_jobs, \
    device, random_state, warm_start, verbose : as in `CroMELRegressor`
    class_weight : "balanced" or dict {class: weight}, optional
        As in scikit-learn's classifiers; probabilities are those of the weighted classes.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    temperature_ : float
        Calibration; above 1 where the networks were too sure.
    encoder_, checkpoint_, networks_, loss_curve_, best_epoch_, n_features_in_, \
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
        **_FineTunedEstimator._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        encoder="mp-multi",
        *,
        hidden_layer_sizes=(128,),
        max_epochs=60,
        lr=1e-3,
        encoder_lr=3e-4,
        weight_decay=1e-2,
        batch_size="auto",
        early_stopping=True,
        validation_fraction=0.1,
        n_estimators=4,
        freeze_encoder=False,
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
        self._validate_params()
        go_on = self.warm_start and hasattr(self, "networks_")
        return self._fit(X, y, sample_weight, None, go_on=go_on)

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train each network for one more epoch at constant rates; the first call starts.

        Parameters
        ----------
        X, y, sample_weight : as in `fit`
        classes : array-like of shape (n_classes,), optional
            All classes, at the first call; those of its `y` by default.

        Returns
        -------
        self
        """
        self._validate_params()
        go_on = hasattr(self, "networks_")
        return self._fit(X, y, sample_weight, classes, go_on=go_on, one_epoch=True)

    def _fit(self, X, y, sample_weight, classes, *, go_on, one_epoch=False):
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        if not go_on:
            encoder = LabelEncoder().fit(y if classes is None else classes)
            self.classes_ = encoder.classes_
            self.temperature_ = 1.0
        target = self._class_numbers(y)
        weight = _check_sample_weight(sample_weight, target)
        if self.class_weight is not None:
            weight = weight * compute_sample_weight(self.class_weight, y)
        held_out, outputs, _ = self._train(
            X, target, weight, len(self.classes_), "log_loss", go_on=go_on, one_epoch=one_epoch
        )
        if not one_epoch:
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
        return probabilities(self._outputs(X)[0], self.temperature_)

    def predict(self, X):
        """Predict the most probable class.

        Parameters
        ----------
        X : as in `fit`, of n_samples rows

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def _class_numbers(self, y: np.ndarray) -> np.ndarray:
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(
                f"y has the classes {unknown.tolist()!r}, which the model was not started with "
                f"({self.classes_.tolist()!r}); name all of them in the first partial_fit."
            )
        return np.searchsorted(self.classes_, y)


def _stated(outputs: np.ndarray, noises: np.ndarray) -> np.ndarray:
    """Standard deviation before calibration: spread of the networks and their mean noise."""
    return np.sqrt(outputs.var(0) + (noises**2).mean(0))


def _batch_size(batch_size, n_samples: int) -> int:
    return min(256, max(16, n_samples // 30)) if batch_size == "auto" else batch_size
