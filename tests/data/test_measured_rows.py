"""Rows that a model is fitted to: none moves, none is lost, none is guessed."""

import re

import numpy as np
import pyarrow as pa
import pytest
from formula_strategies import plain_formulas, texts
from hypothesis import given
from hypothesis import strategies as st

from cromel_sklearn.data.composition import parse_composition
from cromel_sklearn.data.measured_rows import read_measured_rows
from cromel_sklearn.data.table_cells import header_of, text_of
from cromel_sklearn.data.table_format import table_format
from cromel_sklearn.data.table_reader import TableReader
from cromel_sklearn.exceptions import InvalidTableError

finite = st.floats(-1e6, 1e6).map(str)
no_numbers = st.sampled_from(["", "n/a", "12 K", "1,234", "nan", "inf", "-inf", "1e999"])
cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
rows = st.tuples(
    st.one_of(plain_formulas, plain_formulas, texts.filter(lambda text: "\0" not in text)),
    st.one_of(finite, finite, no_numbers),
    st.one_of(finite, finite, no_numbers),
    cells,
)
tables = st.lists(rows, min_size=1, max_size=12)


def _written(path, table, separator=","):
    names = ["formula", "T_K", "y", "note"]
    columns = [pa.array(column, pa.string()) for column in zip(*table, strict=True)]
    batch = pa.record_batch(columns, names=names)
    form = table_format(path, separator=separator)
    path.write_bytes(header_of(names, form) + text_of(batch, form))
    return path


def _number(cell):
    value = float(cell) if re.fullmatch(r"-?[0-9.]+(?:e[-+]?[0-9]+)?", cell) else np.nan
    return value if np.isfinite(value) else np.nan


def _can_be_read(formula):
    try:
        parse_composition(formula)
    except ValueError:
        return False
    return True


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("tables") / "table.csv"


@given(tables, st.sampled_from([",", ";", "\t"]), st.integers(1, 5))
def test_cells_of_any_text_come_back(place, table, separator, chunk_rows):
    reader = TableReader(
        _written(place, table, separator), separator=separator, chunk_rows=chunk_rows
    )
    found = [tuple(row.values()) for chunk in reader.chunks() for row in chunk.batch.to_pylist()]
    assert found == table


@given(tables, st.integers(1, 5))
def test_every_row_is_used_as_it_stands_or_left_out_with_its_place(place, table, chunk_rows):
    usable = [
        (formula, _number(t), _number(y))
        for formula, t, y, _ in table
        if _can_be_read(formula) and np.isfinite([_number(t), _number(y)]).all()
    ]
    reader = TableReader(_written(place, table), chunk_rows=chunk_rows)
    arguments = (reader, "formula", "y", ["T_K"])
    if not usable:
        with pytest.raises(InvalidTableError, match="No row of"):
            read_measured_rows(*arguments, task="regression")
        return
    found = read_measured_rows(*arguments, task="regression")
    assert list(found.frame.itertuples(index=False, name=None)) == usable
    assert len(found.places) + len(found.left_out) == len(table)
    assert not set(found.places) & set(found.left_out["place"])
    assert found.left_out["reason"].str.len().gt(3).all()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["12%", "50 %"], "'12%', a number with a percent sign"),
        (["1,234", "2,345.5"], "'1,234', a number with commas"),
        (["$12", "1.5 eV"], "'$12', a number with its unit"),
        (["1.5 eV", "2 eV"], "'1.5 eV', a number with its unit"),
        (["<5", "~7"], "'<5', a number that is not exact"),
        (["1.5(2)", "2.1 ± 0.3"], "'1.5(2)', a number that is not exact"),
        (["2024-05-01", "2024-05-02"], "'2024-05-01', a date"),
        (["01/02/2024", "12.5.24"], "'01/02/2024', a date"),
    ],
)
def test_numbers_in_disguise_are_no_classes(values, message, place):
    place.write_text(
        "formula;y\n" + "".join(f"NaCl{n};{value}\n" for n, value in enumerate(values * 3, 1))
    )
    reader = TableReader(place, separator=";")
    with pytest.raises(InvalidTableError, match=re.escape(message)) as caught:
        read_measured_rows(reader, "formula", "y")
    assert "line 2" in str(caught.value)
    assert "task classification" in str(caught.value)
    reader = TableReader(place, separator=";")
    rows = read_measured_rows(reader, "formula", "y", task="classification")
    assert rows.y.tolist() == values * 3


@pytest.mark.parametrize("missing", ["NaN", "nan", "NA", "N/A", "n/a", "null", "#N/A", "<NA>", ""])
def test_a_missing_class_is_no_class(missing, place):
    place.write_text(f"formula,y\nNaCl,metal\nMgO,{missing}\nCaO,insulator\n")
    rows = read_measured_rows(TableReader(place), "formula", "y")
    assert rows.y.tolist() == ["metal", "insulator"]
    assert rows.left_out["reason"].tolist() == ["column 'y': no value"]


def test_words_are_classes_whatever_they_look_like(place):
    words = ["Fm-3m", "P6_3/mmc", "n-type", "2H", "3C-SiC", "AFM", "type 2", "1T'", "None", "5f"]
    lines = [f"NaCl{n},{word}\n" for n, word in enumerate(words, 1)]
    place.write_text("formula,y\n" + "".join(lines))
    rows = read_measured_rows(TableReader(place), "formula", "y")
    assert rows.task == "classification"
    assert rows.y.tolist() == words
