"""Formulas and measured numbers in, fine-tuned predictions with intervals out."""

import numpy as np
from sklearn.base import RegressorMixin

from .._sklearn_compat import StrOptions, check_parameters
from ..data.target_scale import TARGET_TRANSFORMS, TargetScale
from .finetuned_estimator import FineTunedEstimator
from .uncertainty import conformal_quantile, noise_factor


class CroMELRegressor(RegressorMixin, FineTunedEstimator):
    r"""Regression of measurements by fine-tuning a pretrained encoder.

    An ensemble of networks: each is a copy of the pretrained encoder under a small head, trained
    together with a one-cycle schedule, the encoder at a lower rate than the head. Beside each
    network stands a support vector machine on the pretrained embedding, which small tables suit
    better. Each network holds out other compositions, which choose the epoch whose weights are
    kept, the share of the machines, and calibrate the uncertainty. Targets and numeric columns are
    standardised inside.

    Parameters
    ----------
    encoder : str, path-like or Checkpoint, default="mp-multi"
        As in `CroMELTransformer`.
    hidden_layer_sizes : tuple of int, default=(128,)
        Hidden layers of the head.
    loss : {"absolute_error", "squared_error", "huber"}, default="absolute_error"
        Of the standardised target.
    max_epochs : "auto" or int, default="auto"
        "auto" is 30, and for small tables as many as make 900 steps, at most 150.
    lr, encoder_lr : float, default=1e-3, 2e-4
        Peak learning rates of head and encoder.
    weight_decay : float, default=1e-2
        Of AdamW.
    batch_size : "auto" or int, default="auto"
        "auto" is a thirtieth of the rows, at least 16 and at most 256.
    early_stopping : bool, default=True
        Hold out compositions, keep each network's best epoch on them, and calibrate with them.
    validation_fraction : float, default=0.1
        Compositions that each network holds out.
    n_estimators : int, default=3
        Networks; they start from the members of the encoder in turn.
    freeze_encoder : bool, default=False
        Train the heads only.
    kernel_machine : bool, default=True
        Blend each network with a support vector machine on the pretrained embedding, at the share
        that suits the held-out compositions; without `early_stopping` the networks do alone.
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
        Go on from the networks of the last fit instead of the pretrained encoder. Rows that they
        have seen may then be held out, and the uncertainty comes out too small.
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
    blend_ : KernelBlend
        The kernel machines, `blend_.machines`, and their share in a prediction, `blend_.share`.
    loss_curve_ : list of list of dict
        For each network and epoch: train_loss, and valid_loss on its held-out rows.
    best_epoch_ : list of int
        Epoch, counted from 1, whose weights each network keeps.
    n_features_in_ : int
        Columns in use: that of compositions, and numeric ones.
    feature_names_in_ : ndarray of object
        Names of all columns of a table that has names.

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
        **FineTunedEstimator._parameter_constraints,
        "loss": [StrOptions({"absolute_error", "squared_error", "huber"})],
        "target_transform": [StrOptions(TARGET_TRANSFORMS), None],
    }

    def __init__(
        self,
        encoder="mp-multi",
        *,
        hidden_layer_sizes=(128,),
        loss="absolute_error",
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
        self.kernel_machine = kernel_machine
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
        check_parameters(self)
        go_on = self.warm_start and hasattr(self, "networks_")
        return self._fit(X, y, sample_weight, go_on=go_on)

    def partial_fit(self, X, y, sample_weight=None):
        """Train each network for one more epoch at constant rates; the first call starts.

        Nothing is held out: the uncertainty stays as the last `fit` calibrated it, and the kernel
        machines as it fitted them.

        Parameters
        ----------
        X, y, sample_weight : as in `fit`

        Returns
        -------
        self
        """
        check_parameters(self)
        return self._fit(X, y, sample_weight, go_on=hasattr(self, "networks_"), one_epoch=True)

    def _fit(self, X, y, sample_weight, *, go_on, one_epoch=False):
        self._require_target(y)
        if not go_on:
            self.target_scale_ = TargetScale.of(y, self.target_transform)
        target = self.target_scale_.standardise(y)
        weight = self._checked_weight(sample_weight, target)
        trained = self._train(
            X, target, weight, target.shape[1], self.loss, go_on=go_on, one_epoch=one_epoch
        )
        if trained is not None:
            outputs, noises, held_out = trained
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


def _stated(outputs: np.ndarray, noises: np.ndarray) -> np.ndarray:
    """Standard deviation before calibration: spread of the networks and their mean noise."""
    return np.sqrt(outputs.var(0) + (noises**2).mean(0))
