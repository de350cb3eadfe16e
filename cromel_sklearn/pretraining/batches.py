"""How the items of an epoch of pretraining are drawn in batches."""

from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import RandomSampler, Sampler

from ..nn.losses import ADVERSARIAL_ALIGNMENTS
from .data import PretrainingData, TrainingItems


@dataclass(frozen=True)
class TrainingBatches:
    """How the training items of an epoch are drawn in batches.

    Attributes
    ----------
    items : TrainingItems
    sampler : Sampler
        Order of the items.
    drop_last : bool
        Leave out an incomplete last batch.
    n_steps : int
        Batches an epoch.
    """

    items: TrainingItems
    sampler: Sampler
    drop_last: bool
    n_steps: int

    @classmethod
    def of(cls, data: PretrainingData, batch_size: int, alignment: str) -> "TrainingBatches":
        """Draw at random; compositions of similar size together where nothing speaks against it.

        Critic and standardisation of the structure embedding need random samples of the whole.
        """
        items = data.training_items()
        sampler: Sampler
        if data.structure_embeddings is None or alignment in ADVERSARIAL_ALIGNMENTS:
            sampler = RandomSampler(items)
        else:
            sampler = SimilarSizeSampler(data.n_elements(items.items), batch_size)
        drop_last = len(items) > batch_size
        n_steps = len(items) // batch_size if drop_last else 1
        return cls(items, sampler, drop_last, n_steps)


class SimilarSizeSampler(Sampler):
    """Random order in which each batch holds compositions of about as many elements.

    Batches are padded to their largest composition; this halves what is computed on padding.

    Parameters
    ----------
    sizes : ndarray of shape (n_items,)
    batch_size : int
    """

    def __init__(self, sizes: np.ndarray, batch_size: int):
        self.sizes = torch.from_numpy(sizes)
        self.batch_size = batch_size

    def __len__(self) -> int:
        return len(self.sizes)

    def __iter__(self):
        order = torch.randperm(len(self.sizes))
        n_left_over = len(order) % self.batch_size  # drawn at random, in a batch of their own
        left_over, order = order[:n_left_over], order[n_left_over:]
        order = order[torch.argsort(self.sizes[order], stable=True)]
        batches = order.view(-1, self.batch_size)
        batches = batches[torch.randperm(len(batches))]
        return iter([*batches.flatten().tolist(), *left_over.tolist()])
