"""Abbreviations are no formulas, and what they stand for can be read."""

import pytest

from cromel_sklearn.data import formula_abbreviations
from cromel_sklearn.data.formula_abbreviations import abbreviated, abbreviated_without_amounts
from cromel_sklearn.data.formula_reader import read_formula

COMPOUNDS = [*formula_abbreviations._COMPOUNDS, *formula_abbreviations._SUPERCONDUCTORS]
SOLUTIONS = [*formula_abbreviations._WITHOUT_AMOUNTS]


@pytest.mark.parametrize("text", COMPOUNDS)
def test_what_an_abbreviation_stands_for_can_be_read(text):
    assert abbreviated(text)
    for formula in abbreviated(text):
        read_formula(formula)


@pytest.mark.parametrize("text", COMPOUNDS)
def test_abbreviation_is_refused_with_all_that_it_stands_for(text):
    with pytest.raises(ValueError, match="did you mean") as caught:
        read_formula(text)
    assert all(repr(formula) in str(caught.value) for formula in abbreviated(text))


@pytest.mark.parametrize("text", SOLUTIONS)
def test_abbreviation_without_amounts_is_refused_with_its_solution(text):
    with pytest.raises(ValueError, match="without its amounts") as caught:
        read_formula(text)
    assert abbreviated_without_amounts(text) in str(caught.value)
