"""Columns of a table are told from each other, and found again by name."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from cromel_sklearn import InvalidTableError
from cromel_sklearn.data.measurements import read_table
from cromel_sklearn.data.table_layout import find_layout, select_columns


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


def test_numbers_that_are_objects_are_numbers():
    frame = pd.DataFrame({"formula": ["NaCl", "MgO"], "T_K": [300, None]}).astype(object)
    assert find_layout(frame).feature_columns == ("T_K",)
    with pytest.raises(InvalidTableError, match="Column 'T_K' has nan at index 1"):
        read_table(frame)
    with pytest.raises(InvalidTableError, match="beside the numeric columns, got .'formula', 'T_K"):
        find_layout(frame.assign(T_K=["300", "RT"]))
