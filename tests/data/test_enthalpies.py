"""The bundled sample is complete and consistent."""

import re
from pathlib import Path

import numpy as np
from pymatgen.core import Composition

import cromel_sklearn
from cromel_sklearn import load_standard_enthalpies
from cromel_sklearn.data.composition import reduced_formulas

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


def test_sample_shows_itself_in_one_line():
    expected = "<632 standard enthalpies of formation in eV/atom: formulas, target, unit, frame>"
    assert repr(load_standard_enthalpies()) == expected
