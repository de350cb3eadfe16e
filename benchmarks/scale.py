"""How many rows a second do embed, predict and screen, in how much memory, up to 10^9 rows?

Claim: memory is flat (below 500 MB a process) from 10^5 rows on, and two processes do nearly twice
the rows of one. Command, from the repository root::

    python benchmarks/scale.py

or, for a look, ``python benchmarks/scale.py --sizes 20000 --processes 1 --no-save``. Out:
``benchmarks/results/scale.json`` and ``docs/images/scale.png``. Inputs are random compositions of
two to five of 30 elements, all different, in one parquet file; outputs are folders of parquet, and
of `screen` the best 100. The model is `CroMELRegressor()` on formation_enthalpy below
``CROMEL_DATA`` (default ``../shared/data``), as `cromel train` fits it. Rates are those that the
commands print, without the start of Python; memory is the largest sum over the processes of a
command, sampled ten times a second (each process counts what it shares with others).
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from paths import DATA_HOME, REPOSITORY, RESULTS
from pymatgen.core import Element

import cromel_sklearn

SIZES = (100_000, 1_000_000, 10_000_000)
COMMANDS = ("embed", "predict", "screen")
ELEMENTS = tuple(Element.from_Z(z).symbol for z in (*range(11, 18), *range(19, 36), *range(37, 43)))
NODE_CORES, N_NODES = 64, 20
_BLOCK = 100_000


def write_candidates(path: Path, n_rows: int) -> None:
    """Write a parquet file of different random formulas."""
    draw = np.random.default_rng(0)
    schema = pa.schema([("id", pa.int64()), ("formula", pa.string())])
    with pq.ParquetWriter(path, schema) as writer:
        for begin in range(0, n_rows, _BLOCK):
            size = min(_BLOCK, n_rows - begin)
            n_elements = draw.integers(2, 6, size)
            places = draw.random((size, len(ELEMENTS))).argsort(axis=1)[:, :5]
            amounts = draw.integers(1, 400, (size, 5)) / 100
            formulas = [
                "".join(f"{ELEMENTS[places[i, j]]}{amounts[i, j]:g}" for j in range(n_elements[i]))
                for i in range(size)
            ]
            batch = pa.record_batch([pa.array(range(begin, begin + size)), formulas], schema=schema)
            writer.write_batch(batch)


def train(folder: Path) -> Path:
    """Fit the model once."""
    model = folder / "model.cromel"
    table = DATA_HOME / "target" / "formation_enthalpy.csv"
    options = ["--target", "formation_enthalpy_eV_per_atom", "--no-evaluation", "--out", model]
    measured(["train", table, *options])
    return model


def measured(arguments) -> dict:
    """Run a command; its seconds, the rate that it prints, and its peak of memory in MB."""
    command = [sys.executable, "-m", "cromel_sklearn", *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    started = time.perf_counter()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command, stderr=errors, stdout=subprocess.DEVNULL, env=environment
        )
        watched, peak = psutil.Process(process.pid), 0
        while process.poll() is None:
            peak = max(peak, _memory(watched))
            time.sleep(0.1)
        seconds = time.perf_counter() - started
        errors.seek(0)
        printed = errors.read().decode()
    if process.returncode:
        raise SystemExit(f"{command} failed:\n{printed}")
    rate = re.search(r"([\d,]+) rows/s", printed)
    return {
        "seconds": seconds,
        "rows_per_second": float(rate[1].replace(",", "")) if rate else None,
        "peak_megabytes": peak / 1e6,
    }


def _memory(process: psutil.Process) -> int:
    total = 0
    for one in (process, *_children(process)):
        try:
            total += one.memory_info().rss
        except psutil.Error:
            continue
    return total


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def run(sizes, processes, commands) -> list[dict]:
    """Measure every command at every size and number of processes."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = train(folder) if set(commands) & {"predict", "screen"} else None
        for size in sizes:
            candidates = folder / "candidates.parquet"
            write_candidates(candidates, size)
            for n_jobs in processes:
                for command in commands:
                    out = folder / ("best.csv" if command == "screen" else "out")
                    chosen = [candidates, out] if command == "embed" else [model, candidates, out]
                    options = ["--n-jobs", n_jobs, "--overwrite"]
                    found = measured([command, *chosen, *options])
                    rows.append({"command": command, "rows": size, "processes": n_jobs, **found})
                    print(rows[-1], flush=True)
    return rows


def extrapolated(rows: list[dict], n_rows: int = 10**9) -> dict[str, dict[str, float]]:
    """Hours for many rows, from the rates at the largest size.

    On a node, each core is taken to do what one of two processes does here; reading and writing by
    one process is within that.
    """
    found = {}
    for command in dict.fromkeys(row["command"] for row in rows):
        mine = [row for row in rows if row["command"] == command]
        largest = [row for row in mine if row["rows"] == max(r["rows"] for r in mine)]
        best = max(largest, key=lambda row: row["processes"])
        a_core = best["rows_per_second"] / best["processes"]
        found[command] = {
            "rows_per_second_a_core": a_core,
            "hours_on_one_core": n_rows / a_core / 3600,
            f"hours_on_{NODE_CORES}_cores": n_rows / a_core / NODE_CORES / 3600,
            f"hours_on_{N_NODES}_nodes": n_rows / a_core / NODE_CORES / N_NODES / 3600,
        }
    return found


def table(rows: list[dict]) -> str:
    """Markdown table of the runs."""
    lines = ["| command | rows | processes | rows/s | peak memory (MB) |", "|---|---|---|---|---|"]
    lines += [
        f"| {row['command']} | {row['rows']:,} | {row['processes']} | "
        f"{row['rows_per_second']:,.0f} | {row['peak_megabytes']:,.0f} |"
        for row in rows
    ]
    return "\n".join(lines)


def plot(rows: list[dict], path: Path) -> None:
    """Draw rates and memory against the number of rows."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for command in dict.fromkeys(row["command"] for row in rows):
        for n_jobs in sorted({row["processes"] for row in rows}):
            mine = [r for r in rows if (r["command"], r["processes"]) == (command, n_jobs)]
            label = f"{command}, {n_jobs} process{'es' if n_jobs > 1 else ''}"
            sizes = [row["rows"] for row in mine]
            left.plot(sizes, [row["rows_per_second"] for row in mine], "o-", label=label)
            right.plot(sizes, [row["peak_megabytes"] for row in mine], "o-", label=label)
    for axes, title in ((left, "rows a second"), (right, "peak memory (MB), all processes")):
        axes.set_xscale("log")
        axes.set_ylim(bottom=0)
        axes.set_xlabel("rows")
        axes.set_title(title)
    right.legend(fontsize="small")
    figure.savefig(path, dpi=150)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--processes", type=int, nargs="+", default=(1, 2))
    parser.add_argument("--commands", nargs="+", choices=COMMANDS, default=COMMANDS)
    parser.add_argument("--no-save", action="store_true", help="Print alone.")
    arguments = parser.parse_args()
    rows = run(arguments.sizes, arguments.processes, arguments.commands)
    to_a_billion = extrapolated(rows)
    print(table(rows))
    print(json.dumps(to_a_billion, indent=1))
    if arguments.no_save:
        return
    result = {
        "rows": rows, "a_billion_rows": to_a_billion, "version": cromel_sklearn.__version__,
        "python": platform.python_version(), "cores": os.cpu_count(),
    }  # fmt: skip
    (RESULTS / "scale.json").write_text(json.dumps(result, indent=1) + "\n")
    plot(rows, REPOSITORY / "docs" / "images" / "scale.png")


if __name__ == "__main__":
    main()
