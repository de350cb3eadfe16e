"""A pretrained encoder under a small head, trained on measurements: one network of the ensemble."""

import copy
from dataclasses import dataclass, field

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import EarlyStopping, LRScheduler
from skorch.helper import predefined_split
from torch import Tensor, nn

from ..data.measurements import LabelledRows, MeasurementTable
from ..nn.composition_encoder import CompositionEncoder, PropertyHeads
from ..nn.schedule import one_cycle
from .uncertainty import temperature

#: Error, in standard deviations of the target, from which the Huber loss grows linearly.
HUBER_DELTA = 0.5
_INFERENCE_BATCH = 4096


@dataclass(frozen=True)
class TrainingSettings:
    """How one network is trained.

    Attributes
    ----------
    loss : str
        As in `CroMELRegressor`, or "log_loss" for classes.
    max_epochs, batch_size : int
    lr, encoder_lr, weight_decay : float
        Peak learning rates of head and encoder; AdamW's weight decay.
    anneals : bool
        One-cycle schedule; constant rates otherwise.
    """

    loss: str
    max_epochs: int
    batch_size: int
    lr: float
    encoder_lr: float
    weight_decay: float
    anneals: bool = True


@dataclass
class TrainedNetwork:
    """One network of the ensemble after training.

    Attributes
    ----------
    network : FineTunedNetwork
    history : list of dict
        One entry an epoch: train_loss and, with held-out rows, valid_loss.
    best_epoch : int
        Epoch, counted from 1, whose weights are kept.
    was_interrupted : bool
    """

    network: "FineTunedNetwork"
    history: list[dict] = field(default_factory=list)
    best_epoch: int = 0
    was_interrupted: bool = False


class FineTunedNetwork(nn.Module):
    """Encoder, standardised inputs, head.

    Parameters
    ----------
    encoder : CompositionEncoder
    property_heads : PropertyHeads
        Of the encoder; their predictions go into the head beside the embedding.
    n_features : int
        Numeric columns beside the composition.
    hidden_layer_sizes : tuple of int
        Hidden layers of the head.
    n_outputs : int
        Targets, or classes.
    has_noise : bool
        Also predict the standard deviation of each target.
    """

    input_mean: Tensor
    input_scale: Tensor

    def __init__(
        self,
        encoder: CompositionEncoder,
        property_heads: PropertyHeads,
        n_features: int,
        hidden_layer_sizes,
        n_outputs: int,
        has_noise: bool,
    ):
        super().__init__()
        self.encoder = encoder
        self.property_heads = property_heads.requires_grad_(False)
        n_inputs = encoder.config.embedding_dim + len(property_heads.means) + n_features
        self.register_buffer("input_mean", torch.zeros(n_inputs))
        self.register_buffer("input_scale", torch.ones(n_inputs))
        layers: list[nn.Module] = []
        for size in hidden_layer_sizes:
            layers += [nn.Linear(n_inputs, size), nn.SiLU()]
            n_inputs = size
        self.hidden = nn.Sequential(*layers)
        self.output = nn.Linear(n_inputs, n_outputs)
        self.noise = nn.Linear(n_inputs, n_outputs) if has_noise else None

    def inputs(self, atomic_numbers, atomic_fractions, features) -> Tensor:
        """Embedding, predicted properties and numeric columns, side by side."""
        embedding = self.encoder(atomic_numbers, atomic_fractions).embedding
        return torch.cat([embedding, self.property_heads(embedding), features], dim=1)

    def forward(self, atomic_numbers, atomic_fractions, features) -> tuple[Tensor, Tensor]:
        """Predict.

        Parameters
        ----------
        atomic_numbers : Tensor of shape (n_samples, max_elements), int64
        atomic_fractions : Tensor of shape (n_samples, max_elements)
        features : Tensor of shape (n_samples, n_features)

        Returns
        -------
        output : Tensor of shape (n_samples, n_outputs)
            Standardised targets, or logits.
        noise : Tensor of shape (n_samples, n_outputs)
            Their standard deviations; without noise of shape (n_samples, 0).
        """
        inputs = self.inputs(atomic_numbers, atomic_fractions, features)
        hidden = self.hidden((inputs - self.input_mean) / self.input_scale)
        if self.noise is None:
            return self.output(hidden), hidden[:, :0]
        # Learning the noise must not change what the mean learns.
        noise = nn.functional.softplus(self.noise(hidden.detach())) + 1e-3
        return self.output(hidden), noise

    @torch.no_grad()
    def standardise_inputs(self, table: MeasurementTable) -> None:
        """Take mean and scale of the head's inputs from a table."""
        device = self.input_mean.device
        inputs = self.inputs(**table.tensors(device=device))
        self.input_mean.copy_(inputs.mean(0))
        scale = inputs.std(0, correction=0)
        self.input_scale.copy_(torch.where(scale > 1e-6, scale, 1.0))

    @torch.no_grad()
    def predict(self, table: MeasurementTable, device) -> tuple[np.ndarray, np.ndarray]:
        """Predict in double precision, so that a row does not depend on its batch."""
        network = copy.deepcopy(self).double().eval().to(device)
        outputs, noises = [], []
        for start in range(0, max(1, len(table)), _INFERENCE_BATCH):
            rows = slice(start, start + _INFERENCE_BATCH)
            output, noise = network(**table[rows].tensors(torch.float64, device))
            outputs.append(output.cpu().numpy())
            noises.append(noise.cpu().numpy())
        return np.concatenate(outputs), np.concatenate(noises)


class RegressionLoss(nn.Module):
    """Weighted loss of standardised targets, NaN where missing, and of their noise.

    While training, the negative log-likelihood of the errors under the predicted noise is added;
    it trains the noise alone.
    """

    def __init__(self, loss: str):
        super().__init__()
        self.loss = loss

    def forward(self, predicted: tuple[Tensor, Tensor], truth: dict[str, Tensor]) -> Tensor:
        """Scalar loss."""
        output, noise = predicted
        present = ~torch.isnan(truth["target"])
        error = torch.where(present, output - torch.nan_to_num(truth["target"]), 0.0)
        if self.loss == "absolute_error":
            loss = error.abs()
        elif self.loss == "squared_error":
            loss = error**2
        else:
            zero = torch.zeros_like(error)
            loss = nn.functional.huber_loss(error, zero, reduction="none", delta=HUBER_DELTA)
        if self.training:
            loss = loss + 0.5 * (error.detach() / noise) ** 2 + torch.log(noise)
        weight = truth["weight"][:, None] * present
        return (loss * weight).sum() / weight.sum().clamp_min(1e-12)


class ClassificationLoss(nn.Module):
    """Weighted cross-entropy.

    On held-out rows after the temperature that suits them best, as probabilities are calibrated in
    the end: otherwise the best epoch is an early one, before the network grows sure of itself,
    though its classes are still improving (Guo et al., ICML 2017, arXiv:1706.04599).
    """

    def forward(self, predicted: tuple[Tensor, Tensor], truth: dict[str, Tensor]) -> Tensor:
        """Scalar loss."""
        logits, weight = predicted[0], truth["weight"]
        if not self.training:
            arrays = (logits, truth["target"], weight)
            logits = logits / temperature(*(array.cpu().numpy() for array in arrays))
        loss = nn.functional.cross_entropy(logits, truth["target"], reduction="none")
        return (loss * weight).sum() / weight.sum().clamp_min(1e-12)


def train_network(
    network: FineTunedNetwork,
    train: LabelledRows,
    held_out: LabelledRows | None,
    settings: TrainingSettings,
    seed: int,
    device,
    callbacks=(),
) -> TrainedNetwork:
    """Train one network; with held-out rows, keep the weights of its best epoch on them.

    Parameters
    ----------
    network : FineTunedNetwork
        Trained in place.
    train, held_out : LabelledRows
    settings : TrainingSettings
    seed : int
        Of the order of the rows; the caller's random state is left as it was.
    device : torch.device
    callbacks : list of (name, skorch callback), optional

    Returns
    -------
    TrainedNetwork
    """
    batch_size = min(settings.batch_size, len(train))
    n_steps = settings.max_epochs * -(-len(train) // batch_size)
    has_classes = settings.loss == "log_loss"
    criterion = ClassificationLoss() if has_classes else RegressionLoss(settings.loss)
    used = list(callbacks)
    validation = train if held_out is None else held_out
    if settings.anneals:
        schedule = LRScheduler(
            torch.optim.lr_scheduler.LambdaLR,
            lr_lambda=lambda step: one_cycle(step / n_steps),
            step_every="batch",
        )
        used.append(("schedule", schedule))
    if held_out is not None:
        best = EarlyStopping(patience=settings.max_epochs + 1, load_best=True, sink=_silent)
        used.append(("best", best))
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.random.manual_seed(seed)
        net = NeuralNet(
            network,
            criterion,
            optimizer=torch.optim.AdamW,
            optimizer__weight_decay=settings.weight_decay,
            optimizer__fused=True,
            optimizer__param_groups=[("encoder.*", {"lr": settings.encoder_lr})],
            lr=settings.lr,
            max_epochs=settings.max_epochs,
            batch_size=batch_size,
            iterator_train__shuffle=True,
            iterator_train__collate_fn=lambda rows: train.collate(rows, device),
            iterator_valid__batch_size=_INFERENCE_BATCH,
            iterator_valid__collate_fn=lambda rows: validation.collate(rows, device),
            train_split=None if held_out is None else predefined_split(held_out),
            device=str(device),
            callbacks=used,
            callbacks__print_log=None,
            verbose=0,
        )
        net.initialize()
        net.partial_fit(train)
    history = [
        {key: epoch[key] for key in ("epoch", "train_loss", "valid_loss", "dur") if key in epoch}
        for epoch in net.history
    ]
    n_complete = sum("train_loss" in epoch for epoch in history)
    scores = [epoch["valid_loss"] for epoch in history if "valid_loss" in epoch]
    return TrainedNetwork(
        network=net.module_.eval().cpu(),  # so that a pickle opens on machines without a GPU
        history=history[:n_complete],
        best_epoch=int(np.argmin(scores)) + 1 if scores else n_complete,
        was_interrupted=n_complete < settings.max_epochs,
    )


def _silent(message: str) -> None:
    """Take skorch's messages and show none."""
