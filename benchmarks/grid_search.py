"""How long does a grid search take, and what does caching the embeddings with `memory=` save?

Claim: `memory=` embeds the training rows of a fold once for all settings (the held-out rows are
embedded for each setting: scikit-learn caches fits only), which saves time with quick models.
Command, from the repository root::

    python benchmarks/grid_search.py

In: the task ``band_gap`` (4,604 measured compositions) below ``CROMEL_DATA`` (default
``../shared/data``) on MatBench's five folds. Every search fits five settings of a ridge
regression on five folds and refits the best. Out: ``benchmarks/results/grid_search.json`` and the
table in ``docs/scikit-learn.md`` with the median seconds of each search, the ratio of the time
without to that with ``memory=``, which noise of the machine hardly touches, and how many rows were
embedded. The scores of both searches must agree.
"""

import json
import os
import platform
import statistics
import tempfile
import time
from importlib.metadata import version

import numpy as np
from page import write_table
from paths import DATA_HOME, RESULTS
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from tasks import load_task

from cromel_sklearn import CroMELTransformer
from cromel_sklearn.data.composition import _parse_formula
from cromel_sklearn.data.readers import file_checksum

RESULT = RESULTS / "grid_search.json"
#: A quick model, beside which embedding weighs most: the largest gain that `memory=` can bring.
MODEL, GRID = Ridge(), {"model__alpha": [0.1, 1.0, 10.0, 100.0, 1000.0]}
REPEATS = 3


class CountingTransformer(CroMELTransformer):
    """The transformer, and how many rows it has embedded in this process."""

    n_embedded = 0

    def transform(self, X):
        """Embed and count."""
        CountingTransformer.n_embedded += len(X)
        return super().transform(X)


def search_once(task, memory) -> tuple[float, int, np.ndarray]:
    """Seconds, rows embedded and mean scores of one search from cold."""
    steps = [("cromel", CountingTransformer(device="cpu")), ("scale", StandardScaler())]
    pipeline = Pipeline([*steps, ("model", MODEL)], memory=memory)
    search = GridSearchCV(
        pipeline, GRID, cv=task.folds, scoring="neg_mean_absolute_error", error_score="raise"
    )
    _parse_formula.cache_clear()
    CountingTransformer.n_embedded = 0
    started = time.perf_counter()
    search.fit(task.X["formula"], task.target)
    seconds = time.perf_counter() - started
    return seconds, CountingTransformer.n_embedded, search.cv_results_["mean_test_score"]


def compare(task) -> dict:
    """Both searches, in turns."""
    plain, cached, ratios = [], [], []
    for _ in range(REPEATS):
        seconds, n_plain, scores = search_once(task, None)
        with tempfile.TemporaryDirectory() as folder:
            with_memory, n_cached, cached_scores = search_once(task, folder)
        np.testing.assert_allclose(cached_scores, scores)
        plain.append(seconds)
        cached.append(with_memory)
        ratios.append(seconds / with_memory)
    return {
        "repeats": REPEATS,
        "seconds without memory": round(statistics.median(plain), 2),
        "seconds with memory": round(statistics.median(cached), 2),
        "times faster with memory": round(statistics.median(ratios), 2),
        "rows embedded without memory": n_plain,
        "rows embedded with memory": n_cached,
        "best MAE (eV)": round(float(-scores.max()), 3),
    }


def main() -> None:
    """Measure and write."""
    task = load_task("band_gap", DATA_HOME)
    CroMELTransformer(device="cpu").transform(["NaCl"])  # load torch and the encoder
    figures = compare(task)
    packages = {name: version(name) for name in ("cromel-sklearn", "scikit-learn", "torch")}
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    document = {
        "figures": figures,
        "n_compositions": len(task.target),
        "data_checksum": file_checksum(task.path),
        "environment": {
            **packages,
            "threads": os.environ.get("OMP_NUM_THREADS"),
            "machine": machine,
        },
    }
    RESULT.write_text(json.dumps(document, indent=1) + "\n")
    write_table("grid search", list(figures), [list(figures.values())])


if __name__ == "__main__":
    main()
