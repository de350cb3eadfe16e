"""What every change passes before it is merged: ``nox -s lint tests docs bench``.

``nox -l`` lists all sessions. Each makes an environment of its own; with ``--no-venv`` they run in
the present one, as `.ci/run` does.
"""

import nox

nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "tests", "docs", "bench"]

#: The lower bounds of pyproject.toml, each exactly.
OLDEST = [
    "scikit-learn==1.6.0", "numpy==1.26.0", "pandas==2.1.0", "scipy==1.13.0", "joblib==1.3.0",
    "skorch==1.1.0", "matplotlib==3.8.0", "pooch==1.8.0", "pyarrow==15.0.0", "pymatgen==2024.8.9",
    "rich==13.0.0", "safetensors==0.4.3", "typer==0.15.1", "polars==1.0.0",
    "imbalanced-learn==0.13.0", "cloudpickle==3.0.0",
    "monty==2024.7.30",  # pymatgen's, of the same time: newer ones warn
]  # fmt: skip
#: How the package behaves in scikit-learn: what other versions could break.
CONTRACT = ["tests/contract", "tests/estimators/test_transformer.py", "tests/encoders"]
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
    session.run("python", "-m", "pytest", *session.posargs, env={"PYTEST_ADDOPTS": COVERAGE})


@nox.session
def docs(session: nox.Session) -> None:
    """Examples, links and names of the documents; the next changelog as it would read."""
    install(session, "-e", ".[test,dev]")
    session.run("python", "-m", "pytest", "-m", "not slow", "tests/contract/test_documents.py")
    session.run("towncrier", "build", "--draft", "--version", "next")


@nox.session
def bench(session: nox.Session) -> None:
    """Whether the pages of results are what the results say."""
    install(session, "-e", ".[test]")
    session.run("python", "benchmarks/report.py", "--check")


@nox.session
def oldest(session: nox.Session) -> None:
    """The contract with scikit-learn in the oldest versions that are supported."""
    install(session, *OLDEST, "-e", ".[test]", constrained=False)
    session.run("python", "-m", "pytest", *CONTRACT, *session.posargs)


@nox.session
def newest(session: nox.Session) -> None:
    """The contract with scikit-learn in the newest versions that there are."""
    install(session, "--upgrade", "-e", ".[test]", constrained=False)
    session.run("python", "-m", "pytest", *CONTRACT, *session.posargs)
