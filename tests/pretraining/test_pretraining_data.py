"""Structures and labels are joined by composition, and nothing held out enters training."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from pymatgen.core import Lattice, Structure

from cromel_sklearn.data.composition import read_compositions
from cromel_sklearn.data.graph_cache import build_crystal_graphs
from cromel_sklearn.data.readers import materials_from_structures
from cromel_sklearn.exceptions import InvalidCompositionError, SourceDataError
from cromel_sklearn.pretraining.batches import SimilarSizeSampler
from cromel_sklearn.pretraining.data import assemble

# Formula, part of the split, band gap, formation energy of each structure; NaCl and KBr have
# polymorphs, of which the second NaCl and the first KBr are the stable ones.
ROWS = [
    ("NaCl", "train", 5.0, -1.0),
    ("NaCl", "train", 6.0, -2.0),
    ("KCl", "train", np.nan, -2.5),
    ("KBr", "train", 4.0, -1.9),
    ("KBr", "train", 3.0, -1.2),
    ("LiF", "validation", 9.0, -3.0),
    ("CsI", "test", np.nan, -1.5),
]
NAN = np.nan


def _structure(formula, constant):
    lattice = Lattice(constant / 2 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]))
    elements = re.findall("[A-Z][a-z]?", formula)
    return Structure(lattice, elements, [[0, 0, 0], [0.5, 0.5, 0.5]])


@pytest.fixture(scope="module")
def materials():
    structures = [_structure(row[0], 5.0 + 0.1 * number) for number, row in enumerate(ROWS)]
    targets = pd.DataFrame(
        [row[2:] for row in ROWS], columns=["band_gap", "formation_energy_per_atom"]
    )
    split = np.array([row[1] for row in ROWS], dtype=object)
    return materials_from_structures(structures, targets).with_split(split)


@pytest.fixture(scope="module")
def graphs(materials):
    return build_crystal_graphs(materials, n_jobs=1)


@pytest.fixture
def data(materials, graphs):
    return assemble(materials, graphs)


def _labels(*rows):
    return pd.DataFrame(rows, columns=["formula", "property", "value"])


def _row(data, formula):
    """Row of a composition."""
    batch = read_compositions([formula])[0]
    width = batch.atomic_numbers.shape[1]
    numbers, fractions = data.compositions.atomic_numbers, data.compositions.atomic_fractions
    same = (numbers[:, :width] == batch.atomic_numbers[0]).all(axis=1)
    same &= np.isclose(fractions[:, :width], batch.atomic_fractions[0]).all(axis=1)
    same &= (numbers > 0).sum(axis=1) == width
    (row,) = np.flatnonzero(same)
    return row


def _target(data, formula, name):
    return data.composition_targets[_row(data, formula), data.properties.index(name)]


def test_each_composition_is_there_once(data):
    assert len(data.compositions) == 5
    assert data.composition_of_structure.tolist() == [0, 0, 1, 2, 2, 3, 4]


@pytest.mark.parametrize(
    ("formula", "gap", "energy"), [("NaCl", 6.0, -2.0), ("KBr", 4.0, -1.9), ("KCl", NAN, -2.5)]
)
def test_target_of_a_composition_is_that_of_its_most_stable_structure(formula, gap, energy, data):
    targets = data.composition_targets[_row(data, formula)]
    np.testing.assert_array_equal(targets, [gap, energy])


def test_missing_target_of_the_most_stable_structure_is_that_of_the_next(materials, graphs):
    targets = materials.targets.copy()
    targets.loc[1, "band_gap"] = np.nan
    data = assemble(replace(materials, targets=targets), graphs)
    assert _target(data, "NaCl", "band_gap") == 5.0


def test_target_without_energies_is_that_of_the_first_structure(materials, graphs):
    data = assemble(materials.only_targets(["band_gap"]), graphs)
    assert _target(data, "NaCl", "band_gap") == 5.0


def test_structures_keep_their_own_targets(data, materials):
    np.testing.assert_array_equal(data.structure_targets, materials.targets)


def test_split_of_each_composition_is_that_of_its_structures(data):
    assert data.split[data.composition_of_structure].tolist() == [row[1] for row in ROWS]


@pytest.mark.parametrize(
    ("split", "structures", "compositions"),
    [("train", [0, 1, 2, 3, 4], [0, 1, 2]), ("validation", [5], [3]), ("test", [6], [4])],
)
def test_rows_of_each_part_of_the_split(split, structures, compositions, data):
    assert data.structure_rows(split).tolist() == structures
    assert data.composition_rows(split).tolist() == compositions


def test_means_and_scales_are_those_of_the_training_compositions(data):
    np.testing.assert_allclose(data.means, [5.0, np.mean([-2.0, -2.5, -1.9])])
    np.testing.assert_allclose(data.scales, [1.0, np.std([-2.0, -2.5, -1.9])])


def test_labels_fill_missing_targets(materials, graphs):
    data = assemble(materials, graphs, _labels(("K2Cl2", "band_gap", 5.5)))
    assert _target(data, "KCl", "band_gap") == 5.5


def test_labels_do_not_replace_targets_of_structures(materials, graphs):
    data = assemble(materials, graphs, _labels(("NaCl", "band_gap", 99.0), ("KCl", "band_gap", 1)))
    assert _target(data, "NaCl", "band_gap") == 6.0


def test_labels_do_not_change_the_targets_of_structures(materials, graphs):
    data = assemble(materials, graphs, _labels(("KCl", "band_gap", 5.5)))
    np.testing.assert_array_equal(data.structure_targets, materials.targets)


def test_labels_add_properties(materials, graphs):
    labels = _labels(("NaCl", "refractive_index", 1.5), ("MgO", "refractive_index", 1.7))
    data = assemble(materials, graphs, labels)
    assert data.properties == ("band_gap", "formation_energy_per_atom", "refractive_index")
    assert _target(data, "NaCl", "refractive_index") == 1.5
    assert np.isnan(data.structure_targets[:, 2]).all()


def test_lowest_labelled_energy_is_taken(materials, graphs):
    name = "formation_energy_per_atom"
    data = assemble(materials, graphs, _labels(*(("MgO", name, e) for e in (-2.0, -3.0, -1.0))))
    assert _target(data, "MgO", name) == -3.0


def test_median_of_other_labels_is_taken(materials, graphs):
    gaps = [("MgO", "band_gap", 7.0), ("Mg2O2", "band_gap", 8.0), ("OMg", "band_gap", 1.0)]
    assert _target(assemble(materials, graphs, _labels(*gaps)), "MgO", "band_gap") == 7.0


def test_composition_without_structure_is_for_training(materials, graphs):
    data = assemble(materials, graphs, _labels(("MgO", "band_gap", 7.0)))
    assert data.split[_row(data, "MgO")] == "train"


def test_composition_without_structure_is_a_training_item(materials, graphs):
    data = assemble(materials, graphs, _labels(("MgO", "band_gap", 7.0)))
    items = data.training_items()
    assert [items[i] for i in range(len(items))] == [0, 1, 2, 3, 4, 7 + _row(data, "MgO")]


def test_composition_without_structure_is_in_no_part_to_evaluate(materials, graphs):
    data = assemble(materials, graphs, _labels(("MgO", "band_gap", 7.0)))
    rows = np.concatenate([data.composition_rows(part) for part in ("train", "validation", "test")])
    assert _row(data, "MgO") not in rows


def test_labels_of_held_out_compositions_are_no_training_items(materials, graphs, data):
    labels = _labels(("Li2F2", "band_gap", 99.0), ("CsI", "band_gap", 99.0))
    held_out = assemble(materials, graphs, labels)
    assert held_out.training_items().items.tolist() == data.training_items().items.tolist()


def test_labels_of_held_out_compositions_do_not_shift_the_standardisation(materials, graphs, data):
    labels = _labels(("CsI", "band_gap", 99.0), ("LiF", "formation_energy_per_atom", -99.0))
    held_out = assemble(materials, graphs, labels)
    np.testing.assert_array_equal(held_out.means, data.means)
    np.testing.assert_array_equal(held_out.scales, data.scales)


def test_property_labelled_only_for_held_out_compositions_is_refused(materials, graphs):
    labels = _labels(("CsI", "refractive_index", 1.5), ("LiF", "refractive_index", 1.4))
    with pytest.raises(SourceDataError, match="Target refractive_index has no variation among"):
        assemble(materials, graphs, labels)


def test_label_of_sodium_nitride_is_one(materials, graphs):
    data = assemble(materials, graphs, _labels(("NaN", "band_gap", 0.2)))
    assert _target(data, "NaN", "band_gap") == 0.2


def test_bad_formula_of_a_label_is_named(materials, graphs):
    with pytest.raises(InvalidCompositionError, match="'M2O3' at index 1"):
        assemble(materials, graphs, _labels(("NaCl", "band_gap", 1.0), ("M2O3", "band_gap", 1.0)))


def test_labels_do_not_change_in_place(materials, graphs):
    labels = _labels(("KCl", "band_gap", 5.5), ("MgO", "band_gap", 7.0))
    before = labels.copy()
    assemble(materials, graphs, labels)
    pd.testing.assert_frame_equal(labels, before)


def test_polymorphs_that_straddle_the_split_are_named(materials, graphs):
    split = materials.split.copy()
    split[1] = "test"
    message = "Polymorphs must stay in one part of the split: structure 0 is in 'train', another"
    with pytest.raises(SourceDataError, match=f"{message} structure of its composition in 'test'."):
        assemble(materials.with_split(split), graphs)


@pytest.mark.parametrize(
    ("split", "empty"),
    [
        (["train"] * 6 + ["test"], "validation"),
        (["train"] * 5 + ["validation"] * 2, "test"),
        (["train"] * 7, "validation and test"),
    ],
)
def test_empty_part_of_the_split_is_named(split, empty, materials, graphs):
    with pytest.raises(SourceDataError, match=f"No materials in the {empty} part of the split"):
        assemble(materials.with_split(np.array(split, dtype=object)), graphs)


def test_constant_target_is_named(materials, graphs):
    constant = materials.with_targets(pd.DataFrame({"pressure": np.ones(7)}))
    with pytest.raises(SourceDataError, match="Target pressure has no variation among the train"):
        assemble(constant, graphs)


def test_target_missing_in_all_training_materials_is_named(materials, graphs):
    held_out = [NAN] * 5 + [1.0, 2.0]
    with pytest.raises(SourceDataError, match="Target gap has no variation among the training"):
        assemble(materials.with_targets(pd.DataFrame({"gap": held_out})), graphs)


def test_batch_holds_structures_then_compositions_without(materials, graphs):
    data = assemble(materials, graphs, _labels(("MgO", "band_gap", 7.0)))
    batch = data.collate([7 + _row(data, "MgO"), 2, 0])
    assert batch.graphs.n_graphs == len(batch.structure_targets) == 2
    assert batch.atomic_numbers.tolist() == [[17, 19], [11, 17], [8, 12]]
    assert len(batch) == 3


def test_targets_of_a_batch_are_standardised(data):
    batch = data.collate([0, 1, 2])
    structure = batch.structure_targets.double().numpy() * data.scales + data.means
    np.testing.assert_allclose(structure, data.structure_targets[:3], rtol=1e-6)
    composition = batch.composition_targets.double().numpy() * data.scales + data.means
    np.testing.assert_allclose(composition, data.composition_targets[[0, 0, 1]], rtol=1e-6)


def test_batch_is_as_wide_as_its_longest_formula(materials, graphs):
    data = assemble(materials, graphs, _labels(("CuSO4(H2O)5", "band_gap", 7.0)))
    assert data.compositions.atomic_numbers.shape[1] == 4
    assert data.collate([0, 1]).atomic_numbers.shape == (2, 2)


def test_batch_may_hold_compositions_without_structures_alone(materials, graphs):
    data = assemble(materials, graphs, _labels(("MgO", "band_gap", 7.0)))
    batch = data.collate([7 + _row(data, "MgO")])
    assert batch.graphs.n_graphs == 0
    torch.testing.assert_close(batch.atomic_fractions, torch.tensor([[0.5, 0.5]]))


def test_checksum_is_that_of_the_data(materials, graphs, data):
    assert assemble(materials, graphs).checksum == data.checksum


@pytest.mark.parametrize("part", ["targets", "split", "labels"])
def test_checksum_changes_with_the_data(part, materials, graphs, data):
    labels = None
    if part == "targets":
        materials = replace(materials, targets=materials.targets + 0.1)
    elif part == "split":
        split = materials.split.copy()
        split[[5, 6]] = split[[6, 5]]
        materials = materials.with_split(split)
    else:
        labels = _labels(("MgO", "band_gap", 7.0))
    assert assemble(materials, graphs, labels).checksum != data.checksum


def test_checksum_changes_with_the_structure(data, graphs):
    stretched = replace(graphs, distances=graphs.distances * np.float32(1.01))
    assert replace(data, graphs=stretched).checksum != data.checksum


def test_number_of_elements_of_each_item(materials, graphs):
    data = assemble(
        materials, graphs, _labels(("KCl", "band_gap", 5.5), ("MgAl2O4", "band_gap", 7.0))
    )
    structures = np.arange(data.n_structures)
    assert (data.n_elements(structures) == 2).all()
    assert data.n_elements(data.training_items().items)[-1] == 3


def test_batches_of_similar_sizes_hold_every_item_once():
    sizes = np.random.default_rng(0).integers(1, 9, 1003)
    sampler = SimilarSizeSampler(sizes, 100)
    torch.manual_seed(0)
    order = np.array(list(sampler))
    assert len(sampler) == 1003
    assert sorted(order) == list(range(1003))
    spread = np.ptp(sizes[order[:1000]].reshape(10, 100), axis=1)
    assert spread.max() <= 2  # seven in random order
    largest = sizes[order[:1000]].reshape(10, 100).max(axis=1)
    assert (np.diff(largest) < 0).any()  # batches in random order


def test_order_of_similar_sizes_follows_the_seed():
    sampler = SimilarSizeSampler(np.arange(50) % 4, 8)
    orders = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        orders.append(list(sampler))
    assert orders[0] == orders[1] != orders[2]
