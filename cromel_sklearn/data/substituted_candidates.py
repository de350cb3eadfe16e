"""Formulas made of known ones: an element replaced by another, wholly or in part."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..exceptions import InvalidTableError
from .composition import parse_composition
from .elements import SYMBOLS

#: Parts of an element that a doping replaces where none are given.
PARTS = (0.01, 0.02, 0.05, 0.1, 0.2)


@dataclass(frozen=True)
class Substitution:
    """Replacement of an element.

    Attributes
    ----------
    replaced : str
        Symbol.
    by : tuple of str
        Symbols, each for a formula of its own.
    parts : tuple of float
        Parts of the element that are replaced; 1 is all of it.
    """

    replaced: str
    by: tuple[str, ...]
    parts: tuple[float, ...] = (1.0,)

    @classmethod
    def parse(cls, text: str, *, is_doping: bool) -> "Substitution":
        """Read ``Fe=Co,Ni``, or for a doping also ``Fe=Co,Ni:0.02,0.05``.

        Raises
        ------
        InvalidTableError
            If the text says something else.

        Examples
        --------
        >>> from cromel_sklearn.data.substituted_candidates import Substitution
        >>> Substitution.parse("Fe=Co:0.1", is_doping=True)
        Substitution(replaced='Fe', by=('Co',), parts=(0.1,))
        """
        example = "Fe=Co,Ni:0.02,0.05" if is_doping else "Fe=Co,Ni"
        replaced, sign, rest = text.replace(" ", "").partition("=")
        names, colon, numbers = rest.partition(":")
        try:
            by = tuple(names.split(","))
            parts = tuple(float(n) for n in numbers.split(",")) if colon else PARTS
            for symbol in (replaced, *by):
                if len(parse_composition(symbol)[0]) != 1 or not symbol.isalpha():
                    raise ValueError(f"{symbol!r} is no element")
            if not sign or (colon and not is_doping) or not all(0 < part < 1 for part in parts):
                raise ValueError("expected elements, and parts between 0 and 1")
        except ValueError as error:
            raise InvalidTableError(
                f"Expected something like {example}, got {text!r}: {error}."
            ) from error
        return cls(replaced, by, parts if is_doping else (1.0,))


def substituted(
    formulas: Iterable[str], substitutions: Iterable[Substitution]
) -> Iterator[tuple[str, str, str]]:
    """Replace elements in formulas, one replacement at a time.

    Parameters
    ----------
    formulas : iterable of str
        Valid ones.
    substitutions : iterable of Substitution

    Yields
    ------
    formula : str
        Of a composition that is neither given nor was given before.
    parent : str
        The formula that it is made of.
    change : str
        Such as ``5 % of Fe by Co``.

    Examples
    --------
    >>> from cromel_sklearn.data.substituted_candidates import Substitution, substituted
    >>> list(substituted(["Fe2O3", "Co2O3"], [Substitution("Fe", ("Co", "Al"))]))
    [('Al2O3', 'Fe2O3', 'Fe by Al')]
    """
    formulas, substitutions = list(formulas), list(substitutions)
    seen = {hash(parse_composition(formula)) for formula in formulas}
    for parent in formulas:
        amounts = _amounts(parent)
        for one in substitutions:
            if one.replaced not in amounts:
                continue
            for symbol in one.by:
                for part in one.parts:
                    formula = _formula(_replaced(amounts, one.replaced, symbol, part))
                    key = hash(parse_composition(formula))
                    if key not in seen:
                        seen.add(key)
                        share = "" if part == 1 else f"{100 * part:g} % of "
                        yield formula, parent, f"{share}{one.replaced} by {symbol}"


def _amounts(formula: str) -> dict[str, float]:
    numbers, fractions = parse_composition(formula)
    symbols = [SYMBOLS[z - 1] for z in numbers]
    found = dict(zip(symbols, fractions, strict=True))
    written = [symbol for symbol in re.findall("[A-Z][a-z]?", formula) if symbol in found]
    amounts = {symbol: found[symbol] for symbol in (*written, *symbols)}  # in the written order
    for n_atoms in range(1, 41):  # whole numbers, where there are any
        scaled = {symbol: n_atoms * x for symbol, x in amounts.items()}
        if all(abs(x - round(x)) < 1e-6 and round(x) > 0 for x in scaled.values()):
            return {symbol: float(round(x)) for symbol, x in scaled.items()}
    return amounts


def _replaced(amounts: dict[str, float], old: str, new: str, part: float) -> dict[str, float]:
    changed: dict[str, float] = {}
    for symbol, amount in amounts.items():
        if symbol != old:
            changed[symbol] = changed.get(symbol, 0.0) + amount
            continue
        if part < 1:
            changed[old] = changed.get(old, 0.0) + amount * (1 - part)
        changed[new] = changed.get(new, 0.0) + amount * part
    return changed


def _formula(amounts: dict[str, float]) -> str:
    return "".join(
        symbol if amount == 1 else f"{symbol}{amount:.6g}" for symbol, amount in amounts.items()
    )
