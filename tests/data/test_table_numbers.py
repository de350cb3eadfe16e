"""Cells of a column as numbers, and what is wrong with those that are none."""

import numpy as np
import pyarrow as pa
import pytest

from cromel_sklearn.data.table_numbers import numbers_of

COMMA = "is a number with a comma; if that is the decimal mark, pass --decimal , or else write it"


@pytest.mark.parametrize(
    ("cell", "decimal", "reason"),
    [
        ("-0,1182", ".", f"'-0,1182' {COMMA} without"),
        ("1,5e-3", ".", f"'1,5e-3' {COMMA} without"),
        (
            "0.5",
            ",",
            "'0.5' is a number with a decimal point; leave out --decimal , or write a comma",
        ),
        ("24.5%", ".", "'24.5%' is a number with a percent sign; write the number alone"),
        ("2.1 \u00b1 0.3", ".", "'2.1 \u00b1 0.3' is a number that is not exact; write one number"),
        ("300-350", ".", "'300-350' is a range; write one number"),
        ("1,5 K", ".", "'1,5 K' is a number with its unit; write the number alone"),
        ("hot", ".", "'hot' is no finite number"),
        ("inf", ".", "'inf' is no finite number"),
        ("", ".", "no value"),
        ("n/a", ".", "no value"),
        ("\u2014", ".", "no value"),
    ],
)
def test_a_cell_that_is_no_number_is_told_with_what_helps(cell, decimal, reason):
    values, (problem,) = numbers_of(pa.array(["7", cell]), decimal)
    np.testing.assert_array_equal(values, [7, np.nan])
    assert problem.row == 1
    assert problem.reason.startswith(reason)


def test_whichever_minus_stands_before_a_number_it_is_one():
    values, problems = numbers_of(pa.array(["\u22121.5", "\u20131.5", "1,5e\u22123"]), ",")
    assert [problem.row for problem in problems] == [0, 1]
    assert values[2] == 1.5e-3
    values, problems = numbers_of(pa.array(["\u22121.5", "\u20131.5", "1.5e\u22123"]))
    assert not problems
    np.testing.assert_array_equal(values, [-1.5, -1.5, 1.5e-3])
