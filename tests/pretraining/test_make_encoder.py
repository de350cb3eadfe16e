"""One command makes teachers and a student, and goes on where it was stopped."""

import json
from functools import partial

import pandas as pd
import pytest
from make_encoder import LABELS, STRUCTURES, Maker

from cromel_sklearn import CroMELPretrainer, load_encoder
from cromel_sklearn.nn.distilled_network import DistilledEncoderConfig
from cromel_sklearn.pretraining import distillation, distillation_run, pretraining_run
from cromel_sklearn.pretraining.distillation_settings import DistillationSettings

SETTINGS = DistillationSettings(
    network=DistilledEncoderConfig(8, 16, 1, 6), n_components=12, n_synthetic=200, chunk_size=100,
    n_steps=4, batch_size=32, smallest_skill=-1e9,
)  # fmt: skip


@pytest.fixture
def maker(structure_table, small_settings, tmp_path, monkeypatch):
    table = pd.read_parquet(structure_table)
    table.to_parquet(tmp_path / STRUCTURES)
    labels = pd.DataFrame({"formula": ["LiF", "NaCl"], "property": "band_gap", "value": [9.0, 5.0]})
    for name in LABELS:
        labels.assign(unit="eV").to_parquet(tmp_path / name)
    sizes = {k: small_settings[k] for k in ("structure_encoder", "composition_encoder")}
    small = partial(CroMELPretrainer, **sizes, batch_size=8, verbose=0)
    monkeypatch.setattr(pretraining_run, "CroMELPretrainer", small)
    monkeypatch.setattr(distillation, "_STEPS_PER_ROUND", 2)
    monkeypatch.setattr(distillation, "_SAMPLE", 100)
    monkeypatch.setattr(
        distillation_run, "gather_known_compounds",
        partial(distillation_run.gather_known_compounds, fewest_labels=10),
    )  # fmt: skip
    (tmp_path / "run").mkdir()
    return Maker(tmp_path, tmp_path / "run", "cpu")


def test_teachers_share_a_structure_encoder_and_teach_a_student(maker, monkeypatch, capsys):
    teachers = maker.teachers(2, max_epochs=1, n_jobs=1)
    student = load_encoder(maker.student(teachers, SETTINGS, 0) / "weights.safetensors")
    assert [name for name in student.provenance["teacher_names"]] == ["teacher-1", "teacher-2"]
    assert student.description.remembered == ("band_gap", "formation_energy_per_atom")
    assert (maker.out / "student-0" / "card.md").exists()
    figures = json.loads((maker.out / "figures.json").read_text())
    assert list(figures) == ["structures", "teacher-1", "teacher-2", "student-0"]
    # What is done is not done again, and what is begun goes on.
    monkeypatch.setattr("make_encoder.pretrain_to_folder", None)
    (maker.out / "student-0" / "weights.safetensors").unlink()
    capsys.readouterr()
    again = maker.student(maker.teachers(2, max_epochs=1, n_jobs=1), SETTINGS, 0)
    assert load_encoder(again / "weights.safetensors").tensors.keys() == student.tensors.keys()
    assert "teacher" not in capsys.readouterr().out
