"""Files are written whole or not at all, whoever else writes, whatever fails, whoever is killed."""

import errno
import os
import resource
import signal
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from cromel_sklearn.storage.whole_file import replacing, require_target, write_file

WRITER = """
import sys
from cromel_sklearn.storage.whole_file import write_file
path, letter, n_writes = sys.argv[1:]
for _ in range(int(n_writes)):
    write_file(path, letter * 300_000)
"""
LONG_WRITER = """
import sys
from cromel_sklearn.storage.whole_file import write_file
write_file(sys.argv[1], b"x" * 9999)
"""


def test_bytes_and_text_are_written_as_they_are(tmp_path, left_over):
    write_file(tmp_path / "bytes", b"\x00\r\n\xff")
    write_file(tmp_path / "text", "Å³\n")
    assert (tmp_path / "bytes").read_bytes() == b"\x00\r\n\xff"
    assert (tmp_path / "text").read_bytes() == "Å³\n".encode()
    assert left_over() == []


def test_the_longest_name_that_the_system_takes_can_be_written(tmp_path):
    write_file(tmp_path / ("x" * 255), b"content")
    assert (tmp_path / ("x" * 255)).read_bytes() == b"content"


def test_the_target_is_the_old_file_until_the_new_one_is_whole(tmp_path):
    target = tmp_path / "table.csv"
    target.write_text("old")
    with replacing(target) as file:
        file.write(b"new")
        file.flush()
        assert target.read_text() == "old"
    assert target.read_text() == "new"


def test_two_processes_never_mix_their_output(tmp_path, left_over, python):
    target = tmp_path / "table.csv"
    writers = [python(WRITER, target, letter, 60) for letter in "ab"]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        if target.exists():
            content = target.read_text()
            assert content in ("a" * 300_000, "b" * 300_000)
            seen.add(content[0])
    assert [writer.wait() for writer in writers] == [0, 0]
    assert seen == {"a", "b"}
    assert left_over() == []
    for writer in writers:
        writer.stdout.close()


def test_threads_never_mix_their_output(tmp_path, left_over):
    target = tmp_path / "table.csv"
    contents = [letter * 100_000 for letter in "abcdefgh"] * 5
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda content: write_file(target, content), contents))
    assert target.read_text() in contents
    assert left_over() == []


def test_a_link_at_the_target_is_replaced_and_not_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    target = tmp_path / "table.csv"
    target.symlink_to(victim)
    write_file(target, "content")
    assert victim.read_text() == "precious"
    assert target.read_text() == "content"
    assert not target.is_symlink()


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o755])
def test_the_mode_of_the_target_is_kept(tmp_path, mode, left_over):
    target = tmp_path / "table.csv"
    target.write_text("old")
    target.chmod(mode)
    with replacing(target) as file:
        file.write(b"new")
        # Nobody reads the content early who may not read the target.
        (temporary,) = left_over()
        assert stat.S_IMODE((tmp_path / temporary).stat().st_mode) == 0o600
    assert stat.S_IMODE(target.stat().st_mode) == mode


def test_a_new_file_has_the_mode_that_the_user_gives_new_files(tmp_path):
    (tmp_path / "ordinary").write_text("")
    write_file(tmp_path / "ours", "")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_a_failing_block_leaves_the_old_file_alone(tmp_path, left_over):
    target = tmp_path / "table.csv"
    target.write_text("old")
    with pytest.raises(TypeError), replacing(target) as file:
        file.write("half")
    assert target.read_text() == "old"
    assert left_over() == []


@pytest.mark.parametrize("name", ["fsync", "replace", "fchmod"])
def test_a_full_disk_leaves_the_old_file_alone(tmp_path, monkeypatch, name, left_over):
    target = tmp_path / "table.csv"
    target.write_text("old")

    def fail(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, name, fail)
        with pytest.raises(OSError, match="No space left"):
            write_file(target, "new")
    assert target.read_text() == "old"
    assert left_over() == []


def test_a_system_that_takes_no_more_bytes_leaves_the_old_file_alone(tmp_path, left_over, python):
    target = tmp_path / "table.csv"
    target.write_text("old")

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # an error instead of a signal
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    writer = python(LONG_WRITER, target, stderr=subprocess.PIPE, preexec_fn=limit)
    _, errors = writer.communicate()
    assert "File too large" in errors
    assert target.read_text() == "old"
    assert left_over() == []


def test_a_missing_folder_is_named_before_the_work(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder .*missing; make it first"):
        require_target(tmp_path / "missing" / "table.csv")
    with pytest.raises(OSError, match="it is a folder; expected the name of a file"):
        require_target(tmp_path)
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(OSError, match="it is no regular file; expected"):
        write_file(tmp_path / "pipe.csv", "content")


def test_a_folder_without_permission_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    with pytest.raises(PermissionError, match="no permission to make files in"):
        require_target(tmp_path / "table.csv")


def test_folder_that_cannot_be_synchronised_is_no_failure(tmp_path, monkeypatch):
    synchronise = os.fsync

    def refuse_folders(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        synchronise(descriptor)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    write_file(tmp_path / "table.csv", "content")
    assert (tmp_path / "table.csv").read_text() == "content"
