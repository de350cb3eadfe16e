"""What `cromel train` says of tables that are not what they seem, as a user types it."""

import pytest

QUICK = ("--target", "gap", "--out", "m", "--members", "element_trees", "--no-evaluation")


def _table(folder, values, header="formula;T_K;gap"):
    lines = [f"Na{n}Cl;{t};{gap}" for n, (t, gap) in enumerate(values, 1)]
    (folder / "t.csv").write_text("\n".join([header, *lines]), encoding="utf-8")


@pytest.mark.parametrize(
    ("values", "arguments", "message"),
    [
        (["metal", 1, 2], (), "has numbers, such as '1' at line 3, and words, such as 'metal' at"),
        (["3x10^3", "4x10^3"], (), "'3x10^3' at line 2, a number with a power of ten: write 3e3."),
        (["a", "b", "c", "d", "d"], (), "has 4 classes in 5 rows, such as 'a' at line 2"),
        (["1", "2"], ("--task", "classification"), "say that it holds numbers (--task regression)"),
    ],
)
def test_what_are_no_classes_is_refused(values, arguments, message, cromel, tmp_path):
    _table(tmp_path, [(300, value) for value in values])
    result = cromel("train", "t.csv", "--sep", ";", *QUICK, *arguments, cwd=tmp_path)
    assert result.returncode == 1
    assert message in result.message
    assert "CroMELRegressor" not in result.message
    assert not (tmp_path / "m").exists()


def test_reasons_are_told_by_kind(cromel, tmp_path):
    kinds = ["{}%", "{} K", "<{}", "{}x10^3", "{}-99", "x{}", "{}*", "", "1,{}"]
    bad = [(kind.format(n), 1) for kind in kinds for n in (2, 3)]
    _table(tmp_path, [*((300, n) for n in range(2, 8)), *bad])
    arguments = (*QUICK, "--features", "T_K", "--sep", ";")
    result = cromel("train", "t.csv", *arguments, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    lines = [line for line in result.stdout.splitlines() if line.startswith("Left out:")]
    assert lines[0] == (
        "Left out: 2 x column 'T_K': a number with a percent sign, such as '2%' (line 8)"
    )
    assert lines[7] == "Left out: 2 x column 'T_K': no value (line 22)"
    assert lines[8] == "Left out: 2 more, of other kinds (1)"
    written = (tmp_path / "m.left_out.csv").read_text()
    assert "'2%' is a number with a percent sign; write the number alone, with the" in written


def test_too_few_rows_for_an_interval_are_told(cromel, tmp_path):
    _table(tmp_path, [(300, n) for n in range(2, 6)])
    result = cromel("train", "t.csv", "--sep", ";", *QUICK, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "Fewer than 30 compositions: too few to calibrate an uncertainty with" in result.stdout
    assert "No intervals, so that `cromel predict` leaves lower and upper empty: " in result.stdout


@pytest.mark.parametrize(
    ("first", "message"),
    [
        ("Gaps of 2024", "expected 1 ('Gaps of 2024'); put a cell with a separator in it between"),
        ("A; B; C; D", "fill in the cells that are missing; or remove line 1 if it is a title"),
        (
            "Gaps;;",
            "Column 2 of t.csv has no name; give it one in the first line, or remove a title",
        ),
        ("# a;b;c", "or remove the line above the names of the columns"),
    ],
)
def test_a_line_above_the_names_of_the_columns_is_suspected(first, message, cromel, tmp_path):
    _table(tmp_path, [(300, 1), (300, 2)], header=f"{first}\nformula;T_K;gap")
    result = cromel("train", "t.csv", "--sep", ";", *QUICK, cwd=tmp_path)
    assert result.returncode == 1
    assert message in result.message


def test_a_title_above_a_sheet_is_suspected(cromel, tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["Gaps of 2024"], ["formula", "gap"], ["NaCl", 1]):
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    result = cromel("train", "t.xlsx", *QUICK, cwd=tmp_path)
    assert "If row 1 is a title, remove it." in result.message
