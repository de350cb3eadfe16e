"""Where the chunks of a table are computed: in this process, in several, or on a Dask cluster."""

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any

from ..exceptions import CroMELError

#: Function of an iterable of chunks, to (chunk, result) in the same order.
ChunkMap = Callable[[Iterable], Iterator[tuple[Any, Any]]]
_CHUNKS_AHEAD = 3  # a worker: none waits for its next chunk
_function: Callable | None = None  # of a worker process, set when it starts


@contextlib.contextmanager
def chunk_map(function: Callable, *, n_jobs: int = 1, cluster: str | None = None):
    """Prepare workers for a function of a batch.

    Parameters
    ----------
    function : callable
        Of a `pyarrow.RecordBatch`; goes to each worker once.
    n_jobs : int, default=1
        Processes on this machine; -1 is one a core.
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
            yield _mapped(executor, task, n_workers)
        return
    n_workers = (os.cpu_count() or 1) if n_jobs == -1 else n_jobs
    if n_workers < 1:
        raise CroMELError(f"--n-jobs is a number of processes, or -1; got {n_jobs}.")
    if n_workers == 1:
        yield lambda chunks: ((chunk, function(chunk.batch)) for chunk in chunks)
        return
    pool = ProcessPoolExecutor(
        n_workers, get_context("spawn"), _start_worker, (function, n_workers)
    )
    try:
        yield _mapped(pool, _call, n_workers)
    except BrokenProcessPool as error:
        raise CroMELError(
            "A worker process died (killed, or out of memory). Pass --resume to go on, with a "
            "smaller --n-jobs or --chunk-rows."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _mapped(executor: Executor, task: Callable, n_workers: int) -> ChunkMap:
    def mapped(chunks):
        waiting: deque = deque()
        try:
            for chunk in chunks:
                waiting.append((chunk, executor.submit(task, chunk.batch)))
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


def _start_worker(function: Callable, n_workers: int) -> None:
    from threadpoolctl import threadpool_limits

    global _function
    _function = function
    threadpool_limits(max(1, (os.cpu_count() or 1) // n_workers))


def _call(batch):
    assert _function is not None
    return _function(batch)
