"""What `CroMELRegressor` and `CroMELClassifier` share: fine-tuned networks, kernel machines."""

import warnings
from numbers import Integral, Real
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from .._sklearn_compat import (
    COUNT,
    NOT_NEGATIVE,
    POSITIVE,
    Interval,
    StrOptions,
    check_sample_weight,
)
from ..device import find_device
from ..encoders.checkpoint import Checkpoint
from ..encoders.registry import load_encoder
from ..exceptions import InvalidTableError
from .measurement_estimator import MeasurementEstimator


class FineTunedEstimator(MeasurementEstimator):
    """Parameters, training, prediction by each network, files."""

    _parameter_constraints = {  # noqa: RUF012 (scikit-learn reads it from the class)
        "encoder": [str, Path, Checkpoint],
        "hidden_layer_sizes": ["array-like"],
        "max_epochs": [StrOptions({"auto"}), COUNT],
        "lr": [POSITIVE],
        "encoder_lr": [POSITIVE],
        "weight_decay": [NOT_NEGATIVE],
        "batch_size": [StrOptions({"auto"}), COUNT],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_estimators": [COUNT],
        "freeze_encoder": ["boolean"],
        "kernel_machine": ["boolean"],
        "feature_columns": [None, "array-like"],
        "n_jobs": [None, Integral],
        "device": "no_validation",  # find_device says what is expected
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
    }

    networks_: list

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
        from .persistence import save_finetuned

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
        from .persistence import load_finetuned

        return load_finetuned(cls, path)

    def _train(self, X, target, weight, n_outputs, loss, *, go_on=False, one_epoch=False):
        """Train the ensemble and the kernel machines beside it.

        Returns
        -------
        (outputs, noises, held_out), or None after a single epoch
            As from `_outputs` for the training rows, and the rows that each network has not
            seen: what calibration needs.
        """
        from ..data.measurements import LabelledRows
        from .ensemble import (
            held_out_rows,
            new_networks,
            predict_ensemble,
            train_ensemble,
        )
        from .kernel_blend import KernelBlend, fit_blend
        from .networks import TrainingSettings

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
            max_epochs=1 if one_epoch else self._epochs(len(table)),
            batch_size=self._rows_a_batch(len(table)),
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
        if not (one_epoch and go_on):
            self.blend_ = KernelBlend()
        if one_epoch:
            return None
        held_out, seeds = held_out[: len(trained)], seeds[1 : len(trained) + 1]
        outputs, noises = predict_ensemble(self.networks_, table, device)
        if self.kernel_machine:
            inputs = self._kernel_inputs(table)
            try:
                self.blend_ = fit_blend(
                    inputs, target, weight, held_out, outputs, loss, seeds, self.n_jobs
                )
            except KeyboardInterrupt:
                message = "Interrupted while kernel machines were fitted: the networks do alone."
                warnings.warn(message, ConvergenceWarning, stacklevel=3)
            outputs = self.blend_.outputs(outputs, inputs)
        return outputs, noises, held_out

    def _kernel_inputs(self, table) -> list[np.ndarray]:
        from .kernel_blend import kernel_inputs

        return kernel_inputs(self._members(), table, find_device(self.device))

    def _rows_a_batch(self, n_samples: int) -> int:
        if self.batch_size == "auto":
            return min(256, max(16, n_samples // 30))
        return self.batch_size

    def _epochs(self, n_samples: int) -> int:
        if self.max_epochs == "auto":
            steps_an_epoch = -(-n_samples // self._rows_a_batch(n_samples))
            return min(150, max(30, 900 // steps_an_epoch))
        return self.max_epochs

    def _members(self) -> list[Checkpoint]:
        """Pretrained checkpoint that each network started from."""
        members = self.encoder_.members
        return [members[number % len(members)] for number in range(len(self.networks_))]

    def _checked_weight(self, sample_weight, target) -> np.ndarray:
        weight = check_sample_weight(sample_weight, target)
        if (weight < 0).any():
            row = np.flatnonzero(weight < 0)[0]
            raise InvalidTableError(
                f"sample_weight has {weight[row]} at index {row}; expected zero or more."
            )
        return weight

    def _outputs(self, X) -> tuple[np.ndarray, np.ndarray]:
        """Outputs and noises of every network, of shape (n_networks, n_samples, n_outputs).

        The outputs are blended with those of the kernel machines.
        """
        from .ensemble import predict_ensemble

        check_is_fitted(self, "networks_")
        table = self._read(X, reset=False)
        outputs, noises = predict_ensemble(self.networks_, table, find_device(self.device))
        if self.blend_.machines:  # otherwise nothing needs the pretrained embedding
            outputs = self.blend_.outputs(outputs, self._kernel_inputs(table))
        return outputs, noises
