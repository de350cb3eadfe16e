"""Candidates are those that SMACT's rules allow, and substitutions of known formulas, once each."""

import pytest

from cromel_sklearn.data.composition import parse_composition
from cromel_sklearn.data.neutral_candidates import NeutralCandidates
from cromel_sklearn.data.substituted_candidates import Substitution, substituted
from cromel_sklearn.exceptions import InvalidTableError

pytestmark = pytest.mark.filterwarnings("default")  # of SMACT's own data


def _candidates(*elements, **options):
    pytest.importorskip("smact")
    return NeutralCandidates(elements, **options)


@pytest.mark.parametrize("system", [("Li", "O"), ("Fe", "O"), ("Li", "Mn", "O"), ("Na", "S", "Cl")])
def test_candidates_are_those_of_smact(system):
    ours = _candidates(*system, max_atoms=8, min_elements=len(system), max_elements=len(system))
    import smact
    from smact.screening import smact_filter

    found = smact_filter([smact.Element(symbol) for symbol in system], threshold=8)
    expected = {
        parse_composition(dict(zip(symbols, amounts, strict=True)))
        for symbols, *_, amounts in found
        if sum(amounts) <= 8
    }
    assert expected
    assert {parse_composition(formula) for formula in ours.formulas()} == expected


def test_no_composition_comes_twice_and_none_is_too_large():
    made = _candidates("Li", "Mn", "O", "F", max_atoms=9, required=("Li",))
    compositions = [parse_composition(formula) for formula in made.formulas()]
    assert len(set(compositions)) == len(compositions) > 100
    assert all(3 in numbers for numbers, _ in compositions)
    assert "LiF" in list(made.formulas())
    assert made.n_systems == 3 + 3 + 1


@pytest.mark.parametrize(
    ("elements", "options", "message"),
    [
        (("Li",), {}, "two or more different elements"),
        (("Li", "Li"), {}, "two or more different elements"),
        (("Li", "Xx"), {}, "'Xx' is no element"),
        (("Li", "He"), {}, "no oxidation states or no electronegativity of He"),
        (("Li", "O"), {"required": ("F",)}, "F is required, but not among the elements"),
        (("Li", "O"), {"max_atoms": 1}, "2 to 60 atoms, got 1"),
        (("Li", "O"), {"min_elements": 4, "max_elements": 3}, "got 4 to 3"),
        (("Li", "O"), {"oxidation_states": "mine"}, "no table 'mine'"),
    ],
)
def test_what_cannot_be_asked_for(elements, options, message):
    with pytest.raises(InvalidTableError, match=message):
        _candidates(*elements, **options)


def test_substitutions_keep_the_rest():
    made = list(substituted(["Fe2O3", "FeTiO3"], [Substitution("Fe", ("Co", "Ti"))]))
    assert made == [
        ("Co2O3", "Fe2O3", "Fe by Co"),
        ("Ti2O3", "Fe2O3", "Fe by Ti"),
        ("CoTiO3", "FeTiO3", "Fe by Co"),
    ]  # fmt: skip (Ti2O3 comes once)


def test_dopings_replace_a_part():
    one = Substitution.parse("Fe=Co,Ni:0.05,0.1", is_doping=True)
    made = list(substituted(["LiFePO4"], [one]))
    assert [change for *_, change in made] == [
        "5 % of Fe by Co", "10 % of Fe by Co", "5 % of Fe by Ni", "10 % of Fe by Ni",
    ]  # fmt: skip
    numbers, fractions = parse_composition(made[0][0])
    assert dict(zip(numbers, fractions, strict=True))[27] == pytest.approx(0.05 / 7)


@pytest.mark.parametrize("text", ["Fe", "Fe=", "Fe=Xx", "Fe=Co:2", "Fe=Co:x", "Fe=CoO", "=Co"])
def test_substitutions_that_say_nothing_are_refused(text):
    with pytest.raises(InvalidTableError, match="Expected something like Fe=Co,Ni:0.02,0.05, got"):
        Substitution.parse(text, is_doping=True)
    with pytest.raises(InvalidTableError, match="Expected something like Fe=Co,Ni, got"):
        Substitution.parse("Fe=Co:0.1", is_doping=False)
