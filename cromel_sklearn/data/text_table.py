"""Comma- or tab-separated text, row by row, strictly: no cell is moved, dropped or guessed."""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, islice
from typing import BinaryIO

from ..exceptions import InvalidTableError
from .table_chunk import require_columns
from .table_format import TableFormat

_BLOCK = 1 << 20  # bytes
_LONGEST_LINE = 1 << 24


def text_rows(
    file: BinaryIO, form: TableFormat, source: str, chunk_rows: int
) -> tuple[list[str], Iterator[tuple[Sequence[int], list[list[str]]]]]:
    """Read the columns and the rows of a text.

    Parameters
    ----------
    file : binary file
        UTF-8, with or without a byte order mark; the first line holds the names of the columns.
    form : TableFormat
    source : str
        Name of the file, for messages.
    chunk_rows : int
        Rows that are read at once.

    Returns
    -------
    names : list of str
    rows : iterator of (lines, rows)
        Lines of the file, counted from 1, where the rows begin, and the rows, a text a column. A
        blank line between rows is a row of empty cells; blank lines at the end are none.

    Raises
    ------
    InvalidTableError
        With the line, if the text is not UTF-8, holds a NUL, has an open quote, or a row has more
        or fewer cells than there are columns.
    """
    lines = chain.from_iterable(_blocks_of_lines(_opened(file, form, source), source))
    reader = csv.reader(lines, delimiter=form.separator, strict=True)
    try:
        names = next(reader, None)
    except csv.Error as error:
        raise InvalidTableError(f"Line 1 of {source}: {_why(error)}. {_expected(form)}") from error
    if not names:
        what = "is empty" if names is None else "begins with a blank line"
        raise InvalidTableError(f"{source} {what}. {_expected(form)}")
    others = [mark for mark in ";\t," if mark != form.separator]
    found = [mark for mark in others if mark in names[0]] if len(names) == 1 else []
    if found:
        mark = "tab" if found[0] == "\t" else f"'{found[0]}'"
        raise InvalidTableError(
            f"{source} has one column, {names[0]!r}. {_expected(form)} Name another separator: "
            f"--sep {mark}."
        )
    return require_columns(names, source), _rows(reader, names, form, source, chunk_rows)


def _rows(reader, names, form, source, chunk_rows):
    blank = [""] * len(names)
    blanks: list[int] = []  # lines that are blank, and nothing after them yet
    while True:
        begin = reader.line_num + 1
        rows: list[list[str]] = []
        try:
            rows.extend(islice(reader, chunk_rows))  # keeps the rows before an error
        except csv.Error as error:
            raise InvalidTableError(
                f"Line {reader.line_num} of {source} cannot be read: {_why(error)}. "
                f"{_expected(form)}"
            ) from error
        if not rows:
            return
        n_lines = reader.line_num + 1 - begin
        lines: Sequence[int] = range(begin, begin + n_lines)
        if n_lines != len(rows):  # line feeds in cells
            heights = (1 + sum(cell.count("\n") for cell in row) for row in rows)
            lines = list(accumulate(heights, initial=begin))[: len(rows)]
        if set(map(len, rows)) != {len(names)}:
            lines, rows = [*blanks, *lines], [[] for _ in blanks] + rows
            blanks.clear()
            while rows and not rows[-1]:
                rows.pop()
                blanks.append(lines.pop())
            blanks.reverse()
            for number, row in enumerate(rows):
                rows[number] = row or blank
                if row and len(row) != len(names):
                    raise InvalidTableError(_unequal(row, names, lines[number], source))
        elif blanks:
            lines, rows = [*blanks, *lines], [blank] * len(blanks) + rows
            blanks.clear()
        if rows:
            yield lines, rows


def _unequal(cells, names, line: int, source: str) -> str:
    n_more = len(cells) - len(names)
    hint = "fill in the cells that are missing"
    if n_more > 0:
        is_empty = not any(cells[len(names) :])
        hint = (
            "remove the separators at its end" if is_empty else "put a cell with a separator in "
            'it between quotes ("")'
        )  # fmt: skip
    if line == 2 and (n_more < 0 or any(cells[len(names) :])):
        hint += "; or remove line 1 if it is a title or a comment"
    return (
        f"Line {line} of {source} has {len(cells)} cells, expected {len(names)} "
        f"({', '.join(map(repr, names[:6]))}{', ...' if len(names) > 6 else ''}); {hint}."
    )


def _blocks_of_lines(file: BinaryIO, source: str) -> Iterator[list[str]]:
    n_lines, rest, is_first = 0, b"", True
    while True:
        try:
            block = file.read(_BLOCK)
        except (OSError, EOFError, zlib.error) as error:
            raise InvalidTableError(
                f"{source} cannot be unpacked after line {n_lines}: {error}."
            ) from error
        cut = block.rfind(b"\n") + 1 if block else 0
        whole, rest = (rest + block[:cut], block[cut:]) if cut else (b"", rest + block)
        if not block:
            whole, rest = rest, b""
        if len(rest) > _LONGEST_LINE:
            raise InvalidTableError(
                f"A line after line {n_lines} of {source} is longer than {_LONGEST_LINE:,} bytes; "
                f"expected a text of lines."
            )
        if whole:
            if is_first:
                whole, is_first = whole.removeprefix(codecs.BOM_UTF8), False
            lines = _decoded(whole, n_lines, source).split("\n")
            last = lines.pop()
            lines = [f"{line}\n" for line in lines]
            if last:
                lines.append(last)
            n_lines += len(lines)
            yield lines
        if not block:
            return


def _decoded(block: bytes, n_lines: int, source: str) -> str:
    if not n_lines and block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InvalidTableError(f"{source} is UTF-16. Expected UTF-8: save it again with that.")
    place = block.find(b"\0")
    if place >= 0:
        raise InvalidTableError(
            f"Line {n_lines + 1 + block.count(bytes([10]), 0, place)} of {source} holds a NUL "
            f"character; the file is damaged or no text. Write it again as UTF-8."
        )
    try:
        return block.decode("utf-8")
    except UnicodeDecodeError as error:
        line = n_lines + 1 + block.count(b"\n", 0, error.start)
        raise InvalidTableError(
            f"Line {line} of {source} is not UTF-8 (byte {block[error.start]:#04x}). Expected "
            f"UTF-8: save the table again with that encoding."
        ) from error


def _opened(file: BinaryIO, form: TableFormat, source: str) -> BinaryIO:
    if form.compression == "gzip":
        return io.BufferedReader(gzip.GzipFile(fileobj=file))
    if form.compression == "zstd":
        import pyarrow as pa

        return io.BufferedReader(pa.CompressedInputStream(pa.PythonFile(file), "zstd"))
    return file


def _why(error: csv.Error) -> str:
    is_lone = str(error).startswith("new-line character")
    return "a carriage return without a line feed ends a line" if is_lone else str(error)


def _expected(form: TableFormat) -> str:
    mark = {",": "commas", "\t": "tabs", ";": "semicolons"}.get(
        form.separator, repr(form.separator)
    )
    return f"Expected {mark} between columns, a line of column names, and UTF-8."
