"""The same chunks on a Dask cluster of two worker processes, and what happens when it fails."""

import os
import signal
import socket
import threading
import time
import warnings

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from cromel_sklearn import CroMELRegressor, CroMELTransformer, evaluate
from cromel_sklearn.cli import cluster as cluster_module
from cromel_sklearn.cli.cluster import dask_client
from cromel_sklearn.cli.progress import RowProgress
from cromel_sklearn.exceptions import CroMELError

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("default")  # of a busy event loop


@pytest.fixture(scope="module")
def cluster():
    """Two worker processes under nannies, which start killed ones again."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs="CRITICAL"
    ) as local:
        yield local


@pytest.fixture
def salts(tmp_path):
    path = tmp_path / "salts.csv"
    path.write_text("id,formula\n" + "".join(f"{row},NaCl{row + 1}\n" for row in range(400)))
    return path


@pytest.fixture
def local_table(cromel, salts, small_encoder, tmp_path):
    path = tmp_path / "local.csv"
    result = cromel("embed", salts, path, "--encoder", small_encoder)
    assert result.returncode == 0, result.stderr
    return path.read_bytes()


def test_the_cluster_gives_what_one_process_gives(
    cluster, cromel, salts, small_encoder, local_table, tmp_path
):
    result = cromel(
        "embed", salts, tmp_path / "out.csv", "--encoder", small_encoder, "--chunk-rows", 30,
        "--cluster", cluster.scheduler_address,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out.csv").read_bytes() == local_table


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_a_killed_worker_loses_and_doubles_nothing(
    cluster, cromel, salts, small_encoder, local_table, tmp_path, monkeypatch
):
    killed = []
    advance = RowProgress.advance

    def kills_a_worker(self, *arguments):
        if self.n_rows >= 40 and not killed:
            killed.append(next(iter(cluster.workers.values())).pid)
            os.kill(killed[0], signal.SIGKILL)
        advance(self, *arguments)

    monkeypatch.setattr(RowProgress, "advance", kills_a_worker)
    result = cromel(
        "embed", salts, tmp_path / "out.csv", "--encoder", small_encoder, "--chunk-rows", 10,
        "--cluster", cluster.scheduler_address,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert len(killed) == 1
    assert (tmp_path / "out.csv").read_bytes() == local_table


def test_bad_rows_are_named_as_at_home(cluster, cromel, tmp_path):
    (tmp_path / "in.csv").write_text("formula\nNaCl\nM2O3\n")
    result = cromel(
        "embed", "in.csv", "o.csv", "--cluster", cluster.scheduler_address, cwd=tmp_path
    )
    assert result.returncode == 1
    assert "line 3: 'M2O3': M is a placeholder" in result.message
    assert os.listdir(tmp_path) == ["in.csv"]


def test_searches_and_evaluations_run_on_the_cluster_through_joblib(cluster, checkpoint):
    salts = [f"NaCl{n}" for n in range(1, 41)]
    target = np.arange(40.0)
    model = make_pipeline(CroMELTransformer(checkpoint), Ridge())
    here = GridSearchCV(model, {"ridge__alpha": [0.1, 10.0]}, cv=3).fit(salts, target)
    regressor = CroMELRegressor(checkpoint, members=["support_vectors"], random_state=0)
    grid = {"target_transform": [None, "log10"]}
    searched = GridSearchCV(regressor, grid, cv=2).fit(salts, target + 1)
    options = {"splits": ["composition"], "learning_curve": False, "baselines": ["mean"]}
    evaluated = evaluate(model, salts, target, **options)
    with dask_client(cluster.scheduler_address), parallel_config(backend="dask"):
        there = GridSearchCV(model, {"ridge__alpha": [0.1, 10.0]}, cv=3, n_jobs=-1)
        there.fit(salts, target)
        again = evaluate(model, salts, target, n_jobs=-1, **options)
        search = GridSearchCV(regressor, grid, cv=2, n_jobs=-1).fit(salts, target + 1)
        fitted = regressor.fit(salts, target + 1)
    assert there.best_params_ == here.best_params_
    assert search.best_params_ == searched.best_params_
    np.testing.assert_allclose(
        search.cv_results_["mean_test_score"], searched.cv_results_["mean_test_score"], rtol=1e-5
    )
    assert np.isfinite(fitted.predict(salts)).all()
    np.testing.assert_allclose(
        there.cv_results_["mean_test_score"], here.cv_results_["mean_test_score"]
    )
    pd.testing.assert_frame_equal(again.predictions, evaluated.predictions)


@pytest.mark.parametrize("listens", [False, True], ids=["nobody", "silent"])
def test_a_dead_scheduler_is_named_in_seconds(listens, cromel, salts, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster_module, "_ANSWER_WITHIN", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        if not listens:
            server.close()
        began = time.monotonic()
        result = cromel("embed", salts, tmp_path / "out.csv", "--cluster", address)
    assert time.monotonic() - began < 15
    assert result.returncode == 1
    assert f"No Dask scheduler answers at {address}" in result.message
    assert "Start one with `dask scheduler`" in result.message
    assert os.listdir(tmp_path) == ["salts.csv"]


@pytest.mark.skipif(os.name != "posix", reason="has no masks of signals")
def test_workers_of_a_local_cluster_never_see_an_interrupt():
    with dask_client("local:1") as client:
        masks = client.run(lambda: signal.pthread_sigmask(signal.SIG_BLOCK, []))
    assert all(signal.SIGINT in mask for mask in masks.values())
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_a_scheduler_without_workers_is_named(monkeypatch):
    monkeypatch.setattr(cluster_module, "_WORKERS_WITHIN", 0.5)
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=":0") as local,
        pytest.raises(CroMELError, match="has no workers"),
        dask_client(local.scheduler_address),
    ):
        pass


@pytest.mark.parametrize("address", ["local:0", "local:x", "scheduler:8786", "http://x"])
def test_addresses_are_checked(address):
    with pytest.raises(CroMELError, match=r"--cluster"), dask_client(address):
        pass


def test_a_scheduler_that_is_lost_leaves_parts_to_go_on_with(
    cromel, salts, small_encoder, tmp_path, monkeypatch
):
    local = distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=":0", silence_logs="CRITICAL"
    )
    advance = RowProgress.advance
    closing = []

    def loses_the_scheduler(self, *arguments):
        advance(self, *arguments)
        if self.n_rows >= 40 and not closing:
            closing.append(threading.Thread(target=local.close))
            closing[0].start()
            closing[0].join(20)

    monkeypatch.setattr(RowProgress, "advance", loses_the_scheduler)
    arguments = (
        "embed",
        salts,
        tmp_path / "out.csv",
        "--encoder",
        small_encoder,
        "--chunk-rows",
        10,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = cromel(*arguments, "--cluster", local.scheduler_address)
    assert result.returncode == 1
    assert "is lost. Pass --resume" in result.message
    assert not (tmp_path / "out.csv").exists()
    assert cromel(*arguments, "--resume").returncode == 0
    assert len(pd.read_csv(tmp_path / "out.csv")) == 400
