"""The network while it is distilled: the encoder with a head for everything that teaches it."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..nn.distilled_encoder import DistilledEncoder
from ..nn.distilled_network import DistilledEncoderConfig, amounts
from ..nn.losses import masked_huber_loss
from .teachers import random_rotation

#: Weight of properties and structure features beside the teachers' components in the embedding.
_PREDICTED_SHARE = 0.5
#: Errors beyond so many standard deviations count by their size, not by their square.
_HUBER = {"components": 0.5, "labels": 0.2, "means": 0.2, "deviations": 0.5, "structures": 0.5}


@dataclass(frozen=True)
class LossWeights:
    """How much each teaching counts beside the teachers' components, whose weight is 1.

    Attributes
    ----------
    labels : float
        Calculated labels, the mean over all of a batch.
    rare_labels : float
        The same, the mean over properties, so that rare ones count.
    means : float
        Properties as the teachers predict them.
    deviations : float
        Their disagreement.
    structures : float
        Features of the crystal structures of known compounds.
    """

    labels: float = 0.5
    rare_labels: float = 0.25
    means: float = 0.2
    deviations: float = 0.1
    structures: float = 0.3


@dataclass(frozen=True)
class DistillationBatch:
    """Compositions with all that is known of them; NaN where nothing is.

    Attributes
    ----------
    fractions : Tensor of shape (n_samples, 104)
    remembered : Tensor of shape (n_samples, 2 * n_remembered)
    components : Tensor of shape (n_samples, n_components)
    labels : Tensor of shape (n_samples, n_properties)
        Standardised.
    means : Tensor of shape (n_samples, n_properties)
        The teachers' means, standardised as the labels.
    log_deviations : Tensor of shape (n_samples, n_spreads)
        Logarithm of the teachers' deviations in standard deviations of the labels.
    structures : Tensor of shape (n_samples, n_structure_features)
    """

    fractions: Tensor
    remembered: Tensor
    components: Tensor
    labels: Tensor
    means: Tensor
    log_deviations: Tensor
    structures: Tensor


class DistillationNet(nn.Module):
    """Encoder with a head for the teachers' components and one for structures.

    Parameters
    ----------
    config : DistilledEncoderConfig
    n_components, n_structures : int
        Columns of the teachers' outputs and of the structures; no head where there are none.
    """

    def __init__(self, config: DistilledEncoderConfig, n_components: int, n_structures: int):
        super().__init__()
        self.encoder = DistilledEncoder(config)
        for head in (self.encoder.embedding, self.encoder.composition):
            head.requires_grad_(False)  # chosen at the end, by `compressed`
        self.components = nn.Linear(config.width, n_components) if n_components else None
        self.structures = nn.Linear(config.width, n_structures) if n_structures else None

    def losses(self, batch: DistillationBatch, weights: LossWeights) -> dict[str, Tensor]:
        """Weighted losses by name; their sum is what training minimises.

        Parameters
        ----------
        batch : DistillationBatch
        weights : LossWeights

        Returns
        -------
        dict of str to Tensor, scalars
        """
        hidden = self.encoder.hidden(batch.fractions, batch.remembered)
        properties = self.encoder.properties(hidden).float()
        deviations = self.encoder.spread(hidden).float()
        found = {}
        if self.components is not None:
            components = self.components(hidden).float()
            found["components"] = masked_huber_loss(
                components, batch.components, _HUBER["components"]
            )
        found |= {
            "labels": weights.labels * _mean_over_all(properties, batch.labels, _HUBER["labels"]),
            "rare_labels": weights.rare_labels
            * masked_huber_loss(properties, batch.labels, _HUBER["labels"]),
            "means": weights.means * _mean_over_all(properties, batch.means, _HUBER["means"]),
            "deviations": weights.deviations
            * masked_huber_loss(deviations, batch.log_deviations, _HUBER["deviations"]),
        }
        if self.structures is not None:
            structures = self.structures(hidden).float()
            found["structures"] = weights.structures * masked_huber_loss(
                structures, batch.structures, _HUBER["structures"]
            )
        return found

    @torch.no_grad()
    def compressed(
        self, inputs: tuple[Tensor, Tensor], composition_share: float, seed: int
    ) -> tuple[DistilledEncoder, float]:
        """Put all that the network predicts, and the composition itself, into one embedding.

        Principal components of the predicted teachers' components, properties and structure
        features, and of the fractions and logarithmic amounts of the elements, rotated by a random
        orthogonal matrix. All of them are linear in what the embedding reads, and so is it.

        Parameters
        ----------
        inputs : tuple of Tensor
            Of a sample of compositions, for the principal components.
        composition_share : float
            Standard deviation of fractions, and of logarithmic amounts, beside that of all that is
            predicted.
        seed : int

        Returns
        -------
        DistilledEncoder
        float
            Share of the variance that the embedding keeps.
        """
        encoder = self.encoder
        config = encoder.config
        heads = [
            (head, share)
            for head, share in (
                (self.components, 1.0),
                (encoder.properties, _PREDICTED_SHARE),
                (self.structures, _PREDICTED_SHARE),
            )
            if head is not None
        ]
        parts = zip(*(tensor.split(4096) for tensor in inputs), strict=True)
        hidden = torch.cat([encoder.hidden(*part) for part in parts]).double()
        of_composition = amounts(torch, inputs[0]).double()
        weight = torch.cat([head.weight * share for head, share in heads]).double()
        bias = torch.cat([head.bias * share for head, share in heads]).double()
        predicted = hidden @ weight.T + bias
        total = predicted.var(0).sum().sqrt()
        halves = of_composition.chunk(2, dim=1)
        scales = torch.cat(
            [
                (composition_share * total / half.var(0).sum().sqrt()).expand(half.shape[1])
                for half in halves
            ]
        )
        outputs = torch.cat([predicted, of_composition * scales], dim=1)
        variances, axes = np.linalg.eigh(np.cov(outputs.cpu().numpy().T))
        dim = config.embedding_dim
        kept = variances[::-1][:dim].sum()
        axes = axes[:, ::-1][:, :dim] @ random_rotation(dim, seed) / np.sqrt(kept / dim)
        matrix = torch.from_numpy(np.ascontiguousarray(axes)).to(weight.device)
        of_predicted, of_amounts = matrix[: len(weight)], matrix[len(weight) :]
        center = outputs.mean(0)
        state = {
            **encoder.state_dict(),
            "embedding.weight": of_predicted.T @ weight,
            "embedding.bias": (bias - center[: len(weight)]) @ of_predicted,
            "composition.weight": of_amounts.T * scales,
            "composition.bias": -center[len(weight) :] @ of_amounts,
        }
        # Its weights are about to be replaced: leave the caller's random state alone.
        with torch.random.fork_rng(devices=[]):
            compressed = DistilledEncoder(config).to(weight.device)
        compressed.load_state_dict({key: tensor.float() for key, tensor in state.items()})
        return compressed, float(kept / variances.sum())


def _mean_over_all(predicted: Tensor, target: Tensor, delta: float) -> Tensor:
    """Huber loss in which every value counts alike, not every property."""
    return masked_huber_loss(predicted.reshape(-1, 1), target.reshape(-1, 1), delta)
