"""The documents run as they are written."""

import ast
import re
import runpy
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


@pytest.mark.filterwarnings("ignore:.* rows are far outside what the model:UserWarning")
def test_the_python_examples_of_the_page_of_estimators_run(small_members):
    text = (REPOSITORY / "docs" / "estimators.md").read_text(encoding="utf-8")
    namespace: dict = {}
    for block in re.findall(r"```python\n(.*?)```", text, flags=re.S):
        exec(block, namespace)
    assert (namespace["lower"] < namespace["mean"]).all()
    assert (namespace["mean"] < namespace["upper"]).all()
    assert (namespace["std"] > 0).all()
    assert namespace["model"].in_domain(["FeO", "PuO2"]).tolist() == [True, False]


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


EXAMPLES = sorted((REPOSITORY / "docs" / "examples").glob("plot_*.py"))


@pytest.mark.parametrize(
    "path", [p for p in EXAMPLES if "grid_search" not in p.stem], ids=lambda path: path.stem
)
def test_the_examples_run(path):
    runpy.run_path(str(path), run_name="__main__")


def test_caching_embeds_fewer_rows_and_changes_no_score(capsys):
    (path,) = (path for path in EXAMPLES if path.stem.endswith("grid_search"))
    scores = runpy.run_path(str(path))["scores"]
    assert (scores["without memory"] == scores["with memory"]).all()
    without, with_memory = map(int, re.findall(r"(\d+) rows embedded", capsys.readouterr().out))
    assert with_memory < 0.7 * without


def _links():
    pages = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md"]
    for page in [*pages, *sorted((REPOSITORY / "docs").rglob("*.md"))]:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if "://" not in target and not target.startswith("doi:"):
                yield pytest.param(page, target, id=f"{page.name}-{target}")


@pytest.mark.parametrize(("page", "target"), list(_links()))
def test_links_lead_somewhere(page, target):
    assert (page.parent / target).exists()


def test_decisions_are_short():
    pages = sorted((REPOSITORY / "docs" / "development" / "decisions").glob("*.md"))
    assert pages
    for page in pages:
        lines = page.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= 15, page.name
        assert "**Question.**" in lines[2], page.name
        assert any(line.startswith("**Verdict.**") for line in lines), page.name


def test_page_on_the_columns_explains_every_property_of_the_default_encoder():
    text = (REPOSITORY / "docs" / "columns.md").read_text(encoding="utf-8")
    for name in cromel_sklearn.load_encoder("mp-multi").properties:
        assert f"`{name}`" in text


def test_the_python_examples_of_the_page_on_the_columns_run():
    text = (REPOSITORY / "docs" / "columns.md").read_text(encoding="utf-8")
    namespace: dict = {}
    for block in re.findall(r"```python\n(.*?)```", text, flags=re.S):
        exec(block, namespace)
    assert namespace["columns"].shape == (2, len(namespace["names"]))
    assert namespace["table"].loc[1, "band_gap_eV"] > 3
    assert len(namespace["forgetful"].transform(["NaCl"])[0]) == namespace["table"].shape[1] - 118


def test_the_oldest_versions_that_are_tested_are_those_that_are_promised():
    tomllib = pytest.importorskip("tomllib", reason="Python 3.11 reads TOML")
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    promised = dict(requirement.split(">=") for requirement in project["dependencies"])
    tree = ast.parse((REPOSITORY / "noxfile.py").read_text(encoding="utf-8"))
    (oldest,) = (
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "OLDEST"
    )
    tested = dict(pin.split("==") for pin in oldest)
    assert promised.keys() - tested.keys() == {"torch"}
    for name, version in promised.items():
        assert f"{tested.get(name, version)}.".startswith(f"{version}."), name
