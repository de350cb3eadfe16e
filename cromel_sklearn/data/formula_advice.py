"""What a text that cannot be read was probably meant to be.

Weight and atomic percent, variables without a value, signs, words, capitals and zeros. A suggestion
is made only if it can be read itself.
"""

import re

from .elements import ATOMIC_NUMBERS
from .formula_look_alikes import (
    GRADE,
    is_clear,
    is_grade,
    reason_of_abbreviation,
    reason_of_note,
    with_oxygen,
    with_suggestion,
)
from .formula_notes import find_note
from .formula_signs import RANGE, reason_of_sign
from .formula_stops import LONGEST_SHOWN
from .formula_typography import in_plain_characters, names_of_look_alikes
from .formula_words import is_word, likely_case, symbol_of_name

_ALLOY_NAMES = re.compile(
    r"steel|brass|bronze|nitinol|inconel|incoloy|hastelloy|monel|nimonic|waspaloy|udimet|stellite|invar|kovar|zircaloy"
    r"|(?:^|[^a-z])(?:aisi|sae|astm|uns|din|haynes|ren[eé]|cmsx)[ -]?[a-z]?-?\d"
)
_SIGN_BEFORE_WATER = re.compile(r" ?[ x\u00d7-] ?(?=[0-9]+ ?[HD]2O)")
_PERCENT = re.compile(r"[ (]*(at|mol|wt|w|m|weight|mass)?(?:om|omic)?\.? ?-?% *\)?")
_VARIABLE = re.compile("[nxyzδ]")
_LAST_SYMBOL = re.compile("[A-Z][a-z]?$")
_BEFORE_A_NUMBER = frozenset("0123456789+-()[]{}.·•⋅∙*")
_COMMENT = re.compile(r" ?\((?:[a-z][a-z ]*|[A-Z][a-z]{3,})\)$| [A-Za-z][a-z]{3,}(?: [a-z]+)?$")
_COMMA_BETWEEN_ELEMENTS = re.compile("[A-Za-z], ?(?=[A-Z])")
_SHARES = (
    "the amounts of elements divided by a comma are missing; write them, such as (Mg0.5Fe0.5)2SiO4"
)
_COMMA = re.compile(r"(?<=[0-9)\]}]), ?(?=[A-Z(\[{])")
_DECIMAL_COMMA = re.compile(r"(?<=[0-9]),(?=[0-9])")
_SIGN = re.compile("[+-]")
_POWER = re.compile(r"(?<=[0-9.])[eE][+-]?[0-9]+")
_MISSING = frozenset(
    ["nan", "Nan", "NAN", "<NA>", "n/a", "N/A", "#N/A", "none", "None", "null", "NULL", "-", "--"]
)


def advice_for(text: str, reason: str) -> str:
    """Return the reason for which a text was refused, with what was probably meant.

    Parameters
    ----------
    text : str
        As the user wrote it.
    reason : str
        Why it cannot be read.

    Returns
    -------
    str

    Examples
    --------
    >>> from cromel_sklearn.data.formula_advice import advice_for
    >>> advice_for("nacl", "'nacl' is an invalid formula")
    "'nacl' is an invalid formula; did you mean 'NaCl'?"
    >>> advice_for("La1-xSrxMnO3", "charges are not read")
    'x has no value; write numbers, such as La0.7Sr0.3MnO3'
    """
    text = text.strip()
    if len(text) > LONGEST_SHOWN:
        return reason
    if text in _MISSING:
        return "a missing value, not a formula"
    plain = in_plain_characters(text)
    note = find_note(plain) or find_note(text.replace("_", " "))
    if note:
        return reason_of_note(note, plain)
    percent = _PERCENT.search(text)
    if percent and "%" in percent.group():
        return _of_percent(text, percent)
    if is_grade(text) or _ALLOY_NAMES.search(text.lower()):
        return f"{GRADE}; write its elements in atomic amounts"
    names = names_of_look_alikes(text)
    reason = f"{reason}: {names}" if names and "unexpected" in reason else reason
    if plain != text and is_clear(plain):
        return with_suggestion(reason, plain)
    return _of_known_kind(plain) or _with_likely(plain, reason)


def _of_known_kind(text: str) -> str:
    hydrate = _SIGN_BEFORE_WATER.sub("·", text)
    if hydrate != text and is_clear(hydrate):
        return f"write a middle dot before water; did you mean {hydrate!r}?"
    abbreviation = reason_of_abbreviation(text)
    if abbreviation:
        return abbreviation
    symbol = symbol_of_name(text)
    if symbol:
        return f"the name of an element; did you mean {symbol!r}?"
    variable = _variable(text)
    if variable:
        return f"{variable} has no value; write numbers, such as La0.7Sr0.3MnO3"
    return reason_of_sign(text) or (_SHARES if _COMMA_BETWEEN_ELEMENTS.search(text) else "")


def _with_likely(text: str, reason: str) -> str:
    if "unexpected" not in reason and _SIGN.search(_POWER.sub("", text)):
        reason = RANGE
    with_points = _COMMA.sub("", _DECIMAL_COMMA.sub(".", text))
    likely = [_COMMENT.sub("", text), with_points, likely_case(text), with_oxygen(text)]
    advice = with_suggestion(reason, *likely, but_not=text)
    return "a word, not a formula" if advice == reason and is_word(text) else advice


def _of_percent(text: str, percent: re.Match) -> str:
    if percent[1] in ("wt", "w", "m", "weight", "mass"):
        return "weight percent is not read; convert it to atomic amounts first"
    number = _PERCENT.sub("", text)
    note = find_note(number)
    if note:
        return reason_of_note(note, text)
    return with_suggestion("amounts are atomic, without a percent sign", number)


def _variable(text: str) -> str:
    """Return the first small letter that stands for a number, if there is one."""
    for match in _VARIABLE.finditer(text):
        before, after = text[: match.start()], text[match.end() : match.end() + 1]
        symbol = _LAST_SYMBOL.search(before)
        if after.islower() or (before[-1:] + match.group()) in ATOMIC_NUMBERS:
            continue
        if before[-1:] in _BEFORE_A_NUMBER or (symbol and symbol.group() in ATOMIC_NUMBERS):
            return match.group() if before else ""
    return ""
