"""Structure encoder: a crystal graph convolutional network.

Convolutions after Xie and Grossman, Phys. Rev. Lett. 120, 145301 (2018),
doi:10.1103/PhysRevLett.120.145301, on symmetry-reduced graphs, with a cut-off that fades out so
that a neighbor crossing it changes nothing at once.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..data.crystal_graph import CUTOFF, CrystalGraphs, GraphShards

# Structures that are embedded at once.
_BATCH_SIZE = 512


@dataclass(frozen=True)
class StructureEncoderConfig:
    """Size of the structure encoder.

    Attributes
    ----------
    embedding_dim : int
        Width of the structure embedding.
    width : int
        Width of the node states.
    n_convolutions : int
    n_gaussians : int
        Number of Gaussians that describe a distance, centers from 1 Å to the cut-off.
    cutoff : float
        Radius of the neighbor sphere in Å.
    readout : {"all_depths", "last"}
        Pool the node states of every depth, mean and spread over the sites, and give each
        dimension zero mean and unit variance over the data, which keeps the embedding rich; or
        pool the mean of the last depth, L2-normalised (the paper).
    """

    embedding_dim: int = 128
    width: int = 64
    n_convolutions: int = 3
    n_gaussians: int = 32
    cutoff: float = CUTOFF
    readout: str = "all_depths"


@dataclass(frozen=True)
class CrystalGraphBatch:
    """A batch of crystal graphs as tensors; nodes and edges are counted through the batch.

    Attributes
    ----------
    atomic_numbers : Tensor of shape (n_nodes,), int64
    site_weights : Tensor of shape (n_nodes,), float32
        Sum to 1 in each graph.
    graph_of_node : Tensor of shape (n_nodes,), int64
    centers : Tensor of shape (n_edges,), int64
        Node that receives the message; ascending.
    neighbors : Tensor of shape (n_edges,), int64
        Node that sends the message.
    distances : Tensor of shape (n_edges,), float32
        In Å.
    multiplicities : Tensor of shape (n_edges,), float32
    n_graphs : int
    """

    atomic_numbers: Tensor
    site_weights: Tensor
    graph_of_node: Tensor
    centers: Tensor
    neighbors: Tensor
    distances: Tensor
    multiplicities: Tensor
    n_graphs: int

    @classmethod
    def from_graphs(
        cls, graphs: CrystalGraphs | GraphShards, rows, device="cpu"
    ) -> "CrystalGraphBatch":
        """Collate the graphs `rows` of a pack.

        Parameters
        ----------
        graphs : CrystalGraphs or GraphShards
        rows : array-like of int of shape (n_graphs,)
        device : str or torch.device, default="cpu"

        Returns
        -------
        CrystalGraphBatch
        """
        pack = graphs.take(rows)
        n_nodes, n_edges = np.diff(pack.node_offsets), np.diff(pack.edge_offsets)
        first_node = np.repeat(pack.node_offsets[:-1], n_edges)
        graph_of_node = np.repeat(np.arange(len(n_nodes)), n_nodes)

        def tensor(array: np.ndarray) -> Tensor:
            return torch.from_numpy(array).to(device, non_blocking=True)

        return cls(
            atomic_numbers=tensor(pack.atomic_numbers.astype(np.int64)),
            site_weights=tensor(pack.site_weights),
            graph_of_node=tensor(graph_of_node),
            centers=tensor(pack.centers + first_node),
            neighbors=tensor(pack.neighbors + first_node),
            distances=tensor(pack.distances),
            multiplicities=tensor(pack.multiplicities),
            n_graphs=len(n_nodes),
        )


class StructureEncoder(nn.Module):
    """Crystal graph convolutional network.

    Parameters
    ----------
    config : StructureEncoderConfig
    element_features : Tensor of shape (n_elements + 1, n_features)
        Row `Z` describes element `Z` (`ElementTable.features`).
    """

    element_features: Tensor
    gaussian_centers: Tensor

    def __init__(self, config: StructureEncoderConfig, element_features: Tensor):
        super().__init__()
        if config.readout not in ("all_depths", "last"):
            raise ValueError(f"readout must be 'all_depths' or 'last', got {config.readout!r}")
        self.config = config
        self.register_buffer("element_features", element_features)
        centers = torch.linspace(1.0, config.cutoff, config.n_gaussians)
        self.register_buffer("gaussian_centers", centers)
        self.element = nn.Linear(element_features.shape[1], config.width)
        self.convolutions = nn.ModuleList(
            _Convolution(config.width, config.n_gaussians) for _ in range(config.n_convolutions)
        )
        n_pooled = config.width
        if config.readout == "all_depths":
            n_pooled *= 2 * (config.n_convolutions + 1)
        self.readout = nn.Linear(n_pooled, config.embedding_dim)
        self.standardise = nn.BatchNorm1d(config.embedding_dim, affine=False)

    def forward(self, batch: CrystalGraphBatch) -> Tensor:
        """Embed a batch of crystals.

        Parameters
        ----------
        batch : CrystalGraphBatch

        Returns
        -------
        Tensor of shape (n_graphs, embedding_dim)
        """
        return self.standardised(self.readouts(batch))

    def readouts(self, batch: CrystalGraphBatch) -> Tensor:
        """Embed each crystal for itself: what a part of a batch needs no other part for."""
        states = self.element(self.element_features[batch.atomic_numbers])  # (n_nodes, width)
        gaussians, envelope = self._expand(batch)
        depths = [states]
        for convolution in self.convolutions:
            states = convolution(states, batch, gaussians, envelope)
            depths.append(states)
        if self.config.readout == "last":
            pooled = nn.functional.normalize(_site_average(states, batch), dim=1)
            return nn.functional.normalize(self.readout(pooled), dim=1)
        return self.readout(_pool_depths(torch.cat(depths, dim=1), batch))

    def standardised(self, embedding: Tensor) -> Tensor:
        """Give each dimension zero mean and unit variance, where the readout is so."""
        if self.config.readout == "last":
            return embedding
        if self.training and len(embedding) < 2:  # too few for statistics of their own
            statistics = self.standardise.running_mean, self.standardise.running_var
            return nn.functional.batch_norm(embedding, *statistics, eps=self.standardise.eps)
        return self.standardise(embedding)

    def _expand(self, batch: CrystalGraphBatch) -> tuple[Tensor, Tensor]:
        """Describe distances by Gaussians (width 0.5 Å, as in the paper), and weigh the edges."""
        shifted = (batch.distances[:, None] - self.gaussian_centers) / 0.5
        faded = 0.5 * (torch.cos(torch.pi * batch.distances / self.config.cutoff) + 1.0)
        envelope = faded * (batch.distances < self.config.cutoff) * batch.multiplicities
        return torch.exp(-(shifted**2)), envelope[:, None]


class _Convolution(nn.Module):
    """Gated messages from the neighbors, added to the state of the center."""

    def __init__(self, width: int, n_gaussians: int):
        super().__init__()
        self.from_center = nn.Linear(width, 2 * width)
        self.from_neighbor = nn.Linear(width, 2 * width, bias=False)
        self.from_distance = nn.Linear(n_gaussians, 2 * width, bias=False)
        self.normalise = nn.LayerNorm(width)

    def forward(self, states, batch, gaussians, envelope):
        # Linear maps before the gather: they cost a node, not an edge. `index_select`, because the
        # gradient of plain indexing is summed in an order that changes from run to run.
        messages = self.from_distance(gaussians)  # (n_edges, 2 width)
        messages = messages + self.from_center(states).index_select(0, batch.centers)
        messages = messages + self.from_neighbor(states).index_select(0, batch.neighbors)
        gate, content = messages.chunk(2, dim=1)
        messages = torch.sigmoid(gate) * nn.functional.silu(content) * envelope
        received = torch.zeros_like(states).index_add_(0, batch.centers, messages)
        return states + self.normalise(received)


def _site_average(states: Tensor, batch: CrystalGraphBatch) -> Tensor:
    weighted = states * batch.site_weights[:, None]
    pooled = states.new_zeros(batch.n_graphs, states.shape[1])
    return pooled.index_add_(0, batch.graph_of_node, weighted)


def _pool_depths(states: Tensor, batch: CrystalGraphBatch) -> Tensor:
    mean = _site_average(states, batch)
    variance = _site_average((states - mean.index_select(0, batch.graph_of_node)) ** 2, batch)
    return torch.cat([mean, torch.sqrt(variance + 1e-6)], dim=1)


@torch.no_grad()
def embed_structures(
    encoder: StructureEncoder, graphs: CrystalGraphs | GraphShards, rows
) -> Tensor:
    """Embed structures in evaluation mode.

    Parameters
    ----------
    encoder : StructureEncoder
    graphs : CrystalGraphs or GraphShards
    rows : array of int of shape (n_structures,)

    Returns
    -------
    Tensor of shape (n_structures, embedding_dim), on the encoder's device
    """
    encoder.eval()
    device = encoder.element_features.device
    chunks = np.array_split(rows, max(1, len(rows) // _BATCH_SIZE))
    return torch.cat(
        [encoder(CrystalGraphBatch.from_graphs(graphs, chunk, device)) for chunk in chunks]
    )
