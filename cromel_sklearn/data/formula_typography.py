"""Characters that no formula has: markup, superscripts, fractions, letters of other alphabets."""

import re
import unicodedata

_LOOK_ALIKES = str.maketrans(
    "\u0410\u0412\u0421\u0415\u041d\u0406\u041a\u041c\u041e\u0420\u0422\u0425\u0423\u0430\u0441"
    "\u0435\u043e\u0440\u0445\u0443\u0456\u0455\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c"
    "\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf",
    "ABCEHIKMOPTXYaceopxyisABEZHIKMNOPTYXo",
)
_SIGNS = str.maketrans("\u2010\u2011\u2012\u2013\u2014\u2212", "------")
_SUPERSCRIPTS = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207a\u207b"
_OF_SUPERSCRIPTS = str.maketrans(_SUPERSCRIPTS, "0123456789+-")
_SUPERSCRIPT = re.compile(f"[{_SUPERSCRIPTS}]+")
_MARKUP = [
    (re.compile(r"<sup>([^<]*)</sup>|\^\{([^{}]*)\}"), r"^\1\2"),
    (re.compile(r"</?[a-z]{1,4}>|[$~]|\\[,;!]"), ""),
    (re.compile(r"_\{([^{}]*)\}"), r"\1"),
    (re.compile(r"(?<=[A-Za-z)\]}])_(?=[0-9])"), ""),
    (re.compile(r"\\[a-z]{1,12} ?\{([^{}]*)\}"), r"\1"),
]
_FRACTION = re.compile(r"(?<![0-9./])([0-9]{1,3})[/\u2044]([1-9][0-9]{0,2})(?![0-9./])")
_VULGAR = re.compile("([0-9]{0,3})([\u00bc-\u00be\u2150-\u215e])")
_AROUND = " \t\"'`\u2018\u2019\u201c\u201d\u00b4,;:!?"
_SHOWN = 3


def in_plain_characters(text: str) -> str:
    """Return the text without markup, invisible characters and look-alikes of Latin letters.

    Examples
    --------
    >>> from cromel_sklearn.data.formula_typography import in_plain_characters
    >>> [in_plain_characters(text) for text in ("$Fe_2O_3$", "CaSO4·½H2O", "Ca²⁺", "Fe2O3,")]
    ['Fe2O3', 'CaSO4·0.5H2O', 'Ca^2+', 'Fe2O3']
    """
    text = "".join(map(_plain, text)).translate(_LOOK_ALIKES).translate(_SIGNS)
    text = _SUPERSCRIPT.sub(_superscript, text)
    for pattern, meant in _MARKUP:
        text = pattern.sub(meant, text)
    text = _VULGAR.sub(lambda of: _decimal(float(of[1] or 0) + unicodedata.numeric(of[2])), text)
    text = _FRACTION.sub(lambda of: _decimal(float(of[1]) / float(of[2])), text)
    return text.strip(_AROUND)


def names_of_look_alikes(text: str) -> str:
    """Names of the characters that are invisible or look like others, at most three.

    Examples
    --------
    >>> from cromel_sklearn.data.formula_typography import names_of_look_alikes
    >>> names_of_look_alikes("\u0421aO")
    'Cyrillic capital letter es'
    """
    found = [c for c in dict.fromkeys(text) if ord(c) in _LOOK_ALIKES or _plain(c) != c]
    names = [unicodedata.name(c, "").capitalize() for c in found[:_SHOWN]]
    return ", ".join(filter(None, names)) + (" ..." if len(found) > _SHOWN else "")


def _plain(character: str) -> str:
    if unicodedata.category(character) == "Cf":
        return ""
    is_wide = "\uff00" <= character <= "\uff65"
    return unicodedata.normalize("NFKC", character) if is_wide else character


def _superscript(run: re.Match) -> str:
    written = run.group().translate(_OF_SUPERSCRIPTS)
    return written if written.isdigit() else "^" + written


def _decimal(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".")
