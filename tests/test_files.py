"""Files are written whole or not at all, whoever else writes, whatever fails, whoever is killed."""

import ast
import errno
import os
import resource
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner

import cromel_sklearn
from cromel_sklearn import CroMELTransformer, _files
from cromel_sklearn._files import replacing, require_target, write_file
from cromel_sklearn.cli.app import app

PACKAGE = Path(cromel_sklearn.__file__).parent
# Writes half of its content, says so, and waits to be killed.
KILLED = """
import sys, time
from cromel_sklearn._files import replacing
with replacing(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    print("half", flush=True)
    time.sleep(60)
"""
WRITER = """
import sys
from cromel_sklearn._files import write_file
path, letter, n_writes = sys.argv[1:]
for _ in range(int(n_writes)):
    write_file(path, letter * 300_000)
"""


def _run(code, *arguments, **kwargs):
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **kwargs)


def _left_over(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith(".cromel-"))


@pytest.fixture
def killed(tmp_path):
    """A target with the temporary file of a writer that was killed."""
    target = tmp_path / "table.csv"
    target.write_text("old")
    writer = _run(KILLED, target)
    assert writer.stdout.readline() == "half\n"
    writer.kill()
    assert writer.wait() == -signal.SIGKILL
    writer.stdout.close()
    assert len(_left_over(tmp_path)) == 1
    return target


def test_bytes_and_text_are_written_as_they_are(tmp_path):
    write_file(tmp_path / "bytes", b"\x00\r\n\xff")
    write_file(tmp_path / "text", "Å³\n")
    assert (tmp_path / "bytes").read_bytes() == b"\x00\r\n\xff"
    assert (tmp_path / "text").read_bytes() == "Å³\n".encode()
    assert _left_over(tmp_path) == []


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


def test_two_processes_never_mix_their_output(tmp_path):
    target = tmp_path / "table.csv"
    writers = [_run(WRITER, target, letter, 60) for letter in "ab"]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        if target.exists():
            content = target.read_text()
            assert content in ("a" * 300_000, "b" * 300_000)
            seen.add(content[0])
    assert [writer.wait() for writer in writers] == [0, 0]
    assert seen == {"a", "b"}
    assert _left_over(tmp_path) == []
    for writer in writers:
        writer.stdout.close()


def test_threads_never_mix_their_output(tmp_path):
    target = tmp_path / "table.csv"
    contents = [letter * 100_000 for letter in "abcdefgh"] * 5
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda content: write_file(target, content), contents))
    assert target.read_text() in contents
    assert _left_over(tmp_path) == []


def test_targets_whose_names_differ_in_the_suffix_have_their_own_temporary_files(tmp_path):
    with replacing(tmp_path / "model.v1") as one, replacing(tmp_path / "model.v2") as two:
        assert len(_left_over(tmp_path)) == 2
        one.write(b"one")
        two.write(b"two")
    assert (tmp_path / "model.v1").read_bytes() == b"one"
    assert (tmp_path / "model.v2").read_bytes() == b"two"


def test_files_of_the_user_beside_the_target_stay(tmp_path, checkpoint):
    for name in ("m.partial", "m.safetensors.partial", ".m.partial", ".cromel-notes.partial"):
        (tmp_path / name).write_text("mine")
    checkpoint.save(tmp_path / "m.safetensors")
    names = ("m.partial", "m.safetensors.partial", ".m.partial", ".cromel-notes.partial")
    assert {(tmp_path / name).read_text() for name in names} == {"mine"}


def test_planted_links_are_not_followed(tmp_path, monkeypatch):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    target = tmp_path / "table.csv"
    monkeypatch.setattr("secrets.token_hex", lambda n: "0" * 16)  # as if the name could be guessed
    planted = tmp_path / f"{_files._prefix(target)}{os.getpid()}-{'0' * 16}.partial"
    planted.symlink_to(victim)
    with pytest.raises(FileExistsError):
        write_file(target, "content")
    assert victim.read_text() == "precious"
    assert planted.is_symlink()  # not ours: not removed


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
def test_the_mode_of_the_target_is_kept(tmp_path, mode):
    target = tmp_path / "table.csv"
    target.write_text("old")
    target.chmod(mode)
    with replacing(target) as file:
        file.write(b"new")
        # Nobody reads the content early who may not read the target.
        (temporary,) = _left_over(tmp_path)
        assert stat.S_IMODE((tmp_path / temporary).stat().st_mode) == 0o600
    assert stat.S_IMODE(target.stat().st_mode) == mode


def test_a_new_file_has_the_mode_that_the_user_gives_new_files(tmp_path):
    (tmp_path / "ordinary").write_text("")
    write_file(tmp_path / "ours", "")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_a_failing_block_leaves_the_old_file_alone(tmp_path):
    target = tmp_path / "table.csv"
    target.write_text("old")
    with pytest.raises(TypeError), replacing(target) as file:
        file.write("half")
    assert target.read_text() == "old"
    assert _left_over(tmp_path) == []


@pytest.mark.parametrize("name", ["fsync", "replace", "fchmod"])
def test_a_full_disk_leaves_the_old_file_alone(tmp_path, monkeypatch, name):
    target = tmp_path / "table.csv"
    target.write_text("old")

    def fail(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, name, fail)
        with pytest.raises(OSError, match="No space left"):
            write_file(target, "new")
    assert target.read_text() == "old"
    assert _left_over(tmp_path) == []


def test_a_system_that_takes_no_more_bytes_leaves_the_old_file_alone(tmp_path):
    target = tmp_path / "table.csv"
    target.write_text("old")
    code = (
        "import sys; from cromel_sklearn._files import write_file as w; w(sys.argv[1], b'x' * 9999)"
    )

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # an error instead of a signal
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    writer = _run(code, target, stderr=subprocess.PIPE, preexec_fn=limit)
    _, errors = writer.communicate()
    assert "File too large" in errors
    assert target.read_text() == "old"
    assert _left_over(tmp_path) == []


def test_the_next_writer_sweeps_what_a_killed_one_left(killed):
    assert killed.read_text() == "old"
    write_file(killed.with_name("other.csv"), "content")
    assert len(_left_over(killed.parent)) == 1  # of another target
    write_file(killed, "new")
    assert killed.read_text() == "new"
    assert _left_over(killed.parent) == []


def test_a_writer_at_work_is_not_swept(tmp_path):
    target = tmp_path / "table.csv"
    writer = _run(KILLED, target)
    writer.stdout.readline()
    try:
        write_file(target, "content")
        assert len(_left_over(tmp_path)) == 1
    finally:
        writer.kill()
        writer.communicate()


def test_what_is_older_than_a_day_is_swept_wherever_it_was_written(killed):
    (name,) = _left_over(killed.parent)
    orphan = killed.with_name(name)
    elsewhere = orphan.with_name(name.replace(_files._machine(), "0" * 8))
    orphan.rename(elsewhere)
    write_file(killed, "new")
    assert elsewhere.exists()  # its writer may live, on another machine
    yesterday = time.time() - 25 * 3600
    os.utime(elsewhere, (yesterday, yesterday))
    write_file(killed, "newer")
    assert _left_over(killed.parent) == []


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


def test_embed_names_a_missing_folder_before_it_embeds(tmp_path, monkeypatch):
    monkeypatch.setattr(CroMELTransformer, "transform", None)  # never reached
    (tmp_path / "in.csv").write_text("formula\nNaCl\n")
    arguments = ["embed", str(tmp_path / "in.csv"), str(tmp_path / "missing" / "out.csv")]
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, FileNotFoundError)
    assert "there is no folder" in str(result.exception)


def test_folder_that_cannot_be_synchronised_is_no_failure(tmp_path, monkeypatch):
    synchronise = os.fsync

    def refuse_folders(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        synchronise(descriptor)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    write_file(tmp_path / "table.csv", "content")
    assert (tmp_path / "table.csv").read_text() == "content"


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(PACKAGE.rglob("*.py")) if path.name != "_files.py"],
    ids=lambda path: path.stem,
)
def test_nothing_else_writes_files(path):
    never = {"write_text", "write_bytes", "copyfile", "copytree", "save_file", "savez"}
    never |= {"mkstemp", "NamedTemporaryFile"}
    into_an_open_file = {"to_csv", "to_parquet", "savefig", "dump"}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        assert name not in never, f"line {node.lineno} calls {name}"
        if name in into_an_open_file:
            given = [ast.unparse(argument) for argument in node.args]
            assert given[:1] in ([], ["file"], ["buffer"]), f"line {node.lineno} calls {name}"
        if name == "open":
            texts = [a.value for a in node.args if isinstance(a, ast.Constant)]
            modes = {text for text in texts if isinstance(text, str)}
            assert not {"w", "wb", "a", "ab", "x", "xb", "r+b"} & modes, f"line {node.lineno}"
