"""The tasks of the benchmark: complete, consistent, and where they are found."""

import gzip
import json
import re

import numpy as np
import pytest
from tasks import TASKS, load_task


@pytest.mark.parametrize("name", sorted(TASKS))
@pytest.mark.filterwarnings("ignore:superconductor_tc.csv")
def test_task_loads_with_five_folds_that_cover_every_row_once(name, data_home):
    data = load_task(name, data_home)
    assert np.isfinite(data.target).all()
    tested = np.concatenate([test for _, test in data.folds])
    assert len(data.folds) == len(data.system_folds) == 5
    assert sorted(tested) == list(range(len(data.X)))
    for train, test in data.folds:
        assert not set(train) & set(test)
        if not data.task.is_matbench:
            assert not set(data.groups[train]) & set(data.groups[test])
    assert sorted(np.concatenate([test for _, test in data.system_folds])) == sorted(tested)
    for train, test in data.system_folds:
        assert not set(data.systems[train]) & set(data.systems[test])


def test_sodium_nitride_survives_the_csv(tmp_path):
    (tmp_path / "target").mkdir()
    rows = [
        f"{formula},{value}" for value, formula in enumerate(["NaN", "NaCl", "KCl", "LiF", "CsI"])
    ]
    path = tmp_path / "target" / "formation_enthalpy.csv"
    path.write_text("\n".join(["formula,formation_enthalpy_eV_per_atom", *rows]))
    assert load_task("formation_enthalpy", tmp_path).X["formula"][0] == "NaN"


def test_malformed_formulas_are_reported_and_left_out(tmp_path):
    (tmp_path / "target").mkdir()
    formulas = ["Fe2O=z", "NaCl", "KCl", "LiF", "CsI", "MgO"]
    rows = [f"{formula},{value}" for value, formula in enumerate(formulas)]
    path = tmp_path / "target" / "superconductor_tc.csv"
    path.write_text("\n".join(["formula,critical_temperature_K", *rows]))
    with pytest.warns(UserWarning, match="left out 1 rows .* row 0 'Fe2O=z'"):
        data = load_task("superconductor_tc", tmp_path)
    assert data.target.tolist() == [1, 2, 3, 4, 5]


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    """An empty cache of the user, and CROMEL_DATA unset."""
    monkeypatch.delenv("CROMEL_DATA", raising=False)
    cache = tmp_path / "cache"
    monkeypatch.setattr("pooch.os_cache", lambda name: cache)
    return cache


def write_small_table(folder, value):
    (folder / "target").mkdir(parents=True)
    rows = [f"{formula},{value}" for formula in ("NaCl", "KCl", "LiF", "CsI", "MgO")]
    (folder / "target" / "band_gap.csv").write_text("\n".join(["formula,band_gap_eV", *rows]))
    return folder


def test_table_is_looked_for_in_data_home_then_cromel_data_then_cache(
    tmp_path, empty_cache, monkeypatch
):
    write_small_table(empty_cache, 3)
    assert load_task("band_gap", tmp_path / "nowhere").target[0] == 3
    monkeypatch.setenv("CROMEL_DATA", str(write_small_table(tmp_path / "variable", 2)))
    assert load_task("band_gap", tmp_path / "nowhere").target[0] == 2
    assert load_task("band_gap", write_small_table(tmp_path / "home", 1)).target[0] == 1


@pytest.mark.parametrize(
    ("name", "column", "values"),
    [
        ("band_gap", "gap expt", [0.0, 1.5, 2.25, 0.0, 8.0]),
        ("is_metal", "is_metal", [True, False] * 5),
    ],
)
def test_matbench_table_is_downloaded_once_and_keeps_its_order(
    name, column, values, tmp_path, empty_cache, monkeypatch
):
    formulas = ["NaN", "Ag(AuS)2", "Zr0.5Hf0.5", "Al", "AgBr"] * (len(values) // 5)
    rows = [list(row) for row in zip(formulas, values, strict=True)]
    table = {"columns": ["composition", column], "index": list(range(len(rows))), "data": rows}
    archive = tmp_path / "table.json.gz"
    archive.write_bytes(gzip.compress(json.dumps(table).encode()))
    asked = []

    def retrieve(url, known_hash, path):
        asked.append((url, known_hash))
        return str(archive)

    monkeypatch.setattr("pooch.retrieve", retrieve)
    for _ in range(2):
        data = load_task(name)
        assert data.X["formula"].tolist() == formulas
        assert data.target.tolist() == [float(value) for value in values]
        assert data.path.parent == empty_cache / "target"
    ((url, known_hash),) = asked
    assert re.fullmatch(r"https://ml\.materialsproject\.org/projects/matbench_\w+\.json\.gz", url)
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", known_hash)


def test_missing_table_says_where_to_get_it(tmp_path, empty_cache, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"hea_hardness.csv is not in .*Borg .* data_home"):
        load_task("hea_hardness", tmp_path)

    def retrieve(url, known_hash, path):
        raise ValueError("SHA256 hash does not match")

    monkeypatch.setattr("pooch.retrieve", retrieve)
    with pytest.raises(FileNotFoundError, match="download failed .SHA256 .* Make it .*band_gap_eV"):
        load_task("band_gap")
    with pytest.raises(ValueError, match="No task 'gap'; there is formation_enthalpy"):
        load_task("gap")
