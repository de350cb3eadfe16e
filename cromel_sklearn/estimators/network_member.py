"""Fine-tuned network as a member: an encoder of its own under a small head, without PyTorch."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..encoders.checkpoint import Checkpoint
from .views import EncodedTable

#: Standardised inputs beyond this are taken for it: they are out of the domain.
FARTHEST_INPUT = 20.0
# Rows of every matrix product, so that a row does not depend on those beside it.
_BLOCK = 256


@dataclass
class NetworkMember:
    """Fine-tuned network.

    Attributes
    ----------
    checkpoint : Checkpoint
        The fine-tuned encoder.
    head : dict of str to ndarray
        Mean and scale of embedding and numeric columns; weights and biases of a hidden layer and
        of the output, float32.
    """

    HEAD: ClassVar = (
        "input_mean", "input_scale", "hidden.weight", "hidden.bias", "output.weight", "output.bias",
    )  # fmt: skip
    checkpoint: Checkpoint
    head: dict[str, np.ndarray]

    def predict(self, table: EncodedTable, rows=slice(None), X=None, device="cpu"):
        """Predict as `StockMember.predict`."""
        places, inverse = np.unique(table.composition_of_row[rows], return_inverse=True)
        encoded = self.checkpoint.encode(table.compositions[places], device=device)
        columns = np.hstack([encoded.embedding[inverse], table.features[rows]], dtype=np.float32)
        outputs = np.empty((len(columns), len(self.head["output.bias"])))
        for start in range(0, len(columns), _BLOCK):
            block = columns[start : start + _BLOCK]
            filled = np.zeros((_BLOCK, columns.shape[1]), dtype=np.float32)
            filled[: len(block)] = block
            outputs[start : start + _BLOCK] = self._head(filled)[: len(block)]
        return outputs, None

    def _head(self, columns: np.ndarray) -> np.ndarray:
        head = self.head
        scaled = (columns - head["input_mean"]) / head["input_scale"]
        scaled = np.clip(scaled, -FARTHEST_INPUT, FARTHEST_INPUT)
        hidden = scaled @ head["hidden.weight"].T + head["hidden.bias"]
        hidden *= 0.5 * (1 + np.tanh(0.5 * hidden))
        return hidden @ head["output.weight"].T + head["output.bias"]
