"""What every change passes before it is merged: ``nox -s lint tests docs bench``.

``nox -l`` lists all sessions. Each makes an environment of its own; with ``--no-venv`` they run in
the present one, as `.ci/run` does.
"""

import hashlib
import re
import tarfile
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "tests", "docs", "bench"]

#: torch of the other sessions: its lower bound has no build that every machine takes.
TORCH = re.search("^torch==.*$", Path("constraints.txt").read_text(encoding="utf-8"), re.M)[0]
#: The lower bounds of pyproject.toml, each exactly.
OLDEST = [
    "scikit-learn==1.6.0", "numpy==1.26.0", "pandas==2.1.0", "scipy==1.13.0", "joblib==1.3.0",
    "skorch==1.1.0", "matplotlib==3.8.0", "pooch==1.8.0", "pyarrow==15.0.0", "pymatgen==2024.8.9",
    "rich==13.0.0", "safetensors==0.4.3", "typer==0.15.1", "polars==1.0.0",
    "crepes==0.8.0", "markdown-it-py==3.0.0", "threadpoolctl==3.1.0",
    "imbalanced-learn==0.13.0", "cloudpickle==3.0.0",
    # Theirs, of the same time: newer ones warn.
    "monty==2024.7.30", "click==8.1.8", "pyparsing==3.1.4",
]  # fmt: skip
#: How the package behaves in scikit-learn: what other versions could break.
CONTRACT = ["tests/contract", "tests/estimators/test_transformer.py", "tests/encoders"]
#: What the tests of the sdist must at least find in it: the conftest, golden embeddings, documents.
DIST_TESTS = [
    "tests/encoders", "tests/data/test_targets.py", "tests/storage",
    "tests/contract/test_documents.py::test_version_is_one",
]  # fmt: skip
#: Imports every module of the installed package, away from the repository.
IMPORT_ALL = """
import importlib, pkgutil
import cromel_sklearn as package
names = [m.name for m in pkgutil.walk_packages(package.__path__, "cromel_sklearn.")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
assert package.CroMELTransformer().transform(["NaCl"]).shape[0] == 1
"""
COVERAGE = "--cov=cromel_sklearn --cov-branch --cov-report=term:skip-covered"


def install(session: nox.Session, *arguments: str, constrained: bool = True) -> None:
    """Install into the session's environment; the present one is left as it is."""
    if session.virtualenv.is_sandboxed:
        pins = ["-c", "constraints.txt"] if constrained else []
        session.install(*pins, *arguments)


@nox.session
def lint(session: nox.Session) -> None:
    """Format, spelling, types and the layers of the package."""
    install(session, "-e", ".[test,dev]")
    session.run("pre-commit", "run", "--all-files", "--show-diff-on-failure")
    session.run("mypy")
    session.run("lint-imports")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests, with the lines and branches that none of them reaches."""
    install(session, "-e", ".[test]")
    env = {"PYTEST_ADDOPTS": COVERAGE, "HYPOTHESIS_PROFILE": "ci"}
    session.run("python", "-m", "pytest", *session.posargs, env=env)


@nox.session
def docs(session: nox.Session) -> None:
    """The site with its gallery, in build/site, every page of it looked at in a browser.

    A warning is an error. Pictures of some pages lie in build/screenshots. ``nox -s docs -- -D
    plot_gallery=0`` leaves the gallery unexecuted, and the site is not looked at.
    """
    install(session, "-e", ".[test,dev,docs]")
    chosen = "links or decisions or version or reference"
    session.run("python", "-m", "pytest", "tests/contract/test_documents.py", "-k", chosen)
    session.run("towncrier", "build", "--draft", "--version", "next")
    options = ["-W", "--keep-going", "-j", "1", "-b", "html", *session.posargs]
    session.run("python", "-m", "sphinx", *options, "docs", "build/site")
    if not session.posargs:
        look = ["tools/check_site.py", "--screenshots", "build/screenshots"]
        session.run("python", *look, "--skip-without-browser")


@nox.session
def bench(session: nox.Session) -> None:
    """Whether the pages of results are what the results say."""
    install(session, "-e", ".[test]")
    session.run("python", "benchmarks/report.py", "--check")


@nox.session
def oldest(session: nox.Session) -> None:
    """The contract with scikit-learn in the oldest versions that are supported."""
    install(session, TORCH, *OLDEST, "-e", ".[test]", constrained=False)
    session.run("python", "-m", "pytest", *CONTRACT, *session.posargs)


@nox.session
def newest(session: nox.Session) -> None:
    """The contract with scikit-learn in the newest versions that there are."""
    install(session, "--upgrade", TORCH, "-e", ".[test]", constrained=False)
    session.run("python", "-m", "pytest", *CONTRACT, *session.posargs)


@nox.session
def dist(session: nox.Session) -> None:
    """Sdist and wheel: alike in two builds, installed in fresh environments, tests from the sdist.

    With ``--no-venv`` the fresh environments borrow the dependencies of the present one; elsewhere
    they install what the wheel declares.
    """
    install(session, "-e", ".[test,dev]")
    session.run("deptry", "cromel_sklearn")
    tmp = Path(session.create_tmp()).resolve()
    wheel, sdist = _built_twice_alike(session, tmp)
    session.run("twine", "check", "--strict", str(wheel), str(sdist))
    python = _fresh_environment(session, tmp / "wheel", wheel)
    session.chdir(tmp)
    session.run(python, "-I", "-W", "error", "-c", IMPORT_ALL, external=True)
    python = _fresh_environment(session, tmp / "sdist", sdist)
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp, filter="data")
    session.chdir(tmp / sdist.name.removesuffix(".tar.gz"))
    session.run(python, "-I", "-m", "pytest", *DIST_TESTS, *session.posargs, external=True)


@nox.session
def lock(session: nox.Session) -> None:
    """Exact versions with the hashes of PyPI's files: constraints-hashed.txt, made by uv."""
    session.install("uv")
    session.run(
        "uv", "pip", "compile", "pyproject.toml", "--extra", "test", "-c", "constraints.txt",
        "--python-version", "3.11", "--python-platform", "x86_64-manylinux_2_28",
        "--generate-hashes", "--no-annotate", "--output-file", "constraints-hashed.txt", "--quiet",
        "--custom-compile-command", "nox -s lock",
    )  # fmt: skip


@nox.session
def fuzz(session: nox.Session) -> None:
    """Readers of files, tables and formulas; coverage guides (``-- -max_total_time=60``)."""
    install(session, "-e", ".[test]", "atheris")
    arguments = ["-rss_limit_mb=4096", *(session.posargs or ["-max_total_time=60"])]
    session.run("python", "tests/fuzz/fuzz_files.py", "-len_control=0", "-max_len=512", *arguments)
    for target in ("formula", "tables"):
        session.run("python", f"tests/fuzz/fuzz_{target}.py", *arguments)


@nox.session
def properties(session: nox.Session) -> None:
    """Properties of formulas and tables, on 4,000 random examples each: some minutes."""
    install(session, "-e", ".[test]")
    options = ["-m", "hypothesis", "--hypothesis-show-statistics", *session.posargs]
    session.run("python", "-m", "pytest", *options, env={"HYPOTHESIS_PROFILE": "long"})


def _built_twice_alike(session: nox.Session, tmp: Path) -> tuple[Path, Path]:
    """Build wheel and sdist twice, by the time of the last commit; stop where bytes differ."""
    when = session.run("git", "log", "-1", "--format=%ct", external=True, silent=True)
    env = {"SOURCE_DATE_EPOCH": str(when).strip()}
    sums = []
    for number in ("1", "2"):
        out = tmp / f"build-{number}"
        session.run(
            "python", "-m", "build", "--no-isolation", "--outdir", str(out), env=env, silent=True
        )
        files = sorted(out.iterdir(), key=lambda path: path.suffix)
        sums.append([(path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in files])
    if sums[0] != sums[1]:
        session.error(f"Two builds differ: {sums[0]} and {sums[1]}")
    for name, digest in sums[0]:
        session.log(f"{digest}  {name}")
    sdist, wheel = files
    return wheel, sdist


def _fresh_environment(session: nox.Session, folder: Path, distribution: Path) -> str:
    """Python of a new environment with the distribution in it and no sources of the repository."""
    session.run("python", "-m", "venv", "--clear", str(folder))
    python = str(folder / "bin" / "python")
    pip = [python, "-m", "pip", "install", "--quiet"]
    if session.virtualenv.is_sandboxed:
        target = f"cromel-sklearn[test] @ {distribution.as_uri()}"
        pins = str(Path(__file__).with_name("constraints.txt"))
        session.run(*pip, "-c", pins, target, external=True)
        session.run(python, "-m", "pip", "check", external=True)
    else:
        paths = session.run(
            "python", "-c", "import site; print('\\n'.join(site.getsitepackages()))", silent=True
        )
        (site,) = folder.glob("lib/python*/site-packages")
        (site / "dependencies.pth").write_text(str(paths))
        session.run(*pip, "--no-deps", "--no-build-isolation", str(distribution), external=True)
    return python


@nox.session
def sbom(session: nox.Session) -> None:
    """List of all that is installed with the package, as CycloneDX: dist/sbom.json."""
    install(session, ".", "cyclonedx-bom")
    Path("dist").mkdir(exist_ok=True)
    session.run(
        "cyclonedx-py", "environment", "--pyproject", "pyproject.toml", "--output-reproducible",
        "--output-file", "dist/sbom.json",
    )  # fmt: skip
