"""Everything that docs/benchmarks.md says, in one command.

Command, from the repository root (goes on where it was stopped)::

    python -m pip install -e ".[test,benchmark]"
    python benchmarks/run.py [--tasks band_gap ...] [--models cromel ...] [--budget HOURS]
        [--jobs 2] [--steps accuracy ...]

In: the tables below ``CROMEL_DATA`` (default ``../shared/data``). Cells of the matrix (task, what
is held out, model, fold), the most telling ones first, each kept when it is done; then the other
questions, each in a script of its own, run again when the encoder or the script has changed; at
last the page. Peers live in environments of their own: those that `peers/install.py` has not made
are left out; where a fold of theirs takes more than an hour, two are run. Everything computes on
one core a process.
"""

import argparse
import subprocess
import sys
import time

from parallel import clock, use_one_thread

use_one_thread()

import numpy as np  # noqa: E402 (after the number of threads)
from accuracy import run_missing  # noqa: E402
from cells import Cell  # noqa: E402
from code_digest import file_digest  # noqa: E402
from fingerprints import encoder_digest  # noqa: E402
from paths import REPOSITORY, RESULTS  # noqa: E402
from peers.estimator import PEERS  # noqa: E402
from peers.install import interpreter  # noqa: E402
from plan import groups  # noqa: E402
from results_store import add_json, read_json  # noqa: E402
from rich.console import Console  # noqa: E402
from tasks import TASKS  # noqa: E402

SCRIPTS = REPOSITORY / "benchmarks"
STEPS_DONE = RESULTS / "steps.json"
#: Questions beside the matrix -> arguments of their script.
OTHERS: dict[str, list[str]] = {
    "speed": [],
    "known": [],
    "domain": [],
    "square_roots": [],
    "matbench_record": [],
    "selection": ["settings"],
    "distances": [],
    "validation": [],
    "parsing": [],
    "footprint": [],
    "leak": [],
    "scale": [],
}
#: Steps of the results of cells, which are always made again.
ALWAYS = ("known", "matbench_record")
STEPS = ("accuracy", *OTHERS, "report")


def is_wanted(cell: Cell, models: list[str] | None) -> bool:
    """Whether a cell is asked for, and can be run here."""
    name = cell.model.partition("+")[0]
    if name in PEERS and not interpreter(PEERS[name][0]).exists():
        return False
    return models is None or cell.model in models or name in models


def run_matrix(tasks, models, until: float, n_jobs: int, console: Console) -> None:
    """Run the cells that are missing, group by group, until the time is over."""
    for name, cells in groups(tasks):
        wanted = [cell for cell in cells if is_wanted(cell, models)]
        hours = (until - time.monotonic()) / 3600
        if wanted and hours > 0:
            console.rule(name)
            run_missing(wanted, n_jobs, hours, console)


def run_step(name: str, arguments: list[str], console: Console) -> None:
    """Run another script, unless its result is of this encoder and this script."""
    script = SCRIPTS / f"{name}.py"
    mark = f"{encoder_digest()}-{file_digest(script)}-{' '.join(arguments)}"
    if name not in ALWAYS and read_json(STEPS_DONE).get(name, {}).get("mark") == mark:
        return
    console.rule(name)
    started = time.monotonic()
    done = subprocess.run([sys.executable, script, *arguments], cwd=REPOSITORY)
    if done.returncode:
        console.print(f"[red]{name} failed; the others go on[/red]")
        return
    seconds = round(time.monotonic() - started)
    if name not in ALWAYS:
        add_json(STEPS_DONE, (name,), {"mark": mark, "seconds": seconds})


def main() -> None:
    """Run what is missing, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", choices=TASKS)
    parser.add_argument("--models", nargs="+", help="such as magpie or cromel+svr; default all")
    parser.add_argument("--budget", type=float, default=np.inf, metavar="HOURS")
    parser.add_argument("--jobs", type=int, default=2, help="processes, one thread each")
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=STEPS)
    arguments = parser.parse_args()
    console = Console()
    started = time.monotonic()
    until = started + 3600 * arguments.budget
    if "accuracy" in arguments.steps:
        run_matrix(arguments.tasks, arguments.models, until, arguments.jobs, console)
    for name, options in OTHERS.items():
        if name in arguments.steps and time.monotonic() < until:
            run_step(name, options, console)
    if "report" in arguments.steps:
        subprocess.run([sys.executable, SCRIPTS / "report.py"], cwd=REPOSITORY, check=True)
    console.print(f"{clock(time.monotonic() - started)} in all")


if __name__ == "__main__":
    main()
