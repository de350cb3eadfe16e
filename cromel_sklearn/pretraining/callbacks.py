"""What happens between the steps of a pretraining: schedule, seeds, validation, state on disk."""

from pathlib import Path

import numpy as np
import torch
from skorch.callbacks import Callback
from skorch.history import History
from torch import nn

from ..exceptions import CheckpointError
from ..nn.schedule import one_cycle
from ..storage.damage import damage_named
from .data import PretrainingData
from .evaluation import evaluate_encoders
from .net import MODULES, OPTIMIZERS
from .run_state import RunState


class OneCycleSchedule(Callback):
    """One-cycle schedule: a function of the step alone, so that a resumed run needs no state."""

    def __init__(self, max_epochs: int, steps_per_epoch: int):
        self.n_steps = max_epochs * steps_per_epoch
        self.steps_per_epoch = steps_per_epoch

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        """Remember the peak rate of each optimizer."""
        self.peaks_ = {name: getattr(net, name).defaults["lr"] for name in OPTIMIZERS}

    def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        """Start from the epoch's first step."""
        self.step_ = (len(net.history) - 1) * self.steps_per_epoch

    def on_batch_begin(self, net, batch=None, training=None, **kwargs):
        """Set the rates of this step."""
        factor = one_cycle(self.step_ / self.n_steps)
        for name, peak in self.peaks_.items():
            for group in getattr(net, name).param_groups:
                group["lr"] = peak * factor
        self.step_ += 1


class EpochSeed(Callback):
    """Seed each epoch from (seed, epoch), so that it does not depend on what ran before.

    The caller isolates the global generator (`torch.random.fork_rng`).
    """

    def __init__(self, seed: int):
        self.seed = seed

    def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        """Seed the epoch."""
        sequence = np.random.SeedSequence([self.seed, len(net.history)])
        torch.random.manual_seed(int(sequence.generate_state(1)[0]))


class Validation(Callback):
    """Errors in units and effective ranks on the validation part, after each epoch."""

    def __init__(self, data: PretrainingData):
        self.data = data

    def on_epoch_end(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        """Evaluate and write to the history."""
        modules, processes = encoder_modules(net), net.processes
        errors = evaluate_encoders(*modules, self.data, "validation", processes)
        net.history.record("validation", errors.as_dict())
        score = processes.of_first(errors.score, net.property_heads_.means.device)
        net.history.record("validation_score", score)


class TrainingState(Callback):
    """Keeps the weights, writes the state of the run after each epoch, ends the run in time.

    The weights of the best epoch are kept with `keep_best`, those of the last one otherwise; the
    training stops when the validation score has not improved for `patience` epochs.
    """

    def __init__(self, path: Path | None, settings: dict, keep_best: bool, patience: int | None):
        self.path = path
        self.settings = settings
        self.keep_best = keep_best
        self.patience = patience
        self.best_weights: dict = {}

    def on_epoch_end(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        """Keep the weights, write the state, stop if it is time."""
        if self._kept_epoch(net.history) == len(net.history) - 1:
            self.best_weights = _copied_weights(net)
        if self.path is not None and net.processes.is_first:
            RunState(
                settings=self.settings,
                modules=_copied_weights(net),
                optimizers={name: getattr(net, name).state_dict() for name in OPTIMIZERS},
                best_weights=self.best_weights,
                history=summarise(net.history),
            ).save(self.path)
        if self.is_over(net.history):
            raise StopTraining

    def is_over(self, history) -> bool:
        """Tell whether the score has not improved for `patience` epochs."""
        if self.patience is None or not history:
            return False
        return len(history) - 1 - self._kept_epoch(history) >= self.patience

    def _kept_epoch(self, history) -> int:
        """Epoch, counted from 0, whose weights are kept."""
        scores = [epoch["validation_score"] for epoch in history]
        return int(np.argmin(scores)) if self.keep_best else len(scores) - 1

    def resume(self, net) -> None:
        """Load the state into an initialised net.

        Raises
        ------
        CheckpointError
            If there is no state, it is damaged, or belongs to other settings or data.
        """
        if self.path is None or not self.path.exists():
            raise CheckpointError(f"Nothing to resume: {self.path} does not exist.")
        state = RunState.load(self.path, net.device)
        state.require_settings(self.settings, self.path)
        with damage_named(self.path):
            for name in MODULES:
                getattr(net, name).load_state_dict(state.modules[name])
            for name in OPTIMIZERS:
                getattr(net, name).load_state_dict(state.optimizers[name])
        self.best_weights = state.best_weights
        net.history_ = History(state.history)


class StopTraining(Exception):  # noqa: N818 (a signal, not an error)
    """Raised by a callback to end the training in good order."""


def encoder_modules(net) -> tuple[nn.Module, nn.Module, nn.Module, nn.Module]:
    """Give the modules that `evaluate_encoders` takes."""
    return (
        net.structure_encoder_, net.structure_heads_, net.composition_encoder_, net.property_heads_
    )  # fmt: skip


def epoch_losses(epoch: dict) -> dict[str, float]:
    """Mean of each loss over the batches of an epoch of the history."""
    names = sorted({name for batch in epoch["batches"] for name in batch})
    return {
        name: float(np.mean([batch[name] for batch in epoch["batches"] if name in batch]))
        for name in names
        if not name.endswith("batch_size")
    }


def summarise(history) -> list[dict]:
    """Give the history with each epoch's batches averaged into one."""
    return [
        {**epoch, "batches": [epoch_losses(epoch)] if epoch["batches"] else []} for epoch in history
    ]


def _copied_weights(net) -> dict:
    return {
        name: {key: tensor.clone() for key, tensor in getattr(net, name).state_dict().items()}
        for name in MODULES
    }
