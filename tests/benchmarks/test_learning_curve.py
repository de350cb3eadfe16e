"""How many rows a curve needs for an error."""

import pytest
from learning_curve import training_sizes
from sections import rows_needed, savings


def test_rows_needed_lie_between_the_points():
    curve = {100: [1.0], 400: [0.5]}
    assert rows_needed(curve, 0.75) == pytest.approx(200)  # halfway in the logarithm
    assert rows_needed(curve, 0.5) == pytest.approx(400)
    assert rows_needed(curve, 1.0) == 100
    assert rows_needed(curve, 0.4) is None


def test_an_error_that_comes_by_chance_and_goes_again_does_not_count():
    curve = {25: [0.5], 50: [1.0], 100: [0.4]}
    assert rows_needed(curve, 0.6) > 50


def test_savings_are_shares_of_the_rows_of_magpie():
    curves = {
        "zT": {
            "magpie+svr": {100: [1.0], 400: [0.5]},
            "cromel+svr": {100: [0.5], 400: [0.25]},
            "cromel+extratrees": {100: [0.8], 400: [0.6]},
            "fractions+svr": {100: [2.0], 400: [1.0]},
        }
    }
    assert savings(curves) == {"zT": {"CroMEL, frozen": 0.25, "fractions": None}}


def test_sizes_double_up_to_four_fifths():
    assert training_sizes(250) == [25, 50, 100]
    assert training_sizes(251) == [25, 50, 100, 200]
