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
no_numbers = st.sampled_from(
    ["", "n/a", "12 K", "1,234", "nan", "inf", "-inf", "1e999", "-", "3-5", "2x10^3"]
)
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
        (["12%", "50 %"], "'12%' at line 2, a number with a percent sign"),
        (
            ["1,234", "2,345.5"],
            "'1,234' at line 2, a number with a comma: if that is the decimal mark",
        ),
        (["2,345.5", "1,234"], "'2,345.5' at line 2, a number with commas: write it without"),
        (["1 234", "12 000"], "'1 234' at line 2, a number with spaces: write it without"),
        (["3.00x10^3", "2"], "a number with a power of ten: write 3.00e3"),
        (["3.0 \u00d7 10^-3", "2"], "a number with a power of ten: write 3.0e-3"),
        (["3.0\u00b710\u207b\u00b3", "2"], "a number with a power of ten: write 3.0e-3"),
        (["300-350", "300\u2013350"], "'300-350' at line 2, a range: write one number"),
        (["300K", "1.5*"], "'300K' at line 2, a number with its unit"),
        (["1.5*", "2"], "'1.5*' at line 2, a number with a mark"),
        (["$12", "1.5 eV"], "'$12' at line 2, a number with its unit"),
        (["1.5 eV", "2 eV"], "'1.5 eV' at line 2, a number with its unit"),
        (["<5", "~7"], "'<5' at line 2, a number that is not exact"),
        (["1.5(2)", "2.1 ± 0.3"], "'1.5(2)' at line 2, a number that is not exact"),
        (["2024-05-01", "2024-05-02"], "'2024-05-01' at line 2, a date"),
        (["01/02/2024", "12.5.24"], "'01/02/2024' at line 2, a date"),
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


def _read(place, values, **options):
    lines = "".join(f"NaCl{n};{value}\n" for n, value in enumerate(values, 1))
    place.write_text(f"formula;y\n{lines}", encoding="utf-8")
    decimal = options.pop("decimal", ".")
    reader = TableReader(place, separator=";", decimal=decimal)
    return read_measured_rows(reader, "formula", "y", **options)


def test_a_minus_sign_of_a_word_processor_is_a_minus(place):
    rows = _read(place, ["\u22120.50", "\u20133", "1e\u22125", "7"])
    assert rows.task == "regression"
    assert rows.y.tolist() == [-0.5, -3, 1e-5, 7]


def test_numbers_and_words_in_one_column_are_neither(place):
    values = [1.5, 2, 3, 4, 5, *["metal"] * 7]
    with pytest.raises(InvalidTableError, match=r"'1.5' at line 2, and words, such as 'metal' at "):
        _read(place, values)
    with pytest.raises(InvalidTableError, match=r"numbers, such as '0' at line 2, and words"):
        _read(place, [0, 1, 0, 1, 0, 1, 0, "unknown"])
    assert len(_read(place, values, task="regression").left_out) == 7
    assert len(set(_read(place, values, task="classification").y)) == 6
    few = _read(place, [*range(2, 9), "metal", "n/a", "n/a", "-", "-", ""])
    assert (few.task, len(few)) == ("regression", 7)
    assert few.left_out["reason"].tolist()[1:] == ["column 'y': no value"] * 5
    assert _read(place, ["+", "-", "+"]).y.tolist() == ["+", "-", "+"]


def test_numbers_with_a_point_are_no_classes_where_the_mark_is_a_comma(place):
    with pytest.raises(InvalidTableError, match="leave out --decimal , or write a comma"):
        _read(place, ["0.5", "1.5"], decimal=",")
    assert _read(place, ["0,5", "1,5"], decimal=",").y.tolist() == [0.5, 1.5]


def test_spaces_around_a_class_are_none_of_it(place):
    assert _read(place, ["metal", "metal ", "\u00a0glass"]).y.tolist() == [
        "metal",
        "metal",
        "glass",
    ]


@pytest.mark.parametrize("values", [["metal", "glass", "Metal "], ["1", "0", "1.0"]])
def test_one_class_that_is_written_two_ways_is_named(place, values):
    message = f"{values[0]!r} at line 2 and {values[2].strip()!r} at line 4, one class in two ways"
    with pytest.raises(InvalidTableError, match=message):
        _read(place, values)


def test_words_are_classes_whatever_they_look_like(place):
    words = ["Fm-3m", "P6_3/mmc", "n-type", "2H", "3C-SiC", "AFM", "type 2", "1T'", "None", "5f"]
    lines = [f"NaCl{n},{word}\n" for n, word in enumerate(words, 1)]
    place.write_text("formula,y\n" + "".join(lines))
    rows = read_measured_rows(TableReader(place), "formula", "y")
    assert rows.task == "classification"
    assert rows.y.tolist() == words
