"""Workbooks: texts that are numbers become numbers; what looks like a calculation stays a text."""

import contextlib
from collections.abc import Iterator

import pyarrow as pa

from ..exceptions import InvalidTableError


def write_sheet(batches: Iterator[pa.RecordBatch], file) -> None:
    """Write batches as the one sheet of a workbook.

    Parameters
    ----------
    batches : iterator of pyarrow.RecordBatch
        Of one schema; NaN and missing values are empty cells.
    file : binary file

    Raises
    ------
    InvalidTableError
        If openpyxl is missing.
    """
    try:
        import openpyxl
        from openpyxl.cell import WriteOnlyCell
    except ImportError as error:
        raise InvalidTableError(
            "Writing .xlsx needs openpyxl: pip install 'cromel-sklearn[xlsx]'."
        ) from error
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("table")
    for number, batch in enumerate(batches):
        if number == 0:
            sheet.append(batch.schema.names)
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            cells = []
            for value in row:
                value = _sheet_value(value)
                if isinstance(value, str) and value.startswith("="):  # a text, not a calculation
                    cell = WriteOnlyCell(sheet, value)
                    cell.data_type = "s"
                    value = cell
                cells.append(value)
            sheet.append(cells)
    book.save(file)


def _sheet_value(value):
    """Write a text that is exactly how a number is written as that number: 300, not 007 or 1.10."""
    if isinstance(value, float) and value != value:
        return None
    if not isinstance(value, str) or not value:
        return value if isinstance(value, int | float | bool | None) else str(value) or None
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            if str(kind(value)) == value and value.lower() not in ("nan", "inf", "-inf"):
                return kind(value)
    return value
