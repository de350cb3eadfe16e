"""Processes that write, and what they leave."""

import subprocess
import sys

import pytest


@pytest.fixture
def python():
    """Start code with arguments in a process of its own."""

    def start(code, *arguments, **kwargs):
        command = [sys.executable, "-c", code, *map(str, arguments)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **kwargs)

    return start


@pytest.fixture
def left_over(tmp_path):
    """List the temporary files in the folder of the test."""
    return lambda: sorted(path.name for path in tmp_path.glob(".cromel-*"))
