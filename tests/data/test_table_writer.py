"""A table is whole or absent, and a stopped run goes on after its last finished part."""

import os
import re
import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cromel_sklearn.data import table_writer
from cromel_sklearn.data.source_identity import source_identity
from cromel_sklearn.data.table_cells import check_float_format, text_of
from cromel_sklearn.data.table_format import TableFormat
from cromel_sklearn.data.table_reader import TableReader
from cromel_sklearn.data.table_writer import TableWriter, write_table
from cromel_sklearn.exceptions import InvalidTableError

TARGETS = ["out.csv", "out.tsv", "out.csv.gz", "out.csv.zst", "out.parquet", "out", "out.xlsx"]
BATCHES = [
    pa.record_batch(
        {
            "formula": ["NaCl", f'with "quotes", a comma\nand {number}'],
            "id": ["007", "=1+1"],
            "x": pa.array([np.float32(0.1 + number), np.nan], pa.float32()),
        }
    )
    for number in range(3)
]


def _rows(path):
    rows = []
    for chunk in TableReader(path).chunks():
        for row in chunk.batch.to_pylist():
            x = row["x"]
            is_missing = x in ("", None) or x != x
            rows.append((row["formula"], row["id"], None if is_missing else float(x)))
    return rows


@pytest.mark.parametrize("name", TARGETS)
def test_parts_become_one_table_and_leave_nothing_beside_it(name, tmp_path):
    if name.endswith("xlsx"):
        pytest.importorskip("openpyxl")
    writer = TableWriter(tmp_path / name, {})
    for batch in BATCHES:
        writer.write(batch)
        assert not (tmp_path / name).exists()
    writer.finish()
    assert os.listdir(tmp_path) == [name]
    rows = _rows(tmp_path / name)
    assert [row[:2] for row in rows] == [
        (batch["formula"][row].as_py(), batch["id"][row].as_py())
        for batch in BATCHES
        for row in (0, 1)
    ]
    assert [row[2] for row in rows[1::2]] == [None] * 3
    np.testing.assert_array_equal(
        np.float32([row[2] for row in rows[::2]]), np.float32([0.1, 1.1, 2.1])
    )


@pytest.mark.parametrize("name", ["out.csv", "out.parquet", "out"])
def test_a_stopped_run_goes_on(name, tmp_path):
    job = {"encoder": ["a", 1], "chunk": 2}
    writer = TableWriter(tmp_path / name, job)
    writer.write(BATCHES[0])
    assert writer.abandon()
    assert not (tmp_path / name).exists()
    with pytest.raises(InvalidTableError, match=r"run \(finished parts: 1\). Pass --resume"):
        TableWriter(tmp_path / name, job)
    with pytest.raises(InvalidTableError, match="is of other work: encoder differs. Give the same"):
        TableWriter(tmp_path / name, {**job, "encoder": ["b", 1]}, resume=True)
    resumed = TableWriter(tmp_path / name, job, resume=True)
    assert resumed.n_parts == 1
    with pytest.raises(InvalidTableError, match="Another process is at work"):
        TableWriter(tmp_path / name, job, resume=True)
    for batch in BATCHES[1:]:
        resumed.write(batch)
    resumed.finish()
    whole = TableWriter(tmp_path / f"whole-{name}", job)
    for batch in BATCHES:
        whole.write(batch)
    whole.finish()
    assert str(_rows(tmp_path / name)) == str(_rows(tmp_path / f"whole-{name}"))


def test_overwrite_begins_again(tmp_path):
    target = tmp_path / "out.csv"
    target.write_text("precious")
    with pytest.raises(InvalidTableError, match="exists; pass --overwrite to replace it"):
        TableWriter(target, {})
    writer = TableWriter(target, {}, overwrite=True)
    writer.write(BATCHES[0])
    writer.write(BATCHES[1])
    assert target.read_text() == "precious"
    assert writer.abandon()
    writer = TableWriter(target, {"other": 1}, overwrite=True)
    assert writer.n_parts == 0
    writer.write(BATCHES[2])
    writer.finish()
    assert len(_rows(target)) == 2


def test_nothing_is_left_of_a_run_without_a_part(tmp_path):
    assert not TableWriter(tmp_path / "out.csv", {}).abandon()
    assert os.listdir(tmp_path) == []


def test_a_folder_that_holds_other_things_is_not_replaced(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("precious")
    with pytest.raises(InvalidTableError, match=r"holds more than parquet files \(thesis.tex\)"):
        TableWriter(tmp_path / "out", {}, overwrite=True)
    (tmp_path / "out" / "thesis.tex").unlink()
    writer = TableWriter(tmp_path / "out", {}, overwrite=True)
    writer.write(BATCHES[0])
    writer.finish()
    (part,) = os.listdir(tmp_path / "out")
    assert re.fullmatch("part-000000-[0-9a-f]{16}.parquet", part)
    assert os.listdir(tmp_path) == ["out"]


def test_a_missing_folder_is_noticed_before_the_work(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        TableWriter(tmp_path / "none" / "out.csv", {})
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        TableWriter(tmp_path / "none" / "out", {})


def test_a_full_disk_is_noticed_after_the_first_part(tmp_path, monkeypatch):
    writer = TableWriter(tmp_path / "out.csv", {})
    writer.write(BATCHES[0])
    free = 100 << 20
    usage = shutil.disk_usage(tmp_path)._replace(free=free)
    monkeypatch.setattr(table_writer.shutil, "disk_usage", lambda path: usage)
    writer.require_space(1.0)
    with pytest.raises(InvalidTableError, match="0.1 GB free; about .* GB are needed"):
        writer.require_space(1e-9)
    writer.abandon()


def test_a_link_in_the_way_is_not_followed(tmp_path):
    (tmp_path / "victim").mkdir()
    (tmp_path / "out.csv.unfinished").symlink_to(tmp_path / "victim")
    with pytest.raises(InvalidTableError, match="is in the way; remove it"):
        TableWriter(tmp_path / "out.csv", {}, overwrite=True)
    assert os.listdir(tmp_path / "victim") == []


def test_another_state_of_the_input_is_other_work(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("formula\nNaCl\n")
    before = source_identity(path)
    assert source_identity(path) == before
    path.write_text("formula\nNaCl\nMgO\n")
    assert source_identity(path) != before


def test_pandas_reads_what_was_written(tmp_path):
    frame = pd.DataFrame({"formula": ["NaCl"], "n": [3], "ok": [True], "x": [np.float16(0.1)]})
    write_table(tmp_path / "out.csv", pa.Table.from_pandas(frame))
    assert (tmp_path / "out.csv").read_text() == "formula,n,ok,x\nNaCl,3,true,0.1\n"
    write_table(tmp_path / "out.parquet", pa.Table.from_pandas(frame))
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out.parquet"), frame)


def test_numbers_of_texts():
    numbers = pa.record_batch({"x": pa.array([1 / 3, 1e-20, None]), "s": ["a;b", "c", "d"]})
    form = TableFormat("text", ";", ",")
    assert text_of(numbers, form, ".3g") == b'0,333;"a;b"\n1e-20;c\n;d\n'
    values = np.random.default_rng(0).normal(size=100).astype(np.float32)
    again = np.float32(
        text_of(pa.record_batch({"x": values}), form).decode().replace(",", ".").split()
    )
    np.testing.assert_array_equal(again, values)
    with pytest.raises(InvalidTableError, match=r"such as .4g or .3f; got '%d'"):
        check_float_format("%d")


def test_a_column_of_empty_cells_keeps_its_rows(tmp_path):
    write_table(tmp_path / "out.csv", pa.table({"x": ["", "a", ""]}))
    (chunk,) = TableReader(tmp_path / "out.csv").chunks()
    assert chunk.batch["x"].to_pylist() == ["", "a", ""]


CELLS = st.one_of(
    st.sampled_from(["007", "1.0", "300", "-0.5", "1e5", "-0", "1e+16", "inf", "nan", "=1+1"]),
    st.integers().map(str),
    st.floats().map(repr),
    st.from_regex(r"[-+]?[0-9.,]{1,20}(e[-+]?[0-9]{1,3})?", fullmatch=True),
    st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), max_size=5),
)  # fmt: skip


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5))
def test_texts_come_back_from_a_workbook_as_they_were(tmp_path_factory, rows):
    pytest.importorskip("openpyxl")
    path = tmp_path_factory.mktemp("sheets") / "out.xlsx"
    left, right = map(list, zip(*rows, strict=True))
    write_table(path, pa.table({"x": [*left, "end"], "=y": [*right, "end"]}))
    (chunk,) = TableReader(path).chunks()
    assert chunk.batch.to_pydict() == {"x": [*left, "end"], "=y": [*right, "end"]}


def test_numbers_stay_numbers_in_a_workbook_where_it_keeps_them(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    cells = ["300", "0.5", "1.0", "12345678901234567890"]
    table = pa.table({"text": cells, "id": pa.array([7, 8, 9, 2**60])})
    write_table(tmp_path / "out.xlsx", table)
    rows = list(openpyxl.load_workbook(tmp_path / "out.xlsx").active.values)
    assert rows[1:] == [(300, 7), (0.5, 8), ("1.0", 9), (cells[3], str(2**60))]
