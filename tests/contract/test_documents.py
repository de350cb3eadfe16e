"""The documents run as they are written."""

import ast
import re
import runpy
from pathlib import Path

import pytest
import typer

import cromel_sklearn
from cromel_sklearn.cli.app import app

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
#: Page -> what its examples must come to, beside not failing.
OUTCOMES = {
    "README": "model.predict(['FeO'])[0] < 0",
    "estimators": "(lower < mean).all() and (mean < upper).all() and (std > 0).all()",
    "scikit-learn": "search.best_score_ > 0.5 and importances.importances_mean.max() > 0",
    "screening": "len(best) == 20 and best['mean'].is_monotonic_increasing",
    "start": "len(mean) == 2 and (std > 0).all()",
    "uncertainty": "(lower < mean).all() and (mean < upper).all() and (score[~known] > 1).all()",
}
#: Pages with tests of their own: below, and in the folders of what they are about.
TESTED_ELSEWHERE = {"columns", "inspection", "shell", "validation"}


def _blocks(page: Path, language: str) -> list[str]:
    """Blocks of code of a page."""
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.S)


@pytest.mark.filterwarnings("ignore:.* far outside what the model:UserWarning")
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.stem not in TESTED_ELSEWHERE and _blocks(page, "python")],
    ids=lambda page: page.stem,
)
def test_the_python_examples_of_each_page_run(page, small_members, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace: dict = {}
    for block in _blocks(page, "python"):
        exec(block, namespace)
    assert eval(OUTCOMES.get(page.stem, "True"), namespace)


def test_the_shell_examples_use_commands_and_options_that_exist():
    commands = typer.main.get_command(app).commands
    n_checked = 0
    for page in PAGES:
        text = "\n".join(_blocks(page, "sh")).replace("\\\n", " ")
        for name, arguments in re.findall(r"\bcromel ([a-z]+)([^\n|;&#]*)", text):
            assert name in commands, f"{page.name}: cromel {name}"
            options = {
                option for p in commands[name].params for option in (*p.opts, *p.secondary_opts)
            }
            assert set(re.findall(r"--[a-z-]+", arguments)) <= options | {"--help"}, page.name
            n_checked += 1
    assert n_checked > 3


def test_every_public_name_has_a_place_in_the_reference():
    text = (REPOSITORY / "docs" / "conf.py").read_text(encoding="utf-8")
    for name, home in cromel_sklearn._HOME.items():
        assert f'"{home.split(".")[0]}": (' in text, name


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
    pages = sorted((REPOSITORY / "docs" / "development" / "decisions").glob("[0-9]*.md"))
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
