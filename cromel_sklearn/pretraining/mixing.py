"""Mixtures of compositions with their properties: training data between compounds.

Calculated compounds have small whole numbers of atoms; alloys, doped compounds and glasses do not.
A mixture of two compounds, with their properties in proportion (Vegard's law,
doi:10.1007/BF01349680; as augmentation: mixup, doi:10.48550/arXiv.1710.09412), keeps the encoder
smooth between them.
"""

import math

import torch
from torch import Tensor

# The minor part is drawn evenly on a logarithmic scale: from a dopant to one half.
_MINOR_PART = (0.003, 0.5)
# Mixtures have up to twice as many elements: a quarter of a batch costs about half of its pass.
_PART_OF_BATCH = 4


def mixtures(
    atomic_numbers: Tensor, atomic_fractions: Tensor, targets: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Mix each composition of a random quarter of a batch with another one of that quarter.

    Parameters
    ----------
    atomic_numbers : Tensor of shape (n_samples, max_elements), int64
        Padded with 0.
    atomic_fractions : Tensor of shape (n_samples, max_elements)
        Padded with 0; rows sum to 1.
    targets : Tensor of shape (n_samples, n_properties)
        NaN where missing.

    Returns
    -------
    atomic_numbers : Tensor of shape (n_mixtures, max_elements), int64
    atomic_fractions : Tensor of shape (n_mixtures, max_elements)
    targets : Tensor of shape (n_mixtures, n_properties)
        In proportion; NaN where either is missing.
    """
    device = atomic_numbers.device
    n_mixtures = max(1, len(atomic_numbers) // _PART_OF_BATCH)
    rows = torch.randperm(len(atomic_numbers), device=device)[:n_mixtures]
    low, high = (math.log(limit) for limit in _MINOR_PART)
    minor = torch.exp(torch.empty(n_mixtures, 1, device=device).uniform_(low, high))
    amounts = torch.zeros(n_mixtures, int(atomic_numbers.max()) + 1, device=device)
    amounts.scatter_add_(1, atomic_numbers[rows], atomic_fractions[rows])  # by atomic number
    mixed = torch.lerp(amounts, amounts.roll(1, 0), minor)
    max_elements = int((mixed > 0).sum(1).max())
    fractions, numbers = mixed.topk(max_elements, dim=1)
    numbers = torch.where(fractions > 0, numbers, 0)
    return numbers, fractions, torch.lerp(targets[rows], targets[rows].roll(1, 0), minor)
