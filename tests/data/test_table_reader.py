"""Tables are read cell by cell as they are written, or refused with the line."""

import csv
import gzip
import io
import random
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cromel_sklearn.data.table_format import TableFormat, table_format
from cromel_sklearn.data.table_reader import TableReader
from cromel_sklearn.exceptions import InvalidTableError


def _read(path, **options):
    chunks = list(TableReader(path, **options).chunks())
    rows = [tuple(row.values()) for chunk in chunks for row in chunk.batch.to_pylist()]
    places = [chunk.place_of(row) for chunk in chunks for row in range(len(chunk))]
    return rows, places


def _csv(tmp_path, content, name="table.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_cells_stay_as_they_are_written(tmp_path):
    path = _csv(tmp_path, 'id,formula,note\n007,NaN,1.10\n008," NaCl",NA\n')
    assert _read(path)[0] == [("007", "NaN", "1.10"), ("008", " NaCl", "NA")]


def test_a_blank_line_is_a_row_and_keeps_the_numbering(tmp_path):
    rows, places = _read(_csv(tmp_path, "formula\nNaCl\n\nMgO\n\n\n"))
    assert rows == [("NaCl",), ("",), ("MgO",)]
    assert places == ["line 2", "line 3", "line 4"]


@pytest.mark.parametrize("chunk_rows", [1, 2, 3, 100])
def test_blank_lines_between_chunks_are_rows_too(chunk_rows, tmp_path):
    path = _csv(tmp_path, "formula,x\nNaCl,1\n\n\n\nMgO,2\n\n")
    rows, places = _read(path, chunk_rows=chunk_rows)
    assert rows == [("NaCl", "1"), ("", ""), ("", ""), ("", ""), ("MgO", "2")]
    assert places == [f"line {line}" for line in range(2, 7)]


@pytest.mark.parametrize("chunk_rows", [1, 2, 3, 100])
def test_blank_lines_at_the_end_are_no_rows_whatever_their_number(chunk_rows, tmp_path):
    path = _csv(tmp_path, "formula,x\nNaCl,1\n\n\n\n\n")
    assert _read(path, chunk_rows=chunk_rows) == ([("NaCl", "1")], ["line 2"])


def test_lines_are_counted_through_cells_of_several_lines(tmp_path):
    path = _csv(tmp_path, 'formula,note\nNaCl,"two\nlines"\nMgO,"and\r\nthree\n"\nCaO,x\n')
    rows, places = _read(path)
    assert rows[1] == ("MgO", "and\r\nthree\n")
    assert places == ["line 2", "line 4", "line 7"]


@pytest.mark.parametrize("chunk_rows", [7, 64])
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".csv.zst"])
def test_random_cells_come_back(chunk_rows, suffix, tmp_path):
    letters = 'aZ0é,;"\n\t\r ='
    draw = random.Random(0)
    cells = [
        [str(row), *("".join(draw.choices(letters, k=draw.randrange(4))) for _ in range(2))]
        for row in range(200)
    ]
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["id", "a", "b"], *cells])
    content = text.getvalue().encode()
    if suffix == ".csv.gz":
        content = gzip.compress(content)
    if suffix == ".csv.zst":
        content = pa.compress(content, "zstd", asbytes=True)
    rows, _ = _read(_csv(tmp_path, content, f"table{suffix}"), chunk_rows=chunk_rows)
    assert rows == [tuple(row) for row in cells]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "table.csv is empty. Expected commas between columns"),
        (b"\nformula\n", "begins with a blank line"),
        (b"formula,reference\nFeO,NaCl,\n", "Line 2 of"),
        (
            b"formula,reference\nFeO,NaCl,\n",
            "has 3 cells, expected 2 ('formula', 'reference'); rem",
        ),
        (b"formula,y\nNaCl,1\nMgO,2,3\n", "put a cell with a separator in it between quotes"),
        (b"formula,y\nNaCl,1\nMgO\n", "Line 3 of"),
        (b"formula,y\nNaCl,1\nMg", "has 1 cells, expected 2"),
        (
            b"formula,y,formula\nNaCl,1,MgO\n",
            "has the column 'formula' more than once (columns 1, 3",
        ),
        (b"formula,\nNaCl,1\n", "Column 2 of"),
        (b"formula\nFe\0O\n", "Line 2 of"),
        (b"formula\nFe\0O\n", "holds a NUL character"),
        (b'formula\n"FeO\nMgO\n', "cannot be read: unexpected end of data"),
        ("formula,note\nNaCl,1\nMgO,Größe\n".encode("latin-1"), "Line 3 of"),
        ("formula,note\nNaCl,1\nMgO,Größe\n".encode("latin-1"), "is not UTF-8 (byte 0xf6)"),
        ("formula,y\nNaCl,1\n".encode("utf-16"), "table.csv is UTF-16. Expected UTF-8: save it"),
        (b"formula,y\rNaCl,1\r", "Line 1 of"),
        (b"formula,y\rNaCl,1\r", "a carriage return without a line feed ends a line. Expected"),
        (b"formula;y\nNaCl;1\n", "has one column, 'formula;y'. Expected commas between columns"),
        (b"formula\ty\nNaCl\t1\n", "Name another separator: --sep tab."),
    ],
)
def test_what_is_refused_names_its_line(content, message, tmp_path):
    with pytest.raises(InvalidTableError, match=re.escape(message)):
        _read(_csv(tmp_path, content))


def test_a_long_row_is_named_in_whatever_chunk_it_is(tmp_path):
    path = _csv(tmp_path, "a,b\n" + "1,2\n" * 50 + "1,2,3\n" + "1,2\n" * 50)
    for chunk_rows in (1, 7, 1000):
        with pytest.raises(InvalidTableError, match="^Line 52 of"):
            _read(path, chunk_rows=chunk_rows)


def test_a_damaged_archive_is_refused(tmp_path):
    content = gzip.compress(b"formula\n" + b"NaCl\n" * 100_000)
    for name, damaged in (("a.csv.gz", content[:200]), ("b.csv.gz", b"formula\nNaCl\n")):
        with pytest.raises(InvalidTableError, match="cannot be unpacked after line"):
            _read(_csv(tmp_path, damaged, name))
    with pytest.raises(InvalidTableError, match="cannot be unpacked after line"):
        _read(_csv(tmp_path, pa.compress(content, "zstd", asbytes=True)[:50], "c.csv.zst"))


def test_separators_byte_order_mark_and_line_ends(tmp_path):
    expected = [("NaCl", "1,5")]
    content = "\ufeffformula;T\r\nNaCl;1,5\r\n"
    assert _read(_csv(tmp_path, content), decimal=",")[0] == expected
    assert _read(_csv(tmp_path, content), separator=";")[0] == expected
    tabs = content.replace(";", "\t")
    assert _read(_csv(tmp_path, tabs, "t.tsv"))[0] == expected
    assert _read(_csv(tmp_path, tabs), separator="tab")[0] == expected


@pytest.mark.parametrize("rows_a_file", [[10], [3, 0, 4, 3]])
def test_parquet_is_read_in_equal_chunks_from_any_on(rows_a_file, tmp_path):
    folder = tmp_path / "parts"
    folder.mkdir()
    begin = 0
    for number, n_rows in enumerate(rows_a_file):
        table = pa.table({"n": pa.array(range(begin, begin + n_rows), pa.int64())})
        pq.write_table(table, folder / f"{number}.parquet", row_group_size=2)
        begin += n_rows
    path = folder if len(rows_a_file) > 1 else folder / "0.parquet"
    reader = TableReader(path, chunk_rows=4)
    assert reader.n_rows == 10
    assert [len(chunk) for chunk in reader.chunks()] == [4, 4, 2]
    last, *none = reader.chunks(first=2)
    assert last.batch["n"].to_pylist() == [8, 9]
    assert (last.number, last.place_of(0), last.read_fraction, none) == (2, "row 9", 1.0, [])
    assert reader.head()["n"].to_pylist() == list(range(10))


def test_a_folder_of_unlike_files_is_refused(tmp_path):
    pq.write_table(pa.table({"formula": ["NaCl"]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"compound": ["NaCl"]}), tmp_path / "b.parquet")
    with pytest.raises(InvalidTableError, match=r"b.parquet has the columns \['compound'\]"):
        TableReader(tmp_path)


def test_a_sheet_is_read_with_its_row_numbers(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["formula", "T", None])
    for row in (["NaCl", 300, None], [None, None, None], ["MgO", 2.5, None], [None, None, None]):
        book.active.append(row)
    book.create_sheet("other").append(["compound"])
    path = tmp_path / "book.xlsx"
    book.save(path)
    rows, places = _read(path)
    assert rows == [("NaCl", "300"), ("", ""), ("MgO", "2.5")]
    assert places == ["row 2", "row 3", "row 4"]
    assert TableReader(path, sheet="other").schema.names == ["compound"]
    with pytest.raises(InvalidTableError, match=r"has no sheet 'x'; it has \['Sheet', 'other'\]"):
        TableReader(path, sheet="x")
    (tmp_path / "no.xlsx").write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InvalidTableError, match="no.xlsx is no workbook"):
        TableReader(tmp_path / "no.xlsx")


@pytest.mark.parametrize("name", ["table.csv", "table.parquet", "-"])
def test_a_sheet_of_what_is_no_workbook_is_refused(name, tmp_path):
    path = name
    if name != "-":
        path = tmp_path / name
        path.touch()
    with pytest.raises(InvalidTableError, match=r"sheets in an .xlsx workbook; .* is none. Leave"):
        TableReader(path, sheet="gaps")


def test_the_head_is_read_again(tmp_path):
    reader = TableReader(_csv(tmp_path, "formula\nNaCl\nMgO\n"), chunk_rows=1)
    assert reader.head()["formula"].to_pylist() == ["NaCl"]
    assert [chunk.batch["formula"][0].as_py() for chunk in reader.chunks()] == ["NaCl", "MgO"]
    assert reader.n_rows == 2


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("a.csv", {}, TableFormat("text")),
        ("a.b.TSV", {}, TableFormat("text", "\t")),
        ("a.csv.zst", {"separator": "|"}, TableFormat("text", "|", ".", "zstd")),
        ("a.csv", {"decimal": ","}, TableFormat("text", ";", ",")),
        ("-", {}, TableFormat("text")),
        ("a.parquet", {}, TableFormat("parquet")),
        ("many", {}, TableFormat("folder")),
        ("many/", {}, TableFormat("folder")),
        ("a.xlsx", {}, TableFormat("xlsx")),
    ],
)
def test_names_tell_the_format(name, options, expected):
    assert table_format(name, **options) == expected


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.json", {}, "a.json is no table that is known here; expected .csv, .tsv"),
        ("a.parquet.gz", {}, "is no table that is known here"),
        ("a.csv", {"separator": "::"}, "The separator is one character, or 'tab'"),
        ("a.csv", {"separator": ",", "decimal": ","}, "and not the decimal mark ','"),
        ("a.csv", {"decimal": "x"}, "The decimal mark is '.' or ','"),
    ],
)
def test_unknown_formats_are_refused(name, options, message):
    with pytest.raises(InvalidTableError, match=re.escape(message)):
        table_format(name, **options)


def test_devices_and_missing_files_are_refused(tmp_path):
    with pytest.raises(InvalidTableError, match="neither a regular file nor a folder"):
        TableReader("/dev/zero")
    with pytest.raises(InvalidTableError, match="No such file"):
        TableReader(tmp_path / "none.csv")
    with pytest.raises(InvalidTableError, match="holds no .parquet files"):
        TableReader(tmp_path)


def test_memory_of_reading_does_not_grow_with_the_file(tmp_path):
    path = tmp_path / "t.parquet"
    n_rows, group = 400_000, 10_000
    values = np.random.default_rng(0).random(n_rows)  # cannot be compressed
    pq.write_table(
        pa.table({"formula": ["NaCl"] * n_rows, "x": values}), path, row_group_size=group
    )
    allocated = [pa.total_allocated_bytes() for _ in TableReader(path, chunk_rows=group).chunks()]
    assert len(allocated) == n_rows / group
    assert max(allocated) < path.stat().st_size / 4
