"""Networks' predictions and pretrained embeddings in, kernel machines and their share out."""

from dataclasses import dataclass, field

import numpy as np
from joblib import Parallel, delayed
from scipy.special import huber, log_softmax

from ..data.measurements import MeasurementTable
from ..encoders.checkpoint import Checkpoint
from .kernel_machine import KernelMachine, KernelSettings
from .networks import HUBER_DELTA
from .uncertainty import temperature

#: Tried in turn; the first ones are kept unless others are better beyond noise.
SETTINGS = (
    KernelSettings(gamma=1.0, C=10.0),
    KernelSettings(gamma=0.3, C=10.0),
    KernelSettings(gamma=3.0, C=30.0),
    KernelSettings(gamma=3.0, C=100.0),
)
SHARES = (0.5, 0.0, 0.25, 0.75, 1.0)


@dataclass(frozen=True)
class KernelBlend:
    """Kernel machines beside the networks.

    Attributes
    ----------
    share : float
        Of the kernel machines in a prediction, between 0 and 1.
    machines : list of KernelMachine
        One a network; none where the networks do alone.
    """

    share: float = 0.0
    machines: list[KernelMachine] = field(default_factory=list)

    def outputs(self, network_outputs: np.ndarray, inputs: list[np.ndarray]) -> np.ndarray:
        """Blend each network's outputs with those of its machine.

        Parameters
        ----------
        network_outputs : ndarray of shape (n_networks, n_samples, n_outputs)
        inputs : list of n_networks ndarray of shape (n_samples, n_inputs)
            From `kernel_inputs`.

        Returns
        -------
        ndarray of shape (n_networks, n_samples, n_outputs)
        """
        if not self.machines:
            return network_outputs
        decisions = [
            machine.predict(own) for machine, own in zip(self.machines, inputs, strict=True)
        ]
        return (1 - self.share) * network_outputs + self.share * np.stack(decisions)


def kernel_inputs(members: list[Checkpoint], table: MeasurementTable, device) -> list[np.ndarray]:
    """Pretrained embedding and numeric columns of each row, for each network's own encoder.

    Parameters
    ----------
    members : list of n_networks Checkpoint
    table : MeasurementTable of n_samples rows
    device : torch.device

    Returns
    -------
    list of n_networks ndarray of shape (n_samples, n_inputs)
    """
    distinct = {id(member): member for member in members}
    embedded = {
        key: member.embed(table.compositions, device=device)[0] for key, member in distinct.items()
    }
    return [np.hstack([embedded[id(member)], table.features]) for member in members]


def fit_blend(
    inputs: list[np.ndarray],
    target: np.ndarray,
    weight: np.ndarray,
    held_out: list[np.ndarray],
    network_outputs: np.ndarray,
    loss: str,
    seeds: list[int],
    n_jobs=None,
) -> KernelBlend:
    """Fit a kernel machine for each network, and choose settings and share on held-out rows.

    Each machine sees the rows that its network has seen. The first settings at equal shares stay
    unless others lose less on the held-out rows by more than one standard error of the difference
    (the rule of Breiman et al., Classification and Regression Trees, 1984), so that a handful of
    held-out rows decides little and many decide.

    Parameters
    ----------
    inputs : list of n_networks ndarray of shape (n_samples, n_inputs)
    target : ndarray of shape (n_samples, n_outputs), or (n_samples,) of class numbers
        Standardised, NaN where not measured.
    weight : ndarray of shape (n_samples,)
    held_out : list of n_networks ndarray
        Rows that each network has not seen.
    network_outputs : ndarray of shape (n_networks, n_samples, n_outputs)
    loss : str
        As in `CroMELRegressor`, or "log_loss" for classes.
    seeds : list of n_networks int
        Of the rows that are drawn where there are too many.
    n_jobs : int, optional

    Returns
    -------
    KernelBlend
        Without machines where no rows are held out, or the networks are better alone.
    """
    rows = np.concatenate(held_out)
    truth, row_weight = target[rows], weight[rows]
    if not row_weight.sum() > 0:
        return KernelBlend()
    has_classes = loss == "log_loss"
    own = np.concatenate([network_outputs[i, held] for i, held in enumerate(held_out)])
    own_temperature = temperature(own, truth, row_weight) if has_classes else 1.0
    n_classes = own.shape[1] if has_classes else None
    found: list[tuple[np.ndarray, KernelBlend]] = []
    with Parallel(n_jobs=n_jobs) as parallel:
        for settings in SETTINGS:
            machines = parallel(
                delayed(_fit_machine)(own_inputs, target, weight, held, settings, n_classes, seed)
                for own_inputs, held, seed in zip(inputs, held_out, seeds, strict=True)
            )
            decisions = _held_out_decisions(machines, inputs, held_out)
            if has_classes:  # margins to the scale of the networks' logits
                factor = own_temperature / temperature(decisions, truth, row_weight)
                machines = [machine.multiplied(factor) for machine in machines]
                decisions = factor * decisions
            for share in SHARES:
                blended = ((1 - share) * own + share * decisions) / own_temperature
                blend = KernelBlend(share, machines if share else [])
                found.append((_row_losses(blended, truth, loss), blend))
    return _best_beyond_noise(found, row_weight)


def _fit_machine(inputs, target, weight, held_out, settings, n_classes, seed) -> KernelMachine:
    is_train = np.ones(len(inputs), dtype=bool)
    is_train[held_out] = False
    return KernelMachine.fit(
        inputs[is_train], target[is_train], weight[is_train], settings, n_classes, seed
    )


def _held_out_decisions(machines, inputs, held_out) -> np.ndarray:
    decisions = [
        machine.predict(own_inputs[held])
        for machine, own_inputs, held in zip(machines, inputs, held_out, strict=True)
    ]
    return np.concatenate(decisions)


def _row_losses(predicted: np.ndarray, truth: np.ndarray, loss: str) -> np.ndarray:
    """Loss of each row; of several outputs the mean of the measured ones."""
    if loss == "log_loss":
        return -log_softmax(predicted, axis=1)[np.arange(len(truth)), truth]
    error = np.abs(predicted - truth)
    by_output = {"squared_error": error**2, "huber": huber(HUBER_DELTA, error)}.get(loss, error)
    return np.nanmean(by_output, axis=1)


def _best_beyond_noise(found, weight: np.ndarray) -> KernelBlend:
    """Least mean loss, or the first where the gain over it is within one standard error."""
    first_losses, first = found[0]
    best_losses, best = min(found, key=lambda one: np.average(one[0], weights=weight))
    gain = first_losses - best_losses
    mean_gain = np.average(gain, weights=weight)
    deviation = np.sqrt(np.average((gain - mean_gain) ** 2, weights=weight))
    n_effective = weight.sum() ** 2 / (weight**2).sum()
    if n_effective < 2:  # one row knows no noise
        return first
    return best if mean_gain > deviation / np.sqrt(n_effective) else first
