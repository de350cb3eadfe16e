"""Distillation: what it teaches, that it resumes exactly, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cromel_sklearn import CheckpointError, SourceDataError
from cromel_sklearn.data.composition import read_compositions
from cromel_sklearn.nn.distilled_network import DistilledEncoderConfig
from cromel_sklearn.pretraining import distillation
from cromel_sklearn.pretraining.distillation import distill
from cromel_sklearn.pretraining.distillation_net import LossWeights
from cromel_sklearn.pretraining.distillation_settings import DistillationSettings
from cromel_sklearn.pretraining.known_compounds import gather_known_compounds
from cromel_sklearn.pretraining.synthetic_compositions import (
    SHARES,
    CompositionSampler,
    dense_fractions,
    sparse_batch,
)
from cromel_sklearn.pretraining.teachers import Teachers, random_rotation

SETTINGS = DistillationSettings(
    network=DistilledEncoderConfig(8, 16, 1, 6), remembered=("band_gap",), n_components=12,
    n_synthetic=200, chunk_size=100, n_steps=8, batch_size=32, smallest_skill=-1e9,
)  # fmt: skip


@pytest.fixture
def labels(rock_salts):
    structures, targets = rock_salts
    formulas = [structure.composition.reduced_formula for structure in structures]
    return targets.assign(formula=formulas).melt("formula", var_name="property")


@pytest.fixture
def known(labels, checkpoint):
    return gather_known_compounds(
        labels, known_elements=checkpoint.known_elements, fewest_labels=10
    )


@pytest.fixture
def short_rounds(monkeypatch):
    monkeypatch.setattr(distillation, "_STEPS_PER_ROUND", 2)
    monkeypatch.setattr(distillation, "_SAMPLE", 100)


def test_training_lowers_the_loss(known, checkpoint, tmp_path, short_rounds):
    losses = []
    settings = replace(SETTINGS, n_steps=60)
    distill(
        [checkpoint], known, tmp_path, settings,
        report=lambda step, n_steps, found: losses.append(sum(found.values())),
    )  # fmt: skip
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


def test_stopped_and_resumed_is_the_same_as_never_stopped(
    known, checkpoint, tmp_path, short_rounds
):
    whole = distill([checkpoint], known, tmp_path / "whole", SETTINGS)

    def stop(step, n_steps, losses):
        if step == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        distill([checkpoint], known, tmp_path / "stopped", SETTINGS, report=stop)
    resumed = distill([checkpoint], known, tmp_path / "stopped", SETTINGS, resume=True)
    assert all(np.array_equal(resumed.tensors[key], whole.tensors[key]) for key in whole.tensors)


def test_labels_teach_without_the_teachers_outputs(known, checkpoint, tmp_path, short_rounds):
    weights = LossWeights(means=0.0, deviations=0.0)
    settings = replace(SETTINGS, n_components=0, n_synthetic=0, n_steps=60, loss_weights=weights)
    losses = []
    student = distill(
        [checkpoint], known, tmp_path, settings,
        report=lambda step, n_steps, found: losses.append(found),
    )  # fmt: skip
    assert "components" not in losses[0]
    assert np.mean([f["labels"] for f in losses[-5:]]) < np.mean([f["labels"] for f in losses[:5]])
    assert student.description.errors["teachers"] == {}
    embedding = student.encode(known.compositions).embedding
    assert np.isfinite(embedding).all()
    assert np.ptp(embedding, axis=0).all()


def test_labels_of_ones_own_suffice(labels, checkpoint, tmp_path, short_rounds):
    own = labels[labels["property"] == "band_gap"].assign(property="hardness")
    known = gather_known_compounds(own, known_elements=checkpoint.known_elements, fewest_labels=10)
    known = replace(known, is_held_out=np.arange(len(known)) < 2)
    chosen = replace(SETTINGS, remembered=DistillationSettings.remembered)
    settings = chosen.suited_to(known.properties, checkpoint.properties)
    assert (settings.remembered, settings.spread_of) == ((), ())
    student = distill([checkpoint], known, tmp_path, settings)
    encoded = student.encode(known.compositions)
    assert list(student.properties) == ["hardness"]
    assert np.isfinite(encoded.embedding).all()
    assert np.isfinite(encoded.properties).all()


def test_damaged_answers_are_made_anew(known, checkpoint, tmp_path, short_rounds):
    whole = distill([checkpoint], known, tmp_path, SETTINGS)
    chunk = tmp_path / "synthetic-000.safetensors"
    content = bytearray(chunk.read_bytes())
    content[-10] ^= 1
    chunk.write_bytes(bytes(content))
    (tmp_path / distillation.STATE).unlink()
    again = distill([checkpoint], known, tmp_path, SETTINGS)
    assert all(np.array_equal(again.tensors[key], whole.tensors[key]) for key in whole.tensors)


def test_folder_that_holds_a_run_is_not_overwritten(known, checkpoint, tmp_path, short_rounds):
    distill([checkpoint], known, tmp_path, SETTINGS)
    with pytest.raises(CheckpointError, match="holds a run. Pass resume=True"):
        distill([checkpoint], known, tmp_path, SETTINGS)
    with pytest.raises(CheckpointError, match="was written with settings="):
        distill([checkpoint], known, tmp_path, replace(SETTINGS, lr=1e-3), resume=True)


@pytest.mark.parametrize("field", ["remembered", "spread_of"])
def test_unknown_properties_are_named(known, checkpoint, tmp_path, field):
    settings = replace(SETTINGS, **{field: ("colour",)})
    with pytest.raises(CheckpointError, match="No labels of colour; there are band_gap"):
        distill([checkpoint], known, tmp_path, settings)


def test_no_teacher(known, tmp_path):
    with pytest.raises(CheckpointError, match="at least one teacher, got none"):
        distill([], known, tmp_path, SETTINGS)


def test_what_is_remembered_is_given_exactly(distilled, labels):
    gaps = labels[labels["property"] == "band_gap"]
    batch, inverse, _ = read_compositions(gaps["formula"])
    column = list(distilled.properties).index("band_gap")
    found = distilled.encode(batch).properties[inverse, column]
    np.testing.assert_allclose(found, gaps["value"], rtol=1e-3)


def test_random_state_of_the_caller_is_left_alone(known, checkpoint, tmp_path, short_rounds):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    distill([checkpoint], known, tmp_path, SETTINGS)
    assert torch.equal(before, torch.get_rng_state())


def test_components_are_rotated_and_of_unit_variance(checkpoint):
    batch = read_compositions([f"Na{i}K{50 - i}Cl{i + 1}Br3" for i in range(1, 50)])[0]
    teachers = Teachers([checkpoint], torch.device("cpu"))
    kept = teachers.fit_components(batch, 4, seed=0)
    assert 0.5 < kept <= 1
    components = teachers.targets(batch).components.astype(float)
    assert components.var(axis=0).mean() == pytest.approx(1, rel=0.1)


def test_rotation_is_orthogonal():
    rotation = random_rotation(7, seed=0)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(7), atol=1e-12)


def test_deviation_of_one_teacher_is_unknown_and_of_two_is_not(checkpoint):
    batch = read_compositions(["NaCl", "KBr", "LiF", "NaKCl2"])[0]
    for teachers, is_known in (([checkpoint], False), ([checkpoint, checkpoint.untrained()], True)):
        together = Teachers(teachers, torch.device("cpu"))
        together.fit_components(batch, 2, seed=0)
        assert np.isfinite(together.targets(batch).deviations).all() == is_known


def test_synthetic_compositions_are_compositions():
    known = read_compositions(["NaCl", "Fe2O3", "CoCrFeNi", "La1.85Sr0.15CuO4", "TiO2"])[0]
    elements = [1, 8, 11, 12, 17, 22, 24, 26, 27, 28, 29, 38, 57]
    drawn = CompositionSampler(known, elements).draw(2000, np.random.default_rng(0))
    assert drawn.keys() == SHARES.keys()
    for rows in drawn.values():
        np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=1e-5)
        assert set(np.flatnonzero(rows.sum(axis=0))) <= set(elements)
        assert rows[rows > 0].min() > 5e-6
    assert (drawn["doping"] > 0).sum(axis=1).max() > 2
    assert drawn["doping"][drawn["doping"] > 0].min() < 0.003
    assert (drawn["alloy"] > 0).sum(axis=1).max() >= 8


def test_dense_and_sparse_rows_are_the_same_compositions():
    batch = read_compositions(["NaCl", "CoCrFeNi", "Fe"])[0]
    rows = dense_fractions(batch)
    np.testing.assert_allclose(dense_fractions(sparse_batch(rows)), rows, atol=1e-6)


def test_polymorphs_count_by_the_most_stable(rock_salts, labels):
    more = labels.iloc[:1].assign(property="formation_energy_per_atom", value=-9.0)
    together = gather_known_compounds(labels._append(more, ignore_index=True), fewest_labels=10)
    column = list(together.properties).index("formation_energy_per_atom")
    assert together.labels[:, column].min() == -9.0


def test_labels_that_are_no_formula_are_named(labels):
    labels.loc[3, "formula"] = "Xx2"
    with pytest.raises(SourceDataError, match="The labels have the formula 'Xx2'"):
        gather_known_compounds(labels, fewest_labels=10)


def test_too_few_labels(labels):
    with pytest.raises(SourceDataError, match="No property has 1000 labelled compositions"):
        gather_known_compounds(labels)
