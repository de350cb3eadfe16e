"""Numbers of a column of a table, whose cells may be texts."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .disguised_numbers import disguise_of, with_minus

#: Kinds of cells that are no numbers, beside the names of disguises.
NO_VALUE, NO_NUMBER = "no value", "no finite number"
#: Texts that stand for a missing value.
MISSING = frozenset(["", "nan", "NaN", "NAN", "NA", "N/A", "n/a", "#N/A", "<NA>", "null", "NULL"])
_DASHES = frozenset(["-", "--", "---", "\u2014"])


@dataclass(frozen=True)
class NoNumber:
    """A cell that is no finite number.

    Attributes
    ----------
    row : int
        Of the column, counted from 0.
    cell : object
    kind : str
        `NO_VALUE`, `NO_NUMBER` or the name of a `Disguise`.
    advice : str
        What to write instead, where that is known.
    """

    row: int
    cell: object
    kind: str
    advice: str = ""

    @property
    def reason(self) -> str:
        """The kind, with the cell and the advice."""
        if self.kind == NO_VALUE:
            return NO_VALUE
        return f"{self.cell!r} is {self.kind}" + (f"; {self.advice}" if self.advice else "")


def numbers_of(column: pa.Array, decimal: str = ".") -> tuple[np.ndarray, list[NoNumber]]:
    """Read a column as numbers.

    Parameters
    ----------
    column : pyarrow.Array of n_rows values
        Numbers, or texts of numbers; a dash before digits is a minus sign, whichever it is.
    decimal : {".", ","}, default="."
        Decimal mark of texts.

    Returns
    -------
    values : ndarray of shape (n_rows,), float64
        NaN where there is no finite number.
    problems : list of NoNumber

    Examples
    --------
    >>> import pyarrow as pa
    >>> from cromel_sklearn.data.table_numbers import numbers_of
    >>> values, problems = numbers_of(pa.array(["1,5", "12 %"]), decimal=",")
    >>> values, problems[0].row, problems[0].kind
    (array([1.5, nan]), 1, 'a number with a percent sign')
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        values = pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False).astype(float)
    else:
        cells = pd.Series(column.to_pylist(), dtype=object)
        cells = cells.map(lambda cell: _plain(cell, decimal) if isinstance(cell, str) else cell)
        is_number = np.isfinite(
            pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        )
        # pandas reads the last digit differently.
        values = np.array(
            [float(c) if ok else np.nan for c, ok in zip(cells, is_number, strict=True)]
        )
    values = np.where(np.isfinite(values), values, np.nan)
    problems = [
        _no_number(row, column[row].as_py(), decimal)
        for row in np.flatnonzero(np.isnan(values)).tolist()
    ]
    return values, problems


def _plain(cell: str, decimal: str) -> str:
    """Write ``−1,5`` as ``-1.5``; a number with a stop is none where the mark is a comma."""  # noqa: RUF002
    cell = with_minus(cell)
    if decimal == ".":
        return cell
    return "" if "." in cell else cell.replace(",", ".")


def _no_number(row: int, cell, decimal: str) -> NoNumber:
    if cell is None or cell != cell:
        return NoNumber(row, cell, NO_VALUE)
    text = with_minus(str(cell).strip())
    if text in MISSING or text in _DASHES:
        return NoNumber(row, cell, NO_VALUE)
    disguise = disguise_of(text, decimal)
    if disguise is None:
        return NoNumber(row, cell, NO_NUMBER)
    return NoNumber(row, cell, disguise.name, disguise.advice)
