"""Tables of any size, a chunk of rows at a time: text, parquet, folders of parquet, sheets."""

import contextlib
import os
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pyarrow as pa

from ..exceptions import InvalidTableError
from .sheet_cells import cell_text
from .table_chunk import TableChunk, require_columns
from .table_format import STREAM, TableFormat, table_format
from .text_table import text_rows

_HEAD_ROWS = 64


class TableReader:
    r"""A table on disk, or on standard input, that is read a chunk of rows at a time.

    Parameters
    ----------
    path : path-like or "-"
        As in `table_format`.
    chunk_rows : int, default=16384
        Rows of a chunk.
    separator, decimal : as in `table_format`
    sheet : str, optional
        Of a workbook; the first by default.

    Attributes
    ----------
    source : str
        Name of the table, for messages.
    form : TableFormat
    schema : pyarrow.Schema
        Cells of a text or a sheet are texts, as they are written.
    n_rows : int or None
        None where it is not known before all is read.

    Raises
    ------
    InvalidTableError
        If the file is missing or no table; while chunks are read, if a row is malformed: names its
        line.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from cromel_sklearn.data.table_reader import TableReader
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "table.csv"
    ...     _ = path.write_text("formula,T\nNaCl,300\nMgO,400\n")
    ...     (chunk,) = TableReader(path).chunks()
    >>> chunk.batch["T"].to_pylist(), chunk.place_of(1)
    (['300', '400'], 'line 3')
    """

    def __init__(self, path, *, chunk_rows=16384, separator=None, decimal=".", sheet=None):
        self.path = path
        self.is_stream = str(path) == STREAM
        self.source = "standard input" if self.is_stream else str(path)
        if not self.is_stream and not Path(path).exists():
            raise InvalidTableError(f"No such file: {path}")
        if not self.is_stream and not (Path(path).is_file() or Path(path).is_dir()):
            raise InvalidTableError(f"{path} is neither a regular file nor a folder.")
        self.form: TableFormat = table_format(path, separator=separator, decimal=decimal)
        if sheet is not None and self.form.kind != "xlsx":
            raise InvalidTableError(
                f"There are sheets in an .xlsx workbook; {self.source} is none. Leave out --sheet."
            )
        self.chunk_rows = chunk_rows
        self._sheet = sheet
        self.n_rows: int | None = None
        self._source_rows = None
        if self.form.kind in ("parquet", "folder"):
            self._dataset = _parquet_dataset(Path(path))
            self.schema = self._dataset.schema
            self.n_rows = self._dataset.count_rows()
            require_columns(self.schema.names, self.source)
        else:
            is_sheet = self.form.kind == "xlsx"
            self._source_rows = self._sheet_rows() if is_sheet else self._text_rows()
            names = next(self._source_rows)
            self._rows: Iterator = self._source_rows
            self.schema = pa.schema([(name, pa.string()) for name in names])

    def head(self) -> pa.RecordBatch:
        """Give the first rows, at most 64 of them; they are read again with the chunks."""
        if self.form.kind in ("parquet", "folder"):
            table = self._dataset.head(_HEAD_ROWS)
            batches = table.combine_chunks().to_batches()
            return batches[0] if batches else self.empty_batch()
        chunk = next(self._rows, None)
        if chunk is None:
            return self.empty_batch()
        self._rows = chain([chunk], self._rows)
        return self._batch(chunk[1][:_HEAD_ROWS])

    def empty_batch(self) -> pa.RecordBatch:
        """Give a batch without rows."""
        return pa.RecordBatch.from_pylist([], self.schema)

    def close(self) -> None:
        """Close the file; not needed where all chunks have been read."""
        if self._source_rows is not None:
            self._source_rows.close()

    def chunks(self, *, first: int = 0) -> Iterator[TableChunk]:
        """Read the table, once.

        Parameters
        ----------
        first : int, default=0
            Chunks before this one are passed over.

        Yields
        ------
        TableChunk
        """
        is_parquet = self.form.kind in ("parquet", "folder")
        return self._parquet_chunks(first) if is_parquet else self._row_chunks(first)

    def _row_chunks(self, first: int) -> Iterator[TableChunk]:
        place = "line" if self.form.kind == "text" else "row"
        n_rows = 0
        for number, (places, rows) in enumerate(self._rows):
            n_rows += len(rows)
            if number >= first:
                yield TableChunk(number, self._batch(rows), place, places, self._read_fraction())
        self.n_rows = n_rows

    def _batch(self, rows: list[list[str]]) -> pa.RecordBatch:
        columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
        return pa.record_batch(columns, schema=self.schema)

    def _parquet_chunks(self, first: int) -> Iterator[TableChunk]:
        number, begin = first, first * self.chunk_rows
        total = self.n_rows or 0
        for batch in _equal_batches(self._fragment_batches(begin), self.chunk_rows):
            end = begin + batch.num_rows
            yield TableChunk(number, batch, "row", range(begin + 1, end + 1), end / total)
            number, begin = number + 1, end

    def _fragment_batches(self, begin: int) -> Iterator[pa.RecordBatch]:
        """Batches of the files from row `begin` on, without reading the files before it."""
        for fragment in self._dataset.get_fragments():
            n_rows = fragment.count_rows()
            if begin >= n_rows:
                begin -= n_rows
                continue
            batches = fragment.to_batches(
                schema=self.schema, batch_size=self.chunk_rows, use_threads=False,
                batch_readahead=1, fragment_readahead=1,
            )  # fmt: skip
            for batch in batches:
                skipped = min(begin, batch.num_rows)
                begin -= skipped
                if skipped < batch.num_rows:
                    yield batch.slice(skipped)

    def _text_rows(self):
        """Names of the columns first, then (lines, rows) of each chunk."""
        with contextlib.ExitStack() as stack:
            self._file = (
                sys.stdin.buffer if self.is_stream else stack.enter_context(open(self.path, "rb"))
            )
            self._n_bytes = 0 if self.is_stream else os.fstat(self._file.fileno()).st_size
            names, rows = text_rows(self._file, self.form, self.source, self.chunk_rows)
            yield names
            yield from rows

    def _sheet_rows(self):
        """Names of the columns first, then (rows of the sheet, cells) of each chunk."""
        try:
            import openpyxl
        except ImportError as error:
            raise InvalidTableError(
                f"{self.source} needs openpyxl: pip install 'cromel-sklearn[xlsx]'."
            ) from error
        try:
            book = openpyxl.load_workbook(self.path, read_only=True, data_only=True)
        except Exception as error:  # damaged archives raise what zipfile and XML parsers do
            raise InvalidTableError(f"{self.source} is no workbook: {error}") from error
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.closing(book))
            if self._sheet is not None and self._sheet not in book.sheetnames:
                raise InvalidTableError(
                    f"{self.source} has no sheet {self._sheet!r}; it has {book.sheetnames!r}."
                )
            sheet = book[self._sheet] if self._sheet is not None else book.worksheets[0]
            rows = stack.enter_context(contextlib.closing(sheet.iter_rows(values_only=True)))
            names = [cell_text(value) for value in next(rows, ())]
            while names and not names[-1]:
                names.pop()
            if not names:
                raise InvalidTableError(f"The first row of {self.source} names no columns.")
            yield require_columns(names, self.source)
            places: list[int] = []
            kept: list[list[str]] = []
            n_filled = 0  # rows that are formatted but empty at the end of a sheet are none
            for number, values in enumerate(rows, start=2):
                cells = [cell_text(value) for value in values]
                if any(cells[len(names) :]):
                    title = " If row 1 is a title, remove it." if number == 2 else ""
                    raise InvalidTableError(
                        f"Row {number} of {self.source} has {cells[len(names) :]!r} beyond the "
                        f"last named column, {names[-1]!r}; name the columns, or remove the cells."
                        f"{title}"
                    )
                cells = (cells + [""] * len(names))[: len(names)]
                places.append(number)
                kept.append(cells)
                if any(cells):
                    n_filled = len(kept)
                if n_filled == self.chunk_rows:
                    yield places, kept
                    places, kept, n_filled = [], [], 0
            if n_filled:
                yield places[:n_filled], kept[:n_filled]

    def _read_fraction(self) -> float | None:
        if self.form.kind != "text" or not self._n_bytes:
            return None
        with contextlib.suppress(OSError, ValueError):
            return min(1.0, self._file.tell() / self._n_bytes)
        return 1.0  # closed at the end


def _parquet_dataset(path: Path):
    import pyarrow.dataset as ds

    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.rglob("*.parquet") if file.is_file())
        if not files:
            raise InvalidTableError(f"{path} holds no .parquet files.")
    try:
        # What is read ahead would stay in memory until the end of the file.
        unbuffered = ds.ParquetFragmentScanOptions(pre_buffer=False)
        form = ds.ParquetFileFormat(default_fragment_scan_options=unbuffered)
        dataset = ds.dataset([str(file) for file in files], format=form)
        for fragment, file in zip(dataset.get_fragments(), files, strict=True):
            names = fragment.physical_schema.names
            if names != dataset.schema.names:
                raise InvalidTableError(
                    f"{file} has the columns {names!r}, {files[0]} {dataset.schema.names!r}; "
                    f"expected the same in every file of a folder."
                )
    except (pa.ArrowInvalid, OSError) as error:
        raise InvalidTableError(f"{path} cannot be read as parquet: {error}") from error
    return dataset


def _equal_batches(batches, n_rows: int) -> Iterator[pa.RecordBatch]:
    """Cut and join batches so that each but the last has `n_rows` rows."""
    kept: list[pa.RecordBatch] = []
    n_kept = 0
    for batch in batches:
        while batch.num_rows:
            piece = batch.slice(0, n_rows - n_kept)
            batch = batch.slice(piece.num_rows)
            kept.append(piece)
            n_kept += piece.num_rows
            if n_kept == n_rows:
                yield _joined(kept)
                kept, n_kept = [], 0
    if kept:
        yield _joined(kept)


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    table = pa.Table.from_batches(batches).combine_chunks()
    return table.to_batches()[0]
