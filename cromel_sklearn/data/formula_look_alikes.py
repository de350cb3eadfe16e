"""Texts that read as a formula and are none: grades, notes, abbreviations, slips of the hand.

Each is refused with what it looks like and with a way to write the formula that it reads as.
"""

import re

from .formula import clean_formula, parse_formula
from .formula_abbreviations import abbreviated, abbreviated_without_amounts
from .formula_notes import Note, find_note
from .formula_stops import LONGEST_SHOWN, in_whole_numbers, require_clear_stops
from .formula_words import recased

GRADE = "looks like an alloy grade, not a formula"
# Grades that would be read as a formula, most of them as one element: In718 is no indium.
_GRADES = re.compile(
    r"(?:SS|ss|SUS|STS)?[2346]\d\d[HLN]{0,2}"  # stainless steels by AISI number
    r"|S(?:K[DHST]|CM|NCM|UJ|UM|PC)\d{1,3}|S\d\dC|H[KP]40|DP\d{3,4}"  # Japanese and cast steels
    r"|C[Kk]\d\d|C\d{4}|(?:X\d{1,3}|\d{2,3})(?:Cr|Mn|Mo|Ni|Si|V)+\d{1,4}"  # steels by carbon
    r"|S(?:235|275|355|420|450|460|500|550|620|690|700|890|960)[JKLMNR0-9]{0,3}"  # EN 10025
    r"|[ACFGHKNRS]\d{5}"  # unified numbering system
    r"|1[357][4578]PH"
    r"|I[Nn](?:100|6(?:00|01|17|25|90)|7(?:02|13|18|38|40|83|92)|825|90[79]|939)"
    r"|Ti(?:17|64|811|1023|5553|62(?:42|46))"
    r"|A[Al][1-8]\d{3}|C(?:35|45|55|276)|F(?:51|53|55|91)|H(?:11|13|21)|K500|P(?:20|22|91|92)"
    r"|T(?:11|22|91|92)|U(?:500|720)"
    # Alloys named by weight percent.
    r"|Ti6Al4V|Ti6Al7Nb|Ti6Al2Sn4Zr[26]Mo|Ti3Al2\.5V|Ti5Al2\.5Sn|Ti10V2Fe3Al|Ti13Nb13Zr"
    r"|AlSi(?:10|7)Mg|AlSi12|CuZn(?:3[0-9]|40)|CuSn(?:6|8|10|12)"
)
_SEPARATORS = re.compile("[ _-]")
_WEIGHTS_WITH_HYPHENS = re.compile(r"[A-Z][a-z]?(?:-[0-9.]+[A-Z][a-z]?)+")
# Symbols of two capitals that are two elements as well; TI would be tritium and iodine.
_CAPITALS = re.compile(
    r"(?:BI|CU|DY|NB|NI|PB|PD|PT|PU|SB|TB|TC|TH|TI)[0-9]*(?:[BCFHINOPS][0-9]*)+"
    r"|NI|OS|SC|SI(?:O2?|C|3N4)|SNO2|IN(?:2O3|N|P)|SC2O3|YB2O3|CO3O4|HF(?:O2|C|N|B2)"
)
#: Two capitals that are one element: as two, none of half a million known formulas has them.
SLIPS_OF_CASE = frozenset(["CU", "DY", "NB", "PB", "PD", "PT", "PU", "SB", "TB", "TC", "TH", "TI"])
_SLIP_OF_CASE = re.compile(rf"(?:{'|'.join(sorted(SLIPS_OF_CASE))})(?![a-z])")
_LOOKS_LIKE = {"TI": "Tl"}  # a capital I looks like a small L
_ZERO_FOR_O = re.compile(r"[A-Z][a-z]?[2-9]0[1-9]|[HD]20")
_LAST_ZERO = re.compile(r"(?<=[A-Za-z)\]}])0$")
_LEADING_ZERO = re.compile(r"(?<=[A-Za-z)\]}])0(?=[0-9]+(?![0-9.]))")
_WITH_TEMPER = re.compile(r"(?:A[Al]?[ -]?)?[1-8]\d{3}-[FHOTW]\d{0,4}")  # 7075-T6
_NOT_A_TIME = "NaT"  # how pandas writes a missing time, and the formula of sodium tritide


def require_no_look_alike(text: str) -> None:
    """Refuse what reads as a formula and certainly is none, such as ``In718`` and ``SIO2``.

    Parameters
    ----------
    text : str
        As `clean_formula` returns it.

    Raises
    ------
    ValueError
        With what it looks like, and how to write it if it is meant all the same.

    Examples
    --------
    >>> from cromel_sklearn.data.formula_look_alikes import require_no_look_alike
    >>> require_no_look_alike("In2O3")
    >>> require_no_look_alike("In718")
    Traceback (most recent call last):
    ...
    ValueError: looks like an alloy grade, not a formula; write its elements in atomic amounts, \
or 'In' for the formula
    """
    note = find_note(text)
    if note:
        raise ValueError(reason_of_note(note, text))
    if len(text) > LONGEST_SHOWN:
        _require_no_slip_of_case(text)
        return
    if text == _NOT_A_TIME:
        raise ValueError("a missing value, not a formula; write 'NaH' for sodium tritide")
    if is_grade(text):
        escape = f", or {_plainly(text)!r} for the formula" if can_be_read(text) else ""
        raise ValueError(f"{GRADE}; write its elements in atomic amounts{escape}")
    abbreviation = reason_of_abbreviation(text)
    if abbreviation:
        raise ValueError(abbreviation)
    if _CAPITALS.fullmatch(text):
        raise ValueError(_did_you_mean(recased(text), escape=_with_ones(text)))
    _require_no_slip_of_case(text)
    if _LEADING_ZERO.search(text):
        raise ValueError(with_suggestion("an amount starts with 0", with_oxygen(text)))
    if _ZERO_FOR_O.fullmatch(text):
        raise ValueError(_did_you_mean(text.replace("0", "O"), escape=_plainly(text)))


def is_grade(text: str) -> bool:
    """Whether a text names an alloy by its grade or its weight percent."""
    squeezed = _SEPARATORS.sub("", text)
    written = (_WITH_TEMPER, _WEIGHTS_WITH_HYPHENS)
    return bool(_GRADES.fullmatch(squeezed) or any(way.fullmatch(text) for way in written))


def reason_of_note(note: Note, text: str) -> str:
    """Say what the note of a text is, and what to write instead."""
    reason = f"{note.text!r} is {note.kind}, no part of the formula"
    if len(text) > LONGEST_SHOWN:
        return f"{reason}; leave it out"
    if not (can_be_read(text) and is_clear(note.joined)):
        return with_suggestion(reason, note.rest)
    if not is_clear(note.rest):
        return f"{reason}; write {note.joined!r} if the formula is meant as it stands"
    return f"{reason}; {_did_you_mean(note.rest, escape=note.joined)}"


def reason_of_abbreviation(text: str) -> str:
    """Say what a text abbreviates; empty if it is no abbreviation."""
    solution, meant = abbreviated_without_amounts(text), abbreviated(text)
    if solution:
        reason = (
            f"an abbreviation of {solution} without its amounts; write them, such as Ba0.6Sr0.4TiO3"
        )
    elif meant:
        reason = f"did you mean {' or '.join(map(repr, meant))}?"
    else:
        return ""
    if not can_be_read(text):
        return reason if solution else f"an abbreviation; {reason}"
    amounts = parse_formula(text)
    escape = _plainly(text) if len(amounts) == 1 else _with_ones(text)
    end = "" if reason.endswith("?") else "."
    return f"{reason}{end} Write {escape!r} if the formula is meant as it stands"


def with_oxygen(text: str) -> str:
    """Return the text with the letter O for zeros that are no amount."""
    return _LAST_ZERO.sub("O", _LEADING_ZERO.sub("O", text))


def _plainly(text: str) -> str:
    """Return another formula of the composition that nobody takes for a grade."""
    amounts = parse_formula(text)
    return in_whole_numbers({z: 1.0 if len(amounts) == 1 else 2 * n for z, n in amounts.items()})


def _with_ones(text: str) -> str:
    return re.sub(r"([A-Z][a-z]?)(?![a-z0-9.])", r"\g<1>1", text)


def _require_no_slip_of_case(text: str) -> None:
    """Refuse an element in two capitals; of a long text, name the element alone."""
    found = _SLIP_OF_CASE.search(text)
    if found is None or not can_be_read(text):
        return
    shown = text if len(text) <= LONGEST_SHOWN else found.group()
    likely = [_with_small_letters(shown)]
    for slip, meant in _LOOKS_LIKE.items():
        if slip in shown:
            likely.append(_with_small_letters(shown.replace(slip, meant)))
    escape = _SLIP_OF_CASE.sub(lambda slip: f"{slip.group()[0]}1{slip.group()[1]}", shown)
    raise ValueError(_did_you_mean(*likely, escape=escape))


def _with_small_letters(text: str) -> str:
    return _SLIP_OF_CASE.sub(lambda slip: slip.group().capitalize(), text)


def _did_you_mean(*likely: str, escape: str) -> str:
    asked = " or ".join(map(repr, likely))
    return f"did you mean {asked}? Write {escape!r} if the formula is meant as it stands"


def with_suggestion(reason: str, *likely: str, but_not: str = "") -> str:
    """Add the first likely text that is a formula to a reason."""
    for text in likely:
        if text and text != but_not and is_clear(text):
            return f"{reason}; did you mean {text!r}?"
    return reason


def is_clear(text: str) -> bool:
    """Whether a text can be read, and as nothing else."""
    if not can_be_read(text):
        return False
    try:
        require_no_look_alike(clean_formula(text))
    except ValueError:
        return False
    return True


def can_be_read(text: str) -> bool:
    """Whether a text can be read, be it as it was meant or not."""
    try:
        text = clean_formula(text)
        require_clear_stops(text)
        parse_formula(text)
    except ValueError:
        return False
    return True
