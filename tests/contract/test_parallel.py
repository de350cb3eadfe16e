"""In parallel: the same numbers everywhere, no hang after a fork, no more threads than allowed."""

import multiprocessing
import subprocess
import sys

import joblib
import numpy as np
import pytest
import torch
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from cromel_sklearn import CroMELTransformer, DeviceError, load_standard_enthalpies

SAMPLE = load_standard_enthalpies()
FORMULAS, TARGET = list(SAMPLE.formulas[:200]), SAMPLE.target[:200]
SECONDS = 120  # until a worker counts as hanging

# A script of its own, because a hang must end, and because it sets the number of threads.
AFTER_FORK = """
import multiprocessing, os, sys
import numpy, torch
from cromel_sklearn import CroMELTransformer, load_standard_enthalpies

def embed(formulas):
    in_numpy = CroMELTransformer().transform(formulas)
    in_torch = CroMELTransformer("mp-formation-energy-wasserstein").transform(formulas)
    return numpy.hstack([in_numpy, in_torch]), torch.get_num_threads()

if __name__ == "__main__":
    formulas = list(load_standard_enthalpies().formulas)
    torch.set_num_threads(2)
    torch.rand(10**7).exp().sum()  # OpenMP has its threads now
    expected, _ = embed(formulas)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        for embedded, n_threads in pool.map_async(embed, [formulas] * 2).get({seconds}):
            assert n_threads == 1, n_threads
            numpy.testing.assert_allclose(embedded, expected, atol=1e-6)
    assert torch.get_num_threads() == 2
    print("done")
"""


def _embed(formulas):
    """What a worker does: its embedding and its number of threads before and after."""
    before = torch.get_num_threads()
    embedded = CroMELTransformer(device="cpu").transform(formulas)
    return embedded, before, torch.get_num_threads()


@pytest.fixture(scope="module")
def expected():
    """The embedding, made in this process, so that workers start after torch was used here."""
    return CroMELTransformer(device="cpu").transform(FORMULAS)


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_joblib_backends_give_the_same(backend, expected):
    parts = joblib.Parallel(n_jobs=2, backend=backend, timeout=SECONDS)(
        joblib.delayed(_embed)(FORMULAS[start::2]) for start in range(2)
    )
    for start, (embedded, _, _) in enumerate(parts):
        np.testing.assert_array_equal(embedded, expected[start::2])


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_start_methods_give_the_same(method, expected):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system does not {method} processes")
    with multiprocessing.get_context(method).Pool(1) as pool:
        embedded, _, _ = pool.apply_async(_embed, [FORMULAS]).get(SECONDS)
    np.testing.assert_array_equal(embedded, expected)


@pytest.mark.skipif(sys.platform != "linux", reason="forks are the default on Linux only")
def test_no_hang_after_a_fork_of_a_parent_that_used_threads():
    code = AFTER_FORK.format(seconds=SECONDS)
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=2 * SECONDS
    )
    assert result.stdout.strip() == "done", result.stderr


def test_loky_workers_keep_to_their_threads(expected):
    n_jobs = 2
    threads = joblib.Parallel(n_jobs=n_jobs, backend="loky", timeout=SECONDS)(
        joblib.delayed(_embed)(["NaCl"]) for _ in range(n_jobs)
    )
    allowed = max(1, joblib.cpu_count() // n_jobs)
    assert all(before <= allowed and after == before for _, before, after in threads)


def test_transform_leaves_the_number_of_threads_alone():
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        assert _embed(["NaCl"])[1:] == (before + 1, before + 1)
    finally:
        torch.set_num_threads(before)


def test_grid_search_gives_the_same_numbers_in_parallel():
    # Trees, which find the same from the same columns in whatever number of threads: linear algebra
    # in single precision does not.
    model = ExtraTreesRegressor(10, random_state=0)
    pipeline = Pipeline([("cromel", CroMELTransformer()), ("model", model)])
    grid = {"cromel__output": ["embedding", "properties"], "model__max_depth": [2, None]}
    searches = [
        GridSearchCV(pipeline, grid, cv=3, n_jobs=n_jobs).fit(FORMULAS, TARGET) for n_jobs in (1, 2)
    ]
    one, two = (search.cv_results_["mean_test_score"] for search in searches)
    np.testing.assert_array_equal(one, two)
    assert searches[0].best_params_ == searches[1].best_params_


@pytest.mark.parametrize("method", ["fit", "transform"])
@pytest.mark.parametrize("device", ["cuda", "cuda:7"])
def test_device_that_is_not_there_is_named(device, method, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    message = f"Device '{device}' is not on this machine .0 CUDA devices found.; pass device='cpu'"
    with pytest.raises(DeviceError, match=message):
        getattr(CroMELTransformer(device=device), method)(["NaCl"])


@pytest.mark.parametrize("method", ["fit", "transform"])
@pytest.mark.parametrize("device", ["quantum", "gpu", None, 3.5])
def test_device_that_does_not_exist_is_named(device, method):
    with pytest.raises(DeviceError, match="Unknown device .* expected 'auto', 'cpu', 'cuda' or"):
        getattr(CroMELTransformer(device=device), method)(["NaCl"])


@pytest.mark.parametrize("method", ["fit", "transform"])
def test_device_without_double_precision_is_named(method):
    message = "Device 'mps' is not supported; pass 'auto', 'cpu' or 'cuda'"
    with pytest.raises(DeviceError, match=message):
        getattr(CroMELTransformer(device="mps"), method)(["NaCl"])


def test_fitted_for_a_gpu_that_is_gone_works_after_set_params(monkeypatch):
    transformer = CroMELTransformer().fit(["NaCl"]).set_params(device="cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="is not on this machine"):
        transformer.transform(["NaCl"])
    assert transformer.set_params(device="cpu").transform(["NaCl"]).shape[0] == 1


@pytest.mark.gpu
def test_gpu_gives_what_the_cpu_gives(expected):
    embedded = CroMELTransformer(device="cuda").transform(FORMULAS)
    np.testing.assert_allclose(embedded, expected, atol=1e-5, rtol=0)


@pytest.mark.gpu
def test_checkpoint_made_on_a_gpu_loads_on_a_cpu(rock_salts, small_settings, tmp_path):
    from cromel_sklearn import CroMELPretrainer

    settings = {**small_settings, "device": "cuda", "max_epochs": 1}
    checkpoint = CroMELPretrainer(**settings).fit(*rock_salts).checkpoint_
    checkpoint.save(tmp_path / "weights.safetensors")
    code = (
        "from cromel_sklearn import CroMELTransformer as T; import sys; "
        "print(T(sys.argv[1], device='cpu').transform(['NaCl']).shape)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "weights.safetensors")],
        capture_output=True, text=True, env={"CUDA_VISIBLE_DEVICES": "", "PATH": ""},
    )  # fmt: skip
    assert result.stdout.strip() == "(1, 21)", result.stderr
