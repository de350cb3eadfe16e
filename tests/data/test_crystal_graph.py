"""Crystal graphs know the crystal, not its cell; they are counted right, cached and named."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from damaged_files import flipped_bits, truncated
from pymatgen.core import Lattice, Structure

from cromel_sklearn.data import crystal_graph, graph_cache
from cromel_sklearn.data.crystal_graph import (
    CrystalGraphs,
    GraphShards,
    build_crystal_graph,
)
from cromel_sklearn.data.elements import pymatgen_element_table
from cromel_sklearn.data.graph_cache import build_crystal_graphs
from cromel_sklearn.data.readers import materials_from_structures, read_materials
from cromel_sklearn.exceptions import SourceDataError
from cromel_sklearn.nn.structure_encoder import (
    CrystalGraphBatch,
    StructureEncoder,
    StructureEncoderConfig,
)
from cromel_sklearn.storage.artifact import read_artifact, write_artifact
from cromel_sklearn.storage.whole_file import write_file

TOLERANCE = 1e-4
CRYSTALS = {
    "rock salt": Structure(
        Lattice.cubic(5.64),
        ["Na"] * 4 + ["Cl"] * 4,
        [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0],
         [0.5, 0.5, 0.5], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]],
    ),
    "perovskite": Structure(
        Lattice.cubic(3.905),
        ["Sr", "Ti", "O", "O", "O"],
        [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]],
    ),
    "wurtzite": Structure(
        Lattice.hexagonal(3.25, 5.207),
        ["Zn", "Zn", "O", "O"],
        [[1 / 3, 2 / 3, 0], [2 / 3, 1 / 3, 0.5], [1 / 3, 2 / 3, 0.382], [2 / 3, 1 / 3, 0.882]],
    ),
    "hcp metal": Structure(
        Lattice.hexagonal(3.209, 5.211), ["Mg", "Mg"], [[1 / 3, 2 / 3, 0.25], [2 / 3, 1 / 3, 0.75]]
    ),
    "triclinic": Structure(
        Lattice.from_parameters(4.1, 5.3, 6.7, 81, 97, 104),
        ["Cu", "Cu", "Te", "O", "O", "Cl"],
        [[0.02, 0.05, 0.11], [0.55, 0.41, 0.08], [0.21, 0.62, 0.47],
         [0.71, 0.13, 0.39], [0.36, 0.91, 0.77], [0.83, 0.58, 0.81]],
    ),
}  # fmt: skip


def _permuted(structure):
    order = np.random.default_rng(0).permutation(len(structure))
    return Structure.from_sites([structure[site] for site in order])


def _with_lattice(structure, matrix):
    return Structure(matrix, structure.species, structure.frac_coords)


def _rotated(structure):
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    rotation *= np.sign(np.linalg.det(rotation))
    return _with_lattice(structure, structure.lattice.matrix @ rotation.T)


def _mirrored(structure):
    return _with_lattice(structure, structure.lattice.matrix * [1, 1, -1])


def _translated(structure):
    shift = np.array([0.137, -0.52, 2.311])
    return Structure(structure.lattice, structure.species, structure.frac_coords + shift)


def _in_other_cell(scaling):
    return lambda structure: structure.copy().make_supercell(scaling, in_place=False)


CHANGES = {
    "site order": _permuted,
    "rotation": _rotated,
    "reflection": _mirrored,
    "translation": _translated,
    "primitive cell": lambda structure: structure.get_primitive_structure(),
    "Niggli reduction": lambda structure: structure.get_reduced_structure("niggli"),
    "skewed cell": _in_other_cell([[1, 1, 0], [0, 1, 0], [0, 2, 1]]),
    "supercell": _in_other_cell([2, 1, 1]),
    "skewed supercell": _in_other_cell([[1, 1, 0], [-1, 1, 0], [0, 0, 1]]),
}


@pytest.fixture(scope="module")
def encoder():
    """A structure encoder as it is before training, in evaluation mode."""
    table = torch.tensor(pymatgen_element_table().features)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return StructureEncoder(StructureEncoderConfig(), table).eval()


@pytest.fixture(scope="module")
def embed(encoder):
    def embed_graph(graph):
        with torch.no_grad():
            return encoder(CrystalGraphBatch.from_graphs(graph, [0])).numpy()[0]

    return embed_graph


@pytest.fixture(scope="module")
def real_structures(data_home):
    """Structures of 25 calculated materials, spread over the table."""
    columns = ["cell_parameters", "atomic_numbers", "frac_coords"]
    table = pd.read_parquet(data_home / "source" / "mp_structures.parquet", columns=columns)
    return [
        Structure(
            Lattice.from_parameters(*row.cell_parameters),
            [int(number) for number in row.atomic_numbers],
            np.asarray(row.frac_coords, dtype=float).reshape(-1, 3),
        )
        for row in table.sample(25, random_state=0).itertuples()
    ]


def _graph(structure, cutoff=4.0):
    return build_crystal_graph(
        structure.lattice.matrix, structure.atomic_numbers, structure.frac_coords, cutoff
    )


def _unreduced_graph(structure, monkeypatch):
    """The graph with each site in a class of its own."""
    with monkeypatch.context() as patch:
        patch.setattr(crystal_graph, "_equivalent_sites", lambda z, *_: np.arange(len(z)))
        return _graph(structure)


def _shells(graph, atomic_number):
    """Distances and numbers of neighbors around the first node of that element, nearest first."""
    node = np.flatnonzero(graph.atomic_numbers == atomic_number)[0]
    edges = graph.centers == node
    order = np.argsort(graph.distances[edges], kind="stable")
    elements = graph.atomic_numbers[graph.neighbors[edges]][order]
    shells = graph.distances[edges][order], graph.multiplicities[edges][order]
    return [(int(z), round(float(d), 2), int(n)) for z, d, n in zip(elements, *shells, strict=True)]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("crystal", CRYSTALS)
def test_embedding_is_invariant(crystal, change, embed):
    structure = CRYSTALS[crystal]
    changed = embed(_graph(CHANGES[change](structure)))
    np.testing.assert_allclose(changed, embed(_graph(structure)), atol=TOLERANCE)


@pytest.mark.parametrize("change", [change for change in CHANGES if change != "primitive cell"])
def test_embedding_of_real_materials_is_invariant(change, embed, real_structures):
    for structure in real_structures:
        changed = embed(_graph(CHANGES[change](structure)))
        formula = structure.formula
        np.testing.assert_allclose(
            changed, embed(_graph(structure)), atol=TOLERANCE, err_msg=formula
        )


@pytest.mark.parametrize("crystal", CRYSTALS)
def test_symmetry_reduction_does_not_change_the_embedding(crystal, embed, monkeypatch):
    unreduced = _unreduced_graph(CRYSTALS[crystal], monkeypatch)
    assert len(unreduced.atomic_numbers) == len(CRYSTALS[crystal])
    expected = embed(_graph(CRYSTALS[crystal]))
    np.testing.assert_allclose(embed(unreduced), expected, atol=TOLERANCE)


def test_symmetry_reduction_does_not_change_the_embedding_of_real_materials(
    embed, real_structures, monkeypatch
):
    for structure in real_structures:
        unreduced = embed(_unreduced_graph(structure, monkeypatch))
        formula = structure.formula
        np.testing.assert_allclose(
            unreduced, embed(_graph(structure)), atol=TOLERANCE, err_msg=formula
        )


def test_embedding_tells_the_crystals_apart(embed):
    embeddings = np.array([embed(_graph(structure)) for structure in CRYSTALS.values()])
    distances = np.linalg.norm(embeddings[:, None] - embeddings, axis=-1)
    assert distances[np.triu_indices(len(CRYSTALS), k=1)].min() > 100 * TOLERANCE


def test_embedding_tells_polymorphs_apart(embed):
    zinc_blende = Structure(
        Lattice(2.285 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]])),
        ["Zn", "O"],
        [[0, 0, 0], [0.25, 0.25, 0.25]],
    )
    difference = embed(_graph(zinc_blende)) - embed(_graph(CRYSTALS["wurtzite"]))
    assert np.abs(difference).max() > 10 * TOLERANCE


def test_embedding_knows_the_bond_length(embed):
    strained = CRYSTALS["rock salt"].copy().apply_strain(0.02, inplace=False)
    difference = embed(_graph(strained)) - embed(_graph(CRYSTALS["rock salt"]))
    assert np.abs(difference).max() > 10 * TOLERANCE


@pytest.mark.parametrize(
    ("crystal", "n_nodes"),
    [("rock salt", 2), ("perovskite", 3), ("wurtzite", 2), ("hcp metal", 1), ("triclinic", 6)],
)
def test_graph_has_one_node_for_each_class_of_equivalent_sites(crystal, n_nodes):
    assert len(_graph(CRYSTALS[crystal]).atomic_numbers) == n_nodes


def test_like_sites_in_unlike_surroundings_stay_apart():
    # Rutile and, beyond it, an interstitial titanium site.
    lattice = Lattice.tetragonal(4.594, 2.959)
    u = 0.305
    oxygens = [[u, u, 0], [-u, -u, 0], [0.5 + u, 0.5 - u, 0.5], [0.5 - u, 0.5 + u, 0.5]]
    sites = [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0, 0.5]]
    graph = _graph(Structure(lattice, ["Ti"] * 3 + ["O"] * 4, [*sites, *oxygens]))
    assert (graph.atomic_numbers == 22).sum() > 1


@pytest.mark.parametrize("crystal", CRYSTALS)
def test_site_weights_sum_to_one(crystal):
    assert _graph(CRYSTALS[crystal]).site_weights.sum() == pytest.approx(1.0, abs=1e-6)


def test_site_weights_of_real_materials_sum_to_one(real_structures):
    sums = [_graph(structure).site_weights.sum() for structure in real_structures]
    np.testing.assert_allclose(sums, 1.0, atol=1e-6)


def test_site_weights_follow_the_formula():
    graph = _graph(CRYSTALS["perovskite"])
    weights = dict(zip(graph.atomic_numbers.tolist(), graph.site_weights.tolist(), strict=True))
    assert weights == pytest.approx({8: 0.6, 22: 0.2, 38: 0.2})


@pytest.mark.parametrize(
    ("crystal", "element", "shells"),
    [
        ("rock salt", 11, [(17, 2.82, 6), (11, 3.99, 12)]),
        ("rock salt", 17, [(11, 2.82, 6), (17, 3.99, 12)]),
        ("perovskite", 22, [(8, 1.95, 6), (38, 3.38, 8), (22, 3.9, 6)]),
        ("perovskite", 38, [(8, 2.76, 12), (22, 3.38, 8), (38, 3.9, 6)]),
        ("hcp metal", 12, [(12, 3.2, 6), (12, 3.21, 6)]),
    ],
)
def test_coordination_numbers_are_those_of_the_structure_type(crystal, element, shells):
    assert _shells(_graph(CRYSTALS[crystal]), element) == shells


def test_zinc_of_wurtzite_is_fourfold():
    around_zinc = _shells(_graph(CRYSTALS["wurtzite"], cutoff=2.5), 30)
    assert sum(number for _, _, number in around_zinc) == 4


@pytest.mark.parametrize("crystal", CRYSTALS)
def test_coordination_numbers_agree_with_pymatgen(crystal):
    structure, graph = CRYSTALS[crystal], _graph(CRYSTALS[crystal])
    n_edges = sum(len(neighbors) for neighbors in structure.get_all_neighbors(4.0))
    weights = graph.site_weights[graph.centers] * graph.multiplicities
    assert weights.sum() * len(structure) == pytest.approx(n_edges, rel=1e-6)


@pytest.mark.parametrize("crystal", CRYSTALS)
def test_messages_between_two_classes_are_as_many_in_both_directions(crystal):
    graph = _graph(CRYSTALS[crystal])
    counts = np.zeros((len(graph.site_weights),) * 2)
    weights = graph.site_weights[graph.centers] * graph.multiplicities
    np.add.at(counts, (graph.centers, graph.neighbors), weights)
    np.testing.assert_allclose(counts, counts.T, rtol=1e-5)


@pytest.mark.parametrize("cutoff", [2.5, 4.0, 5.5])
def test_no_neighbor_lies_beyond_the_cutoff(cutoff):
    distances = _graph(CRYSTALS["triclinic"], cutoff).distances
    assert 0 < distances.min() <= distances.max() <= cutoff


def _two_sites(distance):
    return Structure(Lattice.cubic(15.0), ["Na", "Cl"], [[0, 0, 0], [distance / 15.0, 0, 0]])


@pytest.mark.parametrize("lengths", [(2.816, 2.824), (2.824, 2.816)])
def test_order_of_nearly_equivalent_sites_does_not_matter(lengths, embed):
    # Two molecules whose bonds fall into one shell of 0.01 Å: neither stands for both.
    sites = [[0, 0, 0], [lengths[0], 0, 0], [0, 8, 0], [lengths[1], 8, 0]]
    molecules = Structure(
        Lattice.cubic(16), ["Na", "Cl", "Na", "Cl"], sites, coords_are_cartesian=True
    )
    average = embed(_graph(_two_sites(2.82)))
    np.testing.assert_allclose(embed(_graph(molecules)), average, atol=TOLERANCE)


def test_neighbor_that_crosses_the_cutoff_changes_nothing_at_once(embed):
    inside, outside = embed(_graph(_two_sites(4 - 1e-3))), embed(_graph(_two_sites(4 + 1e-3)))
    np.testing.assert_allclose(inside, outside, atol=TOLERANCE)


def test_neighbor_inside_the_cutoff_counts(embed):
    inside, outside = embed(_graph(_two_sites(3.5))), embed(_graph(_two_sites(4.5)))
    assert np.abs(inside - outside).max() > 100 * TOLERANCE


def test_shell_that_crosses_the_cutoff_changes_nothing_at_once(embed):
    # The second shell of a perovskite with a lattice constant around the cut-off.
    inside, outside = (
        embed(_graph(_with_lattice(CRYSTALS["perovskite"], np.eye(3) * constant)))
        for constant in (4 - 1e-4, 4 + 1e-4)
    )
    np.testing.assert_allclose(inside, outside, atol=10 * TOLERANCE)


def test_embedding_is_smooth_up_to_the_cutoff(embed):
    # Halving the step halves the change: a jump would stay.
    def largest_change(step):
        distances = np.arange(3.0, 4.2, step)
        embeddings = [embed(_graph(_two_sites(distance))) for distance in distances]
        return np.abs(np.diff(embeddings, axis=0)).max()

    assert largest_change(0.005) < 0.75 * largest_change(0.01)


def test_lone_site_has_no_edges(embed):
    graph = _graph(Structure(Lattice.cubic(15.0), ["Ar"], [[0, 0, 0]]))
    assert len(graph.distances) == 0
    assert np.isfinite(embed(graph)).all()


def test_sites_outside_the_cell_are_wrapped_into_it():
    structure = CRYSTALS["triclinic"]
    outside = structure.frac_coords + np.array([3, -2, 0])
    graph = build_crystal_graph(structure.lattice.matrix, structure.atomic_numbers, outside)
    np.testing.assert_allclose(graph.distances, _graph(structure).distances, atol=1e-5)


def test_packed_graphs_keep_their_slices():
    graphs = [_graph(structure) for structure in CRYSTALS.values()]
    pack = CrystalGraphs.concatenate(graphs)
    assert len(pack) == len(graphs)
    for row, graph in enumerate(graphs):
        nodes = slice(*pack.node_offsets[row : row + 2])
        edges = slice(*pack.edge_offsets[row : row + 2])
        np.testing.assert_array_equal(pack.atomic_numbers[nodes], graph.atomic_numbers)
        np.testing.assert_array_equal(pack.distances[edges], graph.distances)


@pytest.fixture
def materials(structure_table, tmp_path):
    """The alkali halides, read from a table in a folder of its own."""
    path = tmp_path / "source" / "salts.parquet"
    path.parent.mkdir()
    path.write_bytes(structure_table.read_bytes())
    return read_materials(path)


@pytest.fixture
def user_cache(tmp_path, monkeypatch):
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "user" / name)
    return tmp_path / "user" / "cromel-sklearn"


def _caches(folder):
    return sorted(Path(folder).glob("*.safetensors"))


def _assert_same_graphs(graphs, expected):
    for field in fields(CrystalGraphs):
        actual = getattr(graphs, field.name)
        np.testing.assert_array_equal(actual, getattr(expected, field.name), err_msg=field.name)
        assert actual.dtype == getattr(expected, field.name).dtype


def _refuse_to_build(monkeypatch):
    def build(*_):
        raise AssertionError("graphs were built although they are in the cache")

    monkeypatch.setattr(graph_cache, "build_crystal_graph", build)


def test_graphs_of_many_materials_are_those_of_each(materials):
    pack = build_crystal_graphs(materials, n_jobs=1, cache=False)
    rows = zip(materials.lattices, materials.atomic_numbers, materials.frac_coords, strict=True)
    _assert_same_graphs(pack, CrystalGraphs.concatenate([build_crystal_graph(*r) for r in rows]))


def test_chunks_do_not_change_the_graphs(materials, monkeypatch):
    whole = build_crystal_graphs(materials, n_jobs=1, cache=False)
    monkeypatch.setattr(graph_cache, "_CHUNK", 7)
    _assert_same_graphs(build_crystal_graphs(materials, n_jobs=1, cache=False), whole)


def test_second_build_reads_the_cache(materials, user_cache, monkeypatch):
    built = build_crystal_graphs(materials, n_jobs=1)
    _refuse_to_build(monkeypatch)
    _assert_same_graphs(build_crystal_graphs(materials, n_jobs=1), built)


def test_cache_lies_beside_the_source(materials, user_cache):
    build_crystal_graphs(materials, n_jobs=1)
    assert len(_caches(materials.path.parent)) == 1
    assert not _caches(user_cache)


def test_no_cache_is_written_when_not_wanted(materials, user_cache):
    build_crystal_graphs(materials, n_jobs=1, cache=False)
    assert not _caches(materials.path.parent)
    assert not _caches(user_cache)


def test_materials_from_memory_are_not_cached(rock_salts, user_cache):
    build_crystal_graphs(materials_from_structures(*rock_salts), n_jobs=1)
    assert not _caches(user_cache)


def test_part_of_the_materials_does_not_read_the_cache_of_all(materials, user_cache):
    build_crystal_graphs(materials, n_jobs=1)
    assert len(build_crystal_graphs(materials[:3], n_jobs=1)) == 3


def test_changed_source_makes_a_new_cache(materials, user_cache):
    build_crystal_graphs(materials, n_jobs=1)
    pd.read_parquet(materials.path).iloc[:5].to_parquet(materials.path)
    graphs = build_crystal_graphs(read_materials(materials.path), n_jobs=1)
    assert len(graphs) == 5
    assert len(_caches(materials.path.parent)) == 2


def test_other_cutoff_makes_a_new_cache(materials, user_cache):
    nearest = build_crystal_graphs(materials, cutoff=2.5, n_jobs=1)
    assert len(build_crystal_graphs(materials, n_jobs=1).distances) > len(nearest.distances)
    assert len(_caches(materials.path.parent)) == 2


@pytest.fixture
def read_only_materials(materials):
    # /proc refuses new files from every user, root included.
    return replace(materials, path=Path("/proc/salts.parquet"))


def test_cache_of_a_read_only_folder_lies_with_the_user(read_only_materials, user_cache):
    build_crystal_graphs(read_only_materials, n_jobs=1)
    assert len(_caches(user_cache)) == 1


def test_cache_of_the_user_is_read(read_only_materials, user_cache, monkeypatch):
    built = build_crystal_graphs(read_only_materials, n_jobs=1)
    _refuse_to_build(monkeypatch)
    _assert_same_graphs(build_crystal_graphs(read_only_materials, n_jobs=1), built)


def test_graphs_are_built_where_no_cache_can_be_written(read_only_materials, monkeypatch):
    monkeypatch.setattr("pooch.os_cache", lambda name: Path("/proc") / name)
    assert len(build_crystal_graphs(read_only_materials, n_jobs=1)) == len(read_only_materials)


def test_no_half_written_cache_is_left(materials, user_cache, monkeypatch):
    def fail(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr("safetensors.numpy.save", fail)
    build_crystal_graphs(materials, n_jobs=1)
    assert not _caches(materials.path.parent)


def _rewritten(path, change):
    """Change header or columns of a cache, under a new digest."""
    header, columns = read_artifact(path, "cromel_graphs", 3)
    change(header, columns)
    write_artifact(path, "cromel_graphs", 3, header, columns)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: write_file(path, path.read_bytes()[:-1]),
        lambda path: write_file(path, b""),
        lambda path: write_file(path, path.read_bytes()[:-1] + b"\xa5"),
        lambda path: _rewritten(path, lambda header, columns: columns.clear()),
        lambda path: _rewritten(path, lambda header, columns: header.update(source="another")),
        lambda path: _rewritten(path, lambda header, columns: header.update(cutoff=5.0)),
        lambda path: _rewritten(path, lambda h, c: c.update(centers=c["centers"].astype(float))),
        lambda path: _rewritten(path, lambda h, c: c.update(centers=c["centers"][1:])),
        lambda path: _rewritten(path, lambda h, c: c["centers"].fill(9)),
        lambda path: _rewritten(path, lambda h, c: c["neighbors"].fill(-1)),
        lambda path: _rewritten(path, lambda h, c: c["distances"].fill(np.nan)),
        lambda path: _rewritten(path, lambda h, c: c["node_offsets"][:2].fill(1)),
        lambda path: _rewritten(path, lambda h, c: c.update(more=np.zeros(1))),
        lambda path: _rewritten(path, lambda h, c: c.update({k: v[:0] for k, v in c.items()})),
        lambda path: _rewritten(
            path, lambda h, c: c.update({k: v[: "offsets" in k] for k, v in c.items()})
        ),
    ],
)
def test_a_damaged_cache_is_told_and_written_again(damage, materials, user_cache, monkeypatch):
    built = build_crystal_graphs(materials, n_jobs=1)
    (cache,) = _caches(materials.path.parent)
    content = cache.read_bytes()
    damage(cache)
    with pytest.warns(UserWarning, match="graphs.* The crystal graphs are built again"):
        _assert_same_graphs(build_crystal_graphs(materials, n_jobs=1), built)
    assert cache.read_bytes() == content
    _refuse_to_build(monkeypatch)
    _assert_same_graphs(build_crystal_graphs(materials, n_jobs=1), built)


def test_every_flipped_bit_of_a_cache_is_noticed(materials, user_cache):
    build_crystal_graphs(materials, n_jobs=1)
    built = build_crystal_graphs(materials, n_jobs=1, cache=False)  # not mapped from that file
    (cache,) = _caches(materials.path.parent)
    content = cache.read_bytes()
    for damaged in [*flipped_bits(content, 100), *truncated(content, 20)]:
        cache.write_bytes(damaged)
        with pytest.warns(UserWarning, match="The crystal graphs are built again"):
            assert graph_cache._read_cache(cache, materials, crystal_graph.CUTOFF) is None
    with pytest.warns(UserWarning, match="The crystal graphs are built again"):
        _assert_same_graphs(build_crystal_graphs(materials, n_jobs=1), built)


# A script of its own: processes that start at once and share nothing but the folder.
BUILDER = """
import hashlib, sys
from cromel_sklearn.data.graph_cache import build_crystal_graphs
from cromel_sklearn.data.readers import read_materials
materials = read_materials(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
graphs = build_crystal_graphs(materials, n_jobs=1)
print(hashlib.sha256(graphs.distances.tobytes() + graphs.neighbors.tobytes()).hexdigest())
"""


def test_four_processes_build_one_whole_cache(materials, user_cache, monkeypatch):
    command = [sys.executable, "-W", "error", "-c", BUILDER, str(materials.path)]
    pipe = subprocess.PIPE
    builders = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(4)]
    assert [builder.stdout.readline() for builder in builders] == ["ready\n"] * 4
    for builder in builders:
        builder.stdin.write("\n")
        builder.stdin.flush()
    digests = {builder.communicate()[0] for builder in builders}
    assert [builder.returncode for builder in builders] == [0] * 4
    assert len(digests) == 1
    names = sorted(path.name for path in materials.path.parent.iterdir())
    assert len(names) == 2, names  # the source and its cache, nothing partial
    _refuse_to_build(monkeypatch)
    build_crystal_graphs(materials, n_jobs=1)


def test_builders_at_once_leave_one_whole_cache(materials, user_cache, monkeypatch):
    with ThreadPoolExecutor(4) as threads:
        packs = list(threads.map(lambda _: build_crystal_graphs(materials, n_jobs=1), range(4)))
    for pack in packs[1:]:
        _assert_same_graphs(pack, packs[0])
    assert [path.suffix for path in materials.path.parent.glob("*graphs*")] == [".safetensors"]
    _refuse_to_build(monkeypatch)
    _assert_same_graphs(build_crystal_graphs(materials, n_jobs=1), packs[0])


def test_structure_whose_graph_fails_is_named(materials):
    numbers = list(materials.atomic_numbers)
    numbers[3] = numbers[3][:1]
    with pytest.raises(SourceDataError) as caught:
        build_crystal_graphs(replace(materials, atomic_numbers=numbers), n_jobs=1, cache=False)
    message = str(caught.value)
    assert message.startswith("Could not build the crystal graph of salt-3: ")
    assert message.endswith("Check its lattice and sites, or leave it out.")


@pytest.mark.parametrize("rows", [[0], [19, 3, 3, 11], list(range(20)), [12, 0, 7, 6], []])
def test_graphs_of_many_packs_are_taken_as_from_one(materials, rows):
    whole = build_crystal_graphs(materials, n_jobs=1, cache=False)
    parts = [materials[:7], materials[7:12], materials[12:]]
    shards = GraphShards([build_crystal_graphs(part, n_jobs=1, cache=False) for part in parts])
    rows = np.array(rows, dtype=int)
    assert len(shards) == len(whole)
    _assert_same_graphs(shards.take(rows), whole.take(rows))
    for place, row in enumerate(rows):
        _assert_same_graphs(whole.take(rows).take([place]), whole.take([row]))


def test_graphs_from_the_cache_are_mapped_and_read_only(materials, user_cache):
    graphs = build_crystal_graphs(materials, n_jobs=1)
    for field in fields(CrystalGraphs):
        array = getattr(graphs, field.name)
        assert not array.flags.writeable
        assert not array.flags.owndata
