"""Where the chunks of a table are computed: in this process, in several, or on a Dask cluster."""

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from typing import Any

from ..data.table_chunk import TableChunk
from ..exceptions import CroMELError
from .interrupts import end_with_parent, started_undisturbed

#: Function of an iterable of chunks, to (chunk, result) in the same order.
ChunkMap = Callable[[Iterable[TableChunk]], Iterator[tuple[TableChunk, Any]]]
_CHUNKS_AHEAD = 3  # a worker of a cluster: none waits for its next chunk
_AT_A_PROCESS = 2  # chunks: one that it computes, and the next
_MOST_WAITING = 8  # chunks for each process, until the first of them is done
_function: Callable | None = None  # of a worker process, set when it starts


@dataclass(frozen=True)
class OfBatch:
    """Function of a chunk that sees its batch alone.

    Attributes
    ----------
    function : callable
        Of a `pyarrow.RecordBatch`.
    """

    function: Callable

    def __call__(self, chunk: TableChunk):
        """Compute the result of the batch."""
        return self.function(chunk.batch)


@contextlib.contextmanager
def chunk_map(function: Callable, *, n_jobs: int = 1, cluster: str | None = None):
    """Prepare workers for a function of a chunk.

    Parameters
    ----------
    function : callable
        Of a `TableChunk`; goes to each worker once.
    n_jobs : int, default=1
        Processes on this machine, this one among them; -1 is one a core.
    cluster : str, optional
        Dask scheduler: ``tcp://host:port``, or ``local:N`` for N processes here.

    Yields
    ------
    callable
        Of an iterable of `TableChunk`, to an iterator of (chunk, result) in the same order; few
        chunks are in flight at a time.

    Raises
    ------
    CroMELError
        If the cluster does not answer, or a worker process dies.
    """
    if cluster is not None:
        from .cluster import dask_executor

        with dask_executor(cluster, function) as (executor, task, n_workers):
            yield _sent_away(executor, task, n_workers)
        return
    n_processes = (os.cpu_count() or 1) if n_jobs == -1 else n_jobs
    if n_processes < 1:
        raise CroMELError(f"--n-jobs is a number of processes, or -1; got {n_jobs}.")
    if n_processes == 1:
        yield lambda chunks: ((chunk, function(chunk)) for chunk in chunks)
        return
    from threadpoolctl import threadpool_limits

    n_threads = max(1, (os.cpu_count() or 1) // n_processes)
    pool = ProcessPoolExecutor(
        n_processes - 1, get_context("spawn"), _start_worker, (function, n_threads)
    )
    try:
        with threadpool_limits(n_threads):
            yield _shared(pool, n_processes - 1, function)
    except BrokenProcessPool as error:
        raise CroMELError(
            "A worker process died (killed, or out of memory). Pass --resume to go on, with a "
            "smaller --n-jobs or --chunk-rows."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _sent_away(executor, task: Callable, n_workers: int) -> ChunkMap:
    def mapped(chunks):
        waiting: deque = deque()
        try:
            for chunk in chunks:
                waiting.append((chunk, executor.submit(task, chunk)))
                if len(waiting) >= _CHUNKS_AHEAD * n_workers:
                    first, future = waiting.popleft()
                    yield first, future.result()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        finally:
            for _, future in waiting:
                future.cancel()

    return mapped


def _shared(pool: ProcessPoolExecutor, n_workers: int, function: Callable) -> ChunkMap:
    """Compute in the processes of a pool and in this one, which does not wait until they start."""

    def mapped(chunks):
        chunks = iter(chunks)
        waiting: deque[tuple[TableChunk, Future]] = deque()
        while True:
            n_away = sum(not future.done() for _, future in waiting)
            has_room = len(waiting) < _MOST_WAITING * n_workers
            mine = next(chunks, None) if has_room else None
            result: Future = Future()
            if mine is not None:
                waiting.append((mine, result))
            for chunk in islice(chunks, max(0, _AT_A_PROCESS * n_workers - n_away)):
                with started_undisturbed():
                    waiting.append((chunk, pool.submit(_call, chunk)))
            if mine is not None:
                result.set_result(function(mine))
            elif not waiting:
                return
            else:
                first, future = waiting.popleft()
                yield first, future.result()
            while waiting and waiting[0][1].done():
                first, future = waiting.popleft()
                yield first, future.result()

    return mapped


def _start_worker(function: Callable, n_threads: int) -> None:
    from threadpoolctl import threadpool_limits

    global _function
    _function = function
    end_with_parent()
    threadpool_limits(n_threads)


def _call(chunk: TableChunk):
    assert _function is not None
    return _function(chunk)
