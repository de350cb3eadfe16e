"""Chunks are computed by this process and others, come back in order, and leave their parts."""

import functools
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from cromel_sklearn.cli.executors import chunk_map
from cromel_sklearn.cli.part_of_chunk import PartOfChunk
from cromel_sklearn.data.part_writer import PartWriter
from cromel_sklearn.data.table_chunk import TableChunk
from cromel_sklearn.data.table_format import TableFormat
from cromel_sklearn.data.table_writer import TableWriter
from cromel_sklearn.estimators.arrow_batches import BatchResult


def _chunks(n_chunks, n_rows=1):
    for number in range(n_chunks):
        batch = pa.record_batch({"x": np.full(n_rows, float(number))})
        yield TableChunk(number, batch, "row", range(1, n_rows + 1), None)


def _who(chunk, wait=0.0):
    time.sleep(wait)
    return os.getpid()


def _sees_interrupts(chunk):
    time.sleep(0.2)
    return os.getpid(), signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def _with_problems(batch, problems=()):
    return BatchResult(batch, list(problems))


def test_one_chunk_starts_no_process():
    with chunk_map(_who, n_jobs=2) as chunks_through:
        assert [pid for _, pid in chunks_through(_chunks(1))] == [os.getpid()]


def test_this_process_computes_while_another_starts_and_beside_it():
    done = []
    with chunk_map(functools.partial(_who, wait=0.2), n_jobs=2) as chunks_through:
        for number, (chunk, pid) in enumerate(chunks_through(_chunks(40))):
            assert chunk.number == number
            done.append(pid)
    assert len(done) == 40
    assert done[0] == os.getpid()
    assert len(set(done)) == 2


@pytest.mark.skipif(os.name != "posix", reason="has no masks of signals")
def test_only_this_process_sees_an_interrupt():
    with chunk_map(_sees_interrupts, n_jobs=2) as chunks_through:
        seen = dict(result for _, result in chunks_through(_chunks(40)))
    here = os.getpid()
    assert len(seen) == 2
    assert {pid == here: sees for pid, sees in seen.items()} == {True: True, False: False}


FIRST_PROCESS = """
import functools
from test_executors import _chunks, _who
from cromel_sklearn.cli.executors import chunk_map
with chunk_map(functools.partial(_who, wait=0.1), n_jobs=2) as chunks_through:
    for _, pid in chunks_through(_chunks(10_000)):
        print(pid, flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_a_worker_ends_with_the_process_that_started_it():
    psutil = pytest.importorskip("psutil")

    def lives(process):
        try:
            return process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    first = subprocess.Popen(
        [sys.executable, "-c", FIRST_PROCESS], env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with first.stdout:
        pids = map(int, first.stdout)
        worker = psutil.Process(next(pid for pid in pids if pid != first.pid))
        first.kill()
        first.wait()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and lives(worker):
        time.sleep(0.1)
    assert not lives(worker)


@pytest.mark.parametrize("name", ["out", "out.parquet", "out.csv"])
def test_a_part_is_written_where_it_is_computed(name, tmp_path):
    (chunk,) = _chunks(1, n_rows=100_000)
    writer = TableWriter(tmp_path / name, {})
    result = PartOfChunk(_with_problems, writer.part_writer(), raises=True)(chunk)
    assert len(pickle.dumps(result)) < 1000  # what travels between processes
    writer.take(result.part)
    far = writer.part_writer(is_here=False)
    sent = PartOfChunk(_with_problems, far, raises=True)(chunk).part
    assert (sent.name, sent.n_bytes) == (None, result.part.n_bytes)
    writer.abandon(keep=False)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("raises", [True, False])
def test_a_part_with_rows_that_end_the_run_is_not_written(raises, tmp_path):
    (chunk,) = _chunks(1)
    function = functools.partial(_with_problems, problems=[(0, "M2O3", "no element")])
    part_writer = PartWriter(TableFormat("folder"), None, tmp_path)
    result = PartOfChunk(function, part_writer, raises)(chunk)
    assert result.problems == [(0, "M2O3", "no element")]
    assert (result.part is None) == raises == (os.listdir(tmp_path) == [])
