"""Tables of measurements: columns by name, whatever else a table holds; bad rows are named."""

import numpy as np
import pandas as pd
import pytest

from cromel_sklearn import InvalidCompositionError, InvalidCompositionWarning, InvalidTableError
from cromel_sklearn.data.measurements import read_table, require_no_target
from cromel_sklearn.data.table_layout import find_layout


def test_each_composition_is_held_once(frame):
    table = read_table(frame.drop(columns="note"))
    assert len(table) == 3
    assert len(table.compositions) == 2
    assert table.composition_of_row.tolist() == [0, 1, 0]
    part = table[[1, 1]]
    assert len(part.compositions) == 1
    assert part.features.tolist() == [[400.0, 2.0], [400.0, 2.0]]


def test_bad_rows_are_named_or_left_out(frame):
    bad = frame.drop(columns="note").assign(
        formula=["NaCl", "Fe2O=", "MgO"], load=[1.0, 2.0, np.nan]
    )
    layout = find_layout(bad)
    with pytest.raises(InvalidCompositionError, match="at index 1(.|\n)*pass on_invalid='drop'"):
        read_table(bad, layout)
    with pytest.raises(InvalidTableError, match="Column 'load' has nan at index 2; expected a fin"):
        read_table(bad.assign(formula="NaCl"), layout)
    with (
        pytest.warns(InvalidCompositionWarning, match="index 1(.|\n)*These rows are left out"),
        pytest.warns(InvalidCompositionWarning, match="The rows at index 2 are left out"),
    ):
        table = read_table(bad, layout, on_invalid="drop")
    assert table.valid.tolist() == [True, False, False]
    assert len(table) == len(table.compositions) == 1
    assert table.features.tolist() == [[300.0, 1.0]]


def test_the_target_among_the_columns_is_refused(frame):
    long = pd.concat([frame.drop(columns="note")] * 2, ignore_index=True)
    long["load"] = np.arange(6.0)
    layout = find_layout(long)
    table = read_table(long, layout)
    with pytest.raises(InvalidTableError, match="Column 'load' of X equals the target y"):
        require_no_target(table, layout, np.arange(6.0)[:, None])
    require_no_target(table, layout, np.arange(6.0)[:, None] + 1e-6)


def test_numbers_beyond_single_precision_are_refused(frame):
    large = frame.drop(columns="note").assign(load=[1e21, 2e21, -1e40])
    with pytest.raises(InvalidTableError, match="Column 'load' has -1e.40 at index 2; expected a"):
        read_table(large)
    assert read_table(large[:2]).features[:, 1].tolist() == [1e21, 2e21]
