"""The bundled sample: complete, consistent, and what its README says."""

import re
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Composition

import cromel_sklearn
from cromel_sklearn import load_standard_enthalpies
from cromel_sklearn.composition import reduced_formulas
from cromel_sklearn.datasets import TASKS, load_task

README = Path(cromel_sklearn.__file__).parent / "data" / "README.md"


def test_sample_has_enough_distinct_compounds():
    sample = load_standard_enthalpies()
    assert len(sample.formulas) >= 250
    assert len(set(reduced_formulas(sample.formulas))) == len(sample.formulas)


def test_electronvolts_follow_from_kilojoules():
    frame = load_standard_enthalpies().frame
    n_atoms = np.array([Composition(formula).num_atoms for formula in frame["formula"]])
    expected = frame["enthalpy_kJ_per_mol"] / 96.48533212 / n_atoms
    np.testing.assert_allclose(frame["enthalpy_eV_per_atom"], expected, atol=5.1e-5)


def test_known_values():
    table = load_standard_enthalpies().frame.set_index("formula")["enthalpy_kJ_per_mol"]
    for formula, value in {"NaCl": -411.2, "Al2O3": -1675.7, "SiO2": -910.7, "CaO": -634.9}.items():
        assert abs(table[formula] - value) < 0.5


def test_readme_counts_the_rows():
    frame = load_standard_enthalpies().frame
    text = README.read_text(encoding="utf-8")
    assert f"{len(frame)} crystalline inorganic compounds" in text
    for table, count in frame["table"].value_counts().items():
        assert re.search(rf"{table} \({count}( rows)?\)", text)


@pytest.mark.parametrize("name", sorted(TASKS))
@pytest.mark.filterwarnings("ignore:superconductor_tc.csv")
def test_task_loads_with_five_folds_that_cover_every_row_once(name, data_home):
    data = load_task(name, data_home)
    assert np.isfinite(data.target).all()
    tested = np.concatenate([test for _, test in data.folds])
    assert len(data.folds) == 5
    assert sorted(tested) == list(range(len(data.X)))
    for train, test in data.folds:
        assert not set(train) & set(test)
        if not data.task.is_matbench:
            assert not set(data.groups[train]) & set(data.groups[test])


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


def test_missing_table_says_where_to_get_it(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="does not exist. Make band_gap.csv .* data_home"):
        load_task("band_gap", tmp_path)
    monkeypatch.delenv("CROMEL_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match="CROMEL_DATA is not set"):
        load_task("band_gap")
    with pytest.raises(ValueError, match="No task 'gap'; there is formation_enthalpy"):
        load_task("gap")
