"""One chemical formula: its grammar, read into the amount of each element.

A formula is a row of elements and bracketed groups, each with an optional amount; a middle dot
divides it into parts (``CuSO4·5H2O``), each with an optional coefficient in front. Every pattern
is linear in the length of the formula, and formulas longer than `MAX_FORMULA_LENGTH` are refused.
"""

import re
from dataclasses import dataclass, field

from .elements import ATOMIC_NUMBERS, MAX_ATOMIC_NUMBER

#: Longest formula that is read, in characters.
MAX_FORMULA_LENGTH = 1000
#: Amounts below this are refused; pymatgen would forget them.
SMALLEST_AMOUNT = 1e-8

_SPACES = " \t\u00a0\u2007\u2009\u202f"
_TYPOGRAPHY = str.maketrans("₀₁₂₃₄₅₆₇₈₉•⋅∙*" + _SPACES, "0123456789····" + " " * len(_SPACES))
_RUN_OF_SPACES = re.compile(" {2,}")
_TWO_STOPS = re.compile(r"\. ?\.")
_STRANGE = re.compile(r"[^A-Za-z0-9.()\[\]{} +\-·]")
_TOKEN = re.compile(
    r"(?P<element>[A-Z][a-z]?)"
    r"|(?P<amount>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<opening>[(\[{])|(?P<closing>[)\]}])|(?P<dot>[·.])|(?P<space> )"
)
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_PLACEHOLDERS = frozenset(["A", "E", "G", "J", "L", "Ln", "M", "Q", "R", "X", "Xx", "Z"])


def clean_formula(text: str) -> str:
    """Return the formula with plain digits, spaces and dots, checked for length and characters.

    Raises
    ------
    ValueError
        With the reason in words.
    """
    if len(text) > MAX_FORMULA_LENGTH:
        raise ValueError(
            f"a formula of {len(text):,} characters; at most {MAX_FORMULA_LENGTH:,} are read"
        )
    text = _RUN_OF_SPACES.sub(" ", text.strip("\r\n" + _SPACES).translate(_TYPOGRAPHY)).strip(" ")
    if not text:
        raise ValueError("empty formula")
    strange = sorted(set(_STRANGE.findall(text)))
    if strange:
        shown = " ".join(map(repr, strange[:5])) + (" ..." if len(strange) > 5 else "")
        raise ValueError(f"unexpected character {shown}")
    if _TWO_STOPS.search(text):
        raise ValueError("two full stops in a row")
    return text


def parse_formula(text: str) -> dict[int, float]:
    """Read a cleaned formula into the amount of each element by atomic number.

    Parameters
    ----------
    text : str
        As `clean_formula` returns it. A stop before a digit is read as a decimal point; where it
        could be a dot between two parts, `formula_stops.require_clear_stops` refuses it.

    Returns
    -------
    dict of int to float
        Amount of each element, in the order in which they first appear. Deuterium and tritium
        count as hydrogen.

    Raises
    ------
    ValueError
        With the reason in words.

    Examples
    --------
    >>> from cromel_sklearn.data.formula import parse_formula
    >>> parse_formula("CuSO4·5H2O")
    {29: 1.0, 16: 1.0, 8: 9.0, 1: 10.0}
    """
    groups = [_Group("")]
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(_unreadable(text, position))
        _take(groups, match.lastgroup, match.group())
        position = match.end()
    if len(groups) > 1:
        raise ValueError(f"bracket {groups[-1].bracket!r} is not closed")
    return groups[0].close()


@dataclass
class _Group:
    """What has been read since a bracket was opened: amounts of elements by atomic number."""

    bracket: str
    parts: dict[int, float] = field(default_factory=dict)
    part: dict[int, float] = field(default_factory=dict)
    #: The element or group that a following amount multiplies.
    last: dict[int, float] | None = None
    coefficient: float | None = None
    is_divided: bool = False

    def add(self, amounts: dict[int, float] | None) -> None:
        """Begin something that an amount may follow."""
        _add_up(self.part, self.last or {}, 1.0)
        self.last = amounts

    def multiply(self, amount: float) -> None:
        """Take an amount for what it follows, or as the coefficient of the part it begins."""
        if self.last is not None:
            _add_up(self.part, self.last, amount)
            self.last = None
        elif self.part or self.coefficient is not None:
            raise ValueError("two amounts in a row")
        else:
            self.coefficient = amount

    def end_part(self) -> None:
        self.add(None)
        if not self.part:
            raise ValueError(
                "nothing before or after the dot of a hydrate"
                if self.is_divided
                else "nothing between two brackets"
            )
        _add_up(self.parts, self.part, 1.0 if self.coefficient is None else self.coefficient)
        self.part, self.coefficient = {}, None

    def close(self) -> dict[int, float]:
        if self.coefficient is not None and not self.is_divided:
            raise ValueError("an amount stands before the first element")
        self.end_part()
        return self.parts


def _add_up(total: dict[int, float], amounts: dict[int, float], factor: float) -> None:
    for number, amount in amounts.items():
        total[number] = total.get(number, 0.0) + amount * factor


def _take(groups: list[_Group], kind: str | None, token: str) -> None:
    """Add one token to the innermost open group."""
    group = groups[-1]
    if kind == "element":
        group.add({atomic_number_of(token): 1.0})
    elif kind == "amount":
        amount = float(token)
        if amount < SMALLEST_AMOUNT:
            raise ValueError(f"zero amount; amounts must be at least {SMALLEST_AMOUNT:g}")
        group.multiply(amount)
    elif kind == "opening":
        groups.append(_Group(token))
    elif kind == "closing":
        if not group.bracket or _CLOSING[group.bracket] != token:
            raise ValueError(f"bracket {token!r} closes nothing")
        groups.pop()
        groups[-1].add(group.close())
    elif kind == "dot":
        group.is_divided = True
        group.end_part()


def atomic_number_of(symbol: str) -> int:
    """Atomic number of an element up to lawrencium; a ValueError says what else a symbol is."""
    number = ATOMIC_NUMBERS.get(symbol)
    if number is None:
        kind = "a placeholder, not an element" if symbol in _PLACEHOLDERS else "not an element"
        raise ValueError(f"{symbol[:20]} is {kind}")
    if number > MAX_ATOMIC_NUMBER:
        raise ValueError(f"{symbol} is beyond lawrencium (Z = {MAX_ATOMIC_NUMBER})")
    return number


def _unreadable(text: str, position: int) -> str:
    if text[position] in "+-":
        return f"{text[position]!r} is no part of a formula"
    rest = text[position : position + 12]
    return f"{rest!r} is an invalid formula: an element starts with a capital letter"
