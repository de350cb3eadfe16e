"""Rates of many rows are kept one by one."""

import pytest

pytest.importorskip("psutil")
pytest.importorskip("matplotlib")

from scale import with_row


def test_a_row_takes_the_place_of_the_same_run_and_no_other():
    run = {"command": "embed", "rows": 1000, "processes": 1}
    others = [{**run, "processes": 2}, {**run, "rows": 10}, {**run, "command": "screen"}]
    rows = []
    for row in (run | {"rate": 1}, *others, run | {"rate": 2}):
        rows = with_row(rows, row)
    assert rows == [others[1], run | {"rate": 2}, others[2], others[0]]
