"""Fine-tuned network as a member: an encoder of its own under a small head, without PyTorch."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..encoders.checkpoint import Checkpoint
from ..nn.distilled_network import outputs
from ..nn.filled_blocks import in_filled_blocks
from ..storage.tensors import without_prefix
from .views import EncodedTable

#: Standardised inputs beyond this are taken for it: they are out of the domain.
FARTHEST_INPUT = 20.0
# Rows of every matrix product.
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
        embedding = self._embedding(table.compositions[places], device)
        columns = np.hstack([embedding[inverse], table.features[rows]], dtype=np.float32)
        return in_filled_blocks(self._head, _BLOCK, columns).astype(np.float64), None

    def _embedding(self, batch, device) -> np.ndarray:
        """Embedding by the weights as they were trained.

        `Checkpoint.encode` rounds the weights of a distilled encoder, which that one was trained
        to bear.
        """
        if self.checkpoint.description.kind != "distilled":
            return self.checkpoint.encode(batch, device=device).embedding
        weights = without_prefix(self.checkpoint.tensors, "network.")
        weights = {key: array.astype(np.float32) for key, array in weights.items()}
        inputs = self.checkpoint.network_inputs(batch)
        return in_filled_blocks(lambda *block: outputs(np, weights, *block)[0], _BLOCK, *inputs)

    def _head(self, columns: np.ndarray) -> np.ndarray:
        head = self.head
        scaled = (columns - head["input_mean"]) / head["input_scale"]
        scaled = np.clip(scaled, -FARTHEST_INPUT, FARTHEST_INPUT)
        hidden = scaled @ head["hidden.weight"].T + head["hidden.bias"]
        hidden *= 0.5 * (1 + np.tanh(0.5 * hidden))
        return hidden @ head["output.weight"].T + head["output.bias"]
