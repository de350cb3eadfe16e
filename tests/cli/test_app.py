"""The command as a process: its start, its version and its ends."""

import subprocess
import sys

import pytest

import cromel_sklearn
from cromel_sklearn import list_encoders


def _process(*arguments):
    command = [sys.executable, "-m", "cromel_sklearn", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_module_and_version():
    result = _process("--version")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"cromel-sklearn {cromel_sklearn.__version__}\n"


def test_encoders_lists_every_encoder(cromel):
    result = cromel("encoders")
    assert result.returncode == 0
    for encoder in list_encoders():
        assert f" {encoder} " in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [((), 2), (("--help",), 0), (("embed", "--help"), 0), (("embed",), 2), (("embde",), 2)],
)
def test_exit_codes(arguments, code, cromel):
    assert cromel(*arguments).returncode == code


def test_a_reader_that_leaves_early_is_no_error(tmp_path):
    table = tmp_path / "in.csv"
    table.write_text("formula\n" + "NaCl\n" * 5_000)
    command = f"{sys.executable} -m cromel_sklearn embed {table} - --output properties | head -n 1"
    result = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert result.stdout.startswith("formula,band_gap_eV")
    assert "Error" not in result.stderr
