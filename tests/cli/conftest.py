"""The `cromel` command as it is typed, within the process of the tests."""

import io
import sys
from dataclasses import dataclass
from unittest import mock

import pytest

from cromel_sklearn.cli.app import main


@dataclass
class Result:
    """What a command has left."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def message(self) -> str:
        """Standard error on one line."""
        return " ".join(self.stderr.split())


@pytest.fixture
def cromel(monkeypatch):
    """Run ``cromel ARGUMENTS``; `cwd` is its folder, `stdin` its standard input as text."""

    def run(*arguments, cwd=None, stdin=""):
        streams = [io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(3)]
        streams[0].buffer.write(stdin.encode())
        streams[0].seek(0)
        names = dict(zip(("stdin", "stdout", "stderr"), streams, strict=True))
        with monkeypatch.context() as patched:
            if cwd is not None:
                patched.chdir(cwd)
            patched.setattr(sys, "argv", ["cromel", *map(str, arguments)])
            with mock.patch.multiple(sys, **names), pytest.raises(SystemExit) as end:
                main()
        for stream in streams[1:]:
            stream.flush()
        texts = [stream.buffer.getvalue().decode() for stream in streams[1:]]
        return Result(end.value.code or 0, *texts)

    return run


@pytest.fixture(scope="module")
def small_encoder(checkpoint, tmp_path_factory):
    """File of an encoder that is fast and knows alkali halides."""
    path = tmp_path_factory.mktemp("encoder") / "weights.safetensors"
    checkpoint.save(path)
    return path
