"""`cromel embed`, as a user types it."""

import io
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from cromel_sklearn import CroMELTransformer
from cromel_sklearn.cli.progress import RowProgress
from cromel_sklearn.estimators.arrow_embeddings import BatchEmbedding


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("id,formula,note\n007,NaN,1.10\n008,NaCl,NA\n")
    return path


@pytest.fixture
def salts(tmp_path):
    """Table of 60 mixtures of salts, each of another composition."""
    path = tmp_path / "salts.csv"
    rows = [f"{row},NaCl{row + 1}" for row in range(60)]
    path.write_text("\n".join(["id,formula", *rows, ""]))
    return path


def _texts(path):
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def test_columns_are_appended_and_the_others_kept(cromel, table, tmp_path):
    result = cromel("embed", table, tmp_path / "out.csv")
    assert result.returncode == 0, result.stderr
    written = _texts(tmp_path / "out.csv")
    assert written["id"].tolist() == ["007", "008"]
    assert written["formula"].tolist() == ["NaN", "NaCl"]
    assert written["note"].tolist() == ["1.10", "NA"]
    embedded = written.filter(like="cromel_").to_numpy(dtype=np.float32)
    expected = CroMELTransformer(output="embedding").transform(["NaN", "NaCl"])
    np.testing.assert_array_equal(embedded, expected)
    assert result.message.startswith("2 rows written to")
    assert "rows/s; formulas from column 'formula')" in result.message


def test_parquet_and_properties(cromel, tmp_path):
    pd.DataFrame({"composition": ["MgO"], "x": [1.5]}).to_parquet(tmp_path / "in.parquet")
    result = cromel("embed", "in.parquet", "out.parquet", "--output", "properties", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    written = pd.read_parquet(tmp_path / "out.parquet")
    assert written["x"].tolist() == [1.5]
    assert "band_gap_eV" in written


def test_bad_rows_are_named_by_their_line_and_nothing_is_written(cromel, table, tmp_path):
    table.write_text(table.read_text() + '009,M2O3,"a\nb"\n010,,\n')
    result = cromel("embed", table, tmp_path / "out.csv")
    assert result.returncode == 1
    assert "line 4: 'M2O3': M is a placeholder" in result.message
    assert "line 6: '': empty formula" in result.message
    assert "pass --on-invalid nan to leave" in result.message
    assert os.listdir(tmp_path) == ["in.csv"]


def test_bad_rows_stay_empty_on_request(cromel, table, tmp_path):
    table.write_text(table.read_text() + "009,M2O3,x\n")
    result = cromel("embed", table, tmp_path / "out.csv", "--on-invalid", "nan")
    assert result.returncode == 0, result.stderr
    assert "line 4: 'M2O3': M is a placeholder" in result.stderr
    assert "3 rows written to" in result.message
    assert "1 of them without embedding" in result.message
    written = _texts(tmp_path / "out.csv")
    assert written.loc[2, "cromel_000"] == ""
    assert written.loc[1, "cromel_000"] != ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("formula,reference\nFeO,NaCl,\n", "Line 2 of table.csv has 3 cells, expected 2"),
        ("formula\nFe\0O\n", "Line 2 of table.csv holds a NUL character"),
        ("formula,formula\nFeO,MgO\n", "has the column 'formula' more than once"),
        ("formula\nFeO\n\nMgO\n", "line 3: '': empty formula"),
    ],
)
def test_no_column_is_shifted_no_row_dropped_no_column_renamed(content, message, cromel, tmp_path):
    (tmp_path / "table.csv").write_text(content)
    result = cromel("embed", "table.csv", "out.csv", cwd=tmp_path)
    assert result.returncode == 1
    assert message in result.message
    assert os.listdir(tmp_path) == ["table.csv"]


def test_a_blank_line_keeps_its_row(cromel, tmp_path):
    (tmp_path / "table.csv").write_text("formula\nFeO\n\nMgO\n")
    result = cromel("embed", "table.csv", "out.csv", "--on-invalid", "nan", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    written = _texts(tmp_path / "out.csv")
    assert written["formula"].tolist() == ["FeO", "", "MgO"]
    assert (written["cromel_000"] == "").tolist() == [False, True, False]


def test_overwriting_must_be_asked_for(cromel, table, tmp_path):
    (tmp_path / "out.csv").write_text("precious")
    result = cromel("embed", table, tmp_path / "out.csv")
    assert result.returncode == 1
    assert "pass --overwrite to replace it" in result.message
    assert (tmp_path / "out.csv").read_text() == "precious"
    assert cromel("embed", table, tmp_path / "out.csv", "--overwrite").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("none.csv", "out.csv"), "No such file: none.csv"),
        (("in.csv", "out.json"), "out.json is no table that is known here; expected .csv"),
        (("in.csv", "out.csv", "--column", "name"), "in.csv has no column 'name'; it has 'id'"),
        (("in.csv", "out.csv", "--column", "name"), "With --formula-column, 'formula' holds"),
        (("in.csv", "out.csv", "--encoder", "mp-none"), "No encoder 'mp-none'"),
        (("in.csv", "out.csv", "--device", "cuda:9"), "Device 'cuda:9' is not on this machine"),
        (("in.csv", "out.csv", "--output", "x"), "The 'output' parameter"),
        (("in.csv", "out.csv", "--dtype", "int8"), "dtype must be one of"),
        (("in.csv", "out.csv", "--on-invalid", "drop"), "--on-invalid is raise or nan, got 'drop'"),
        (("in.csv", "out.csv", "--n-jobs", "0"), "--n-jobs is a number of processes, or -1"),
        (("in.csv", "none/out.csv"), "there is no folder none; make it first"),
        (("in.csv", "-", "--resume"), "A stream cannot be resumed"),
    ],
)
def test_errors_say_what_to_do(arguments, message, cromel, table):
    result = cromel("embed", *arguments, cwd=table.parent)
    assert result.returncode == 1
    assert message in result.message
    assert os.listdir(table.parent) == ["in.csv"]


def test_a_column_is_not_written_twice(cromel, table, tmp_path):
    cromel("embed", table, tmp_path / "once.csv")
    result = cromel("embed", tmp_path / "once.csv", tmp_path / "twice.csv")
    assert result.returncode == 1
    assert "already has the column 'cromel_000'" in result.message


def test_streams_and_formats_of_numbers(cromel):
    result = cromel(
        "embed", "-", "-", "--sep", ";", "--decimal", ",", "--output", "properties",
        "--float-format", ".3f", stdin="Compound;T\nNaCl;1,5\n",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    (row,) = pd.read_csv(io.StringIO(result.stdout), sep=";", decimal=",").to_dict("records")
    assert (row["Compound"], row["T"]) == ("NaCl", 1.5)
    properties = CroMELTransformer(output="properties").transform(["NaCl"])[0]
    np.testing.assert_allclose(list(row.values())[2:], properties, atol=6e-4)
    assert "1 rows written to standard output" in result.message


def test_half_precision_halves_the_table(cromel, table, tmp_path):
    cromel("embed", table, tmp_path / "single.parquet")
    result = cromel("embed", table, tmp_path / "half.parquet", "--dtype", "float16")
    assert result.returncode == 0, result.stderr
    single, half = (pd.read_parquet(tmp_path / f"{n}.parquet") for n in ("single", "half"))
    assert half["cromel_000"].dtype == np.float16
    columns = list(single.filter(like="cromel_"))
    np.testing.assert_allclose(half[columns].astype(np.float32), single[columns], rtol=1e-3)


def test_a_table_without_rows_gets_its_columns(cromel, tmp_path):
    (tmp_path / "in.csv").write_text("formula\n")
    result = cromel("embed", "in.csv", "out.csv", "--output", "properties", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "0 rows written" in result.message
    assert (tmp_path / "out.csv").read_text().startswith("formula,band_gap_eV,")


def test_chunks_and_processes_change_nothing(cromel, salts, small_encoder, tmp_path):
    for name, options in {
        "one.csv": (),
        "many.csv": ("--chunk-rows", 7),
        "processes.csv": ("--chunk-rows", 7, "--n-jobs", 2),
    }.items():
        result = cromel("embed", salts, tmp_path / name, "--encoder", small_encoder, *options)
        assert result.returncode == 0, result.stderr
    one = (tmp_path / "one.csv").read_bytes()
    assert one.count(b"\n") == 61
    assert (tmp_path / "many.csv").read_bytes() == one
    assert (tmp_path / "processes.csv").read_bytes() == one


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError])
def test_a_stopped_run_goes_on(stop, cromel, salts, small_encoder, tmp_path, monkeypatch):
    arguments = ("--encoder", small_encoder, "--chunk-rows", 10)
    cromel("embed", salts, tmp_path / "whole.csv", *arguments)
    call = BatchEmbedding.__call__
    written = []

    def stops_after_three(self, batch):
        if len(written) == 3:
            raise stop("No space left on device")
        written.append(batch["id"][0].as_py())
        return call(self, batch)

    monkeypatch.setattr(BatchEmbedding, "__call__", stops_after_three)
    result = cromel("embed", salts, tmp_path / "out.csv", *arguments)
    assert result.returncode == (130 if stop is KeyboardInterrupt else 1)
    assert "3 finished parts are kept. Go on with --resume." in result.message
    assert not (tmp_path / "out.csv").exists()
    again = []
    monkeypatch.setattr(
        BatchEmbedding,
        "__call__",
        lambda self, batch: (again.append(batch["id"][0].as_py()), call(self, batch))[1],
    )
    assert "unfinished run" in cromel("embed", salts, tmp_path / "out.csv", *arguments).message
    result = cromel("embed", salts, tmp_path / "out.csv", *arguments, "--resume")
    assert result.returncode == 0, result.stderr
    assert (written, again) == (["0", "10", "20"], ["30", "40", "50"])
    assert "60 rows written" in result.message
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert not (tmp_path / "out.csv.unfinished").exists()


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_a_killed_run_goes_on(cromel, small_encoder, tmp_path):
    table, target = tmp_path / "salts.csv", tmp_path / "out.parquet"
    table.write_text("formula\n" + "".join(f"NaCl{row}\n" for row in range(1, 1000)))
    arguments = ("embed", table, target, "--encoder", small_encoder, "--chunk-rows", 10)
    process = subprocess.Popen([sys.executable, "-m", "cromel_sklearn", *map(str, arguments)])
    folder = tmp_path / "out.parquet.unfinished"
    deadline = time.monotonic() + 60
    while len(list(folder.glob("*.part"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not target.exists()
    n_finished = len(list(folder.glob("*.part")))
    assert 3 <= n_finished < 100
    result = cromel(*arguments, "--resume")
    assert result.returncode == 0, result.stderr
    assert sorted(os.listdir(tmp_path)) == ["out.parquet", "salts.csv"]
    assert cromel(*arguments, "--overwrite").returncode == 0
    embedded = pd.read_parquet(target)
    assert embedded["formula"].tolist() == [f"NaCl{row}" for row in range(1, 1000)]
    assert not embedded.isna().any(axis=None)


def test_a_terminal_shows_rate_and_time_left_and_a_pipe_nothing():
    def shown(**kind):
        output = io.StringIO()
        console = Console(file=output, width=120, **kind)
        with RowProgress("embedding", console) as progress:
            progress.advance(1000, 0.25)
            progress._bar.refresh()
        return output.getvalue()

    bar = shown(force_terminal=True)
    assert "embedding" in bar
    assert "25%" in bar
    assert "1,000 rows," in bar
    assert "rows/s" in bar
    assert "left" in bar
    assert shown(force_terminal=False) == ""


def test_a_missing_folder_is_named_before_anything_is_embedded(
    cromel, table, tmp_path, monkeypatch
):
    monkeypatch.setattr(CroMELTransformer, "transform", None)  # never reached
    result = cromel("embed", table, tmp_path / "missing" / "out.csv")
    assert result.returncode == 1
    assert "there is no folder" in result.stderr
