"""Which versions of scikit-learn, numpy and pandas does the package work with?

Command, from the repository root, in Python 3.11 (the environments are made anew; about 15 minutes
and 2 GB each)::

    python benchmarks/versions.py [--only oldest newest] [--folder environments]

Each environment is made by pip with the pins below, then runs the tests of how the package behaves
in scikit-learn: the common checks, where people use it, in parallel, and the transformer's own.
Out: ``benchmarks/results/versions.json`` and the tables in ``docs/scikit-learn.md`` with the
versions that pip found, and how many tests passed, failed, are expected to fail and were skipped,
with the reasons. torch is 2.13.0 everywhere, the one version of which there is a CPU build at hand;
Python is the one that runs this script.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

from page import write_table
from paths import REPOSITORY, RESULTS

RESULT = RESULTS / "versions.json"
TESTS = [  # of how the package behaves in scikit-learn
    f"tests/test_{name}.py"
    for name in (
        "sklearn_checks",
        "sklearn_contract",
        "model_selection",
        "parallel",
        "pickling",
        "documentation",
        "transformer",
        "registry",
    )
]
TORCH = "torch==2.13.0"
TEST_PACKAGES = ("cloudpickle", "imbalanced-learn", "polars", "pytest")
SHOWN = (
    "scikit-learn", "numpy", "scipy", "pandas", "polars", "torch", "skorch", "joblib", "pymatgen",
    "pyarrow", "safetensors", "imbalanced-learn",
)  # fmt: skip

#: Environment -> pins. "oldest" is every lower bound of pyproject.toml.
ENVIRONMENTS = {
    "oldest": [
        "scikit-learn==1.6.0", "numpy==1.26.0", "pandas==2.1.0", "joblib==1.3.0", "skorch==1.1.0",
        "matplotlib==3.8.0", "pooch==1.8.0", "pyarrow==15.0.0", "pymatgen==2024.8.9",
        "rich==13.0.0", "safetensors==0.4.3", "typer==0.15.1", "polars==1.0.0", "pytest==8.0.0",
        "imbalanced-learn==0.13.0", "cloudpickle==3.0.0",
        # Not ours to bound; of the same time, because the newest warn of what the older ones call.
        "scipy==1.13.0", "monty==2024.7.30",
    ],
    "scikit-learn 1.7": ["scikit-learn==1.7.*", "numpy==2.2.*", "pandas==2.2.*"],
    "scikit-learn 1.8": ["scikit-learn==1.8.*", "numpy==2.3.*", "pandas==2.3.*"],
    "newest": ["scikit-learn==1.9.*", "pandas==3.*"],
}  # fmt: skip


def make_environment(folder: Path, pins: list[str]) -> Path:
    """Make a virtual environment with this checkout in it; return its Python."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    command = [python, "-m", "pip", "install", "--quiet", TORCH, *pins, *TEST_PACKAGES, "-e", "."]
    subprocess.run(command, check=True, cwd=REPOSITORY)
    return python


def installed_versions(python: Path) -> dict[str, str]:
    """Versions that pip chose."""
    listing = subprocess.check_output([python, "-m", "pip", "list", "--format", "json"])
    found = {package["name"].lower(): package["version"] for package in json.loads(listing)}
    return {name: found[name] for name in SHOWN if name in found}


def run_tests(python: Path) -> dict:
    """Run the tests and count their outcomes."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [python, "-m", "pytest", *TESTS, f"--junitxml={report}", "-p", "no:cacheprovider"]
        subprocess.run(command, cwd=REPOSITORY)
        cases = list(ElementTree.parse(report).iter("testcase"))
    found = [(case.get("name"), *outcome_of(case)) for case in cases]
    counts = Counter({"passed": 0, "not applicable": 0, "skipped": 0, "failed": 0})
    counts.update(outcome for _, outcome, _ in found)
    checks: dict[str, Counter] = {}
    for name, outcome, _ in found:
        if name.startswith("test_check["):
            estimator = name.removeprefix("test_check[").partition("-")[0]
            checks.setdefault(estimator, Counter())[outcome] += 1
    return {
        "tests": dict(counts),
        "of these, checks of scikit-learn": {name: dict(count) for name, count in checks.items()},
        "skipped because": dict(Counter(why for _, outcome, why in found if outcome == "skipped")),
        "failures": [name for name, outcome, _ in found if outcome == "failed"],
    }


def outcome_of(case) -> tuple[str, str]:
    """Outcome and reason of one test in pytest's report."""
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed", ""
    skipped = case.find("skipped")
    if skipped is None:
        return "passed", ""
    is_expected = skipped.get("type") == "pytest.xfail"
    return "not applicable" if is_expected else "skipped", skipped.get("message")


def write_page(results: dict) -> None:
    """Write the table of the documentation."""
    packages = ("scikit-learn", "numpy", "pandas", "skorch", "joblib", "pymatgen")
    rows = [
        [name, *(results[name]["versions"][package] for package in packages),
         *results[name]["tests"].values()]
        for name in ENVIRONMENTS
        if name in results
    ]  # fmt: skip
    outcomes = next(iter(results.values()))["tests"]
    write_table("versions", ["environment", *packages, *outcomes], rows)
    newest = results.get("newest", {}).get("of these, checks of scikit-learn", {})
    rows = [[name, *(count.get(key, 0) for key in outcomes)] for name, count in newest.items()]
    write_table("checks", ["checks of", *outcomes], rows)


def main() -> None:
    """Make the environments, run the tests, write the counts."""
    parser = argparse.ArgumentParser(description="Run the scikit-learn tests in many versions.")
    parser.add_argument("--only", nargs="*", choices=ENVIRONMENTS, default=list(ENVIRONMENTS))
    parser.add_argument("--folder", type=Path, help="keep the environments here, to run again")
    arguments = parser.parse_args()
    results = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    with tempfile.TemporaryDirectory() as temporary:
        for name in arguments.only:
            folder = (arguments.folder or Path(temporary)).resolve() / name.replace(" ", "-")
            python = make_environment(folder, ENVIRONMENTS[name])
            versions = {"Python": platform.python_version(), **installed_versions(python)}
            results[name] = {"versions": versions, **run_tests(python)}
            RESULT.write_text(json.dumps(results, indent=1) + "\n")
            print(name, results[name]["tests"])
    write_page(results)


if __name__ == "__main__":
    main()
