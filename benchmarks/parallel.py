"""Run cells in several processes, one thread each, with progress and the time that is left."""

import multiprocessing
import os
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def use_one_thread() -> None:
    """Let this process and its children compute on one core each; before NumPy is imported."""
    os.environ.update(dict.fromkeys(THREADS, "1"))


def clock(seconds: float) -> str:
    """Write a time as hours and minutes."""
    minutes = round(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02d} h"


def run_jobs(function, jobs: list, seconds: dict, n_jobs: int, until: float, console: Console):
    """Call a function on each job, in their order.

    Parameters
    ----------
    function : callable
        Of the top level of a module, so that processes can be sent to it.
    jobs : list of hashable
    seconds : dict
        Expected time of each job.
    n_jobs : int
    until : float
        `time.monotonic` after which no job is begun that is expected to end later.
    console : Console

    Returns
    -------
    left : list
        Jobs that were not begun.
    failed : dict
        Job -> what went wrong; the others go on.
    """
    fits = _fitting(iter(jobs), seconds, until)
    left, failed, running = set(jobs), {}, {}
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("left {task.fields[remaining]}"),
    )  # fmt: skip
    context = multiprocessing.get_context("spawn")
    with (
        Progress(*columns, console=console) as progress,
        ProcessPoolExecutor(n_jobs, mp_context=context) as pool,
    ):
        bar = progress.add_task("cells", total=len(jobs), remaining="?")
        while True:
            while len(running) < n_jobs and (job := next(fits, None)) is not None:
                running[pool.submit(function, job)] = job
                left.discard(job)
            if not running:
                break
            expected = sum(seconds[job] for job in (*left, *running.values())) / n_jobs
            progress.update(bar, remaining=clock(expected))
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                job = running.pop(future)
                if error := future.exception():
                    failed[job] = f"{type(error).__name__}: {error}"
                    console.print(f"[red]{job}[/red]: {failed[job][-500:]}")
                progress.advance(bar)
                if not console.is_terminal:
                    console.print(f"{time.strftime('%T')} {job}", highlight=False)
    return [job for job in jobs if job in left], failed


def _fitting(jobs: Iterable, seconds: dict, until: float) -> Iterator:
    for job in jobs:
        if time.monotonic() + seconds[job] <= until:
            yield job
