"""The pages on inspection and validation run as they are written."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


def _run(page: str) -> dict:
    text = (DOCS / page).read_text(encoding="utf-8")
    namespace: dict = {}
    for block in re.findall(r"```python\n(.*?)```", text, flags=re.S):
        exec(block, namespace)
    return namespace


def test_the_page_on_inspection(tmp_path, monkeypatch, capsys):
    pytest.importorskip("shap", reason="shap is not installed")
    monkeypatch.chdir(tmp_path)
    found = _run("inspection.md")
    assert "by chemical system" in capsys.readouterr().out
    assert (tmp_path / "report.html").stat().st_size > 1e5
    assert (tmp_path / "map.html").stat().st_size > 1e6
    assert set(found["why"].elements) == {8, 20, 22}


def test_the_page_on_validation(capsys):
    found = _run("validation.md")
    r2 = found["result"].table()["r2"].xs("Pipeline", level="model")
    assert r2["shuffled"] > 0.9
    assert r2["composition"] < 0.2
    assert "what the model remembers" in capsys.readouterr().out
    assert found["scores"].mean() < 0.2


def test_the_table_of_real_measurements_is_written_by_its_command():
    text = (DOCS / "validation.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"<!-- benchmarks/validation.py -->\n(.*?)<!-- end -->", text, re.S)
    for name in ("rows shuffled", "compositions", "systems"):
        assert f"| {name} | CroMELRegressor |" in block
