"""Does a pretraining that was killed and resumed end with the weights of an unbroken one?

Command, from the repository root::

    python benchmarks/resume.py [--structures 2000] [--epochs 4]

In: a random sample of ``source/mp_structures.parquet`` below ``CROMEL_DATA`` (default
``../shared/data``). The command `cromel pretrain` runs once unbroken, and once killed (SIGKILL) in
the middle of an epoch after each checkpoint and started again with ``--resume``. Out:
``benchmarks/results/resume.json`` with the SHA-256 of both sets of weights; the exit status is 1
when they differ.
"""

import argparse
import hashlib
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import pandas as pd
from paths import DATA_HOME, RESULTS
from safetensors.numpy import load_file

from cromel_sklearn.data.readers import file_checksum

RESULT = RESULTS / "resume.json"


def start(sample: Path, out: Path, epochs: int, resume: bool) -> subprocess.Popen:
    """Start the command in the background."""
    options = ["--structures", sample, "--out", out, "--max-epochs", epochs, "--device", "cpu"]
    options += ["--resume"] if resume else []
    command = [sys.executable, "-m", "cromel_sklearn", "pretrain", *map(str, options)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def kill_after_next_checkpoint(process: subprocess.Popen, state: Path) -> bool:
    """Kill the process inside the epoch after its next checkpoint; False if it ended before."""
    before = state.stat().st_mtime_ns if state.exists() else 0
    while process.poll() is None:
        if state.exists() and state.stat().st_mtime_ns != before:
            time.sleep(0.5)
            process.send_signal(signal.SIGKILL)
            process.wait()
            return True
        time.sleep(0.02)
    return False


def weights_checksum(folder: Path) -> str:
    """SHA-256 of the weights alone; the header holds times, which differ."""
    digest = hashlib.sha256()
    for name, tensor in sorted(load_file(folder / "weights.safetensors").items()):
        digest.update(name.encode() + tensor.tobytes())
    return digest.hexdigest()


def main() -> None:
    """Run, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--structures", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=4)
    arguments = parser.parse_args()
    source = DATA_HOME / "source" / "mp_structures.parquet"
    with tempfile.TemporaryDirectory() as folder:
        sample = Path(folder) / "sample.parquet"
        pd.read_parquet(source).sample(arguments.structures, random_state=0).to_parquet(sample)
        unbroken, broken = Path(folder) / "unbroken", Path(folder) / "broken"
        if start(sample, unbroken, arguments.epochs, resume=False).wait():
            raise SystemExit("the unbroken run failed")
        n_kills = 0
        process = start(sample, broken, arguments.epochs, resume=False)
        while kill_after_next_checkpoint(process, broken / "run_state.pt"):
            n_kills += 1
            process = start(sample, broken, arguments.epochs, resume=True)
        if process.returncode:
            raise SystemExit("the resumed run failed")
        checksums = [weights_checksum(path) for path in (unbroken, broken)]
    document = {
        "n_structures": arguments.structures,
        "epochs": arguments.epochs,
        "kills": n_kills,
        "weights_sha256_unbroken": checksums[0],
        "weights_sha256_resumed": checksums[1],
        "same": checksums[0] == checksums[1],
        "source_sha256": file_checksum(source),
        "environment": {
            "cromel-sklearn": version("cromel-sklearn"),
            "torch": version("torch"),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        },
    }
    RESULT.write_text(json.dumps(document, indent=1) + "\n")
    print(json.dumps(document, indent=1))
    raise SystemExit(0 if document["same"] and n_kills else 1)


if __name__ == "__main__":
    main()
