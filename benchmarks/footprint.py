"""How large is the package, how fast does it start and embed, how long does a fit take?

Command, from the repository root, on an otherwise idle machine::

    python benchmarks/footprint.py

In: 20,000 distinct formulas of the calculated structures and the first fold of formation_enthalpy
below ``CROMEL_DATA`` (default ``../shared/data``). Out: ``benchmarks/results/footprint.json``. All
on one core. Speeds are formulas a second of processor time, strings in, array out, the best of
three passes for CroMEL; matminer's Magpie reads 1,000 of the formulas before and 1,000 after, in
the same run, and the ratio is to their mean. Starts are medians of seven fresh processes.
"""

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import pandas as pd
from featurizers import featurize_magpie
from paths import DATA_HOME, REPOSITORY, RESULTS
from rates import rate
from tasks import load_task
from threadpoolctl import threadpool_limits

from cromel_sklearn import CroMELRegressor, CroMELTransformer
from cromel_sklearn.encoders.registry import PRETRAINED

RESULT = RESULTS / "footprint.json"
N_FORMULAS = 20_000
N_MAGPIE = 1_000
START = "from cromel_sklearn import CroMELTransformer"
FIRST = f"{START}; CroMELTransformer().transform(['Fe2O3'])"


def seconds_in_a_fresh_process(statement: str) -> float:
    """Median time of a statement in a fresh interpreter, start of Python left out."""
    code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
    runs = [subprocess.check_output([sys.executable, "-c", code], text=True) for _ in range(7)]
    return statistics.median(map(float, runs))


def wheel_megabytes() -> float:
    """Size of the wheel built from this checkout."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, "."]
        subprocess.run(command, check=True, cwd=REPOSITORY)
        (wheel,) = Path(folder).glob("*.whl")
        return wheel.stat().st_size / 1e6


def calculated_formulas() -> list[str]:
    """The first distinct formulas of the calculated structures."""
    path = DATA_HOME / "source" / "mp_structures.parquet"
    formulas = pd.read_parquet(path, columns=["formula"])["formula"].astype(str)
    return list(formulas.drop_duplicates()[:N_FORMULAS])


def speeds(formulas: list[str]) -> dict[str, float]:
    """Formulas a second of each block, of Magpie, and their ratio."""
    transformers = {
        output: CroMELTransformer(output=output) for output in ("all", "embedding", "elements")
    }
    for transformer in transformers.values():
        transformer.transform(formulas[:300])
    featurize_magpie(formulas[:2])
    before = rate(featurize_magpie, formulas[:N_MAGPIE], 1)
    found = {name: rate(t.transform, formulas, 3) for name, t in transformers.items()}
    magpie = (before + rate(featurize_magpie, formulas[-N_MAGPIE:], 1)) / 2
    figures = {f"formulas/s, output={name}": round(value) for name, value in found.items()}
    return {
        **figures,
        "formulas/s, matminer's Magpie": round(magpie),
        "times Magpie, output=all": round(found["all"] / magpie, 1),
    }


def growth(formulas: list[str]) -> dict[str, float]:
    """Time and memory of ten times the rows beside those of one time."""
    transformer = CroMELTransformer()
    few = [f"{formula}Fe{i + 1}" for i, formula in enumerate(formulas[:2000])]
    many = [f"{formula}Fe{i + 1}" for i, formula in enumerate(formulas)]
    one = 2000 / rate(transformer.transform, few, 3)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    output = transformer.transform(many)
    ten = time.process_time() - started
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "time of 20,000 rows over ten times that of 2,000": round(ten / one / 10, 2),
        "output of 20,000 rows (MB)": round(output.nbytes / 1e6, 1),
        "peak memory added by 20,000 rows (MB)": round((after - before) / 1e3, 1),
    }


def fit_seconds() -> float:
    """Seconds of one fit with default settings."""
    data = load_task("formation_enthalpy", DATA_HOME)
    train, _ = data.folds[0]
    model = CroMELRegressor(random_state=0, verbose=0)
    started = time.process_time()
    model.fit(data.X.iloc[train], data.target[train])
    return time.process_time() - started


def main() -> None:
    """Measure and write."""
    formulas = calculated_formulas()
    weights = max(PRETRAINED.glob("mp-multi/*/weights.safetensors"))
    with threadpool_limits(1):
        figures = {
            "columns": len(CroMELTransformer().get_feature_names_out()),
            "weights (MB)": round(weights.stat().st_size / 1e6, 2),
            "wheel (MB)": round(wheel_megabytes(), 2),
            "import of CroMELTransformer (s)": round(seconds_in_a_fresh_process(START), 2),
            "import and first transform (s)": round(seconds_in_a_fresh_process(FIRST), 2),
            "import of scikit-learn alone (s)": round(
                seconds_in_a_fresh_process("import sklearn.base, sklearn.utils.validation"), 2
            ),
            **speeds(formulas),
            **growth(formulas),
            "fit of CroMELRegressor on 952 enthalpies (processor s)": round(fit_seconds()),
        }
    packages = {name: version(name) for name in ("cromel-sklearn", "numpy", "torch", "matminer")}
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    document = {"figures": figures, "environment": {**packages, "machine": machine}}
    RESULT.write_text(json.dumps(document, indent=1) + "\n")
    for name, value in figures.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
