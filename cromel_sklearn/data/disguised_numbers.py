"""Cells that are numbers to a reader and words to a computer: 12 %, 1,234, <5, 1.5 eV, dates."""

import re

_NUMBER = r"[-+\u2212]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_DISGUISES = {
    "a date": re.compile(
        r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[T ].*)?|[0-9]{1,2}([./])[0-9]{1,2}\1(?:[0-9]{2}){1,2}"
    ),
    "a number with a percent sign": re.compile(rf"{_NUMBER} ?%"),
    "a number with commas": re.compile(r"[-+]?[0-9]+(?:,[0-9]+)+(?:\.[0-9]+)?"),
    "a number that is not exact": re.compile(
        rf"(?:[<>~\u2248\u2264\u2265]|<=|>=) ?{_NUMBER}"
        rf"|{_NUMBER} ?(?:\u00b1|\+/-) ?{_NUMBER}|{_NUMBER}\([0-9]+\)"
    ),
    "a number with its unit": re.compile(
        rf"[$\u20ac\u00a3] ?{_NUMBER}|{_NUMBER} [^\W\d_]\S{{0,9}}|[0-9]+\.[0-9]+[^\W\d_]{{1,4}}"
    ),
}


def disguise_of(cell) -> str | None:
    """Tell what stands between a cell and its number.

    Parameters
    ----------
    cell : object

    Returns
    -------
    str or None
        None for numbers, and for words.

    Examples
    --------
    >>> from cromel_sklearn.data.disguised_numbers import disguise_of
    >>> [disguise_of(cell) for cell in ("12 %", "1.5 eV", "1.5", "Fm-3m")]
    ['a number with a percent sign', 'a number with its unit', None, None]
    """
    text = str(cell).strip()
    for name, pattern in _DISGUISES.items():
        if pattern.fullmatch(text):
            return name
    return None
