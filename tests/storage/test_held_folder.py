"""A folder is held by one process at a time."""

import os
import subprocess

import pytest

from cromel_sklearn.storage.held_folder import held_alone

HOLDER = """
import sys
from cromel_sklearn.storage.held_folder import held_alone
with held_alone(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_folder_is_held_by_one_process_until_it_ends(tmp_path, python):
    holder = python(HOLDER, tmp_path, stdin=subprocess.PIPE)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(BlockingIOError, match="Another process is at work on .*; wait for it"):
        held_alone(tmp_path).__enter__()
    holder.kill()
    holder.communicate()
    with held_alone(tmp_path):
        assert os.listdir(tmp_path) == []
