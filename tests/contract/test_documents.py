"""The documents run as they are written."""

import re
from pathlib import Path

import pytest

import cromel_sklearn

REPOSITORY = Path(__file__).resolve().parents[2]


def test_the_python_example_of_the_readme_runs():
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", text, flags=re.S)
    namespace: dict = {}
    exec(block, namespace)
    assert namespace["model"].predict(["FeO"])[0] < 0


def test_the_python_examples_of_the_scikit_learn_page_run():
    text = (REPOSITORY / "docs" / "scikit-learn.md").read_text(encoding="utf-8")
    namespace: dict = {}
    for block in re.findall(r"```python\n(.*?)```", text, flags=re.S):
        exec(block, namespace)
    assert namespace["search"].best_score_ > 0.5
    assert namespace["importances"].importances_mean.max() > 0


def test_the_python_examples_of_the_finetuning_page_run():
    text = (REPOSITORY / "docs" / "finetuning.md").read_text(encoding="utf-8")
    stacked, fine_tuned = re.findall(r"```python\n(.*?)```", text, flags=re.S)
    namespace: dict = {}
    exec(stacked, namespace)
    assert (namespace["model"].predict(["FeO", "MgO"]) < 0).all()
    exec(fine_tuned, namespace)
    assert (namespace["lower"] < namespace["mean"]).all()
    assert (namespace["mean"] < namespace["upper"]).all()
    assert (namespace["std"] > 0).all()


@pytest.mark.parametrize("page", sorted(p.name for p in (REPOSITORY / "docs").glob("*.md")))
def test_every_page_is_linked_from_the_readme(page):
    assert f"docs/{page}" in (REPOSITORY / "README.md").read_text(encoding="utf-8")


def test_version_is_one():
    tomllib = pytest.importorskip("tomllib", reason="Python 3.11 reads TOML")
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == cromel_sklearn.__version__
    citation = (REPOSITORY / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {project['version']}\n" in citation
    changelog = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {project['version']}" in changelog
