"""Cells of a column as numbers, and what is wrong with those that are none."""

import numpy as np
import pyarrow as pa
import pytest

from cromel_sklearn.data.table_numbers import numbers_of

HINT = "is no finite number; the decimal mark is a comma with --decimal ,"


@pytest.mark.parametrize(
    ("cell", "decimal", "reason"),
    [
        ("-0,1182", ".", f"'-0,1182' {HINT}"),
        ("1,5e-3", ".", f"'1,5e-3' {HINT}"),
        ("1,5 K", ".", "'1,5 K' is no finite number"),
        ("0.5", ",", "'0.5' is no finite number"),
        ("", ".", "no value"),
    ],
)
def test_a_cell_that_is_no_number_is_told_with_what_helps(cell, decimal, reason):
    values, problems = numbers_of(pa.array(["7", cell]), decimal)
    np.testing.assert_array_equal(values, [7, np.nan])
    assert problems == [(1, reason)]
