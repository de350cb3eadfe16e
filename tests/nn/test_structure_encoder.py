"""The structure encoder treats each crystal of a batch alone; readouts keep their promises."""

import numpy as np
import pytest
import torch

from cromel_sklearn.data.crystal_graph import CrystalGraphs
from cromel_sklearn.data.elements import pymatgen_element_table
from cromel_sklearn.data.graph_cache import build_crystal_graphs
from cromel_sklearn.data.readers import materials_from_structures
from cromel_sklearn.nn.structure_encoder import (
    CrystalGraphBatch,
    StructureEncoder,
    StructureEncoderConfig,
)

READOUTS = ("all_depths", "last")


def _encoder(readout="all_depths", **settings):
    table = torch.tensor(pymatgen_element_table().features)
    settings = {"embedding_dim": 12, "width": 8, "n_convolutions": 2, "n_gaussians": 6, **settings}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return StructureEncoder(StructureEncoderConfig(readout=readout, **settings), table).eval()


@pytest.fixture(scope="module")
def graphs(rock_salts) -> CrystalGraphs:
    """Graphs of different sizes: the alkali halides and supercells with a vacancy."""
    structures, targets = rock_salts
    defective = []
    for structure in structures[:4]:
        supercell = structure.copy().make_supercell(2, in_place=False)
        supercell.remove_sites([0])
        defective.append(supercell)
    targets = targets.iloc[[*range(20), *range(4)]]
    materials = materials_from_structures([*structures, *defective], targets)
    return build_crystal_graphs(materials, n_jobs=1)


@pytest.fixture
def batch(graphs):
    return CrystalGraphBatch.from_graphs(graphs, np.arange(len(graphs)))


@torch.no_grad()
def _embed(encoder, graphs, rows):
    return encoder(CrystalGraphBatch.from_graphs(graphs, rows))


@pytest.mark.parametrize("readout", READOUTS)
def test_batched_equals_single(readout, graphs):
    encoder = _encoder(readout)
    single = torch.cat([_embed(encoder, graphs, [row]) for row in range(len(graphs))])
    torch.testing.assert_close(
        _embed(encoder, graphs, np.arange(len(graphs))), single, atol=1e-5, rtol=0
    )


@pytest.mark.parametrize("readout", READOUTS)
def test_order_of_the_batch_does_not_matter(readout, graphs):
    encoder, rows = _encoder(readout), np.random.default_rng(0).permutation(len(graphs))
    torch.testing.assert_close(
        _embed(encoder, graphs, rows),
        _embed(encoder, graphs, np.arange(len(graphs)))[rows],
        atol=1e-5,
        rtol=0,
    )


@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("embedding_dim", [1, 12, 33])
def test_embedding_has_a_row_for_each_graph(readout, embedding_dim, graphs):
    encoder = _encoder(readout, embedding_dim=embedding_dim)
    assert _embed(encoder, graphs, [0, 5, 21]).shape == (3, embedding_dim)


@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("n_convolutions", [0, 1, 3])
def test_any_number_of_convolutions_runs(readout, n_convolutions, graphs):
    assert _embed(_encoder(readout, n_convolutions=n_convolutions), graphs, [0]).isfinite().all()


def test_embedding_is_one_function_of_the_weights(graphs):
    assert torch.equal(_embed(_encoder(), graphs, [0, 1]), _embed(_encoder(), graphs, [0, 1]))


def test_embedding_of_different_compounds_differs(graphs):
    embedding = _embed(_encoder(), graphs, np.arange(20))
    assert torch.pdist(embedding).min() > 1e-4


@pytest.mark.parametrize("readout", READOUTS)
def test_single_structure_runs_in_training_mode(readout, graphs):
    embedding = _encoder(readout).train()(CrystalGraphBatch.from_graphs(graphs, [0]))
    assert embedding.isfinite().all()


def test_single_structure_in_training_mode_is_standardised_by_what_was_seen_before(graphs):
    encoder = _encoder().train()
    _embed(encoder, graphs, np.arange(20))
    in_training = _embed(encoder, graphs, [0])
    torch.testing.assert_close(in_training, _embed(encoder.eval(), graphs, [0]))


def test_single_structure_leaves_the_statistics_alone(graphs):
    encoder = _encoder().train()
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    _embed(encoder, graphs, [0])
    for name, value in encoder.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_embedding_of_all_depths_is_standardised_in_training(graphs):
    embedding = _embed(_encoder().train(), graphs, np.arange(len(graphs)))
    torch.testing.assert_close(embedding.mean(0), torch.zeros(12), atol=1e-4, rtol=0)
    variance = embedding.var(0, unbiased=False)
    assert (variance > 0.5).all()
    assert (variance < 1 + 1e-4).all()


def test_embedding_of_last_depth_has_unit_length(graphs):
    embedding = _embed(_encoder("last"), graphs, np.arange(len(graphs)))
    torch.testing.assert_close(embedding.norm(dim=1), torch.ones(len(graphs)))


@pytest.mark.parametrize("readout", ["mean", "ALL_DEPTHS", "", None])
def test_unknown_readout_is_an_error(readout):
    with pytest.raises(ValueError, match=f"must be 'all_depths' or 'last', got {readout!r}"):
        _encoder(readout)


@pytest.mark.parametrize("readout", READOUTS)
def test_gradient_reaches_every_parameter(readout, batch):
    encoder = _encoder(readout).train()
    weights = torch.linspace(-1, 1, 12)
    (encoder(batch) ** 3 @ weights).sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_multiplicity_counts_neighbors_as_repeated_edges_do(batch):
    n_edges = len(batch.centers)
    repeats = batch.multiplicities.long()
    edges = torch.repeat_interleave(torch.arange(n_edges), repeats)
    repeated = CrystalGraphBatch(
        batch.atomic_numbers, batch.site_weights, batch.graph_of_node,
        batch.centers[edges], batch.neighbors[edges], batch.distances[edges],
        torch.ones(len(edges)), batch.n_graphs,
    )  # fmt: skip
    encoder = _encoder()
    with torch.no_grad():
        torch.testing.assert_close(encoder(repeated), encoder(batch), atol=1e-5, rtol=0)


def test_edges_of_a_batch_stay_within_their_graph(batch):
    assert torch.equal(batch.graph_of_node[batch.centers], batch.graph_of_node[batch.neighbors])


def test_centers_of_a_batch_ascend(batch):
    assert (batch.centers.diff() >= 0).all()


def test_site_weights_of_a_batch_sum_to_one_in_each_graph(batch):
    sums = torch.zeros(batch.n_graphs).index_add_(0, batch.graph_of_node, batch.site_weights)
    torch.testing.assert_close(sums, torch.ones(batch.n_graphs))


def test_batch_keeps_the_graphs_in_the_order_asked_for(graphs):
    batch = CrystalGraphBatch.from_graphs(graphs, [7, 2])
    elements = batch.atomic_numbers[batch.graph_of_node == 0].tolist()
    first = slice(*graphs.node_offsets[7:9])
    assert elements == graphs.atomic_numbers[first].tolist()


def test_tensors_of_a_batch_have_the_documented_types(batch):
    for name in ("atomic_numbers", "graph_of_node", "centers", "neighbors"):
        assert getattr(batch, name).dtype == torch.int64, name
    for name in ("site_weights", "distances", "multiplicities"):
        assert getattr(batch, name).dtype == torch.float32, name


def test_batch_of_no_graphs_is_empty(graphs):
    batch = CrystalGraphBatch.from_graphs(graphs, np.array([], dtype=int))
    assert batch.n_graphs == 0
    assert len(batch.centers) == 0


@pytest.mark.parametrize("readout", READOUTS)
def test_batch_of_no_graphs_has_no_embeddings(readout, graphs):
    embedding = _embed(_encoder(readout).train(), graphs, np.array([], dtype=int))
    assert embedding.shape == (0, 12)
