"""How large is the wheel, how long do an import and a fit take, how fast is embedding?

Command, from the repository root::

    python benchmarks/footprint.py

Out: ``benchmarks/results/footprint.json``. Times are medians of several runs on this machine; the
speed of embedding is a ratio to matminer's Magpie on the same formulas in the same run. The
fit is that of `CroMELRegressor()` on the first fold of formation_enthalpy below ``CROMEL_DATA``
(default ``../shared/data``).
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from featurizers import featurize_magpie
from paths import DATA_HOME, REPOSITORY, RESULTS
from tasks import load_task

from cromel_sklearn import CroMELRegressor, CroMELTransformer, load_standard_enthalpies

RESULT = RESULTS / "footprint.json"


def import_seconds(statement: str) -> float:
    """Median time of an import statement in a fresh interpreter, start of Python left out."""
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


def embedding_speed() -> tuple[float, float]:
    """Formulas a second of CroMEL, and of Magpie, on the bundled sample."""
    formulas = list(load_standard_enthalpies().formulas)
    transformer = CroMELTransformer(device="cpu").fit(formulas)
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        transformer.transform(formulas)
        seconds.append(time.perf_counter() - started)
    featurize_magpie(formulas[:2])
    started = time.perf_counter()
    featurize_magpie(formulas[:200])
    magpie = 200 / (time.perf_counter() - started)
    return len(formulas) / statistics.median(seconds), magpie


def fine_tuning_seconds(n_jobs: int | None) -> float:
    """Seconds of one fit with default settings."""
    data = load_task("formation_enthalpy", DATA_HOME)
    train, _ = data.folds[0]
    started = time.perf_counter()
    model = CroMELRegressor(random_state=0, device="cpu", n_jobs=n_jobs)
    model.fit(data.X.iloc[train], data.target[train])
    return time.perf_counter() - started


def main() -> None:
    """Measure and write."""
    ours, magpie = embedding_speed()
    import_transformer = import_seconds("from cromel_sklearn import CroMELTransformer")
    figures = {
        "wheel (MB)": round(wheel_megabytes(), 2),
        "import cromel_sklearn (s)": round(import_seconds("import cromel_sklearn"), 3),
        "import of CroMELTransformer (s)": round(import_transformer, 3),
        "formulas embedded a second": round(ours),
        "times faster than matminer's Magpie": round(ours / magpie, 1),
        "fine-tuning on 952 enthalpies (s)": round(fine_tuning_seconds(None)),
        "the same with n_jobs=2 (s)": round(fine_tuning_seconds(2)),
    }
    packages = {name: version(name) for name in ("cromel-sklearn", "torch", "matminer")}
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    document = {"figures": figures, "environment": {**packages, "machine": machine}}
    RESULT.write_text(json.dumps(document, indent=1) + "\n")
    for name, value in figures.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
