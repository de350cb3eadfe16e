"""What a plus, a hyphen, a slash or a colon does in a text that is no formula.

A charge, the prefix of a phase, the joint of a solid solution, a dopant. Each has its own reason.
"""

import re

from .formula_look_alikes import can_be_read, is_clear, reason_of_note, with_suggestion
from .formula_notes import Note, find_note

CHARGE = (
    "charges are not read from formula strings; leave them out, or pass a pymatgen Composition of "
    "Species"
)
RANGE = (
    "ranges and negative amounts are not read from formula strings; write one number for each "
    "element, such as 'Fe2O3'"
)
_SIGN = re.compile("[+-]")
_IS_CHARGE = re.compile(
    r".*[+-][)\]}]?"  # ends in a sign: SO4 2-, Na+Cl-
    r"|[A-Z][a-z]?\^?[+-][0-9]"  # Fe+3
    r"|.*\([0-9]?[+-][0-9]?\).*|.*\^[0-9]?[+-].*"
)
#: Charges that are no amounts as well, as in ``NH4+``.
_CLEAR_CHARGE = re.compile(
    r"[ ^]\(?[0-9]?[+-]+[0-9]?\)?(?![0-9])|\([0-9]?[+-][0-9]?\)|(?<=\])[0-9]?[+-]+$"
    r"|(?<=[A-Za-z)\]}])[+-]+(?=$|[A-Z])"
)
_ION = re.compile(r"([A-Z][a-z]?)(?:[0-9][+-]|\^?[+-][0-9])")
_PREFIX = re.compile(
    r"(?:[a-z]|[0-9]{1,2}[CHRT])['\u2032]{0,2}-(?=[A-Z])"
    r"|[\u03b1-\u03c9]['\u2032]{0,2}[- ]?(?=[A-Z])"
    r"|(?i:alpha|beta|gamma|delta|epsilon|zeta|eta|theta|kappa|lambda|sigma|tau|phi|chi|omega"
    r"|cubic|hexagonal|amorphous)[- ](?=[A-Z])"
)
_JOINT = re.compile(r" ?[+/:-] ?")
_STARTS_WITH_AMOUNT = re.compile(r"[0-9.]+ ?[A-Z(\[]")
_AMOUNT_IN_FRONT = re.compile(r"[0-9.]+ ?(?=[A-Z(\[])")
_DOPANT = re.compile(r"([^:]+?) ?: ?([A-Z][^:]*)")
_ELEMENT = re.compile("[A-Z][a-z]?")
_DOPED = "a dopant needs an amount; write it, such as Y1.96Eu0.04O3"
_PARTS = (
    "parts are joined without their amounts; write one formula, such as Fe0.7Cr0.3, or an amount "
    "in front of each part, such as 0.5PbTiO3·0.5BaTiO3"
)
_ELEMENT_WITH_AMOUNT = re.compile(r"[A-Z][a-z]?[0-9.]+")


def reason_of_sign(text: str) -> str:
    """Say what the sign in a text stands for, and what was meant; empty where that is unknown.

    Examples
    --------
    >>> from cromel_sklearn.data.formula_signs import reason_of_sign
    >>> reason_of_sign("c-BN")
    "'c-' is the prefix of a phase, no part of the formula; did you mean 'BN'?"
    >>> reason_of_sign("0.5PbTiO3-0.5BaTiO3")
    "a middle dot divides the parts of a solid solution; did you mean '0.5PbTiO3·0.5BaTiO3'?"
    """
    prefix = _PREFIX.match(text)
    if prefix:
        named = f"{prefix.group().strip()!r} is the prefix of a phase, no part of the formula"
        return with_suggestion(named, text[prefix.end() :])
    note = _note_behind_hyphen(text)
    if note:
        return reason_of_note(note, text)
    return _of_dopant(text) or _of_parts(text) or _of_charge(text)


def _note_behind_hyphen(text: str) -> Note | None:
    rest, sign, note = text.rpartition("-")
    found = find_note(f"{rest} {note}") if rest and sign else None
    return found if found and len(found.text) > 1 else None


def _of_dopant(text: str) -> str:
    dopant = _DOPANT.fullmatch(text)
    if "doped" in text.lower():
        return _DOPED
    if not dopant or _STARTS_WITH_AMOUNT.match(text):
        return ""
    for host in dopant.groups():
        if len(set(_ELEMENT.findall(host))) > 1 and is_clear(host):
            return f"{_DOPED}, or {host!r} for the host alone"
    return ""


def _of_parts(text: str) -> str:
    parts = _JOINT.split(text)
    if len(parts) < 2 or not all(map(can_be_read, (_AMOUNT_IN_FRONT.sub("", p, 1) for p in parts))):
        return ""
    if _STARTS_WITH_AMOUNT.match(text):
        divided = "·".join(parts)
        return with_suggestion("a middle dot divides the parts of a solid solution", divided)
    if not all(map(can_be_read, parts)):
        return ""
    is_alloy = all(map(_ELEMENT_WITH_AMOUNT.fullmatch, parts))
    return with_suggestion(_PARTS, "".join(parts) if is_alloy else "")


def _of_charge(text: str) -> str:
    if not _IS_CHARGE.fullmatch(text):
        return ""
    ion = _ION.fullmatch(text)
    neutral = ion[1] if ion else _CLEAR_CHARGE.sub("", text)
    return CHARGE if _SIGN.search(neutral) else with_suggestion(CHARGE, neutral)
