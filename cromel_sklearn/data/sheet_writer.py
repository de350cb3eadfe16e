"""Workbooks: texts that are numbers become numbers; what looks like a calculation stays a text."""

from collections.abc import Iterator

import pyarrow as pa

from ..exceptions import InvalidTableError
from .sheet_cells import cell_value


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

    def cells_of(values) -> list:
        cells = []
        for value in map(cell_value, values):
            if isinstance(value, str) and value.startswith("="):  # a text, not a calculation
                cell = WriteOnlyCell(sheet, value)
                cell.data_type = "s"
                value = cell
            cells.append(value)
        return cells

    for number, batch in enumerate(batches):
        if number == 0:
            sheet.append(cells_of(batch.schema.names))
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            sheet.append(cells_of(row))
    book.save(file)
