"""How many rows a second do embed, predict and screen, in how much memory, up to 10^9 rows?

Claim: memory is flat, below 500 MB a process, from 10^5 rows on. Command, from the root::

    python benchmarks/scale.py

or, for a look, ``python benchmarks/scale.py --sizes 20000 --processes 1 --no-save``. Out:
``benchmarks/results/scale.json``, each row when it is measured (in place of an earlier one of the
same run), and ``docs/images/scale.png``. Inputs are random compositions of two to five of 30
elements, all different, in one parquet file (in a few of ten million a full stop could be the dot
between two parts: refused, and left empty); outputs are folders of parquet, and of `screen` the
best 100. The model is `CroMELRegressor()` on formation_enthalpy below
``CROMEL_DATA`` (default ``../shared/data``), as `cromel train` fits it. Rates are those that the
commands print, without the start of Python; seconds of all cores together, with it, tell the same
on a machine that computes something else as well; memory is the largest sum over the processes of a
command, sampled ten times a second (each process counts what it shares with others).
"""

import argparse
import json
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from paths import DATA_HOME, REPOSITORY, RESULTS
from pymatgen.core import Element

import cromel_sklearn

#: Rows of each command; predictions of ten million would take most of an hour.
SIZES = {
    "embed": (100_000, 1_000_000, 10_000_000),
    "predict": (100_000, 1_000_000),
    "screen": (100_000, 1_000_000),
}
COMMANDS = tuple(SIZES)
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
    started, computed = time.perf_counter(), _cpu_seconds_of_children()
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
        "cpu_seconds": _cpu_seconds_of_children() - computed,
        "rows_per_second": float(rate[1].replace(",", "")) if rate else None,
        "peak_megabytes": peak / 1e6,
    }


def _cpu_seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


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


def run(sizes: dict[str, tuple[int, ...]], processes) -> Iterator[dict]:
    """Measure every command at its sizes with every number of processes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = train(folder) if sizes.keys() & {"predict", "screen"} else None
        for size in sorted(set().union(*sizes.values())):
            candidates = folder / "candidates.parquet"
            write_candidates(candidates, size)
            for n_jobs in processes:
                for command in (name for name in sizes if size in sizes[name]):
                    out = folder / ("best.csv" if command == "screen" else "out")
                    chosen = [candidates, out] if command == "embed" else [model, candidates, out]
                    options = ["--n-jobs", n_jobs, "--overwrite", "--on-invalid", "nan"]
                    found = measured([command, *chosen, *options])
                    found["rows_per_cpu_second"] = size / found["cpu_seconds"]
                    yield {"command": command, "rows": size, "processes": n_jobs, **found}


def with_row(rows: list[dict], row: dict) -> list[dict]:
    """Put a row in its place, for the one that was measured before of the same run."""

    def place(one: dict) -> tuple:
        return one["rows"], one["processes"], COMMANDS.index(one["command"])

    return sorted([*(one for one in rows if place(one) != place(row)), row], key=place)


def structures(folder: Path, repeats) -> list[dict]:
    """Memory of reading mp_structures.parquet, repeated as files of one folder, for pretraining.

    The graphs are built once and copied. Each run gathers targets and compositions of all files and
    then collates every batch of an epoch in random order; no network is computed.
    """
    source = DATA_HOME / "source" / "mp_structures.parquet"
    rows = []
    for n_files in repeats:
        names = [f"part{number:02d}" for number in range(n_files)]
        for name in names:
            if not (folder / f"{name}.parquet").exists():
                shutil.copyfile(source, folder / f"{name}.parquet")
        _child(["--prepare-structures", folder / f"{names[0]}.parquet"])
        for cache in folder.glob(f"*-{names[0]}.graphs-*"):
            for name in names[1:]:
                copy = cache.with_name(cache.name.replace(names[0], name))
                if not copy.exists():
                    shutil.copyfile(cache, copy)
        rows.append(json.loads(_child(["--read-structures", folder])))
        print(rows[-1], flush=True)
    return rows


def _child(arguments) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, *map(str, arguments)]
    done = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True)
    return done.stdout


def read_structures(folder: Path) -> dict:
    """Read an epoch of pretraining, and watch the memory of this process."""
    from cromel_sklearn import CroMELPretrainer, read_materials
    from cromel_sklearn.data.crystal_graph import CUTOFF
    from cromel_sklearn.pretraining.prepared_data import prepared_data

    peaks, is_done = {"RssAnon": 0, "VmRSS": 0}, threading.Event()

    def watch():
        while not is_done.wait(0.05):
            status = Path("/proc/self/status").read_text()
            for name in peaks:
                kilobytes = int(re.search(rf"{name}:\s+(\d+)", status)[1])
                peaks[name] = max(peaks[name], kilobytes)

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.perf_counter()
    pretrainer = CroMELPretrainer(n_jobs=1, verbose=0)
    data = prepared_data(
        read_materials(folder), None, cutoff=CUTOFF, geometry=pretrainer.geometry, n_jobs=1,
        cache=pretrainer.cache, seed=0,
    )  # fmt: skip
    prepared = time.perf_counter()
    order = np.random.default_rng(0).permutation(len(items := data.training_items().items))
    for start in range(0, len(order), pretrainer.batch_size):
        data.collate(items[order[start : start + pretrainer.batch_size]])
    is_done.set()
    watcher.join()
    return {
        "files": len(list(folder.glob("*.parquet"))),
        "structures": data.n_structures,
        "seconds_to_prepare": prepared - started,
        "structures_per_second": len(order) / (time.perf_counter() - prepared),
        "peak_own_megabytes": peaks["RssAnon"] / 1e3,
        "peak_megabytes_with_mapped_files": peaks["VmRSS"] / 1e3,
    }


def prepare_structures(path: Path) -> None:
    """Build the graphs of a file, which leaves them in the cache beside it."""
    from cromel_sklearn import read_materials
    from cromel_sklearn.data.graph_cache import build_crystal_graphs

    build_crystal_graphs(read_materials(path))


def extrapolated(rows: list[dict], n_rows: int = 10**9) -> dict[str, dict[str, float]]:
    """Hours for many rows, from the rows that a second of a core does at the largest size.

    Each core of a node is taken to do what one of the processes does here; reading and writing by
    one process is within that.
    """
    found = {}
    for command in dict.fromkeys(row["command"] for row in rows):
        mine = [row for row in rows if row["command"] == command]
        largest = [row for row in mine if row["rows"] == max(r["rows"] for r in mine)]
        best = max(largest, key=lambda row: row["rows_per_cpu_second"])
        a_core = best["rows_per_cpu_second"]
        found[command] = {
            "rows_per_second_a_core": a_core,
            "hours_on_one_core": n_rows / a_core / 3600,
            f"hours_on_{NODE_CORES}_cores": n_rows / a_core / NODE_CORES / 3600,
            f"hours_on_{N_NODES}_nodes": n_rows / a_core / NODE_CORES / N_NODES / 3600,
        }
    return found


def table(rows: list[dict]) -> str:
    """Markdown table of the runs."""
    lines = [
        "| command | rows | processes | rows/s | rows per second of a core | peak memory (MB) |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['command']} | {row['rows']:,} | {row['processes']} | "
        f"{row['rows_per_second']:,.0f} | {row['rows_per_cpu_second']:,.0f} | "
        f"{row['peak_megabytes']:,.0f} |"
        for row in rows
    ]
    return "\n".join(lines)


def section(found: dict, memory: dict) -> list[str]:
    """Write the page's lines on many rows and many structures."""
    lines = ["## Many rows", "", "`python benchmarks/scale.py`."]
    if any(row["busy"] for row in found["rows"]):
        lines[-1] += (
            " The machine computed something else meanwhile, so rows/s by the clock are low, and"
            " rows per second of a core, the start of Python included, are what counts."
        )
    lines += ["", table(found["rows"]), "", "![rates and memory](images/scale.png)", ""]
    lines += [f"| 10^9 rows, extrapolated | one core | {NODE_CORES} cores | {N_NODES} such nodes |"]
    lines += ["|---|---:|---:|---:|"]
    for command, hours in found["a_billion_rows"].items():
        kinds = ("one_core", f"{NODE_CORES}_cores", f"{N_NODES}_nodes")
        cells = " | ".join(f"{hours[f'hours_on_{kind}']:.2g} h" for kind in kinds)
        lines.append(f"| {command} | {cells} |")
    if not memory:
        return [*lines, ""]
    lines += [
        "",
        "Structures of pretraining, the real ones repeated as files of one folder, with the",
    ]
    lines += [
        "graphs of the first copied (`python benchmarks/scale.py --structures 1 3 10`): memory"
    ]
    lines += ["while an epoch is read, PyTorch included and no network computed.", ""]
    lines += [
        "| files | structures | own memory (MB) | with mapped files (MB) |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {row['files']} | {row['structures']:,} | {row['peak_own_megabytes']:,.0f} | "
        f"{row['peak_megabytes_with_mapped_files']:,.0f} |"
        for row in memory["rows"]
    ]
    return [*lines, ""]


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
            left.plot(sizes, [row["rows_per_cpu_second"] for row in mine], "o-", label=label)
            right.plot(sizes, [row["peak_megabytes"] for row in mine], "o-", label=label)
    for axes, title in (
        (left, "rows per second of a core"),
        (right, "peak memory (MB), all processes"),
    ):
        axes.set_xscale("log")
        axes.set_ylim(bottom=0)
        axes.set_xlabel("rows")
        axes.set_title(title)
    right.legend(fontsize="small")
    figure.savefig(path, dpi=150)


def _versions() -> dict:
    return {
        "version": cromel_sklearn.__version__,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", help="Rows, of every command.")
    parser.add_argument("--processes", type=int, nargs="+", default=(1, 2))
    parser.add_argument("--commands", nargs="+", choices=COMMANDS, default=COMMANDS)
    parser.add_argument(
        "--structures", type=int, nargs="+", metavar="FILES",
        help="Memory of pretraining data instead: how often the real structures are repeated.",
    )  # fmt: skip
    parser.add_argument("--folder", type=Path, help="Where their files are kept.")
    parser.add_argument("--read-structures", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--prepare-structures", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--busy", action="store_true", help="The machine is not idle: say so.")
    parser.add_argument("--no-save", action="store_true", help="Print alone.")
    arguments = parser.parse_args()
    if arguments.read_structures:
        print(json.dumps(read_structures(arguments.read_structures)))
        return
    if arguments.prepare_structures:
        prepare_structures(arguments.prepare_structures)
        return
    if arguments.structures:
        with tempfile.TemporaryDirectory() as name:
            found = structures(arguments.folder or Path(name), arguments.structures)
        if not arguments.no_save:
            content = json.dumps({"rows": found, **_versions()}, indent=1) + "\n"
            (RESULTS / "structure_memory.json").write_text(content)
        return
    sizes = {name: arguments.sizes or SIZES[name] for name in arguments.commands}
    path = RESULTS / "scale.json"
    rows = [] if arguments.no_save or not path.exists() else json.loads(path.read_text())["rows"]
    for row in run(sizes, arguments.processes):
        print(row, flush=True)
        rows = with_row(rows, row | {"busy": arguments.busy})
        if not arguments.no_save:
            result = {"rows": rows, "a_billion_rows": extrapolated(rows), **_versions()}
            path.write_text(json.dumps(result, indent=1) + "\n")
    print(table(rows))
    print(json.dumps(extrapolated(rows), indent=1))
    if not arguments.no_save:
        plot(rows, REPOSITORY / "docs" / "images" / "scale.png")


if __name__ == "__main__":
    main()
