"""Distilled encoder: the small network that learns from many teachers, as a PyTorch module."""

import warnings
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..data.elements import MAX_ATOMIC_NUMBER
from .distilled_network import STATISTICS, DistilledEncoderConfig, hidden_states, outputs


@dataclass(frozen=True)
class DistilledOutputs:
    """What the distilled encoder says of a batch.

    Attributes
    ----------
    embedding : Tensor of shape (n_samples, embedding_dim)
    properties : Tensor of shape (n_samples, n_properties)
        Standardised calculated properties.
    log_spread : Tensor of shape (n_samples, n_spreads)
        Logarithm of the deviation of the teachers' predictions.
    """

    embedding: Tensor
    properties: Tensor
    log_spread: Tensor


class DistilledEncoder(nn.Module):
    """Statistics of learned element vectors and a residual perceptron.

    Parameters
    ----------
    config : DistilledEncoderConfig

    Examples
    --------
    >>> import torch
    >>> from cromel_sklearn.nn.distilled_encoder import DistilledEncoder
    >>> from cromel_sklearn.nn.distilled_network import DistilledEncoderConfig
    >>> encoder = DistilledEncoder(DistilledEncoderConfig(n_remembered=1))
    >>> fractions = torch.zeros(1, 104)
    >>> fractions[0, [8, 12]] = 0.5
    >>> encoder(fractions, torch.zeros(1, 2)).embedding.shape
    torch.Size([1, 128])
    """

    def __init__(self, config: DistilledEncoderConfig):
        super().__init__()
        self.config = config
        n_pooled = len(STATISTICS) * config.element_dim
        self.element_vectors = nn.Parameter(torch.empty(MAX_ATOMIC_NUMBER + 1, config.element_dim))
        self.reset_element_vectors()
        self.input_norm = nn.LayerNorm(n_pooled)
        self.input = nn.Linear(n_pooled + 2 * config.n_remembered, config.width)
        self.norms = nn.ModuleList(nn.LayerNorm(config.width) for _ in range(config.n_layers))
        self.layers = nn.ModuleList(
            nn.Linear(config.width, config.width) for _ in range(config.n_layers)
        )
        self.output_norm = nn.LayerNorm(config.width)
        self.embedding = nn.Linear(config.width, config.embedding_dim)
        self.composition = nn.Linear(2 * (MAX_ATOMIC_NUMBER + 1), config.embedding_dim)
        self.properties = nn.Linear(config.width, config.n_properties)
        with warnings.catch_warnings():
            # Of one teacher there is no spread, and so no weights.
            warnings.filterwarnings("ignore", "Initializing zero-element tensors", UserWarning)
            self.spread = nn.Linear(config.width, config.n_spreads)

    def forward(self, fractions: Tensor, remembered: Tensor) -> DistilledOutputs:
        """Encode a batch of compositions.

        Parameters
        ----------
        fractions : Tensor of shape (n_samples, 104)
            Atomic fraction of each element in the column of its atomic number.
        remembered : Tensor of shape (n_samples, 2 * n_remembered)
            Known calculated values, standardised, and which of them are known.

        Returns
        -------
        DistilledOutputs
        """
        return DistilledOutputs(*outputs(torch, self._weights(), fractions, remembered))

    def reset_element_vectors(self) -> None:
        """Draw the vectors of the elements anew."""
        nn.init.normal_(self.element_vectors, std=0.3)

    def hidden(self, fractions: Tensor, remembered: Tensor) -> Tensor:
        """Last hidden layer, shape (n_samples, width), from which all outputs are linear."""
        return hidden_states(torch, self._weights(), fractions, remembered)

    def _weights(self) -> dict[str, Tensor]:
        return dict(self.named_parameters())
