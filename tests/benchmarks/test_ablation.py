"""What the page says of ablations and of rows out of domain, and that a student forgets."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("rich")

import ablation
from ablation_page import student_ratios, student_table
from uncertainty import out_of_domain

from cromel_sklearn.data.composition import read_compositions
from cromel_sklearn.pretraining.known_compounds import KnownCompounds


def _entry(error, **others):
    entry = {"held_out": {"a": error, "b": 2 * error}, "development": {"t": error}}
    return {**entry, "from_teachers": {}, "n_labels": 5, "n_structures": 0, **others}


def test_ratios_are_geometric_means_over_what_both_have():
    students = {"everything": _entry(1.0), "less": _entry(2.0, held_out={"a": 4.0})}
    assert student_ratios(students, "less") == pytest.approx((4.0, 2.0))
    assert "| less | 5 | 0 | 4.000 | 2.000 | - | 2.00 |" in student_table(students)


@pytest.mark.parametrize("name", ablation.STUDENTS)
def test_a_student_without_teachers_is_taught_nothing_of_theirs(name):
    student = ablation.STUDENTS[name]
    settings = ablation.settings_of(student, 10, 100)
    weights = settings.loss_weights
    taught = settings.n_components, settings.n_synthetic, weights.means, weights.deviations
    assert any(taught) == student.teachers
    assert all(taught) == (student.teachers and student.spread and student.synthetic)


def test_targets_are_forgotten_and_nothing_else(monkeypatch):
    batch, _, _ = read_compositions(["NaCl", "Fe2O3", "KBr"])
    known = KnownCompounds(
        batch, np.ones((3, 2), np.float32), {"a": "", "b": ""}, np.ones((3, 1), np.float32),
        np.zeros(3, bool),
    )  # fmt: skip
    task = type("Task", (), {"X": {"formula": ["Fe4O6", "LiF"]}})
    monkeypatch.setattr(ablation, "load_silently", lambda name: task)
    found, n_forgotten = ablation.without_targets(known)
    assert n_forgotten == 1
    assert np.isnan(found.labels).all(axis=1).tolist() == [False, True, False]
    assert np.isnan(found.structure_features).ravel().tolist() == [False, True, False]
    assert found.compositions is known.compositions


def test_errors_out_of_domain_are_compared_with_the_others():
    fold = {
        "n_test_rows": 10, "mae": 1.4, "fifths": [{"stated": s} for s in (1, 1, 1, 1, 6)],
        "out_of_domain": {"part": 0.2, "mae": 3.0, "stated": 6.0},
    }  # fmt: skip
    part, error, stated = out_of_domain({"0": fold})
    assert (part, error, stated) == pytest.approx((0.2, 3.0, 6.0))
    fold["out_of_domain"] = {"part": 0.0, "mae": None, "stated": None}
    assert out_of_domain({"0": fold})[0] == 0.0
