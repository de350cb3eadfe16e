"""Full stops in a formula: decimal point, or dot between two parts."""

import math
import re
from fractions import Fraction

from .elements import SYMBOLS
from .formula import parse_formula

# A stop before a digit, the element or bracket in front of it, and what comes after the number.
_STOP = re.compile(
    r"(?P<end>[A-Z][a-z]?|[)\]}]) ?(?P<whole>[0-9]*) ?\. ?(?P<fraction>[0-9][0-9.]*)"
    r"(?P<power>(?:[eE][+-]?[0-9])?)(?= ?(?P<next>[A-Z(\[{]?))"
)
_WATER = re.compile(r"(?:[HDT]2 ?[O0]|HDO|HTO|[(\[{][HD]2O[)\]}])(?![a-z0-9.])")
_MISTYPED_WATER = re.compile(r"H20(?![0-9.])")
_ELEMENT = re.compile("[A-Z][a-z]?")
_PART = re.compile(r"[^.·]*")
#: A part that is a compound of its own ends in one of these.
ENDS_OF_PARTS = frozenset(re.findall(r"[A-Z][a-z]?|\W", "OSSeTeFClBrINPAsHDTCB)]}"))
#: Formulas longer than this are not repeated in a message.
LONGEST_SHOWN = 60
_EXAMPLE = "write 'CuSO4·5H2O' for five parts of water, 'Cu2S2O11H4' for the decimal amount 4.5"


def require_clear_stops(text: str) -> None:
    """Refuse a stop that could be a decimal point or the dot between two parts.

    ``CuSO4.5H2O`` is five waters or 4.5 oxygens. A stop is taken as a decimal point only where
    two parts make no sense: after 0 (``K0.5``), before 0 or more than two digits (``O6.05Ba``), at
    the end of the formula, after an element that ends no compound (``La1.85Sr0.15``), beside a
    single element, or where another amount of the formula can only be a decimal. Before water it
    is a decimal point only after 0 and before 0.

    Parameters
    ----------
    text : str
        As `clean_formula` returns it.

    Raises
    ------
    ValueError
        Which says both readings.

    Examples
    --------
    >>> from cromel_sklearn.data.formula_stops import require_clear_stops
    >>> require_clear_stops("La1.85Sr0.15CuO4")
    >>> require_clear_stops("CaO.6Al2O3")
    Traceback (most recent call last):
    ...
    ValueError: the full stop in 'O.6Al2' is a decimal point or the dot between two parts; \
write 'CaO·6Al2O3' for the parts, 'Ca5O18Al10' for the decimal amount
    """
    stops = list(_STOP.finditer(text))
    in_decimals = any(_can_only_be_decimal(stop) for stop in stops)
    unclear = [stop for stop in stops if _could_divide(text, stop, in_decimals)]
    if unclear:
        raise ValueError(_both_readings(text, unclear))


def _is_beside_zero(stop: re.Match) -> bool:
    after_zero = stop["whole"] != "" and not stop["whole"].strip("0")
    return after_zero or stop["fraction"].startswith("0")


def _is_no_decimal(stop: re.Match) -> bool:
    """Whether no number can be made of it: CaSO4.0.5H2O, MgCl2. 6 H2O."""
    is_spaced = stop.string[stop.end("whole") : stop.start("fraction")] != "."
    return is_spaced or "." in stop["fraction"]


def _can_only_be_decimal(stop: re.Match) -> bool:
    if _is_no_decimal(stop):
        return False
    return (
        _is_beside_zero(stop)
        or len(stop["fraction"]) > 2
        or stop["power"] != ""
        or stop["next"] == ""
        or stop["end"] not in ENDS_OF_PARTS
    )


def _could_divide(text: str, stop: re.Match, in_decimals: bool) -> bool:
    if not stop["next"] or stop["power"]:
        return False
    if _is_no_decimal(stop):
        return True
    if _WATER.match(text, stop.start("next")):
        return not _is_beside_zero(stop)
    if _can_only_be_decimal(stop) or (in_decimals and stop["whole"]):
        return False
    before = text[max(0, stop.end("end") - 40) : stop.end("end")].rpartition("·")[2]
    part = _PART.match(text, stop.start("next"))
    after = part.group() if part else ""
    return all(len(set(_ELEMENT.findall(side))) > 1 for side in (before, after))


def _both_readings(text: str, stops: list[re.Match]) -> str:
    shown = text[stops[0].start() : stops[0].start("next") + 3]
    start = f"the full stop in {shown[:20]!r} is a decimal point or the dot between two parts"
    if len(text) > LONGEST_SHOWN:
        return f"{start}; {_EXAMPLE}"
    parts = text
    for stop in reversed(stops):
        parts = parts[: stop.end("whole")] + "·" + parts[stop.start("fraction") :]
    parts = _MISTYPED_WATER.sub("H2O", parts)
    try:
        parse_formula(parts)
        whole_numbers = in_whole_numbers(parse_formula(text))
    except ValueError:  # one of the readings cannot be read
        return f"{start}; {_EXAMPLE}"
    if len(whole_numbers) > LONGEST_SHOWN:
        return f"{start}; {_EXAMPLE}"
    return f"{start}; write {parts!r} for the parts, {whole_numbers!r} for the decimal amount"


def in_whole_numbers(amounts: dict[int, float]) -> str:
    """Formula of the amounts without decimals.

    Examples
    --------
    >>> from cromel_sklearn.data.formula_stops import in_whole_numbers
    >>> in_whole_numbers({29: 1.0, 16: 1.0, 8: 5.5, 1: 2.0})
    'Cu2S2O11H4'
    """
    fractions = {z: Fraction(repr(amount)) for z, amount in amounts.items()}
    multiple = math.lcm(*(fraction.denominator for fraction in fractions.values()))
    counts = {SYMBOLS[z - 1]: int(fraction * multiple) for z, fraction in fractions.items()}
    return "".join(f"{symbol}{n if n > 1 else ''}" for symbol, n in counts.items())
