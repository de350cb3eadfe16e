"""Cells that are numbers to a reader and words to a computer: 12 %, 1,234, <5, 3x10^3, dates."""

import re
from dataclasses import dataclass

#: What word processors write for a minus sign: hyphens, dashes and the sign itself.
_MINUS_SIGNS = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-"))
_SUPERSCRIPTS = str.maketrans(
    "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207a\u207b", "0123456789+-"
)
_SUPERSCRIPT = re.compile("[\u2070\u00b9\u00b2\u00b3\u2074-\u2079\u207a\u207b]+")
_NUMBER = r"[-+]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][-+]?[0-9]+)?"
_PLAIN = "write the number alone, with the unit in the name of the column"
_ONE = "write one number"


@dataclass(frozen=True)
class Disguise:
    """What stands between a cell and its number.

    Attributes
    ----------
    name : str
        Such as ``a number with a percent sign``.
    advice : str
        What to write.
    """

    name: str
    advice: str


_DISGUISES = [
    (
        "a date",
        re.compile(
            r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[T ].*)?"
            r"|[0-9]{1,2}([./])[0-9]{1,2}\1(?:[0-9]{2}){1,2}"
        ),
        "write a number",
    ),
    ("a number with a percent sign", re.compile(rf"{_NUMBER} ?%"), _PLAIN),
    (
        "a number with commas",
        re.compile(r"[-+]?[0-9]+(?:,[0-9]+){2,}(?:\.[0-9]+)?|[-+]?[0-9]+,[0-9]+\.[0-9]+"),
        "write it without",
    ),
    (
        "a number with a comma",
        re.compile(r"[-+]?[0-9]+,[0-9]+(?:[eE][-+]?[0-9]+)?"),
        "if that is the decimal mark, pass --decimal , or else write it without",
    ),
    (
        "a number with a decimal point",
        re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"),
        "leave out --decimal , or write a comma",
    ),
    (
        "a number with spaces",
        re.compile(r"[-+]?[0-9]{1,3}(?:[ \u00a0\u2009\u202f'\u2019][0-9]{3})+(?:[.,][0-9]+)?"),
        "write it without",
    ),
    (
        "a number with a power of ten",
        re.compile(
            rf"(?P<n>{_NUMBER}) ?[x\u00d7*\u00b7\u22c5] ?10 ?(?:\^|\*\*) ?(?P<power>[-+]?[0-9]+)"
        ),
        r"write \g<n>e\g<power>",
    ),
    ("a range", re.compile(rf"{_NUMBER} ?[-\u2014] ?{_NUMBER}|{_NUMBER} to {_NUMBER}"), _ONE),
    (
        "a number that is not exact",
        re.compile(
            rf"(?:[<>~\u2248\u2264\u2265]|<=|>=|ca\.?|about) ?{_NUMBER}"
            rf"|{_NUMBER} ?(?:\u00b1|\+/-) ?{_NUMBER}|{_NUMBER} ?\([0-9.]+\)"
        ),
        _ONE,
    ),
    (
        "a number with a mark",
        re.compile(rf"{_NUMBER} ?(?:[*\u2020\u2021\u00a7]+|\[[0-9]+\])"),
        "write the number alone",
    ),
    (
        "a number with its unit",
        re.compile(
            rf"[$\u20ac\u00a3] ?{_NUMBER}|{_NUMBER} [^\W\d_]\S{{0,9}}"
            rf"|[0-9]+[.,][0-9]+[^\W\d_]{{1,4}}|{_NUMBER} ?(?:K|\u00b0C|m?eV|[MG]Pa|nm|\u00c5)"
        ),
        _PLAIN,
    ),
]  # fmt: skip


def with_minus(cell: str) -> str:
    r"""Write a cell with the minus sign that computers know.

    Examples
    --------
    >>> from cromel_sklearn.data.disguised_numbers import with_minus
    >>> with_minus("\u22120.5")
    '-0.5'
    """
    return cell if cell.isascii() else cell.translate(_MINUS_SIGNS)


def disguise_of(cell, decimal: str = ".") -> Disguise | None:
    """Tell what stands between a cell and its number.

    Parameters
    ----------
    cell : object
    decimal : {".", ","}, default="."
        Decimal mark of plain numbers.

    Returns
    -------
    Disguise or None
        None for plain numbers, and for words.

    Examples
    --------
    >>> from cromel_sklearn.data.disguised_numbers import disguise_of
    >>> disguise_of("12 %").name, disguise_of("3x10^-4").advice
    ('a number with a percent sign', 'write 3e-4')
    >>> [disguise_of(cell) for cell in ("1.5", "Fm-3m")]
    [None, None]
    """
    text = with_minus(str(cell).strip())
    text = _SUPERSCRIPT.sub(lambda power: f"^{power.group().translate(_SUPERSCRIPTS)}", text)
    plain = "a number with a decimal point" if decimal == "." else "a number with a comma"
    for name, pattern, advice in _DISGUISES:
        found = pattern.fullmatch(text)
        if found:
            return None if name == plain else Disguise(name, found.expand(advice))
    return None
