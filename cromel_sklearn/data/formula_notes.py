"""Words beside a formula whose letters are elements too: oxidation states, phases, forms, purities.

``Fe(III)2O3`` holds no iodine, ``SiC 4H`` no hydrogen, ``ZnO NW`` no tungsten. A space alone makes
no note: ``Na Cl``, ``Fe 2 O 3`` and ``B N H`` are formulas.
"""

import re
from dataclasses import dataclass

from .formula_stops import ENDS_OF_PARTS

_STATE = "(?:I{1,3}|IV|VI{0,3}|IX)"
_ROMAN = re.compile(
    rf"(?<=[A-Za-z0-9)\]}}]) ?[(\[{{] ?(?!(?:I|V) ?[)\]}}]){_STATE}(?:[,/] ?{_STATE})* ?[)\]}}]"
    # One letter is a state behind an element that has it, or at the end: no Bi(I)3, no Ca(V)2O6.
    r"|(?<=[A-Za-z]) ?[(\[{] ?I ?[)\]}](?! ?[0-9]+(?:$|[)\]}]))"
    r"|(?<=[A-Za-z])(?<!Li|Na|Rb|Cs|Be|Mg|Ca|Sr|Ba|Al|Sc|La|Zn)(?<![KY])"
    r" ?[(\[{] ?V ?[)\]}](?! ?[0-9]+(?:$|[)\]}]))"
    r"|(?<=[0-9)\]}]) ?[(\[{] ?[IV] ?[)\]}]$"
    r"|(?<=[A-Za-z0-9)\]}]) (?:IV|VI)(?= |$)"
    r"|(?<=[A-Za-z0-9)\]}])(?<![IV]) ?V?I{2,3}(?![a-z])"
)
_IN_BRACKETS = re.compile(r"(?P<rest>.*[A-Za-z0-9)\]}]) ?[(\[{](?P<note>[A-Za-z0-9.]+)[)\]}]")
_WITHOUT_AMOUNT = re.compile("[IV](?![a-z0-9.])")
_ELEMENT = re.compile("[A-Z][a-z]?")
_AMOUNT = re.compile(r"(?:^|(?<= ))[0-9.]+(?= |$)")
_PHASE = re.compile("BCC|FCC|HCP|BCT|FCT|CCP|DHCP", re.IGNORECASE)
_FORM = re.compile("(?:N[CFPRSTW]|QD)s?|TF|SC|PC")
_POLYTYPE = re.compile("[0-9]{1,2}[CHRT]'?")
_HAVE_POLYTYPES = frozenset(["C", "Si", "Ge"])
_PURITY = re.compile(r"[2-9]N[0-9]?|99(?:\.[0-9]+)?")
_STRUCTURE_TYPE = re.compile("A15|B[1-4]|C14|C15|C36")
_LETTER_OF_PHASE = re.compile("[CHT]")
_LETTER_IN_BRACKETS = re.compile("[BCHMT]")


@dataclass(frozen=True)
class Note:
    """What stands beside a formula.

    Attributes
    ----------
    text : str
        As it is written.
    kind : str
        What it is, with its article.
    rest : str
        The formula without it.
    joined : str
        The formula with the note as elements, written so that it is no note.
    """

    text: str
    kind: str
    rest: str
    joined: str


def find_note(text: str) -> Note | None:
    """Find the note beside a formula, if there is one.

    Parameters
    ----------
    text : str
        As `clean_formula` returns it.

    Returns
    -------
    Note or None

    Examples
    --------
    >>> from cromel_sklearn.data.formula_notes import find_note
    >>> find_note("Fe(III)2O3")
    Note(text='(III)', kind='an oxidation state', rest='Fe2O3', joined='Fe(I1I1I1)2O3')
    >>> find_note("SiC 4H")
    Note(text='4H', kind='a polytype', rest='SiC', joined='SiC4H')
    >>> find_note("Fe 2 O 3")
    """
    may_have_state = "I" in text or "V" in text
    states = [state.group().strip() for state in _ROMAN.finditer(text)] if may_have_state else []
    if states:
        joined = _WITHOUT_AMOUNT.sub(r"\g<0>1", _ROMAN.sub(lambda state: state[0].strip(), text))
        return Note(states[0], "an oxidation state", _ROMAN.sub("", text), joined)
    bracketed = _IN_BRACKETS.fullmatch(text) if text.endswith((")", "]", "}")) else None
    if bracketed:
        rest, note = bracketed["rest"], bracketed["note"]
        return _note(note, _kind_in_brackets(rest, note), rest, rest + note)
    rest, _, note = text.rpartition(" ")
    if not rest:
        return None
    behind = _note(note, _kind_behind(rest, note), rest, rest + note)
    note, _, rest = text.partition(" ")
    return behind or _note(note, _kind_in_front(note, rest), rest, note + rest)


def _note(note: str, kind: str, rest: str, joined: str) -> Note | None:
    return Note(note, kind, rest.rstrip(" ,;"), joined.replace(" ", "")) if kind else None


def _kind_in_front(note: str, rest: str) -> str:
    if _STRUCTURE_TYPE.fullmatch(note) and _is_compound(rest):
        is_alloy = ENDS_OF_PARTS.isdisjoint(_ELEMENT.findall(rest))
        return "a structure type" if is_alloy else ""
    return _kind_anywhere(note, rest)


def _kind_behind(rest: str, note: str) -> str:
    if _PURITY.fullmatch(note) and not _AMOUNT.search(rest):
        return "a purity"
    if _LETTER_OF_PHASE.fullmatch(note) and _is_compound(rest):
        return "a phase"
    if _STRUCTURE_TYPE.fullmatch(note) and _is_compound(rest):
        return "a structure type"
    return _kind_anywhere(note, rest)


def _kind_in_brackets(rest: str, note: str) -> str:
    if _LETTER_IN_BRACKETS.fullmatch(note) and len(set(_ELEMENT.findall(rest))) > 1:
        return "a phase"
    return _kind_behind(rest, note)


def _kind_anywhere(note: str, rest: str) -> str:
    if _PHASE.fullmatch(note):
        return "a phase"
    if _FORM.fullmatch(note):
        return "a shape of the sample"
    if _POLYTYPE.fullmatch(note) and _has_polytypes(rest):
        return "a polytype"
    return ""


def _has_polytypes(rest: str) -> bool:
    """Whether digits in front of a capital are none of its amounts, as they are in ``Fe 3C``."""
    return rest in _HAVE_POLYTYPES or _is_compound(rest)


def _is_compound(rest: str) -> bool:
    """Whether it is a formula in one word; spaces between all elements are a way to write one."""
    return " " not in rest and len(set(_ELEMENT.findall(rest))) > 1
