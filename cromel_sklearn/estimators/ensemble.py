"""A pretrained checkpoint and measurements in, an ensemble of fine-tuned networks out."""

import warnings
from contextlib import contextmanager

import numpy as np
import torch
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from ..data.measurements import LabelledRows, MeasurementTable
from ..encoders.checkpoint import Checkpoint
from .networks import FineTunedNetwork, TrainedNetwork, TrainingSettings, train_network
from .progress import NetworkProgress


def new_networks(
    checkpoint: Checkpoint,
    seeds: list[int],
    *,
    hidden_layer_sizes,
    n_features: int,
    n_outputs: int,
    has_noise: bool,
    freeze_encoder: bool,
) -> list[FineTunedNetwork]:
    """Build networks on copies of the pretrained weights, the members of an encoder in turn.

    Parameters
    ----------
    checkpoint : Checkpoint
    seeds : list of int
        Of each network's head.
    hidden_layer_sizes : sequence of int
    n_features, n_outputs : int
        Numeric columns in; targets or classes out.
    has_noise : bool
        Also predict the standard deviation of each target.
    freeze_encoder : bool
        Train the head only.

    Returns
    -------
    list of FineTunedNetwork
    """
    networks = []
    for number, seed in enumerate(seeds):
        member = checkpoint.members[number % len(checkpoint.members)]
        ((encoder, heads),) = member.copied_modules()
        encoder.requires_grad_(not freeze_encoder)
        with torch.random.fork_rng(devices=[]):
            torch.random.manual_seed(seed)
            network = FineTunedNetwork(
                encoder, heads, n_features, hidden_layer_sizes, n_outputs, has_noise
            )
        networks.append(network)
    return networks


def train_ensemble(
    networks: list[FineTunedNetwork],
    rows: LabelledRows,
    settings: TrainingSettings,
    held_out: list[np.ndarray],
    *,
    standardise: bool,
    seeds,
    device,
    n_jobs,
    verbose,
) -> list[TrainedNetwork]:
    """Train networks, in parallel if asked.

    Parameters
    ----------
    networks : list of FineTunedNetwork
    rows : LabelledRows
    settings : TrainingSettings
    held_out : list of ndarray
        Row numbers that each network does not train on; empty without early stopping.
    standardise : bool
        Take the scale of the head's inputs from the rows; off when training goes on.
    seeds : list of int
    device : torch.device
    n_jobs : int or None
    verbose : int

    Returns
    -------
    list of TrainedNetwork
        Fewer than asked for after Ctrl-C, at least one.
    """
    jobs = (
        delayed(_train_one)(
            network, rows, settings, held, standardise, seed, device,
            f"network {number} of {len(networks)}" if verbose else None,
        )
        for number, (network, held, seed) in enumerate(
            zip(networks, held_out, seeds, strict=True), start=1
        )
    )  # fmt: skip
    trained: list[TrainedNetwork] = []
    try:
        for network in Parallel(n_jobs=n_jobs, return_as="generator")(jobs):
            trained.append(network)
            if network.was_interrupted:
                break
    except KeyboardInterrupt:
        if not trained:
            raise
    if len(trained) < len(networks) or trained[-1].was_interrupted:
        warnings.warn(
            f"Training was interrupted: {len(trained)} of {len(networks)} networks are kept, the "
            f"last one after {len(trained[-1].history)} of {settings.max_epochs} epochs.",
            ConvergenceWarning,
            stacklevel=4,
        )
    return trained


def _train_one(network, rows, settings, held_out, standardise, seed, device, title):
    is_train = np.ones(len(rows), dtype=bool)
    is_train[held_out] = False
    network.to(device)
    if standardise:
        with _one_thread():
            network.standardise_inputs(rows.table[is_train])
    callbacks = [] if title is None else [("progress", NetworkProgress(title, settings.max_epochs))]
    with _one_thread():
        return train_network(
            network, rows[is_train], rows[held_out] if len(held_out) else None, settings, seed,
            device, callbacks,
        )  # fmt: skip


@contextmanager
def _one_thread():
    """Let torch use one thread.

    Networks this small gain nothing from more, which belong to `n_jobs`, and sums come out the
    same on every machine.
    """
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


def held_out_rows(
    composition_of_row: np.ndarray, fraction: float | None, n_networks: int, random_state
) -> list[np.ndarray]:
    """Choose whole compositions that each network does not see, different ones for each.

    Parameters
    ----------
    composition_of_row : ndarray of shape (n_samples,)
    fraction : float or None
        Of the compositions; None holds out nothing.
    n_networks : int
    random_state : int, RandomState or None

    Returns
    -------
    list of ndarray
        Row numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from cromel_sklearn.estimators.ensemble import held_out_rows
    >>> [rows.size for rows in held_out_rows(np.arange(20), 0.1, 3, 0)]
    [2, 2, 2]
    """
    if fraction is None:
        return [np.array([], dtype=int)] * n_networks
    compositions = check_random_state(random_state).permutation(np.unique(composition_of_row))
    size = min(max(1, round(fraction * len(compositions))), len(compositions) - 1)
    blocks = (np.arange(size) + number * size for number in range(n_networks))
    return [
        np.flatnonzero(np.isin(composition_of_row, np.take(compositions, block, mode="wrap")))
        for block in blocks
    ]


def predict_ensemble(
    networks: list[FineTunedNetwork], table: MeasurementTable, device
) -> tuple[np.ndarray, np.ndarray]:
    """Predict with every network.

    Returns
    -------
    outputs, noises : ndarray of shape (n_networks, n_samples, n_outputs)
        Standardised targets or logits; their standard deviations.
    """
    with _one_thread():
        predictions = [network.predict(table, device) for network in networks]
    outputs, noises = zip(*predictions, strict=True)
    return np.stack(outputs), np.stack(noises)
