"""Records in MatBench's format: its names, its folds, its hash."""

import json
from datetime import datetime, timezone

import numpy as np
import pytest
from cells import load_silently
from matbench_record import (
    NAMES,
    document_hash,
    fold_scores,
    record,
    row_ids,
    task_record,
    validated,
)

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


def test_rows_are_named_as_in_matbench():
    assert row_ids("matbench_steels", 312)[:2] == ["mb-steels-001", "mb-steels-002"]
    assert row_ids("matbench_expt_is_metal", 4921)[-1] == "mb-expt-is-metal-4921"


def test_scores_of_values():
    found = fold_scores([0.0, 1.0, 2.0], [0.5, 1.0, 1.0], is_classification=False)
    assert found == pytest.approx(
        {"mae": 0.5, "rmse": (1.25 / 3) ** 0.5, "mape": 0.25, "max_error": 1.0}
    )


def test_scores_of_classes_have_the_balanced_accuracy_as_rocauc():
    found = fold_scores([1, 1, 0, 0], [0.9, 0.4, 0.3, 0.2], is_classification=True)
    assert found == pytest.approx(
        {"accuracy": 0.75, "balanced_accuracy": 0.75, "f1": 2 / 3, "rocauc": 0.75}
    )


@pytest.mark.parametrize("name", ["steel_yield_strength", "metallic_glass"])
@pytest.mark.filterwarnings("ignore")  # matbench itself is old
def test_record_has_the_schema_and_matbench_accepts_it(name, data_home):
    data = load_silently(name)
    predictions = {
        str(fold): np.clip(data.target[test] * 0.9 + 0.05, 0, None).tolist()
        for fold, (_, test) in enumerate(data.folds)
    }
    document = record({NAMES[name]: task_record(name, data, predictions)}, WHEN)
    assert document["datestamp"] == "2026.01.02 03:04.05"
    assert set(document) == {
        "@module", "@class", "version", "benchmark_name", "tasks", "user_metadata", "datestamp",
        "hash",
    }  # fmt: skip
    hashed = {key: value for key, value in document.items() if key != "hash"}
    assert document["hash"] == document_hash(hashed)
    folds = document["tasks"][NAMES[name]]["results"]
    assert list(folds) == [f"fold_{fold}" for fold in range(5)]
    assert sum(len(fold["data"]) for fold in folds.values()) == len(data.X)
    for fold in folds.values():
        assert set(fold) == {"data", "parameters", "scores", "uncertainty"}
        assert all(isinstance(value, float) for value in fold["data"].values())
        assert all(isinstance(value, float) for value in fold["scores"].values())
    json.dumps(document)
    assert validated(document) in {  # raises where matbench is there and refuses it
        "matbench has read and validated the record",
        "matbench is not installed: the record was not read back",
    }
