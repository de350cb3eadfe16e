"""Two commands that work on one target at a time: one of them ends it, whole, alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import cromel_sklearn
from cromel_sklearn.storage.held_folder import held_alone

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(cromel_sklearn.__file__).parents[1])}


def test_two_commands_to_one_target_never_mix(checkpoint, cromel, tmp_path):
    checkpoint.save(tmp_path / "encoder.safetensors")
    rows = [f"NaCl{n}" for n in range(1, 101)]
    (tmp_path / "salts.csv").write_text("\n".join(["formula", *rows, ""]))
    arguments = ("embed", "salts.csv", "out.csv", "--encoder", "encoder.safetensors",
                 "--chunk-rows", "5")  # fmt: skip
    command = [sys.executable, "-m", "cromel_sklearn", *arguments, "--overwrite"]
    pipe = subprocess.PIPE
    runs = [
        subprocess.Popen(command, cwd=tmp_path, stderr=pipe, text=True, env=ENVIRONMENT)
        for _ in range(2)
    ]
    messages = [" ".join(run.communicate()[1].split()) for run in runs]
    refused = [message for run, message in zip(runs, messages, strict=True) if run.returncode]
    assert len(refused) < 2
    assert all("Another process is at work on" in message for message in refused), messages
    assert sorted(os.listdir(tmp_path)) == ["encoder.safetensors", "out.csv", "salts.csv"]
    assert cromel(*arguments[:2], "alone.csv", *arguments[3:], cwd=tmp_path).returncode == 0
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "alone.csv").read_bytes()


@pytest.mark.parametrize("command", ["pretrain", "distill"])
def test_two_runs_never_share_a_folder(command, cromel, structure_table, tmp_path):
    arguments = {
        "pretrain": ("pretrain", "--structures", structure_table),
        "distill": ("distill", "mp-multi", "--labels", "labels.csv"),
    }[command]
    (tmp_path / "run").mkdir()
    with held_alone(tmp_path / "run"):  # as a run of another process holds it
        result = cromel(*arguments, "--out", "run", cwd=tmp_path)
    assert result.returncode == 1
    assert "Another process is at work on run; wait for it." in result.message
    assert os.listdir(tmp_path / "run") == []
