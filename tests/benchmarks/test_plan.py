"""Which cells of the benchmark are run, and in which order."""

import plan
from cells import Cell


def test_of_long_folds_of_a_peer_two_are_run(monkeypatch):
    hours = {"zT": 0.1, "seebeck": 1.5, "band_gap": 1.0}
    cells = [Cell(task, "formula", "crabnet", fold) for task in hours for fold in range(5)]
    monkeypatch.setattr(plan, "expected_seconds", lambda cells: {
        cell: 3600 * hours[cell.task] for cell in cells
    })  # fmt: skip
    kept = [(cell.task, cell.fold) for cell in plan.peer_cells(cells)]
    everywhere = [(task, fold) for task in ("zT", "band_gap") for fold in range(5)]
    assert kept == [*everywhere, ("seebeck", 0), ("seebeck", 1)]
