"""`cromel candidates`, as a user types it."""

import pandas as pd
import pytest


@pytest.mark.filterwarnings("default")
def test_neutral_candidates_are_written_once_each(cromel, tmp_path):
    pytest.importorskip("smact")
    arguments = ("candidates", tmp_path / "c.csv", "--elements", "Li,Mn,O,F", "--max-atoms", 8)
    result = cromel(*arguments, "--with", "Li")
    assert result.returncode == 0, result.stderr
    formulas = pd.read_csv(tmp_path / "c.csv")["formula"]
    assert f"{len(formulas):,} candidates written to" in result.message
    assert formulas.is_unique
    assert formulas.str.contains("Li").all()
    assert {"LiF", "LiMnO2", "Li2O"} <= set(formulas)


def test_known_formulas_are_substituted(cromel, tmp_path):
    (tmp_path / "known.csv").write_text("id,Compound\n1,LiFePO4\n2,LiCoO2\n")
    result = cromel(
        "candidates", "-", "--from", tmp_path / "known.csv", "--substitute", "Li=Na",
        "--dope", "Co=Mn,Al:0.1",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        "formula,parent,change",
        "NaFePO4,LiFePO4,Li by Na",
        "NaCoO2,LiCoO2,Li by Na",
        "LiCo0.9Mn0.1O2,LiCoO2,10 % of Co by Mn",
        "LiCo0.9Al0.1O2,LiCoO2,10 % of Co by Al",
    ]


def test_rows_that_cannot_be_read_are_skipped_and_named(cromel, tmp_path):
    (tmp_path / "known.csv").write_text("formula;a\nFe2O3;0,5\nM2O3;1\n")
    arguments = ("candidates", "-", "--from", tmp_path / "known.csv", "--substitute", "Fe=Co")
    result = cromel(*arguments, "--on-invalid", "nan", "--decimal", ",")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[1:] == ["Co2O3;Fe2O3;Fe by Co"]
    assert "line 3: 'M2O3': M is a placeholder, not an element" in result.message
    assert "1 candidates written to standard output, 1 rows of" in result.message
    result = cromel(*arguments, "--decimal", ",")
    assert "or pass --on-invalid nan to skip them" in result.message


def test_a_sheet_of_a_workbook_is_substituted(cromel, tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["note"])
    sheet = book.create_sheet("known")
    for row in (["formula"], ["Fe2O3"]):
        sheet.append(row)
    book.save(tmp_path / "known.xlsx")
    arguments = ("candidates", "-", "--from", tmp_path / "known.xlsx", "--substitute", "Fe=Co")
    result = cromel(*arguments, "--sheet", "known")
    assert result.stdout.splitlines()[1:] == ["Co2O3,Fe2O3,Fe by Co"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Give --elements, or --from with"),
        (("--elements", "Li,O", "--from", "known.csv"), "Give --elements, or --from"),
        (("--elements", "Li,O", "--sheet", "a"), "--sheet and --on-invalid are of the table of"),
        (("--from", "known.csv"), "--from needs --substitute or --dope"),
        (("--from", "known.csv", "--dope", "Fe"), "Expected something like Fe=Co,Ni:0.02,0.05"),
        (("--from", "known.csv", "--substitute", "Fe=Co"), "line 3: 'M2O3': M is a placeholder"),
    ],
)
def test_errors_say_what_to_do(arguments, message, cromel, tmp_path):
    (tmp_path / "known.csv").write_text("formula\nFe2O3\nM2O3\n")
    result = cromel("candidates", "out.csv", *arguments, cwd=tmp_path)
    assert result.returncode == 1
    assert message in result.message
    assert not (tmp_path / "out.csv").exists()
