"""Every long command, killed in the middle: the next run ends as if nothing had happened."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy

import cromel_sklearn

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system forks no processes")
SALTS = [f"{alkali}{n}{halide}" for alkali in ("Na", "K", "Li", "Rb") for n in (1, 2, 3)
         for halide in ("Cl", "F", "Br", "I")]  # fmt: skip
MODEL = "--target gap --members element_trees --folds 2 --no-learning-curve"
#: Command, what is added for the second run, and when it is killed: before or after the n-th file
#: takes its place. A table has a file for its job, one a part, one for the end and then itself.
COMMANDS = {
    "embed": (
        "embed salts.csv OUT/t.csv --encoder encoder.safetensors --chunk-rows 10", "--resume",
        ["before 4", "before 8", "after 8"],
    ),
    "embed to a folder": (
        "embed salts.csv OUT/t --encoder encoder.safetensors --chunk-rows 10", "--resume",
        ["before 4", "after 7"],
    ),
    "embed on a cluster": (
        "embed salts.csv OUT/t.csv --encoder encoder.safetensors --chunk-rows 10 --cluster local:1",
        "--resume", ["before 4"],
    ),
    "predict": (
        "predict model salts.csv OUT/t.parquet --chunk-rows 10", "--resume",
        ["after 8"],
    ),
    "screen": ("screen model salts.csv OUT/t.csv --top 5", "", ["before 2"]),
    "candidates": (
        "candidates OUT/t.csv --from salts.csv --substitute Na=Cs,Ag --dope K=Rb:0.1,0.2",
        "--resume", ["before 3"],
    ),
    "train": (
        "train salts.csv --out OUT/m --no-evaluation " + MODEL, "--overwrite",
        ["before 2", "before 5"],
    ),
    "evaluate": (
        "evaluate salts.csv --html OUT/report.html " + MODEL, "--overwrite",
        ["before 1"],
    ),
    "pretrain": (
        "pretrain --structures structures.parquet --out OUT --max-epochs 3 --device cpu --n-jobs 1",
        "--resume", ["before 3", "after 4"],
    ),
    "distill": (
        "distill encoder.safetensors --labels labels.csv --out OUT --width 8 --embedding-dim 6 "
        "--n-steps 6 --n-synthetic 200 --device cpu", "--resume",
        ["before 3", "before 7"],
    ),
}  # fmt: skip
CASES = [(name, kill) for name, (_, _, kills) in COMMANDS.items() for kill in kills]


@pytest.fixture(scope="module")
def tables(tmp_path_factory, checkpoint, structure_table):
    """A folder with what the commands read."""
    folder = tmp_path_factory.mktemp("tables")
    measured = pd.DataFrame({"formula": SALTS, "gap": np.arange(len(SALTS)) % 7 + 0.5})
    measured.to_csv(folder / "salts.csv", index=False)
    with open(folder / "salts.csv", "a") as file:
        file.write("CsCl,\n")  # has no value
    checkpoint.save(folder / "encoder.safetensors")
    (folder / "structures.parquet").write_bytes(structure_table.read_bytes())
    labels = measured.rename(columns={"gap": "value"}).assign(property="band_gap", unit="eV")
    energies = labels.assign(property="formation_energy_per_atom", unit="eV/atom", value=-1.0)
    energies["value"] -= np.arange(len(energies)) % 5
    pd.concat([labels, energies]).to_csv(folder / "labels.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def run(tables):
    """Run a command in the folder of the tables; returns how it ended."""
    package = str(Path(cromel_sklearn.__file__).parents[1])
    environment = {
        **os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore", "PYTHONPATH": package
    }  # fmt: skip
    server = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("killed_commands.py")], cwd=tables, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment,
    )  # fmt: skip

    def run(command, folder, kill=None):
        (tables / folder).mkdir(exist_ok=True)
        arguments = command.replace("OUT", folder).split()
        order = {"arguments": arguments, "kill": kill, "folder": folder, "log": "log"}
        server.stdin.write(json.dumps(order) + "\n")
        server.stdin.flush()
        ended = int(server.stdout.readline())
        assert ended == (0 if kill is None else -signal.SIGKILL), (tables / "log").read_text()

    run(f"train salts.csv --out model --no-evaluation {MODEL}", "model-folder")
    yield run
    server.stdin.close()
    server.wait()
    server.stdout.close()


@pytest.fixture(scope="module")
def undisturbed(run, tables):
    """What a command leaves that nobody disturbs."""
    found = {}

    def undisturbed(name):
        if name not in found:
            folder = f"whole-{len(found)}"
            run(COMMANDS[name][0], folder)
            found[name] = _content(tables / folder)
        return found[name]

    return undisturbed


def _content(folder: Path) -> dict:
    """Every file of a folder by name; without what tells the time."""
    content = {}
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            continue
        data = path.read_bytes()
        assert data, path
        if data[8:9] == b"{":
            arrays = safetensors.numpy.load(data)
            data = {key: a.tobytes() for key, a in arrays.items() if key != "models"}
        elif path.suffix in (".json", ".html", ".md"):
            data = path.suffix != ".json" or len(json.loads(data))
        content[str(path.relative_to(folder))] = data
    return content


@pytest.mark.parametrize(("name", "kill"), CASES)
def test_a_killed_command_runs_again_as_if_nothing_had_happened(
    name, kill, run, undisturbed, tables
):
    if "cluster" in name:
        pytest.importorskip("distributed")
    command, again, _ = COMMANDS[name]
    expected = undisturbed(name)
    moment, number = kill.split()
    folder = f"killed-{CASES.index((name, kill))}"
    run(command, folder, (moment, int(number)))
    run(f"{command} {again}", folder)
    assert _content(tables / folder) == expected
