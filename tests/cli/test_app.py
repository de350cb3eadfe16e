"""The `cromel` command, as a user types it."""

import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from cromel_sklearn import CroMELTransformer, list_encoders, load_encoder
from cromel_sklearn.cli.table_embedding import embed_table


def _cromel(*arguments, cwd=None):
    command = [sys.executable, "-m", "cromel_sklearn", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("id,formula,note\n007,NaN,1.10\n008,NaCl,NA\n")
    return path


def test_encoders_lists_every_encoder():
    result = _cromel("encoders")
    assert result.returncode == 0
    for encoder in list_encoders():
        assert f" {encoder} " in result.stdout


def test_embed_appends_columns_and_keeps_the_others(table, tmp_path):
    result = _cromel("embed", table, tmp_path / "out.csv")
    assert result.returncode == 0, result.stderr
    written = pd.read_csv(tmp_path / "out.csv", dtype=str, keep_default_na=False)
    assert written["id"].tolist() == ["007", "008"]
    assert written["formula"].tolist() == ["NaN", "NaCl"]
    assert written["note"].tolist() == ["1.10", "NA"]
    embedded = written.filter(like="cromel_").to_numpy(dtype=np.float32)
    np.testing.assert_allclose(embedded, CroMELTransformer().transform(["NaN", "NaCl"]), rtol=1e-5)


def test_embed_parquet_and_properties(tmp_path):
    pd.DataFrame({"composition": ["MgO"], "x": [1.5]}).to_parquet(tmp_path / "in.parquet")
    result = _cromel(
        "embed", "in.parquet", "out.parquet", "--column", "composition", "--output", "properties",
        cwd=tmp_path,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    written = pd.read_parquet(tmp_path / "out.parquet")
    assert written["x"].tolist() == [1.5]
    assert "band_gap_eV" in written


def test_embed_names_bad_rows_and_writes_nothing(table, tmp_path):
    table.write_text(table.read_text() + "009,M2O3,x\n")
    result = _cromel("embed", table, tmp_path / "out.csv")
    assert result.returncode == 1
    assert "'M2O3' at index 2: M is a placeholder" in " ".join(result.stderr.split())
    assert not (tmp_path / "out.csv").exists()


def test_embed_keeps_bad_rows_empty_on_request(table, tmp_path):
    table.write_text(table.read_text() + "009,M2O3,x\n")
    result = _cromel("embed", table, tmp_path / "out.csv", "--on-invalid", "nan")
    assert result.returncode == 0, result.stderr
    assert "row 2: 'M2O3': M is a placeholder" in result.stderr
    written = pd.read_csv(tmp_path / "out.csv", dtype=str, keep_default_na=False)
    assert written.loc[2, "cromel_000"] == ""
    assert written.loc[1, "cromel_000"] != ""


def test_embed_refuses_to_overwrite(table, tmp_path):
    (tmp_path / "out.csv").write_text("precious")
    result = _cromel("embed", table, tmp_path / "out.csv")
    assert result.returncode == 1
    assert "pass --overwrite to replace it" in " ".join(result.stderr.split())
    assert (tmp_path / "out.csv").read_text() == "precious"
    assert _cromel("embed", table, tmp_path / "out.csv", "--overwrite").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("none.csv", "out.csv"), "No such file: none.csv"),
        (("in.csv", "out.xlsx"), "out.xlsx is neither a .csv nor a .parquet file"),
        (("in.csv", "out.csv", "--column", "name"), "in.csv has no column 'name'; it has 'id'"),
        (("in.csv", "out.csv", "--encoder", "mp-none"), "No encoder 'mp-none'"),
        (("in.csv", "out.csv", "--device", "cuda:9"), "Device 'cuda:9' is not on this machine"),
    ],
)
def test_embed_errors_say_what_to_do(arguments, message, table):
    result = _cromel("embed", *arguments, cwd=table.parent)
    assert result.returncode == 1
    assert message in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "table.csv cannot be read as a table: No columns to parse"),
        (b"formula,y\nNaCl,1\nMgO,2,3\n", "Expected 2 fields in line 3, saw 3"),
        ("formula,Größe\nNaCl,1\n".encode("latin-1"), "and UTF-8"),
        (b"formula;y\nNaCl;1\n", "has one column, 'formula;y'. Expected commas between columns"),
        (b"formula\ty\nNaCl\t1\n", "has one column, 'formula"),
    ],
)
def test_embed_says_what_a_csv_file_must_be(content, message, tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(message)):
        embed_table(path, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_embed_refuses_to_write_a_column_twice(table, tmp_path):
    _cromel("embed", table, tmp_path / "once.csv")
    result = _cromel("embed", tmp_path / "once.csv", tmp_path / "twice.csv")
    assert result.returncode == 1
    assert "already has the column 'cromel_000'" in " ".join(result.stderr.split())


def test_pretrain_refuses_a_folder_that_holds_a_run(structure_table, tmp_path):
    (tmp_path / "run_state.pt").write_bytes(b"")
    result = _cromel("pretrain", "--structures", structure_table, "--out", tmp_path)
    assert result.returncode == 1
    assert "holds a run. Pass --resume" in " ".join(result.stderr.split())


def test_pretrain_names_an_unknown_target(structure_table, tmp_path):
    result = _cromel(
        "pretrain", "--structures", structure_table, "--out", tmp_path, "--target", "gap"
    )
    assert result.returncode == 1
    assert "No target gap; there is band_gap" in " ".join(result.stderr.split())


def test_pretrain_uses_the_chosen_properties_alone(structure_table, tmp_path):
    labels = "formula,property,value\nMgO,band_gap,7.0\nCaO,refractive_index,1.8\n"
    (tmp_path / "labels.csv").write_text(labels)
    result = _cromel(
        "pretrain", "--structures", structure_table, "--labels", tmp_path / "labels.csv",
        "--target", "band_gap", "--no-geometry", "--mixing-weight", 0, "--out", tmp_path / "run",
        "--max-epochs", 1, "--device", "cpu", "--n-jobs", 1,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "mixture_loss" not in result.stdout
    encoder = load_encoder(tmp_path / "run")
    assert list(encoder.properties) == ["band_gap"]
    assert {8, 12} <= encoder.known_elements  # of MgO
    assert 20 not in encoder.known_elements  # of CaO, whose label is of another property


def test_pretrained_encoder_embeds(structure_table, table, tmp_path):
    result = _cromel(
        "pretrain", "--structures", structure_table, "--out", tmp_path / "run", "--max-epochs", 1,
        "--device", "cpu", "--n-jobs", 1, "--attribution", "made for a test",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "epoch 1/1" in result.stdout
    assert "mixture_loss" in result.stdout
    card = (tmp_path / "run" / "card.md").read_text()
    assert "made for a test" in card
    assert "--max-epochs 1" in card
    table.write_text("formula\nNaCl\n")
    embedded = _cromel("embed", table, tmp_path / "out.csv", "--encoder", tmp_path / "run")
    assert embedded.returncode == 0, embedded.stderr
