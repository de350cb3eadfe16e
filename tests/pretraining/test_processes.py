"""Two processes pretrain as one does: same losses, one checkpoint, resumed after a kill."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import cromel_sklearn
from cromel_sklearn import Checkpoint, CroMELPretrainer, read_materials
from cromel_sklearn.nn.composition_encoder import CompositionEncoderConfig
from cromel_sklearn.nn.losses import ADVERSARIAL_ALIGNMENTS, ALIGNMENTS
from cromel_sklearn.nn.structure_encoder import StructureEncoderConfig
from cromel_sklearn.pretraining.processes import ALONE, Processes

LAUNCHER = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
HOME = Path(cromel_sklearn.__file__).parents[1]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HOME)}
STATE = "run_state.safetensors"
SETTINGS = {
    "structure_encoder": StructureEncoderConfig(16, 8, 1, 8),
    "composition_encoder": CompositionEncoderConfig(16, "attention", 8, 1, 2),
    "batch_size": 7, "max_epochs": 6, "device": "cpu", "n_jobs": 1, "verbose": 0,
}  # fmt: skip


def _pretrained(structure_table, folder):
    """Pretrain by every criterion; each process writes what it found."""
    rank = os.environ.get("RANK", "alone")
    for criterion in ALIGNMENTS:
        pretrainer = CroMELPretrainer(criterion, **SETTINGS)
        pretrainer.fit(read_materials(structure_table))
        history = [
            {"losses": epoch["batches"], "score": epoch["validation_score"]}
            for epoch in pretrainer.history_
        ]
        (folder / f"{criterion}-{rank}.json").write_text(json.dumps(history))
        pretrainer.checkpoint_.save(folder / f"{criterion}-{rank}.safetensors")


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_processes import _pretrained
_pretrained(sys.argv[2], Path(sys.argv[3]))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("processes")


@pytest.fixture
def trained(structure_table, folder, request):
    """Folder in which one process, and two together, have pretrained by every criterion."""
    if not (folder / "none-alone.json").exists():
        (folder / "script.py").write_text(SCRIPT)
        arguments = [request.path.parent, structure_table, folder]
        command = [*LAUNCHER, folder / "script.py", *arguments]
        subprocess.run([*map(str, command)], check=True, env=ENVIRONMENT, timeout=180)
        _pretrained(structure_table, folder)
    return folder


@pytest.mark.parametrize("criterion", ALIGNMENTS)
def test_losses_are_those_of_one_process(trained, criterion):
    alone, first, second = (
        json.loads((trained / f"{criterion}-{rank}.json").read_text()) for rank in ("alone", 0, 1)
    )
    assert first == second
    # The distance of a critic leaves its last bias free: rounding alone moves that.
    free = criterion in ADVERSARIAL_ALIGNMENTS
    for one, two in zip(alone, first, strict=True):
        assert two["score"] == pytest.approx(one["score"], rel=1e-4)
        (one,), (two,) = one["losses"], two["losses"]
        assert two == pytest.approx(one, rel=2e-3 if free else 1e-4, abs=1e-3 if free else 1e-6)


@pytest.mark.parametrize("criterion", ALIGNMENTS)
def test_weights_are_those_of_one_process(trained, criterion):
    alone, first, second = (
        Checkpoint.load(trained / f"{criterion}-{rank}.safetensors") for rank in ("alone", 0, 1)
    )
    for name, tensor in alone.tensors.items():
        np.testing.assert_array_equal(second.tensors[name], first.tensors[name])
        np.testing.assert_allclose(first.tensors[name], tensor, rtol=1e-3, atol=1e-4)
    assert alone.description.provenance["n_processes"] == 1
    assert first.description.provenance["n_processes"] == 2


def test_killed_command_of_two_processes_resumes_to_the_same_weights(structure_table, tmp_path):
    source = tmp_path / "salts.parquet"  # in a folder of its own: one process builds the graphs
    source.write_bytes(structure_table.read_bytes())

    def command(out, *more):
        arguments = ["pretrain", "--structures", source, "--out", out, "--device", "cpu"]
        arguments += ["--max-epochs", "5", "--n-jobs", "1", *more]
        return [*LAUNCHER, "-m", "cromel_sklearn", *map(str, arguments)]

    done = subprocess.run(
        command(tmp_path / "unbroken"),
        check=True,
        env=ENVIRONMENT,
        timeout=180,
        text=True,
        capture_output=True,
    )
    assert done.stdout.count("epoch 5/5") == 1  # one process speaks
    killed = tmp_path / "killed"
    process = subprocess.Popen(command(killed), env=ENVIRONMENT, start_new_session=True)
    deadline = time.monotonic() + 120
    while not (killed / STATE).exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)  # both, and the one that launched them
    process.wait()
    assert not (killed / "weights.safetensors").exists()
    subprocess.run(command(killed, "--resume"), check=True, env=ENVIRONMENT, timeout=180)
    weights = [
        Checkpoint.load(tmp_path / name / "weights.safetensors").tensors
        for name in ("unbroken", "killed")
    ]
    assert all(np.array_equal(weights[0][name], weights[1][name]) for name in weights[0])


@pytest.mark.parametrize("n_rows", [0, 1, 2, 7, 384])
@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_parts_are_the_whole(n_rows, count):
    parts = [Processes(rank, count).part(n_rows) for rank in range(count)]
    rows = [row for part in parts for row in range(n_rows)[part]]
    assert rows == list(range(n_rows))


def test_without_a_launcher_there_is_one_process(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    assert Processes.launched() == ALONE
    assert ALONE.part(5) == slice(0, 5)


def test_each_process_of_a_machine_has_its_gpu():
    device = Processes(rank=5, count=8, local_rank=1).device(torch.device("cuda"))
    assert device == torch.device("cuda", 1)
    assert Processes(5, 8, 1).device(torch.device("cuda", 3)) == torch.device("cuda", 3)
    assert ALONE.device(torch.device("cuda")) == torch.device("cuda")
