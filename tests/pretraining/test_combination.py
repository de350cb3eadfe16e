"""Encoders side by side, and runs that share a structure encoder."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from cromel_sklearn import (
    Checkpoint,
    CheckpointError,
    CroMELPretrainer,
    CroMELTransformer,
    load_encoder,
)
from cromel_sklearn.cli.app import app
from cromel_sklearn.data.composition import read_compositions
from cromel_sklearn.data.readers import file_checksum
from cromel_sklearn.nn.composition_encoder import CompositionEncoderConfig
from cromel_sklearn.pretraining.card import model_card
from cromel_sklearn.pretraining.combination import combine_to_folder
from cromel_sklearn.pretraining.runs import pretrain_to_folder

BATCH = read_compositions(["NaCl", "KBr", "LiF"])[0]


@pytest.fixture
def combined(checkpoint):
    """The trained encoder beside one of the same shape with random weights."""
    return Checkpoint.combined([checkpoint, checkpoint.untrained(1)])


@pytest.fixture
def split_table(structure_table, tmp_path):
    """The alkali halides with the part of the split that each is in."""
    frame = pd.read_parquet(structure_table)
    frame["split"] = ["validation", "test", *["train"] * 18]
    frame.to_parquet(tmp_path / "split.parquet")
    return tmp_path / "split.parquet"


@pytest.fixture
def run(split_table, small_settings, tmp_path):
    """Folder of a small finished run."""
    pretrain_to_folder(split_table, tmp_path / "run", max_epochs=2, **small_settings)
    return tmp_path / "run"


def test_embeddings_stand_side_by_side_with_the_properties_of_each(checkpoint, combined):
    (first, p), (second, q) = checkpoint.embed(BATCH), checkpoint.untrained(1).embed(BATCH)
    embedding, properties = combined.embed(BATCH)
    assert combined.embedding_dim == embedding.shape[1] == 2 * (16 + 5)
    parts = [first[:, :16], second[:, :16], first[:, 16:], second[:, 16:]]
    assert np.array_equal(embedding, np.hstack(parts))
    np.testing.assert_allclose(properties, (p + q) / 2, rtol=1e-5)


def test_encoders_combined_before_embed_the_mean_of_the_properties(combined):
    header = {k: v for k, v in combined.header.items() if k != "embedded_properties"}
    earlier = Checkpoint(header, combined.tensors)
    each, mean = combined.embed(BATCH)[0], earlier.embed(BATCH)[0]
    assert earlier.embedding_dim == mean.shape[1] == 2 * 16 + 5
    assert np.array_equal(mean[:, :32], each[:, :32])
    np.testing.assert_allclose(mean[:, 32:], (each[:, 32:37] + each[:, 37:]) / 2, rtol=1e-4)
    assert earlier.untrained().embedding_dim == earlier.embedding_dim
    assert load_encoder("mp-multi@1.1").embedding_dim == 3 * 128 + 5


def test_half_precision_is_half_the_size_and_hardly_another_embedding(combined, tmp_path):
    half = combined.in_half_precision()
    for name, one in (("whole", combined), ("half", half)):
        one.save(tmp_path / name)
    matrices = [
        v for k, v in combined.tensors.items() if v.ndim == 2 and "element_features" not in k
    ]
    whole_size, half_size = ((tmp_path / name).stat().st_size for name in ("whole", "half"))
    saved = sum(v.nbytes for v in matrices) / 2
    assert whole_size - half_size == pytest.approx(saved, rel=0.01)
    whole, rounded = combined.embed(BATCH)[0], Checkpoint.load(tmp_path / "half").embed(BATCH)[0]
    assert not np.array_equal(whole, rounded)
    np.testing.assert_allclose(rounded, whole, atol=0.005 * np.abs(whole).max())


def test_names_and_width_agree_in_the_transformer(combined):
    transformer = CroMELTransformer(combined, output="both")
    assert transformer.fit_transform(["NaCl"]).shape[1] == len(transformer.get_feature_names_out())
    assert len(set(transformer.get_feature_names_out())) == 2 * (16 + 5) + 5


def test_combined_survives_the_disk(combined, tmp_path):
    combined.save(tmp_path / "weights.safetensors")
    loaded = Checkpoint.load(tmp_path / "weights.safetensors")
    assert len(loaded.members) == 2
    assert np.array_equal(loaded.embed(BATCH)[0], combined.embed(BATCH)[0])


def test_untrained_members_differ(combined):
    embedding = combined.untrained(0).embed(BATCH)[0]
    assert not np.allclose(embedding[:, :16], embedding[:, 16:32])


def test_combining_needs_encoders_that_predict_in_the_same_units(checkpoint, combined):
    assert Checkpoint.combined([checkpoint]) is checkpoint
    assert Checkpoint.combined([combined]) is combined
    assert len(Checkpoint.combined([combined, checkpoint]).members) == 3
    with pytest.raises(CheckpointError, match="Expected at least one checkpoint to combine"):
        Checkpoint.combined([])
    units = {**checkpoint.properties, "band_gap": "meV"}
    other = Checkpoint({**checkpoint.header, "properties": units}, checkpoint.tensors)
    with pytest.raises(CheckpointError, match="in the same units; got band_gap in 'eV' and 'meV'"):
        Checkpoint.combined([checkpoint, other])


def test_encoders_of_other_properties_stand_side_by_side(checkpoint, rock_salts, small_settings):
    settings = {**small_settings, "geometry": False, "max_epochs": 1}
    gaps_alone = CroMELPretrainer(**settings).fit(*rock_salts).checkpoint_
    assert len(gaps_alone.properties) < len(checkpoint.properties)
    for order in ([checkpoint, gaps_alone], [gaps_alone, checkpoint]):
        both = Checkpoint.combined(order)
        assert set(both.properties) == set(checkpoint.properties)
        embedding, properties = both.embed(BATCH)
        widths = [len(encoder.properties) for encoder in order]
        assert embedding.shape[1] == both.embedding_dim == 32 + sum(widths)
        beside = [encoder.embed(BATCH)[0][:, 16:] for encoder in order]
        np.testing.assert_allclose(embedding[:, 32:], np.hstack(beside), rtol=1e-5)
        for column, name in enumerate(both.properties):
            predictions = [
                encoder.embed(BATCH)[1][:, list(encoder.properties).index(name)]
                for encoder in order
                if name in encoder.properties
            ]
            np.testing.assert_allclose(properties[:, column], np.mean(predictions, 0), rtol=1e-5)


def test_structure_run_is_used_as_it_is(run, split_table, small_settings):
    out = run.parent / "member"
    settings = {**small_settings, "random_state": 1}
    pretrain_to_folder(split_table, out, structure_run=run, max_epochs=2, **settings)
    first, second = (Checkpoint.load(folder / "weights.safetensors") for folder in (run, out))
    errors = [c.header["errors"]["test"]["structure"] for c in (first, second)]
    assert errors[0] == pytest.approx(errors[1], rel=1e-5)
    assert not np.allclose(first.embed(BATCH)[0], second.embed(BATCH)[0])
    assert "| structure encoder | held fixed, weights `" in model_card(second)


def test_structure_run_may_predict_more(run, split_table, small_settings):
    out = run.parent / "labels"
    settings = {**small_settings, "geometry": False, "criterion": "none"}
    pretrain_to_folder(split_table, out, structure_run=run, max_epochs=1, **settings)
    first, second = (Checkpoint.load(folder / "weights.safetensors") for folder in (run, out))
    assert set(second.properties) < set(first.properties)
    errors = [c.header["errors"]["test"]["structure"] for c in (first, second)]
    for name in second.properties:
        assert errors[1][name] == pytest.approx(errors[0][name], rel=1e-5)


@pytest.mark.parametrize("criterion", ["paired", "joint", "wasserstein", "none"])
def test_every_criterion_trains_on_a_structure_run(criterion, run, split_table, small_settings):
    out = run.parent / criterion
    settings = {**small_settings, "criterion": criterion, "max_epochs": 6}
    pretrain_to_folder(split_table, out, structure_run=run, **settings)
    assert Checkpoint.load(out / "weights.safetensors").embed(BATCH)[0].shape == (3, 21)


def test_structure_run_that_cannot_be_used(run, rock_salts, small_settings, tmp_path):
    with pytest.raises(CheckpointError, match="No run at .* expected a run_state.safetensors"):
        CroMELPretrainer(structure_run=tmp_path / "none", **small_settings).fit(*rock_salts)
    shared = CompositionEncoderConfig(16, "attention", 8, 1, 2, aligned_layer="embedding")
    settings = {**small_settings, "composition_encoder": shared}
    with pytest.raises(ValueError, match="structure_run needs composition_encoder.aligned_layer"):
        CroMELPretrainer(structure_run=run, **settings).fit(*rock_salts)
    other = (rock_salts[0], {"hardness": np.arange(len(rock_salts[0]))})
    with pytest.raises(CheckpointError, match="does not predict hardness; it predicts band_gap"):
        CroMELPretrainer(structure_run=run, **small_settings).fit(*other)
    wide = {**small_settings, "criterion": "none"}
    wide["structure_encoder"] = type(wide["structure_encoder"])(16, 12, 1, 8)
    with pytest.raises(CheckpointError, match="The structure encoder in .* does not fit this run"):
        CroMELPretrainer(structure_run=run, **wide).fit(*rock_salts)


def test_combine_command_measures_the_members_together(run, split_table, tmp_path):
    arguments = ["combine", str(run), str(run), "--structures", str(split_table)]
    result = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "both"), "--n-jobs", "1"])
    assert result.exit_code == 0, result.output
    first = Checkpoint.load(run / "weights.safetensors")
    both = Checkpoint.load(tmp_path / "both" / "weights.safetensors")
    found, expected = (c.header["errors"]["test"]["composition"] for c in (both, first))
    assert found == pytest.approx(expected, rel=1e-2)  # the same twice, in half precision
    card = (tmp_path / "both" / "card.md").read_text()
    assert "2 encoders side by side" in card
    assert "## Encoder 2" in card


def test_combine_refuses_other_structures(run, checkpoint, structure_table, split_table, tmp_path):
    checkpoint.save(tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match="was pretrained on a file with SHA-256"):
        combine_to_folder([run, tmp_path / "other.safetensors"], split_table, tmp_path / "out")
    pretrained = {"source_checksum": file_checksum(structure_table)}
    checkpoint.with_provenance(**pretrained).save(tmp_path / "same.safetensors")
    with pytest.raises(CheckpointError, match="has no column split, so that each run held out"):
        combine_to_folder([tmp_path / "same.safetensors"], structure_table, tmp_path / "out")
