"""Numbers of a column of a table, whose cells may be texts."""

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

_WITH_COMMA = re.compile(r" *[+-]?[0-9]+,[0-9]+(?:[eE][+-]?[0-9]+)? *")


def numbers_of(column: pa.Array, decimal: str = ".") -> tuple[np.ndarray, list[tuple[int, str]]]:
    """Read a column as numbers.

    Parameters
    ----------
    column : pyarrow.Array of n_rows values
        Numbers, or texts of numbers.
    decimal : {".", ","}, default="."
        Decimal mark of texts.

    Returns
    -------
    values : ndarray of shape (n_rows,), float64
        NaN where there is no finite number.
    problems : list of (row, reason)

    Examples
    --------
    >>> import pyarrow as pa
    >>> from cromel_sklearn.data.table_numbers import numbers_of
    >>> numbers_of(pa.array(["1,5", "n/a"]), decimal=",")
    (array([1.5, nan]), [(1, "'n/a' is no finite number")])
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        values = pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False).astype(float)
    else:
        cells = pd.Series(column.to_pylist(), dtype=object)
        if decimal == ",":
            cells = cells.map(lambda cell: _with_stop(cell) if isinstance(cell, str) else cell)
        is_number = np.isfinite(
            pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        )
        # pandas reads the last digit differently.
        values = np.array(
            [float(c) if ok else np.nan for c, ok in zip(cells, is_number, strict=True)]
        )
    values = np.where(np.isfinite(values), values, np.nan)
    problems = [
        (row, _reason(column[row].as_py(), decimal))
        for row in np.flatnonzero(np.isnan(values)).tolist()
    ]
    return values, problems


def _with_stop(cell: str) -> str:
    """Write ``1,5`` as ``1.5``; a number with a stop is none here: 1.500 could be a thousand."""
    return "" if "." in cell else cell.replace(",", ".")


def _reason(value, decimal: str) -> str:
    if value is None or value == "" or value != value:
        return "no value"
    reason = f"{value!r} is no finite number"
    if decimal == "." and isinstance(value, str) and _WITH_COMMA.fullmatch(value):
        return f"{reason}; the decimal mark is a comma with --decimal ,"
    return reason
