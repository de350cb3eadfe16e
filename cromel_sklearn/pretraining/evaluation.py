"""Errors of trained encoders on held-out materials, in units, and their effective ranks."""

from dataclasses import asdict, dataclass

import numpy as np
import torch

from ..nn.losses import effective_rank
from ..nn.structure_encoder import embed_structures
from .data import PretrainingData
from .processes import ALONE, Processes

_BATCH_SIZE = 512


@dataclass(frozen=True)
class EncoderErrors:
    """How well the encoders predict calculated properties of held-out materials.

    Attributes
    ----------
    structure, composition : dict of str to float
        Mean absolute error of each property in its unit, from the structure and from the
        composition; properties without a held-out value are left out.
    structure_rank, composition_rank : float
        Effective rank of the embeddings.
    score : float
        Mean over properties of the composition's error in standard deviations.
    """

    structure: dict[str, float]
    composition: dict[str, float]
    structure_rank: float
    composition_rank: float
    score: float

    def as_dict(self) -> dict:
        """Plain dict, for JSON."""
        return asdict(self)


@torch.no_grad()
def evaluate_encoders(
    structure_encoder,
    structure_heads,
    composition_encoder,
    property_heads,
    data: PretrainingData,
    split: str,
    processes: Processes = ALONE,
) -> EncoderErrors:
    """Evaluate on one part of the split.

    Parameters
    ----------
    structure_encoder, structure_heads, composition_encoder, property_heads : Module
        Put into evaluation mode.
    data : PretrainingData
    split : {"train", "validation", "test"}
    processes : Processes, default=ALONE
        Each embeds its part of the structures.

    Returns
    -------
    EncoderErrors
    """
    for module in (structure_encoder, structure_heads, composition_encoder, property_heads):
        module.eval()
    device = property_heads.means.device
    composition = []
    rows = data.structure_rows(split)
    if data.structure_embeddings is None:
        part = embed_structures(structure_encoder, data.graphs, rows[processes.part(len(rows))])
        structure = processes.whole(part, len(rows))
    else:
        structure = torch.from_numpy(data.structure_embeddings[rows]).to(device)
    composition_rows = data.composition_rows(split)
    batch = data.compositions[composition_rows]
    numbers = torch.tensor(batch.atomic_numbers, device=device)
    fractions = torch.tensor(batch.atomic_fractions, dtype=torch.float32, device=device)
    for chunk in torch.arange(len(batch)).split(_BATCH_SIZE):
        composition.append(composition_encoder(numbers[chunk], fractions[chunk]).embedding)
    embeddings = structure, torch.cat(composition)
    targets = data.structure_targets[rows], data.composition_targets[composition_rows]
    errors = []
    heads = structure_heads, property_heads
    for head, embedding, target in zip(heads, embeddings, targets, strict=True):
        predicted = head.in_units(embedding).cpu().numpy()
        errors.append(mean_absolute_errors(predicted, target, data.properties))
    scale = dict(zip(data.properties, data.scales, strict=True))
    return EncoderErrors(
        structure=errors[0],
        composition=errors[1],
        structure_rank=effective_rank(embeddings[0]),
        composition_rank=effective_rank(embeddings[1]),
        score=float(np.mean([error / scale[name] for name, error in errors[1].items()])),
    )


def mean_absolute_errors(predicted, target, names) -> dict[str, float]:
    """Mean absolute error of each property that has a held-out value."""
    return {
        name: float(np.nanmean(np.abs(predicted[:, column] - target[:, column])))
        for column, name in enumerate(names)
        if not np.isnan(target[:, column]).all()
    }
