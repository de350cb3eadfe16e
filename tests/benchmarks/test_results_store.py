"""Results on disk: added to, never lost."""

import time

import numpy as np
from parallel import clock, run_jobs
from results_store import add_json, read_json
from rich.console import Console


def add_one(job):
    """Write a number into a file that others write into at the same time."""
    path, number = job
    if number == 3:
        raise RuntimeError("no threes")
    add_json(path, ("numbers", str(number)), number)


def test_a_value_is_put_beside_the_others(tmp_path):
    path = tmp_path / "folder" / "results.json"
    assert read_json(path) == {}
    add_json(path, ("a", "x"), 1)
    add_json(path, ("a", "y"), 2)
    assert read_json(path) == {"a": {"x": 1, "y": 2}}


def test_jobs_write_together_and_a_failure_stops_no_other(tmp_path):
    path = tmp_path / "results.json"
    jobs = [(path, number) for number in range(6)]
    console = Console(quiet=True)
    left, failed = run_jobs(add_one, jobs, dict.fromkeys(jobs, 1.0), 2, np.inf, console)
    assert left == []
    assert list(failed.items()) == [((path, 3), "RuntimeError: no threes")]
    assert read_json(path)["numbers"] == {str(n): n for n in range(6) if n != 3}


def test_what_does_not_fit_the_time_is_left(tmp_path):
    path = tmp_path / "results.json"
    jobs = [(path, 1), (path, 2)]
    seconds = {jobs[0]: 1e6, jobs[1]: 0.0}
    until = time.monotonic() + 1000
    left, failed = run_jobs(add_one, jobs, seconds, 1, until, Console(quiet=True))
    assert (left, failed) == ([jobs[0]], {})
    assert read_json(path) == {"numbers": {"2": 2}}


def test_clock():
    assert clock(3600 * 2 + 61) == "2:01 h"
