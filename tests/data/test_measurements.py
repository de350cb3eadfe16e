"""Tables of measurements: columns by name, whatever else a table holds; bad rows are named."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from cromel_sklearn import InvalidCompositionError, InvalidCompositionWarning, InvalidTableError
from cromel_sklearn.data.measurements import (
    find_layout,
    read_table,
    require_no_target,
    select_columns,
)


@pytest.fixture
def frame():
    """Three rows of two compositions, with temperatures, a note and a load."""
    return pd.DataFrame(
        {
            "note": ["a", "b", "c"],
            "formula": ["NaCl", "MgO", "Cl2Na2"],
            "temperature_K": [300, 400, 500],
            "load": [1.0, 2.0, 3.0],
        }
    )


def test_each_composition_is_held_once(frame):
    table = read_table(frame.drop(columns="note"))
    assert len(table) == 3
    assert len(table.compositions) == 2
    assert table.composition_of_row.tolist() == [0, 1, 0]
    part = table[[1, 1]]
    assert len(part.compositions) == 1
    assert part.features.tolist() == [[400.0, 2.0], [400.0, 2.0]]


def test_columns_that_are_not_named_take_no_part(frame):
    layout = find_layout(frame, feature_columns=["load"])
    assert layout.formula_column == "formula"
    assert layout.used_columns == ("formula", "load")
    assert read_table(frame, layout).features.tolist() == [[1.0], [2.0], [3.0]]
    named = find_layout(frame, formula_column="note", feature_columns=[])
    assert named.formula_column == "note"


def test_new_tables_are_read_by_name(frame):
    layout = find_layout(frame.drop(columns="note"))
    shuffled = frame[["load", "note", "temperature_K", "formula"]].assign(extra="z")
    selected = select_columns(shuffled, layout)
    assert list(selected) == ["formula", "temperature_K", "load"]
    expected = read_table(frame, layout).features
    assert np.array_equal(read_table(selected, layout).features, expected)
    array = frame.drop(columns="note").to_numpy()
    assert np.array_equal(read_table(select_columns(array, layout), layout).features, expected)
    with pytest.raises(InvalidTableError, match="X lacks the columns .'load'.; the feature names"):
        select_columns(frame.drop(columns="load"), layout)
    with pytest.raises(InvalidTableError, match="X has 2 columns, but the model is expecting 3"):
        select_columns(array[:, :2], layout)
    with pytest.raises(InvalidTableError, match="X has 1 columns, but the model is expecting 3"):
        select_columns(["NaCl"], layout)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"Expected one column of compositions .* got \['note', 'formula'\]; name it in form"),
        ({"formula_column": "formula"}, r"in 'formula', got \['note'\]; name the columns to use"),
        ({"formula_column": "name"}, r"formula_column='name' is not in X; its columns are"),
        ({"feature_columns": ["mass"]}, r"names \['mass'\], which X lacks; its columns are"),
        (
            {"formula_column": "load", "feature_columns": ["load"]},
            "Column 'load' cannot be both formula_column and one of feature_columns",
        ),
    ],
)
def test_columns_that_cannot_be_told_are_named(arguments, message, frame):
    with pytest.raises(InvalidTableError, match=message):
        find_layout(frame, **arguments)


def test_forms_that_are_no_table_are_refused(frame):
    with pytest.raises(InvalidTableError, match="needs a table with these columns"):
        find_layout(["NaCl"], feature_columns=["load"])
    with pytest.raises(InvalidTableError, match="formula_column='a' is not in X; its only column"):
        find_layout(frame[["formula"]], formula_column="a")
    with pytest.raises(InvalidTableError, match="have names that repeat"):
        find_layout(frame.set_axis(["a", "a", "b", "c"], axis=1))
    with pytest.raises(InvalidTableError, match="got a sparse csr_matrix; sparse input cannot"):
        read_table(csr_matrix(np.eye(3)))
    with pytest.raises(InvalidTableError, match="Expected a DataFrame or an array as table"):
        find_layout(SimpleNamespace(ndim=2, shape=(20, 2)))


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
