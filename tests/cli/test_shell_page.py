"""The commands and the Python of docs/shell.md run as they are written."""

import re
import shlex
from pathlib import Path

import pandas as pd
import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "shell.md"
QUICK = {"train": ("--folds", "2"), "evaluate": ("--folds", "2")}


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S)


@pytest.fixture
def folder(tmp_path):
    """The tables that the page speaks of."""
    salts = [f"{a}{n}{b}" for a in ("Li", "Na", "K") for b in ("F", "Cl", "Br") for n in ("", "2")]
    frame = pd.DataFrame(
        {"Compound": salts, "T_K": [300 + 10 * (n % 3) for n in range(len(salts))]}
    )
    frame["gap_eV"] = [2.0 + (7 * n % 18) / 6 for n in range(len(salts))]
    frame.to_csv(tmp_path / "measured.csv", index=False)
    frame.head(10).to_csv(tmp_path / "new.csv", index=False)
    return tmp_path


@pytest.mark.filterwarnings("default")  # of SMACT's data and a busy event loop
def test_every_command_runs_as_it_is_typed(folder, cromel):
    for package in ("smact", "openpyxl", "distributed"):
        pytest.importorskip(package)
    commands = [line for block in _blocks("sh") for line in block.strip().splitlines()]
    assert {line.split()[1] for line in commands} == {
        "train", "evaluate", "candidates", "predict", "screen", "embed",
    }  # fmt: skip
    for line in commands:
        command, _, redirected = line.partition(" < ")
        stdin = (folder / redirected.strip()).read_text() if redirected else ""
        arguments = shlex.split(command)[1:]
        if arguments[0] in QUICK and "--model" not in arguments:  # few members make it short
            arguments += [*QUICK[arguments[0]], "--no-learning-curve", "--members", "element_trees"]
        result = cromel(*arguments, cwd=folder, stdin=stdin)
        assert result.returncode == 0, f"{line}\n{result.stderr}"
    assert {path.name for path in folder.iterdir()} >= {
        "gaps.cromel", "gaps.cromel.html", "gaps.cromel.json", "report.html", "candidates.csv",
        "doped.csv", "predicted.csv", "best.csv", "best.xlsx", "embedded.parquet", "embedded",
        "predicted.parquet",
    }  # fmt: skip
    assert pd.read_excel(folder / "best.xlsx")["reason"].notna().all()


@pytest.mark.filterwarnings("default")
def test_the_python_of_the_page_runs():
    pytest.importorskip("dask.dataframe")
    partitions, cluster = _blocks("python")
    namespace: dict = {}
    exec(partitions, namespace)
    assert namespace["frame"]["formula"].tolist() == ["NaCl", "MgO", "Fe2O3"]
    assert namespace["frame"].notna().all(axis=None)
    exec(cluster, namespace)
    assert namespace["result"].table().loc[("composition", "CroMELRegressor"), "n_folds"] == 5
