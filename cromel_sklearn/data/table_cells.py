"""Columns of a table as the cells of a text."""

import csv
import io

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..exceptions import InvalidTableError
from .table_format import TableFormat

_QUOTED = '[",\r\n]'


def check_float_format(float_format: str) -> None:
    """Check a format of numbers, such as ``.4g``.

    Raises
    ------
    InvalidTableError
        If Python cannot write a number with it.
    """
    try:
        float(format(1.5, float_format))
    except ValueError as error:
        raise InvalidTableError(
            f"The format of numbers is one of Python's, such as .4g or .3f; got {float_format!r}."
        ) from error


def text_of(batch: pa.RecordBatch, form: TableFormat, float_format: str | None = None) -> bytes:
    r"""Write the rows of a batch as lines of text, without the names of the columns.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
        Missing values and NaN are empty cells.
    form : TableFormat
    float_format : str, optional
        Format of floating-point columns, such as ``.4g``; by default the fewest digits that give
        the same number again.

    Returns
    -------
    bytes
        UTF-8, each line ended by a line feed.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from cromel_sklearn.data.table_cells import text_of
    >>> from cromel_sklearn.data.table_format import TableFormat
    >>> text_of(pa.record_batch({"formula": ["MgO"], "x": [0.25]}), TableFormat("text"))
    b'MgO,0.25\n'
    """
    if not batch.num_rows:
        return b""
    columns = [_cells(column, form, float_format) for column in batch.columns]
    lines = pc.binary_join_element_wise(*columns, form.separator)
    if len(columns) == 1:  # a blank line would be no row at the end of a file
        lines = pc.if_else(pc.equal(lines, ""), '""', lines)
    joined = "\n".join(lines.to_pylist())
    return f"{joined}\n".encode()


def header_of(names, form: TableFormat) -> bytes:
    """Write the names of the columns as a line of text."""
    line = io.StringIO()
    csv.writer(line, delimiter=form.separator, lineterminator="\n").writerow(names)
    return line.getvalue().encode()


def _cells(column: pa.Array, form: TableFormat, float_format: str | None) -> pa.Array:
    if pa.types.is_floating(column.type):
        cells = _number_cells(column, float_format)
        if form.decimal == ",":
            cells = pc.replace_substring(cells, ".", ",")
        return cells
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        cells = column.cast(pa.string())
    elif pa.types.is_dictionary(column.type):
        return _cells(column.dictionary_decode(), form, float_format)
    else:
        try:
            cells = column.cast(pa.string())
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid):  # lists and the like
            cells = pa.array([None if v is None else str(v) for v in column.to_pylist()])
    cells = pc.fill_null(cells.cast(pa.string()), "")
    special = _QUOTED.replace(",", "\\" + form.separator)
    needs_quotes = pc.match_substring_regex(cells, special)
    if not pc.any(needs_quotes).as_py():
        return cells
    doubled = pc.replace_substring(cells, '"', '""')
    return pc.if_else(needs_quotes, pc.binary_join_element_wise('"', doubled, '"', ""), cells)


def _number_cells(column: pa.Array, float_format: str | None) -> pa.Array:
    if float_format is None and not pa.types.is_float16(column.type):
        cells = column.cast(pa.string())
        missing = pc.or_(pc.is_null(column), pc.is_nan(pc.fill_null(column, np.nan)))
        return pc.if_else(missing, "", cells)
    values = column.to_numpy(zero_copy_only=False)
    if float_format is None:
        texts = [str(value) for value in values]  # the fewest digits of half precision
    else:
        texts = [format(value, float_format) for value in values.astype(float).tolist()]
    missing = np.isnan(values.astype(np.float32))
    return pa.array(["" if m else t for m, t in zip(missing, texts, strict=True)], pa.string())
