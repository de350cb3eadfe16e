"""Teachers of a distillation: what several encoders say of compositions, in one rotated space."""

import contextlib
from dataclasses import dataclass

import numpy as np
import torch

from ..data.composition import CompositionBatch
from ..encoders.checkpoint import Checkpoint
from ..exceptions import CheckpointError

_BATCH = 2048


@dataclass(frozen=True)
class TeacherTargets:
    """What the teachers say of compositions.

    Attributes
    ----------
    components : ndarray of shape (n_samples, n_components), float16
        Rotated principal components of their standardised outputs, of unit mean variance.
    means, deviations : ndarray of shape (n_samples, n_properties), float32
        Mean and standard deviation over the teachers of the properties they predict, in units.
    """

    components: np.ndarray
    means: np.ndarray
    deviations: np.ndarray


class Teachers:
    """Several encoders, asked together.

    Parameters
    ----------
    checkpoints : list of Checkpoint
    device : torch.device

    Attributes
    ----------
    properties : dict of str to str
        What any of them predicts, with its unit.
    known_elements : frozenset of int
        What all of them know.

    Raises
    ------
    CheckpointError
        If there is none, or two predict a property in different units.
    """

    def __init__(self, checkpoints: list[Checkpoint], device):
        if not checkpoints:
            raise CheckpointError("Expected at least one teacher, got none.")
        self.properties: dict[str, str] = {}
        for checkpoint in checkpoints:
            for name, unit in checkpoint.properties.items():
                if self.properties.setdefault(name, unit) != unit:
                    raise CheckpointError(
                        f"Teachers must predict in the same units; got {name} in "
                        f"{self.properties[name]!r} and {unit!r}."
                    )
        self.known_elements = frozenset.intersection(*(c.known_elements for c in checkpoints))
        self._checkpoints = checkpoints
        self._device = device
        self._networks = [c.new_network().eval().to(device) for c in checkpoints]
        names = list(self.properties)
        self._places = [[names.index(name) for name in c.properties] for c in checkpoints]
        self._mean = self._scale = self._matrix = np.empty(0)  # until `fit_components`

    def fit_components(self, batch: CompositionBatch, n_components: int, seed: int) -> float:
        """Choose the components by a sample of compositions.

        The principal components that keep most of the variance of the standardised outputs,
        rotated by a random orthogonal matrix: every column has about the same variance, so that
        standardising them later leaves distances as they are.

        Returns
        -------
        float
            Share of the variance that is kept.
        """
        outputs = self._outputs(batch)[0]
        self._mean, self._scale = outputs.mean(axis=0), outputs.std(axis=0) + 1e-6
        variances, axes = np.linalg.eigh(np.cov(((outputs - self._mean) / self._scale).T))
        n_components = min(n_components, len(variances))
        if not n_components:
            self._matrix = np.empty((len(variances), 0))
            return 0.0
        rotation = random_rotation(n_components, seed)
        kept = variances[::-1][:n_components].sum()
        self._matrix = axes[:, ::-1][:, :n_components] @ rotation / np.sqrt(kept / n_components)
        return float(kept / variances.sum())

    def components_state(self) -> dict[str, np.ndarray]:
        """What `fit_components` found, to be stored."""
        return {"mean": self._mean, "scale": self._scale, "matrix": self._matrix}

    def restore_components(self, state: dict[str, np.ndarray]) -> None:
        """Take what `components_state` gave."""
        self._mean, self._scale, self._matrix = (state[k] for k in ("mean", "scale", "matrix"))

    def targets(self, batch: CompositionBatch) -> TeacherTargets:
        """Ask the teachers; `fit_components` comes first."""
        outputs, predicted = self._outputs(batch)
        components = ((outputs - self._mean) / self._scale) @ self._matrix
        n_predicting = np.isfinite(predicted).sum(axis=0)
        means = np.nanmean(predicted, axis=0)
        deviations = np.nanstd(predicted, axis=0)
        deviations[n_predicting < 2] = np.nan
        return TeacherTargets(components.astype(np.float16), means, deviations)

    def _outputs(self, batch: CompositionBatch) -> tuple[np.ndarray, np.ndarray]:
        """Embeddings with standardised properties side by side; properties of each in units."""
        n_elements = (batch.atomic_numbers > 0).sum(axis=1)
        order = np.argsort(n_elements, kind="stable")  # batches without padding
        width = sum(c.embedding_dim + len(c.properties) for c in self._checkpoints)
        outputs = np.empty((len(batch), width), dtype=np.float32)
        predicted = np.full(
            (len(self._checkpoints), len(batch), len(self.properties)), np.nan, dtype=np.float32
        )
        limits = np.flatnonzero(np.diff(n_elements[order])) + 1
        for group in np.split(order, limits):
            for start in range(0, len(group), _BATCH):
                rows = group[start : start + _BATCH]
                part = batch[rows].trimmed()
                column = 0
                for number, (checkpoint, network) in enumerate(
                    zip(self._checkpoints, self._networks, strict=True)
                ):
                    found, in_units = self._ask(checkpoint, network, part)
                    outputs[rows, column : column + found.shape[1]] = found
                    column += found.shape[1]
                    predicted[number][np.ix_(rows, np.asarray(self._places[number]))] = in_units
        return outputs, predicted

    def _ask(self, checkpoint, network, batch) -> tuple[np.ndarray, np.ndarray]:
        inputs = [torch.from_numpy(a).to(self._device) for a in checkpoint.network_inputs(batch)]
        with torch.inference_mode(), reduced_precision(self._device):
            found = network(*inputs)
        standardised = found.properties.float().cpu().numpy()
        scales, means = checkpoint.property_statistics
        in_units = standardised * scales + means
        return np.hstack([found.embedding.float().cpu().numpy(), standardised]), in_units


def random_rotation(size: int, seed: int) -> np.ndarray:
    """Draw an orthogonal matrix of shape (size, size)."""
    from scipy.stats import ortho_group

    return ortho_group.rvs(size, random_state=seed) if size > 1 else np.ones((1, 1))


def reduced_precision(device):
    """Let matrix products be computed in bfloat16, where the processor multiplies it."""
    device = torch.device(device)
    if device.type == "cpu" and not torch.backends.mkldnn.is_available():
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)
