"""Which featurizer predicts experiments best, without leaks?

Command, from the repository root (results of each task, model and fold are kept; run it again to go
on where it was stopped)::

    python benchmarks/accuracy.py [--tasks formation_enthalpy ...] [--models cromel+svr ...]
        [--folds 0 1 2 3 4] [--splits formula system development] [--jobs 2] [--budget HOURS]
        [--drop-stale]

In: the fourteen tasks of ``load_task`` below ``CROMEL_DATA`` (default ``../shared/data``) and the
models of ``models.py``. Split `formula`: MatBench's own folds, grouped by reduced formula
elsewhere; `system`: grouped by chemical system, for all tasks; `development`: folds inside the
training rows of the first fold, on which families choose their member. Every fold fits a fresh
clone on its training rows only. Out: one JSON file a task in ``benchmarks/results/accuracy``,
``accuracy_system`` and ``development`` with scores per fold, seconds and versions, and predictions
in ``benchmarks/results/predictions``. A result is computed again when its fingerprint is another
(``fingerprints.py``); ``--drop-stale`` deletes it instead.
"""

import argparse
import time

from parallel import clock, run_jobs, use_one_thread

use_one_thread()

import numpy as np  # noqa: E402 (after the number of threads)
from cells import Cell, folds, is_done, run_cell, task_models  # noqa: E402
from plan import expected_seconds  # noqa: E402
from results_store import FOLDERS, PREDICTIONS, read_json, write_json  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402
from tasks import TASKS  # noqa: E402


def run_missing(
    cells: list[Cell], n_jobs: int, hours: float = np.inf, console: Console | None = None
) -> list[Cell]:
    """Run the cells that are missing or out of date, in their order; give those left over."""
    console = Console() if console is None else console
    missing = [cell for cell in cells if not is_done(cell)]
    seconds = expected_seconds(missing)
    total = sum(seconds.values()) / n_jobs
    console.print(
        f"{len(cells) - len(missing)} cells are there, {len(missing)} are missing: about "
        f"{clock(total)} in {n_jobs} processes"
    )
    until = time.monotonic() + 3600 * hours
    left, failed = run_jobs(run_cell, missing, seconds, n_jobs, until, console)
    if left:
        rest = sum(seconds[cell] for cell in left) / n_jobs
        console.print(f"{len(left)} cells are left for another run: about {clock(rest)}")
    if failed:
        console.print(f"[red]{len(failed)} cells failed[/red]")
    return left


def drop_stale(name: str, split: str) -> int:
    """Delete results that are no longer those of today's models and rows."""
    path = FOLDERS[split] / f"{name}.json"
    results = read_json(path)
    found = task_models(name)
    fresh = {
        model: {
            fold: result
            for fold, result in by_fold.items()
            if model in found and is_done(Cell(name, split, model, int(fold)))
        }
        for model, by_fold in results.items()
    }
    n_dropped = sum(len(results[model]) - len(fresh[model]) for model in results)
    if n_dropped:
        write_json(path, {model: by_fold for model, by_fold in fresh.items() if by_fold})
    if split == "formula" and (kept := read_json(PREDICTIONS / f"{name}.json")):
        kept = {
            model: {f: v for f, v in by_fold.items() if model == "measured" or f in fresh[model]}
            for model, by_fold in kept.items()
            if model == "measured" or fresh.get(model)
        }
        write_json(PREDICTIONS / f"{name}.json", kept)
    return n_dropped


def print_table(name: str, split: str, console: Console) -> None:
    """Mean and deviation over folds of every model of a task."""
    results = read_json(FOLDERS[split] / f"{name}.json")
    if not results:
        return
    metrics = list(next(iter(next(iter(results.values())).values()))["scores"])
    table = Table(title=f"{name} [{TASKS[name].unit}], split by {split}")
    table.add_column("model")
    for metric in (*metrics, "folds", "seconds a fold"):
        table.add_column(metric, justify="right")
    for key, by_fold in sorted(results.items()):
        columns = []
        for metric in metrics:
            values = [result["scores"][metric] for result in by_fold.values()]
            columns.append(f"{np.mean(values):.4f} ± {np.std(values):.4f}")
        seconds = np.mean([result["seconds"] for result in by_fold.values()])
        table.add_row(key, *columns, str(len(by_fold)), f"{seconds:.1f}")
    console.print(table)


def main() -> None:
    """Run what is missing, then print every table asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--models", nargs="+", help="such as cromel+svr; all by default")
    parser.add_argument("--folds", nargs="+", type=int, choices=range(5), default=list(range(5)))
    parser.add_argument("--splits", nargs="+", choices=FOLDERS, default=["formula"])
    parser.add_argument("--jobs", type=int, default=2, help="processes, one thread each")
    parser.add_argument("--budget", type=float, default=np.inf, help="hours")
    parser.add_argument("--drop-stale", action="store_true", help="delete what is out of date")
    arguments = parser.parse_args()
    console = Console()
    cells = []
    for split in arguments.splits:
        for name in arguments.tasks:
            if arguments.drop_stale:
                console.print(f"{name}, {split}: {drop_stale(name, split)} results deleted")
                continue
            n_folds = len(folds(name, split))
            cells += [
                Cell(name, split, model, fold)
                for model in task_models(name)
                if arguments.models is None or model in arguments.models
                for fold in arguments.folds
                if fold < n_folds
            ]
    if cells:
        run_missing(cells, arguments.jobs, arguments.budget, console)
        for split in arguments.splits:
            for name in arguments.tasks:
                print_table(name, split, console)


if __name__ == "__main__":
    main()
