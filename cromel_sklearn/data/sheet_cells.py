"""Cells of a workbook as the texts that readers see, and values as cells that stay the same."""

import contextlib
import datetime

# Spreadsheets keep 15 digits of a whole number.
_LARGEST_WHOLE = 10**15


def cell_text(value) -> str:
    """Write the value of a cell as a text.

    Examples
    --------
    >>> from cromel_sklearn.data.sheet_cells import cell_text
    >>> [cell_text(value) for value in (None, 300.0, 1.5, "NaCl")]
    ['', '300', '1.5', 'NaCl']
    """
    if value is None:
        return ""
    if isinstance(value, datetime.datetime | datetime.date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST_WHOLE:
        return str(int(value))
    return str(value)


def cell_value(value):
    """Give what is written into a cell for a value of a table.

    Parameters
    ----------
    value : object
        NaN is an empty cell. A text becomes a number where the cell gives the same text again: 300
        and 0.5, not 007, 1.0, 1.10 or twenty digits.

    Returns
    -------
    None, str, bool, int or float

    Examples
    --------
    >>> from cromel_sklearn.data.sheet_cells import cell_value
    >>> [cell_value(value) for value in ("300", "0.5", "1.0", "12345678901234567890")]
    [300, 0.5, '1.0', '12345678901234567890']
    """
    if isinstance(value, float):
        return None if value != value else value
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) < _LARGEST_WHOLE else str(value)
    if not isinstance(value, str):
        return value if isinstance(value, bool | None) else str(value) or None
    for kind in (int, float):
        with contextlib.suppress(ValueError, OverflowError):
            number = kind(value)
            if (
                abs(number) < _LARGEST_WHOLE and cell_text(float(f"{number:.16g}")) == value
            ):  # digits of openpyxl
                return number
    return value or None
