"""Composition encoder and property heads: the networks that inference runs."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

POOLINGS = ("attention", "statistics")
ALIGNED_LAYERS = ("hidden", "embedding")
# Fractions enter attention as sines and cosines of these many frequencies.
_N_FREQUENCIES = 8


@dataclass(frozen=True)
class CompositionEncoderConfig:
    """Size of the composition encoder.

    Attributes
    ----------
    embedding_dim : int
        Width of the embedding.
    pooling : {"attention", "statistics"}
        Attention over the elements of the formula with learned element vectors; or the paper's
        fraction-weighted mean, minimum and maximum of the element features.
    width : int
        Width of the element states, or of the hidden layer.
    n_layers : int
        Attention layers, or hidden layers.
    n_heads : int
        Attention heads.
    aligned_layer : {"hidden", "embedding"}
        What is aligned with the structure embedding: a projection of the hidden layer below the
        embedding, so that the embedding itself need not carry every detail of the structures; or
        the embedding (the paper).
    """

    embedding_dim: int = 128
    pooling: str = "attention"
    width: int = 256
    n_layers: int = 2
    n_heads: int = 4
    aligned_layer: str = "hidden"


@dataclass(frozen=True)
class EncodedCompositions:
    """What the composition encoder knows of a batch.

    Attributes
    ----------
    embedding : Tensor of shape (n_samples, embedding_dim)
    structure_mean, structure_spread : Tensor of shape (n_samples, embedding_dim)
        Predicted mean and standard deviation of the embeddings of the structures of each
        composition.
    """

    embedding: Tensor
    structure_mean: Tensor
    structure_spread: Tensor


class CompositionEncoder(nn.Module):
    """Embedding of a composition, with the spread of the embeddings of its structures.

    Parameters
    ----------
    config : CompositionEncoderConfig
    element_features : Tensor of shape (n_elements + 1, n_features)
        Row `Z` describes element `Z` (`ElementTable.features`).
    """

    element_features: Tensor

    def __init__(self, config: CompositionEncoderConfig, element_features: Tensor):
        super().__init__()
        if config.pooling not in POOLINGS:
            raise ValueError(f"pooling must be one of {POOLINGS}, got {config.pooling!r}")
        if config.aligned_layer not in ALIGNED_LAYERS:
            raise ValueError(
                f"aligned_layer must be one of {ALIGNED_LAYERS}, got {config.aligned_layer!r}"
            )
        self.config = config
        self.register_buffer("element_features", element_features)
        pool = _AttentionPooling if config.pooling == "attention" else _StatisticsPooling
        self.pooling = pool(config, element_features.shape)
        n_hidden = self.pooling.out_features
        self.embedding = nn.Linear(n_hidden, config.embedding_dim)
        self.structure_spread = nn.Linear(n_hidden, config.embedding_dim)
        self.structure_mean = (
            nn.Linear(n_hidden, config.embedding_dim) if config.aligned_layer == "hidden" else None
        )

    def forward(self, atomic_numbers: Tensor, atomic_fractions: Tensor) -> EncodedCompositions:
        """Embed a batch of compositions.

        Parameters
        ----------
        atomic_numbers : Tensor of shape (n_samples, max_elements), int64
            Padded with 0.
        atomic_fractions : Tensor of shape (n_samples, max_elements)
            Padded with 0; rows sum to 1.

        Returns
        -------
        EncodedCompositions
        """
        features = self.element_features[atomic_numbers]  # (n_samples, max_elements, n_features)
        hidden = self.pooling(features, atomic_numbers, atomic_fractions)
        embedding = self.embedding(hidden)
        mean = embedding if self.structure_mean is None else self.structure_mean(hidden)
        spread = nn.functional.softplus(self.structure_spread(hidden)) + 1e-2
        return EncodedCompositions(embedding, mean, spread)


class _StatisticsPooling(nn.Module):
    """Fraction-weighted mean, minimum and maximum of the element features, then an MLP."""

    def __init__(self, config: CompositionEncoderConfig, table_shape):
        super().__init__()
        layers: list[nn.Module] = []
        n_inputs = 3 * table_shape[1]
        for _ in range(config.n_layers):
            layers += [nn.Linear(n_inputs, config.width), nn.PReLU()]
            n_inputs = config.width
        self.layers = nn.Sequential(*layers)
        self.out_features = n_inputs

    def forward(self, features, atomic_numbers, atomic_fractions):
        padding = (atomic_numbers == 0)[..., None]
        statistics = (
            (features * atomic_fractions[..., None]).sum(1),
            features.masked_fill(padding, torch.inf).amin(1),
            features.masked_fill(padding, -torch.inf).amax(1),
        )
        return self.layers(torch.cat(statistics, dim=1))


class _AttentionPooling(nn.Module):
    """Self-attention over the elements of a formula, weighted by their fractions."""

    def __init__(self, config: CompositionEncoderConfig, table_shape):
        super().__init__()
        width = config.width
        self.from_features = nn.Linear(table_shape[1], width)
        self.from_fraction = nn.Linear(2 * _N_FREQUENCIES, width, bias=False)
        self.element_vectors = nn.Embedding(table_shape[0], width, padding_idx=0)
        with torch.no_grad():
            self.element_vectors.weight.mul_(0.3)
        self.layers = nn.ModuleList(
            _AttentionLayer(width, config.n_heads) for _ in range(config.n_layers)
        )
        self.hidden = nn.Linear(2 * width, 2 * config.embedding_dim)
        self.out_features = 2 * config.embedding_dim
        frequencies = torch.arange(1, _N_FREQUENCIES + 1) * (torch.pi / 2)
        self.register_buffer("frequencies", frequencies, persistent=False)

    def forward(self, features, atomic_numbers, atomic_fractions):
        weights = atomic_fractions[..., None]
        phases = weights * self.frequencies
        fractions = torch.cat([torch.sin(phases), torch.cos(phases)], dim=-1)
        states = self.from_features(features) + self.element_vectors(atomic_numbers)
        states = states + self.from_fraction(fractions)  # (n_samples, max_elements, width)
        # An element attends to another in proportion to its fraction; log 0 hides the padding.
        bias = torch.log(atomic_fractions)[:, None, None, :]
        for layer in self.layers:
            states = layer(states, bias)
        mean = (weights * states).sum(1)
        variance = (weights * (states - mean[:, None]) ** 2).sum(1)
        pooled = torch.cat([mean, torch.sqrt(variance + 1e-6)], dim=1)
        return nn.functional.silu(self.hidden(pooled))


class _AttentionLayer(nn.Module):
    """Pre-normalised self-attention and a two-layer perceptron, both residual."""

    def __init__(self, width: int, n_heads: int):
        super().__init__()
        self.n_heads = n_heads
        self.normalise_attention = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.perceptron = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.SiLU(), nn.Linear(2 * width, width)
        )

    def forward(self, states: Tensor, bias: Tensor) -> Tensor:
        n_samples, n_elements, width = states.shape
        heads = self.query_key_value(self.normalise_attention(states))
        heads = heads.view(n_samples, n_elements, 3, self.n_heads, width // self.n_heads)
        query, key, value = heads.permute(2, 0, 3, 1, 4)  # (n_samples, n_heads, n_elements, ...)
        scores = query @ key.transpose(-1, -2) / (width // self.n_heads) ** 0.5
        attended = torch.softmax(scores + bias, dim=-1) @ value
        states = states + self.output(attended.transpose(1, 2).reshape(states.shape))
        return states + self.perceptron(states)


class PropertyHeads(nn.Module):
    """Embedding in, standardised calculated properties out.

    Parameters
    ----------
    embedding_dim : int
    means, scales : array-like of shape (n_properties,)
        Mean and standard deviation of each property over the training data, in its unit.
    activation : bool
        Read the embedding through SiLU; linear heads otherwise (the paper).
    """

    means: Tensor
    scales: Tensor

    def __init__(self, embedding_dim: int, means, scales, activation: bool = True):
        super().__init__()
        self.register_buffer("means", torch.tensor(means, dtype=torch.float32))
        self.register_buffer("scales", torch.tensor(scales, dtype=torch.float32))
        self.activation = nn.SiLU() if activation else nn.Identity()
        self.linear = nn.Linear(embedding_dim, len(self.means))

    def forward(self, embedding: Tensor) -> Tensor:
        """Predict standardised properties, shape (n_samples, n_properties)."""
        return self.linear(self.activation(embedding))

    def in_units(self, embedding: Tensor) -> Tensor:
        """Predict the properties in their units, shape (n_samples, n_properties)."""
        return self.to_units(self(embedding))

    def to_units(self, standardised: Tensor) -> Tensor:
        """Give standardised properties their units back."""
        return standardised * self.scales + self.means

    def standardised(self, properties: Tensor) -> Tensor:
        """Standardise properties given in their units."""
        return (properties - self.means) / self.scales


@dataclass(frozen=True)
class PretrainedOutputs:
    """What a pretrained encoder and its heads say of a batch.

    Attributes
    ----------
    embedding : Tensor of shape (n_samples, embedding_dim)
    properties : Tensor of shape (n_samples, n_properties)
        Standardised calculated properties.
    """

    embedding: Tensor
    properties: Tensor


class EncoderWithHeads(nn.Module):
    """Composition encoder and the heads that read calculated properties from its embedding.

    Parameters
    ----------
    composition_encoder : CompositionEncoder
    property_heads : PropertyHeads
    """

    def __init__(self, composition_encoder: CompositionEncoder, property_heads: PropertyHeads):
        super().__init__()
        self.composition_encoder = composition_encoder
        self.property_heads = property_heads
        self.embedding_dim = composition_encoder.config.embedding_dim

    def forward(self, atomic_numbers: Tensor, atomic_fractions: Tensor) -> PretrainedOutputs:
        """Encode a batch of compositions, given as in `CompositionEncoder.forward`."""
        fractions = atomic_fractions.to(self.property_heads.means.dtype)
        embedding = self.composition_encoder(atomic_numbers, fractions).embedding
        return PretrainedOutputs(embedding, self.property_heads(embedding))
