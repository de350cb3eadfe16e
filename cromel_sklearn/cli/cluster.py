"""Dask clusters: one that runs already, or processes of this machine."""

import asyncio
import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from ..exceptions import CroMELError
from .interrupts import started_undisturbed

_ANSWER_WITHIN = 10  # seconds
_WORKERS_WITHIN = 60
_FUNCTION = "cromel-function"


@contextlib.contextmanager
def dask_client(cluster: str) -> Iterator[Any]:
    """Connect to a Dask cluster, or start one of processes on this machine.

    Parameters
    ----------
    cluster : str
        Address of a scheduler, ``tcp://host:port`` (or ``tls://``), or ``local:N``.

    Yields
    ------
    distributed.Client

    Raises
    ------
    CroMELError
        If Dask is not installed, no scheduler answers, or it has no workers.
    """
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise CroMELError("--cluster needs Dask: pip install 'cromel-sklearn[cluster]'.") from error
    with contextlib.ExitStack() as stack:
        kind, _, rest = cluster.partition(":")
        if kind == "local":
            if not rest.isdigit() or int(rest) < 1:
                raise CroMELError(f"--cluster local:N has a number of processes, got {cluster!r}.")
            with started_undisturbed():
                local = LocalCluster(
                    n_workers=int(rest), threads_per_worker=1, dashboard_address=":0",
                    silence_logs="CRITICAL",
                )  # fmt: skip
            address = stack.enter_context(local).scheduler_address
        elif kind in ("tcp", "tls", "ucx", "ws", "wss") and rest.startswith("//"):
            address = cluster
        else:
            raise CroMELError(
                f"--cluster is the address of a Dask scheduler, such as tcp://node17:8786, or "
                f"local:N; got {cluster!r}."
            )
        try:
            asyncio.run(_greet(address))
            client = stack.enter_context(Client(address, timeout=_ANSWER_WITHIN))
        except (OSError, TimeoutError, asyncio.TimeoutError, ValueError) as error:
            raise CroMELError(
                f"No Dask scheduler answers at {address} (waited {_ANSWER_WITHIN} s). Start one "
                f"with `dask scheduler`, and workers with `dask worker {address}`."
            ) from error
        try:
            client.wait_for_workers(1, timeout=_WORKERS_WITHIN)
        except TimeoutError as error:
            raise CroMELError(
                f"The Dask scheduler at {address} has no workers (waited for {_WORKERS_WITHIN} s). "
                f"Start some with `dask worker {address}`."
            ) from error
        yield client


async def _greet(address: str) -> None:
    """Shake hands with a scheduler: a client would wait without end for one that is silent."""
    from distributed.comm import connect
    from distributed.security import Security

    keys = Security().get_connection_args("client")
    greeting = connect(address, timeout=_ANSWER_WITHIN, **keys)
    await (await asyncio.wait_for(greeting, _ANSWER_WITHIN)).close()


@contextlib.contextmanager
def dask_executor(cluster: str, function: Callable) -> Iterator[tuple[Any, Callable, int]]:
    """Send a function to every worker of a cluster, once.

    Workers that join or start again later get it as well. A chunk of a worker that dies is computed
    by another.

    Parameters
    ----------
    cluster : str
    function : callable
        Of a `TableChunk`.

    Yields
    ------
    executor
        Its `submit(task, chunk)` gives a future.
    task : callable
    n_workers : int
        Chunks that are computed at a time.

    Raises
    ------
    CroMELError
        As from `dask_client`; if the cluster has another version of this package, or the scheduler
        is lost.
    """
    with dask_client(cluster) as client:
        _require_same_version(client)
        from distributed import CancelledError, KilledWorker
        from distributed.comm.core import CommClosedError

        client.register_plugin(_function_plugin(function))
        n_workers = sum(client.nthreads().values())
        try:
            yield _Executor(client), _call, max(1, n_workers)
        except KilledWorker as error:
            raise CroMELError(
                f"A chunk has ended several workers, most likely for want of memory ({error}). "
                f"Pass --resume with a smaller --chunk-rows, or give the workers more memory."
            ) from error
        except (CancelledError, CommClosedError) as error:
            raise CroMELError(
                f"The Dask scheduler at {cluster} is lost. Pass --resume to go on when it is there "
                f"again."
            ) from error


class _Executor:
    """Of futures, as `concurrent.futures` has them."""

    def __init__(self, client):
        self._client = client

    def submit(self, task: Callable, chunk):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph")  # wide tables
            return self._client.submit(task, chunk, pure=False)


def _function_plugin(function: Callable):
    from distributed import WorkerPlugin

    class FunctionPlugin(WorkerPlugin):
        """Holds the function; it travels with the plugin, once a worker."""

        name = _FUNCTION

        def __init__(self, function):
            self.function = function

        def setup(self, worker) -> None:
            from threadpoolctl import threadpool_limits

            threadpool_limits(max(1, worker.state.nthreads))

    return FunctionPlugin(function)


def _call(chunk):
    from distributed import get_worker

    plugin: Any = get_worker().plugins[_FUNCTION]
    return plugin.function(chunk)


def _version() -> str:
    from .. import __version__

    return __version__


def _require_same_version(client) -> None:
    here = _version()
    try:
        found = client.run(_version)
    except ModuleNotFoundError as error:
        raise CroMELError(
            "The Dask workers lack cromel-sklearn; install it where they run."
        ) from error
    others = {worker: version for worker, version in found.items() if version != here}
    if others:
        worker, version = next(iter(others.items()))
        raise CroMELError(
            f"The Dask worker {worker} has cromel-sklearn {version}, here it is {here}; install "
            f"one version everywhere."
        )
