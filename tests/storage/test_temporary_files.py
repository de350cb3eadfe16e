"""Temporary files have names of their own, and what killed writers leave is removed."""

import os
import signal
import time

import pytest

from cromel_sklearn.storage.temporary_files import temporary_path
from cromel_sklearn.storage.whole_file import replacing, write_file

# Writes half of its content, says so, and waits to be killed.
KILLED = """
import sys, time
from cromel_sklearn.storage.whole_file import replacing
with replacing(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    print("half", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def killed(tmp_path, left_over, python):
    """A target with the temporary file of a writer that was killed."""
    target = tmp_path / "table.csv"
    target.write_text("old")
    writer = python(KILLED, target)
    assert writer.stdout.readline() == "half\n"
    writer.kill()
    assert writer.wait() == -signal.SIGKILL
    writer.stdout.close()
    assert len(left_over()) == 1
    return target


def test_targets_whose_suffixes_differ_have_temporary_files_of_their_own(tmp_path, left_over):
    with replacing(tmp_path / "model.v1") as one, replacing(tmp_path / "model.v2") as two:
        assert len(left_over()) == 2
        one.write(b"one")
        two.write(b"two")
    assert (tmp_path / "model.v1").read_bytes() == b"one"
    assert (tmp_path / "model.v2").read_bytes() == b"two"


def test_files_of_the_user_beside_the_target_stay(tmp_path, checkpoint):
    names = ("m.partial", "m.safetensors.partial", ".m.partial", ".cromel-notes.partial")
    for name in names:
        (tmp_path / name).write_text("mine")
    checkpoint.save(tmp_path / "m.safetensors")
    assert {(tmp_path / name).read_text() for name in names} == {"mine"}


def test_planted_links_are_not_followed(tmp_path, monkeypatch):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    target = tmp_path / "table.csv"
    monkeypatch.setattr("secrets.token_hex", lambda n: "0" * 16)  # as if the name could be guessed
    planted = temporary_path(target)
    planted.symlink_to(victim)
    with pytest.raises(FileExistsError):
        write_file(target, "content")
    assert victim.read_text() == "precious"
    assert planted.is_symlink()  # not ours: not removed


def test_the_next_writer_sweeps_what_a_killed_one_left(killed, left_over):
    assert killed.read_text() == "old"
    write_file(killed.with_name("other.csv"), "content")
    assert len(left_over()) == 1  # of another target
    write_file(killed, "new")
    assert killed.read_text() == "new"
    assert left_over() == []


def test_a_writer_at_work_is_not_swept(tmp_path, left_over, python):
    target = tmp_path / "table.csv"
    writer = python(KILLED, target)
    writer.stdout.readline()
    try:
        write_file(target, "content")
        assert len(left_over()) == 1
    finally:
        writer.kill()
        writer.communicate()


def test_what_is_older_than_a_day_is_swept_wherever_it_was_written(killed, left_over):
    (name,) = left_over()
    orphan = killed.with_name(name)
    mark, of_target, _, rest = name.split("-", 3)
    elsewhere = orphan.with_name(f"{mark}-{of_target}-{'0' * 8}-{rest}")
    orphan.rename(elsewhere)
    write_file(killed, "new")
    assert elsewhere.exists()  # its writer may live, on another machine
    yesterday = time.time() - 25 * 3600
    os.utime(elsewhere, (yesterday, yesterday))
    write_file(killed, "newer")
    assert left_over() == []
