"""Fine-tuned networks: copies of the pretrained encoder under a small head.

The networks of all folds start from the same weights, those of the head included. Trained on other
rows, they stay close enough to each other for their weights to be averaged: the network that
predicts new rows is that mean (Wortsman et al., ICML 2022, arXiv:2203.05482).
"""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..device import fast_matrix_products, one_thread
from ..nn.schedule import one_cycle
from .network_member import FARTHEST_INPUT, NetworkMember
from .views import EncodedTable

#: Hidden units of the head.
HEAD_WIDTH = 128
#: Error, in standard deviations of the target, from which the loss grows linearly.
HUBER_DELTA = 0.1


class OutOfTimeError(Exception):
    """A network would take more time than is left; holds the seconds that it would take."""


@dataclass(frozen=True)
class TrainingSettings:
    """How one network is trained.

    Attributes
    ----------
    max_epochs, batch_size : int
    lr, encoder_lr, weight_decay : float
        Peak learning rates of head and encoder; AdamW's weight decay.
    """

    max_epochs: int
    batch_size: int
    lr: float = 2e-3
    encoder_lr: float = 3e-4
    weight_decay: float = 1e-2

    @classmethod
    def suiting(cls, n_rows: int) -> "TrainingSettings":
        """Batches and epochs for a table of that many rows: fewer epochs of more rows."""
        batch_size = int(min(256, max(16, 2 ** round(np.log2(max(n_rows, 1) / 12)))))
        steps_an_epoch = -(-n_rows // batch_size)
        return cls(max_epochs=int(min(60, max(12, 360 // steps_an_epoch))), batch_size=batch_size)


class FineTunedNetwork(nn.Module):
    """Encoder, standardised inputs, head.

    Parameters
    ----------
    encoder : nn.Module
        Its forward takes `Checkpoint.network_inputs` and returns an object with `embedding`.
    input_mean, input_scale : Tensor of shape (embedding_dim + n_features,)
        Of embedding and numeric columns.
    n_outputs : int
        Targets, or classes.
    """

    input_mean: Tensor
    input_scale: Tensor

    def __init__(self, encoder: nn.Module, input_mean, input_scale, n_outputs: int):
        super().__init__()
        self.encoder = encoder
        self.register_buffer("input_mean", torch.as_tensor(input_mean, dtype=torch.float32))
        self.register_buffer("input_scale", torch.as_tensor(input_scale, dtype=torch.float32))
        self.hidden = nn.Linear(len(self.input_mean), HEAD_WIDTH)
        self.output = nn.Linear(HEAD_WIDTH, n_outputs)

    def forward(self, inputs: tuple[Tensor, ...], features: Tensor) -> Tensor:
        """Predict standardised targets, or logits, of shape (n_rows, n_outputs)."""
        embedding = self.encoder(*inputs).embedding
        columns = torch.cat([embedding, features], dim=1)
        return self.output(nn.functional.silu(self.hidden(self._scaled(columns))))

    def _scaled(self, columns: Tensor) -> Tensor:
        scaled = (columns - self.input_mean) / self.input_scale
        return scaled.clamp(-FARTHEST_INPUT, FARTHEST_INPUT)


def new_network(checkpoint, table: EncodedTable, n_outputs: int, seed: int) -> FineTunedNetwork:
    """Build a network on a copy of the pretrained weights.

    Parameters
    ----------
    checkpoint : Checkpoint
    table : EncodedTable
        Whose embedding and numeric columns are standardised.
    n_outputs : int
    seed : int
        Of the head.

    Returns
    -------
    FineTunedNetwork
    """
    encoder = checkpoint.new_network()
    with torch.no_grad():
        inputs = checkpoint.network_inputs(table.compositions)
        embedding = encoder(*_tensors(inputs)).embedding.numpy()
    columns = np.hstack([embedding[table.composition_of_row], table.features])
    mean, scale = columns.mean(axis=0), columns.std(axis=0)
    scale = np.where(scale > 1e-6 * np.maximum(np.abs(mean), 1.0), scale, 1.0)
    with torch.random.fork_rng(devices=[]):
        torch.random.manual_seed(seed)
        return FineTunedNetwork(encoder, mean, scale, n_outputs)


def train_network(
    network: FineTunedNetwork,
    network_inputs: tuple[np.ndarray, ...],
    table: EncodedTable,
    rows: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray,
    settings: TrainingSettings,
    *,
    seed: int,
    device="cpu",
    seconds_left: float = np.inf,
    on_epoch: Callable[[], None] | None = None,
) -> FineTunedNetwork:
    """Train a copy of a network on some rows.

    Parameters
    ----------
    network : FineTunedNetwork
        Left as it is.
    network_inputs : tuple of ndarray with n_compositions rows
        What the encoder reads of the compositions of the table.
    table : EncodedTable
    rows : ndarray of int
    target : ndarray of shape (n_samples, n_outputs), float, or (n_samples,), int
        Of all rows: standardised values, NaN where missing; or class numbers.
    weight : ndarray of shape (n_samples,)
    settings : TrainingSettings
    seed : int
        Of the order of the rows; the caller's random state is left as it was.
    device : torch.device
    seconds_left : float
        For this network.
    on_epoch : callable, optional
        Called after each epoch.

    Returns
    -------
    FineTunedNetwork

    Raises
    ------
    OutOfTimeError
        After the first epoch, if all of them would take too long.
    """
    network = copy.deepcopy(network).to(device)
    order = np.random.default_rng(seed)
    inputs = _tensors(network_inputs, device)
    places = torch.from_numpy(np.asarray(table.composition_of_row)).to(device)
    features = torch.from_numpy(table.features.astype(np.float32)).to(device)
    truth = torch.from_numpy(target).to(device)
    truth = truth.float() if truth.is_floating_point() else truth
    weights = torch.from_numpy(weight.astype(np.float32)).to(device)
    n_batches = max(1, round(len(rows) / settings.batch_size))
    n_steps = settings.max_epochs * n_batches
    optimizer = torch.optim.AdamW(_groups(network, settings), fused=True)
    peaks = [group["lr"] for group in optimizer.param_groups]
    started, step = time.perf_counter(), 0
    network.train()
    with one_thread(), fast_matrix_products():
        for epoch in range(settings.max_epochs):
            for batch in np.array_split(order.permutation(rows), n_batches):
                for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                    group["lr"] = peak * one_cycle(step / n_steps)
                chosen = torch.from_numpy(batch).to(device)
                at = places[chosen]
                output = network(tuple(part[at] for part in inputs), features[chosen])
                loss = _loss(output, truth[chosen], weights[chosen])
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(network.parameters(), 5.0)
                optimizer.step()
                step += 1
            needed = (time.perf_counter() - started) * settings.max_epochs
            if epoch == 0 and needed > seconds_left:
                raise OutOfTimeError(needed)
            if on_epoch is not None:
                on_epoch()
    return network.eval().cpu()  # so that a pickle opens on machines without a GPU


def mean_network(networks: list[FineTunedNetwork]) -> FineTunedNetwork:
    """Network whose weights are the mean of those of several."""
    states = [network.state_dict() for network in networks]
    mean = copy.deepcopy(networks[0])
    mean.load_state_dict(
        {
            key: torch.stack([state[key].double() for state in states]).mean(0).to(value.dtype)
            if value.is_floating_point()
            else value
            for key, value in states[0].items()
        },
        strict=True,
    )
    return mean.eval()


def fitted_member(checkpoint, network: FineTunedNetwork) -> NetworkMember:
    """Take the weights of a trained network for inference.

    Parameters
    ----------
    checkpoint : Checkpoint
        That the network started from.
    network : FineTunedNetwork

    Returns
    -------
    NetworkMember
    """
    state = {key: tensor.numpy() for key, tensor in network.state_dict().items()}
    head = {key: state[key] for key in NetworkMember.HEAD}
    return NetworkMember(checkpoint.with_network(network.encoder), head)


def _groups(network: FineTunedNetwork, settings: TrainingSettings) -> list[dict]:
    groups = []
    for is_encoder, rate in ((True, settings.encoder_lr), (False, settings.lr)):
        for decays in (True, False):
            chosen = [
                parameter
                for name, parameter in network.named_parameters()
                if name.startswith("encoder.") == is_encoder and (parameter.ndim > 1) == decays
            ]
            decay = settings.weight_decay if decays else 0.0
            groups.append({"params": chosen, "lr": rate, "weight_decay": decay})
    return [group for group in groups if group["params"]]


def _loss(output: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Weighted Huber loss of standardised targets, NaN where missing; cross-entropy of classes."""
    if not truth.is_floating_point():
        loss = nn.functional.cross_entropy(output, truth, reduction="none", label_smoothing=0.02)
        return (loss * weight).sum() / weight.sum().clamp_min(1e-12)
    present = ~torch.isnan(truth)
    error = torch.where(present, output - torch.nan_to_num(truth), 0.0)
    loss = nn.functional.huber_loss(
        error, torch.zeros_like(error), reduction="none", delta=HUBER_DELTA
    )
    weights = weight[:, None] * present
    return (loss * weights).sum() / weights.sum().clamp_min(1e-12)


def _tensors(arrays, device="cpu") -> tuple[Tensor, ...]:
    return tuple(torch.from_numpy(np.ascontiguousarray(array)).to(device) for array in arrays)
