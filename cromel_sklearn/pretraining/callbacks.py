"""skorch callbacks of pretraining: schedule, validation, stopping, state on disk, progress."""

import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from skorch.callbacks import Callback
from skorch.history import History
from torch import nn

from .._files import replacing
from ..data.materials import PROPERTY_UNITS
from ..encoders.registry import load_encoder
from ..exceptions import CheckpointError
from ..nn.schedule import one_cycle
from .data import PretrainingData
from .evaluation import evaluate_encoders
from .net import MODULES, OPTIMIZERS

#: File of a run's folder that holds its state.
RUN_STATE = "run_state.pt"
_STATE_VERSION = 1


class OneCycle(Callback):
    """One-cycle schedule, a function of the step alone: a resumed run needs no state."""

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
        errors = evaluate_encoders(
            *encoder_modules(net), self.data, "validation",
        )  # fmt: skip
        net.history.record("validation", errors.as_dict())
        net.history.record("validation_score", errors.score)


class TrainingState(Callback):
    """Everything a run needs to go on, written in one step after each epoch.

    Keeps the weights of the best epoch when `keep_best`, of the last one otherwise, and stops the
    training when the validation score has not improved for `patience` epochs.
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
        if self.path is not None:
            self._write(net, self.path)
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
        state = read_run_state(self.path, net.device)
        written = json.loads(state["settings"])
        for name in sorted(self.settings.keys() | written.keys()):
            if json.dumps(self.settings.get(name)) != json.dumps(written.get(name)):
                raise CheckpointError(
                    f"{self.path} was written with {name}={written.get(name)!r}, this run has "
                    f"{self.settings.get(name)!r}. Resume with the same settings and data, or "
                    f"start in another folder."
                )
        for name in MODULES:
            getattr(net, name).load_state_dict(state["modules"][name])
        for name in OPTIMIZERS:
            getattr(net, name).load_state_dict(state["optimizers"][name])
        self.best_weights = state["best_weights"]
        net.history_ = History(json.loads(state["history"]))

    def _write(self, net, path: Path) -> None:
        state = {
            "version": _STATE_VERSION,
            "settings": json.dumps(self.settings),
            "modules": _copied_weights(net),
            "optimizers": {name: getattr(net, name).state_dict() for name in OPTIMIZERS},
            "best_weights": self.best_weights,
            "history": json.dumps(summarise(net.history)),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            torch.save(state, file)


def read_run_state(path: Path, device="cpu") -> dict:
    """Read the state that `TrainingState` has written.

    Raises
    ------
    CheckpointError
        If it is missing, damaged or of another format.
    """
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        version = state["version"]
    except FileNotFoundError as error:
        raise CheckpointError(f"No run at {path}; expected a run_state.pt.") from error
    except Exception as error:
        raise CheckpointError(f"{path} is damaged: {error}. Start a new run.") from error
    if version != _STATE_VERSION:
        raise CheckpointError(f"{path} has format {version}, expected {_STATE_VERSION}.")
    return state


def load_structure_encoder(folder: Path, structure_encoder, structure_heads, properties) -> None:
    """Load structure encoder and heads of a finished run, and hold them fixed.

    Parameters
    ----------
    folder : Path
    structure_encoder : StructureEncoder
    structure_heads : PropertyHeads
    properties : sequence of str
        Of this run, in the order of the heads; the earlier run may predict more.

    Raises
    ------
    CheckpointError
        If there is no such run, or it is of another architecture or lacks a property.
    """
    weights = read_run_state(folder / RUN_STATE)["best_weights"]
    predicted = list(load_encoder(folder).properties)
    missing = [name for name in properties if name not in predicted]
    if missing:
        raise CheckpointError(
            f"The structure encoder in {folder} does not predict {', '.join(missing)}; it predicts "
            f"{', '.join(predicted)}."
        )
    rows = [predicted.index(name) for name in properties]
    heads = {key: tensor[rows] for key, tensor in weights["structure_heads_"].items()}
    try:
        structure_encoder.load_state_dict(weights["structure_encoder_"])
        structure_heads.load_state_dict(heads)
    except RuntimeError as error:
        raise CheckpointError(
            f"The structure encoder in {folder} does not fit this run: {error}"
        ) from error
    structure_encoder.requires_grad_(False)
    structure_heads.requires_grad_(False)


def run_checksum(folder: Path) -> str:
    """SHA-256 of the weights of an earlier run's structure encoder."""
    weights = read_run_state(folder / RUN_STATE)["best_weights"]["structure_encoder_"]
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(weights[name].cpu().numpy().tobytes())
    return digest.hexdigest()


class StopTraining(Exception):  # noqa: N818 (a signal, not an error)
    """Raised by a callback to end the training in good order."""


class ProgressReport(Callback):
    """A progress bar over the epoch's batches, and a line with losses and errors after it."""

    def __init__(self, steps_per_epoch: int, max_epochs: int):
        self.steps_per_epoch = steps_per_epoch
        self.max_epochs = max_epochs

    def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        """Open the bar."""
        self.console_ = Console()
        columns = (
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
            TimeRemainingColumn(), TextColumn("{task.fields[losses]}"),
        )  # fmt: skip
        self.progress_ = Progress(*columns, console=self.console_, transient=True)
        title = f"epoch {len(net.history)}/{self.max_epochs}"
        self.task_ = self.progress_.add_task(title, total=self.steps_per_epoch, losses="")
        self.progress_.start()

    def on_batch_end(self, net, batch=None, training=None, **kwargs):
        """Advance the bar."""
        losses = net.history[-1]["batches"][-1]
        shown = [f"{name} {value:.3f}" for name, value in losses.items() if name.endswith("loss")]
        self.progress_.update(self.task_, advance=1, losses=" ".join(shown))

    def on_epoch_end(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        """Close the bar and print the epoch's line."""
        self.progress_.stop()
        last = net.history[-1]
        errors = last["validation"]
        described = []
        for kind in ("structure", "composition"):
            listed = ", ".join(
                f"{name} {error:.3g} {PROPERTY_UNITS.get(name, '')}".strip()
                for name, error in errors[kind].items()
            )
            described.append(f"  {kind}: {listed}; effective rank {errors[f'{kind}_rank']:.1f}")
        losses = ", ".join(f"{name} {value:.4f}" for name, value in epoch_losses(last).items())
        self.console_.print(
            f"epoch {last['epoch']}/{self.max_epochs}: {losses}; validation score "
            f"{errors['score']:.4f}; {last['dur']:.0f} s\n" + "\n".join(described),
            highlight=False,
        )

    def on_train_end(self, net, X=None, y=None, **kwargs):
        """Never leave a bar behind."""
        if hasattr(self, "progress_"):  # a resumed run may have no epoch left
            self.progress_.stop()


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
