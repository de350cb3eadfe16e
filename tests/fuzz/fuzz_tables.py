"""Fuzz the reader of texts (atheris): rows come out alike in chunks of any size, or are refused.

Command, from the repository root::

    nox -s fuzz -- -max_total_time=600

Anything but a `CroMELError` is a finding, and so is a row that is lost, moved or changed.
"""

import csv
import io
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["cromel_sklearn.data"]):
    from cromel_sklearn.data.measured_rows import read_measured_rows
    from cromel_sklearn.data.table_reader import TableReader

from cromel_sklearn.exceptions import CroMELError

PIECES = [
    *',;\t"\n\r. -0123456789eN', "formula", "y", "NaCl", "MgO", "\r\n", '""', "\n\n", "\0",
    "\ufeff", "é", "nan", "1.5", "inf", "12%", "metal",
]  # fmt: skip
PATH = Path(tempfile.mkdtemp()) / "table.csv"


def rows_of(chunk_rows: int, **options):
    """Names, rows and their places; or the reason why there are none."""
    try:
        reader = TableReader(PATH, chunk_rows=chunk_rows, **options)
        rows, places = [], []
        for chunk in reader.chunks():
            rows += [tuple(row.values()) for row in chunk.batch.to_pylist()]
            places += [chunk.place_of(row) for row in range(len(chunk))]
        return reader.schema.names, rows, places
    except CroMELError:
        return None


def check(content: bytes, separator: str) -> None:
    """Read a text in chunks of three sizes, and as measurements."""
    PATH.write_bytes(content)
    whole = rows_of(1000, separator=separator)
    assert rows_of(1, separator=separator) == whole
    assert rows_of(3, separator=separator) == whole
    if whole is None:
        return
    names, rows, places = whole
    assert len(set(places)) == len(rows)
    text = io.StringIO(content.decode("utf-8-sig"), newline="\n")
    theirs = list(csv.reader(text, delimiter=separator))[1:]
    blank = [""] * len(names)
    while theirs and not theirs[-1]:
        theirs.pop()
    assert [tuple(row or blank) for row in theirs] == rows
    if len(names) > 1:
        try:
            found = read_measured_rows(TableReader(PATH, separator=separator), names[0], names[1])
        except CroMELError:
            return
        assert len(found) + len(found.left_out) == len(rows)


def fuzz(data: bytes) -> None:
    """Read bytes as pieces of tables, or as they are where the first one is even."""
    if not data:
        return
    content = data[1:2000]
    if data[0] % 2:
        text = "formula,y\n" * (data[0] % 4 == 1)
        text += "".join(PIECES[byte % len(PIECES)] for byte in content)
        content = text.encode()
    check(content, ",;\t"[data[0] % 3])


if __name__ == "__main__":
    atheris.Setup(sys.argv, fuzz)
    atheris.Fuzz()
