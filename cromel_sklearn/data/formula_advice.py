"""What a text that is no formula, or reads as the wrong one, was probably meant to be.

Alloy grades, weight and atomic percent, variables without a value, capitals and zeros. A
suggestion is made only for texts that are refused, and only if it can be read itself.
"""

import re

from .elements import ATOMIC_NUMBERS, MAX_ATOMIC_NUMBER
from .formula import CHARGES, clean_formula, parse_formula
from .formula_stops import in_whole_numbers, require_clear_stops

GRADE = "looks like an alloy grade, not a formula"
# Grades that would be read as a formula, most of them as one element: In718 is no indium.
_GRADES = re.compile(
    r"(?:SS|ss)?[2346]\d\d[HLN]{0,2}"  # stainless steels by AISI number
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
_ALLOY_NAMES = re.compile(
    r"steel|brass|bronze|nitinol|inconel|incoloy|hastelloy|monel|nimonic|waspaloy|udimet|stellite|invar|kovar|zircaloy"
    r"|(?:^|[^a-z])(?:aisi|sae|astm|uns|din|haynes|ren[eé]|cmsx)[ -]?[a-z]?-?\d"
)
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
_SIGN_BEFORE_WATER = re.compile(r" ?[ x\u00d7-] ?(?=[0-9]+ ?[HD]2O)")
_LEADING_ZERO = re.compile(r"(?<=[A-Za-z)\]}])0(?=[0-9]+(?![0-9.]))")
_ABBREVIATIONS = {
    "BFO": "BiFeO3",
    "BSCCO": "Bi2Sr2CaCu2O8",
    "BTO": "BaTiO3",
    "FTO": "SnO2",
    "ITO": "In2O3",
    "KTO": "KTaO3",
    "PTO": "PbTiO3",
    "STO": "SrTiO3",
    "YBCO": "YBa2Cu3O7",
}
_PERCENT = re.compile(r"[ (]*(at|mol|wt|w|m|weight|mass)?(?:om|omic)?\.? ?-?% *\)?")
_VARIABLE = re.compile("[nxyzδ]")
_LAST_SYMBOL = re.compile("[A-Z][a-z]?$")
_BEFORE_A_NUMBER = frozenset("0123456789+-()[]{}.·•⋅∙*")
_COMMENT = re.compile(r"^[a-z\u03b1-\u03c9]['\u2032]?-(?=[A-Z])| ?\([a-z][a-z ]*\)$")
_SIGN = re.compile("[+-]")
_POWER = re.compile(r"(?<=[0-9.])[eE][+-]?[0-9]+")
_PIECE = re.compile(r"[A-Za-z]+|[^A-Za-z]+")
# Nobody means these in capitals or small letters: nobelium in KNO3, for one.
_UNLIKELY = frozenset(re.findall("[A-Z][a-z]", "AcAtBkCfCmEsFmFrLrMdNoNpPaPoRaRn"))
_MISSING = frozenset(
    ["nan", "NAN", "<NA>", "n/a", "N/A", "#N/A", "none", "None", "null", "NULL", "-", "--"]
)
_NOT_A_TIME = "NaT"  # how pandas writes a missing time, and the formula of sodium tritide
_LONGEST = 60


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
    >>> from cromel_sklearn.data.formula_advice import require_no_look_alike
    >>> require_no_look_alike("In2O3")
    >>> require_no_look_alike("In718")
    Traceback (most recent call last):
    ...
    ValueError: looks like an alloy grade, not a formula; write its elements in atomic amounts, \
or 'In' for the formula
    """
    if len(text) > _LONGEST:
        _require_no_slip_of_case(text)
        return
    if text == _NOT_A_TIME:
        raise ValueError("a missing value, not a formula; write 'NaH' for sodium tritide")
    if _is_grade(text):
        escape = f", or {_plainly(text)!r} for the formula" if _can_be_read(text) else ""
        raise ValueError(f"{GRADE}; write its elements in atomic amounts{escape}")
    if text in _ABBREVIATIONS:
        raise ValueError(_did_you_mean(_ABBREVIATIONS[text], escape=_with_ones(text)))
    if _CAPITALS.fullmatch(text):
        raise ValueError(_did_you_mean(_recased(text), escape=_with_ones(text)))
    _require_no_slip_of_case(text)
    if _LEADING_ZERO.search(text):
        raise ValueError(_with_suggestion("an amount starts with 0", _with_oxygen(text)))
    if _ZERO_FOR_O.fullmatch(text):
        raise ValueError(_did_you_mean(text.replace("0", "O"), escape=_plainly(text)))


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
    if len(text) > _LONGEST:
        return reason
    if text in _MISSING:
        return "a missing value, not a formula"
    percent = _PERCENT.search(text)
    if percent and "%" in percent.group():
        return _of_percent(text, percent)
    if _is_grade(text) or _ALLOY_NAMES.search(text.lower()):
        return f"{GRADE}; write its elements in atomic amounts"
    if "unexpected" not in reason and _SIGN.search(_POWER.sub("", text)):
        reason = CHARGES
    hydrate = _SIGN_BEFORE_WATER.sub("·", text)
    if hydrate != text and _is_clear(hydrate):
        return f"write a middle dot before water; did you mean {hydrate!r}?"
    variable = _variable(text)
    if variable:
        return f"{variable} has no value; write numbers, such as La0.7Sr0.3MnO3"
    likely = [_COMMENT.sub("", text), text.replace(",", "."), _recased(text), _with_oxygen(text)]
    return _with_suggestion(reason, *likely, but_not=text)


def _is_grade(text: str) -> bool:
    squeezed = _SEPARATORS.sub("", text)
    return bool(_GRADES.fullmatch(squeezed) or _WEIGHTS_WITH_HYPHENS.fullmatch(text))


def _of_percent(text: str, percent: re.Match) -> str:
    if percent[1] in ("wt", "w", "m", "weight", "mass"):
        return "weight percent is not read; convert it to atomic amounts first"
    return _with_suggestion("amounts are atomic, without a percent sign", _PERCENT.sub("", text))


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


def _recased(text: str) -> str:
    """Return the text with the capitals of the fewest elements that its letters can spell."""
    pieces = [
        _spelled(piece) if piece.isalpha() and piece.isascii() else piece
        for piece in _PIECE.findall(text)
    ]
    return "".join(pieces) if all(pieces) else ""


def _spelled(letters: str) -> str:
    """Spell letters by as few symbols as possible; empty if that is impossible."""
    best: list[tuple[int, str] | None] = [(0, "")]
    for end in range(1, len(letters) + 1):
        options = []
        for size in (2, 1):
            symbol = letters[end - size : end].capitalize() if size <= end else ""
            start = best[end - size] if size <= end else None
            is_known = ATOMIC_NUMBERS.get(symbol, MAX_ATOMIC_NUMBER + 1) <= MAX_ATOMIC_NUMBER
            if start is not None and is_known and symbol not in _UNLIKELY:
                options.append((start[0] + 1, start[1] + symbol))
        best.append(min(options, key=lambda option: option[0], default=None))
    return best[-1][1] if best[-1] else ""


def _with_oxygen(text: str) -> str:
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
    if found is None or not _can_be_read(text):
        return
    shown = text if len(text) <= _LONGEST else found.group()
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


def _with_suggestion(reason: str, *likely: str, but_not: str = "") -> str:
    for text in likely:
        if text and text != but_not and _is_clear(text):
            return f"{reason}; did you mean {text!r}?"
    return reason


def _is_clear(text: str) -> bool:
    """Whether a text can be read, and as nothing else."""
    if not _can_be_read(text):
        return False
    try:
        require_no_look_alike(clean_formula(text))
    except ValueError:
        return False
    return True


def _can_be_read(text: str) -> bool:
    try:
        text = clean_formula(text)
        require_clear_stops(text)
        parse_formula(text)
    except ValueError:
        return False
    return True
