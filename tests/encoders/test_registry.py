"""The shipped encoders: ids resolve, files are verified, releases never change."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import register_encoder
from damaged_files import flipped_bits, truncated
from register_encoder import register

from cromel_sklearn import (
    CheckpointError,
    CroMELError,
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
    registry.read_manifest.cache_clear()
    yield tmp_path / "pretrained"
    registry.read_manifest.cache_clear()


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
    embedded = CroMELTransformer(
        encoder, output=("embedding", "properties"), device="cpu"
    ).transform(golden["formulas"])
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
    assert load_encoder(run_folder).provenance["note"] == "changed"


def test_unknown_encoders_are_named():
    with pytest.raises(EncoderNotFoundError, match="No encoder 'mp-nothing': not in the registry"):
        load_encoder("mp-nothing")
    with pytest.raises(EncoderNotFoundError, match="No version '0.0' of the encoder 'mp-multi'"):
        load_encoder("mp-multi@0.0")
    with pytest.raises(EncoderNotFoundError, match="must be a registry id, a path or a Checkpoint"):
        load_encoder(3)


def test_damaged_release_is_refused(empty_registry, run_folder):
    target = register(run_folder, "test@1.0")
    weights = target / registry.WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\1\2\3")
    with pytest.raises(CheckpointError, match="is damaged: its SHA-256"):
        load_encoder("test@1.0")


def test_registered_encoder_loads_and_is_immutable(empty_registry, run_folder, checkpoint):
    register(run_folder, "test@1.0")
    assert load_encoder("test").checksum == checkpoint.checksum
    with pytest.raises(CheckpointError, match="exists and is immutable"):
        register(run_folder, "test@1.0")
    with pytest.raises(CheckpointError, match="Expected an id name@version"):
        register(run_folder, "test")
    assert list(json.loads((empty_registry / "manifest.json").read_text())) == ["test"]


@pytest.mark.parametrize(
    "encoder",
    [
        "../escaped@1", "/tmp/absolute@1", "a/b@1", "a\\b@1", "name@..", "name@../1", ".hidden@1",
        "name@1.", "na..me@1", "name", "@1", "name@", "a@b@c", "na\0me@1", "na me@1", "ä@1", "C:@1",
    ],
)  # fmt: skip
def test_names_that_are_no_names_write_nothing(encoder, empty_registry, run_folder, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(CheckpointError, match="Expected an id name@version, both of letters, dig"):
        register(run_folder, encoder)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_run_without_its_card_is_not_registered(empty_registry, run_folder):
    (run_folder / registry.CARD).unlink()
    with pytest.raises(CheckpointError, match="no folder of a finished run: .*ships with its card"):
        register(run_folder, "test@1.0")
    assert not empty_registry.exists()


def test_what_a_killed_registration_left_is_written_again(empty_registry, run_folder, monkeypatch):
    write, written = register_encoder.write_file, []

    def killed(path, content):
        if Path(path).name == registry.MANIFEST:
            raise KeyboardInterrupt
        written.append(path)
        write(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(register_encoder, "write_file", killed)
        with pytest.raises(KeyboardInterrupt):
            register(run_folder, "test@1.0")
    assert len(written) == 2
    assert list_encoders() == []
    register(run_folder, "test@1.0")
    assert list_encoders() == ["test@1.0"]


def test_what_another_process_registered_stays(empty_registry, run_folder):
    register(run_folder, "test@1.0")
    manifest = json.loads((empty_registry / registry.MANIFEST).read_text())
    list_encoders()  # read and kept
    (empty_registry / registry.MANIFEST).write_text(json.dumps({"other": manifest["test"]}))
    register(run_folder, "test@2.0")
    assert list_encoders() == ["other@1.0", "test@2.0"]


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "[]", "3", "{", "\udcff", '{"a": null}', '{"a": {}}', '{"a": {"1": null}}',
        '{"a": {"1": {"sha256": 3}}}', '{"a": {"1": {"sha256": "0"}}}', '{"a": {"1": {}}}',
        '{"../a": {"1": {"sha256": "' + 64 * "0" + '"}}}', "[" * 10**5,
        '{"a": {"../1": {"sha256": "' + 64 * "0" + '"}}}',
    ],
)  # fmt: skip
def test_damaged_manifests_are_named_in_one_line(text, empty_registry):
    empty_registry.mkdir()
    (empty_registry / registry.MANIFEST).write_bytes(text.encode(errors="surrogateescape"))
    for call in (list_encoders, lambda: load_encoder("a"), lambda: registry.load_registered("a@1")):
        with pytest.raises(CheckpointError, match="manifest.json is damaged: ") as caught:
            call()
        assert "\n" not in str(caught.value)
        assert caught.value.__cause__ is not None
    with pytest.raises(CheckpointError, match="manifest.json is damaged: "):
        registry.encoder_identity("a")


def test_flipped_bits_of_a_manifest_load_nothing_else(empty_registry, run_folder, checkpoint):
    register(run_folder, "test@1.0")
    manifest = empty_registry / registry.MANIFEST
    content = manifest.read_bytes()
    for damaged in [*flipped_bits(content, 100), *truncated(content, 20)]:
        manifest.write_bytes(damaged)
        registry.read_manifest.cache_clear()
        try:
            loaded = load_encoder("test@1.0")
        except CroMELError:
            continue
        assert loaded.checksum == checkpoint.checksum  # white space of JSON


# A process of its own, in which nothing is loaded yet.
EIGHT_THREADS = """
import threading
from cromel_sklearn import load_encoder
from cromel_sklearn.encoders import registry

reads, read = [], registry.Checkpoint.load.__func__

def counted(cls, path, **arguments):
    reads.append(path)
    return read(cls, path, **arguments)

registry.Checkpoint.load = classmethod(counted)
start, loaded = threading.Barrier(8), []

def load():
    start.wait()
    loaded.append(load_encoder("mp-multi"))

threads = [threading.Thread(target=load) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(loaded), len({id(one) for one in loaded}), len(reads))
"""


def test_eight_threads_at_the_first_load_share_one_encoder():
    command = [sys.executable, "-W", "error", "-c", EIGHT_THREADS]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.stdout == "8 1 1\n", result.stderr


def test_manifest_that_is_no_file_is_named(empty_registry):
    (empty_registry / registry.MANIFEST).mkdir(parents=True)
    with pytest.raises(CheckpointError, match="Could not read .*manifest.json: "):
        list_encoders()


@pytest.mark.parametrize("encoder", ["none", "x" * 10_000, "zero\0byte", "two\nlines", "mp-multi@"])
def test_paths_of_any_kind_are_looked_up_without_a_raw_error(encoder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if encoder == "mp-multi@":
        assert load_encoder(encoder) is load_encoder("mp-multi")
        return
    assert registry.encoder_identity(encoder) is None
    with pytest.raises(EncoderNotFoundError, match="No encoder .* and no such file") as caught:
        load_encoder(encoder)
    assert "\n" not in str(caught.value)


def test_what_a_file_names_is_never_a_path(run_folder):
    for encoder in (str(run_folder), run_folder, "/etc/passwd", "/dev/zero", None, 3, ["mp-multi"]):
        with pytest.raises(EncoderNotFoundError, match="is not in the registry"):
            registry.load_registered(encoder)
    with pytest.raises(EncoderNotFoundError, match="No version '0.0' of the encoder 'mp-multi'"):
        registry.load_registered("mp-multi@0.0")
    assert registry.load_registered("mp-multi") is load_encoder("mp-multi")


@pytest.mark.parametrize("name", ["pipe", "/dev/zero", "empty_folder"])
def test_only_regular_files_are_read_as_encoders(name, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty_folder" / registry.WEIGHTS).mkdir(parents=True)
    with pytest.raises(CheckpointError, match="Could not read the checkpoint"):
        load_encoder(tmp_path / name)


# A script of its own, because a hang must end.
FORKED = """
import os, sys, threading, time
from cromel_sklearn.encoders import registry

held, load = threading.Event(), registry.Checkpoint.load.__func__

def slowly(cls, path, **arguments):
    held.set()
    time.sleep(1.0)
    return load(cls, path, **arguments)

registry.Checkpoint.load = classmethod(slowly)
thread = threading.Thread(target=registry.load_encoder, args=(sys.argv[1],))
thread.start()
held.wait()
child = os.fork()
if not child:
    registry.Checkpoint.load = classmethod(load)
    registry.load_encoder(sys.argv[1])
    os._exit(0)
for _ in range(200):
    ended, status = os.waitpid(child, os.WNOHANG)
    if ended:
        break
    time.sleep(0.1)
else:
    os.kill(child, 9)
thread.join()
print("hangs" if not ended else status)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork processes")
def test_a_fork_while_another_thread_loads_does_not_hang(run_folder):
    result = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKED, str(run_folder)],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert result.stdout.strip() == "0", result.stderr
