"""The shipped encoders: ids resolve, files are verified, releases never change."""

import json
from pathlib import Path

import numpy as np
import pytest

from cromel_sklearn import (
    CheckpointError,
    CroMELTransformer,
    EncoderNotFoundError,
    list_encoders,
    load_encoder,
)
from cromel_sklearn.encoders import registry

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture
def empty_registry(tmp_path, monkeypatch):
    """A registry of its own in a temporary folder."""
    monkeypatch.setattr(registry, "PRETRAINED", tmp_path / "pretrained")
    registry._read_manifest.cache_clear()
    yield tmp_path / "pretrained"
    registry._read_manifest.cache_clear()


@pytest.fixture
def run_folder(checkpoint, tmp_path):
    """What `cromel pretrain` leaves behind."""
    checkpoint.save(tmp_path / "run" / registry.WEIGHTS)
    (tmp_path / "run" / registry.CARD).write_text("# card")
    return tmp_path / "run"


def test_shipped_encoders_are_listed():
    names = {encoder.split("@")[0] for encoder in list_encoders()}
    assert {"mp-multi", "mp-formation-energy-wasserstein"} <= names


@pytest.mark.parametrize("encoder", list_encoders())
def test_shipped_encoder_loads_and_has_a_card_with_attribution(encoder):
    load_encoder(encoder)
    name, version = encoder.split("@")
    card = (registry.PRETRAINED / name / version / registry.CARD).read_text(encoding="utf-8")
    for required in ("| command |", "| seed |", "CC BY 4.0", "10.1063/1.4812323", "eV/atom"):
        assert required in card


@pytest.mark.parametrize("encoder", list_encoders())
def test_shipped_encoder_still_gives_its_golden_embeddings(encoder):
    golden = np.load(GOLDEN / f"{encoder}.npz")
    embedded = CroMELTransformer(encoder, output="both", device="cpu").transform(golden["formulas"])
    np.testing.assert_allclose(embedded, golden["embedded"], rtol=1e-5, atol=1e-5)


def test_name_alone_is_the_newest_version():
    versions = [e for e in list_encoders() if e.startswith("mp-multi@")]
    assert load_encoder("mp-multi") is load_encoder(versions[-1])


def test_encoder_is_read_once_a_process():
    assert load_encoder("mp-multi") is load_encoder("mp-multi")


def test_checkpoint_path_and_folder_are_encoders(run_folder, checkpoint):
    for encoder in (run_folder, str(run_folder), run_folder / registry.WEIGHTS):
        assert load_encoder(encoder).checksum == checkpoint.checksum
    assert load_encoder(checkpoint) is checkpoint


def test_rewritten_file_is_read_again(run_folder, checkpoint):
    load_encoder(run_folder)
    other = checkpoint.untrained()
    other.with_provenance(note="changed").save(run_folder / registry.WEIGHTS)
    assert load_encoder(run_folder).header["provenance"]["note"] == "changed"


def test_unknown_encoders_are_named():
    with pytest.raises(EncoderNotFoundError, match="No encoder 'mp-nothing': not in the registry"):
        load_encoder("mp-nothing")
    with pytest.raises(EncoderNotFoundError, match="No version '0.0' of the encoder 'mp-multi'"):
        load_encoder("mp-multi@0.0")
    with pytest.raises(EncoderNotFoundError, match="must be a registry id, a path or a Checkpoint"):
        load_encoder(3)


def test_damaged_release_is_refused(empty_registry, run_folder):
    target = registry.register(run_folder, "test@1.0")
    weights = target / registry.WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\1\2\3")
    with pytest.raises(CheckpointError, match="is damaged: its SHA-256"):
        load_encoder("test@1.0")


def test_registered_encoder_loads_and_is_immutable(empty_registry, run_folder, checkpoint):
    registry.register(run_folder, "test@1.0")
    assert load_encoder("test").checksum == checkpoint.checksum
    with pytest.raises(CheckpointError, match="exists and is immutable"):
        registry.register(run_folder, "test@1.0")
    with pytest.raises(CheckpointError, match="Expected an id name@version"):
        registry.register(run_folder, "test")
    assert list(json.loads((empty_registry / "manifest.json").read_text())) == ["test"]
