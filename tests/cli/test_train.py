"""`cromel train`, `evaluate`, `predict` and `screen`, as a user types them."""

import io
import json
import os
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from damaged_files import flipped_bits, truncated

from cromel_sklearn import CheckpointError, CroMELClassifier, CroMELRegressor
from cromel_sklearn.estimators.training_summary import TrainingSummary

ALKALIS, HALIDES = ("Li", "Na", "K", "Rb"), ("F", "Cl", "Br", "I")
QUICK = ("--members", "element_trees", "--folds", 2, "--no-learning-curve")


def _measured() -> pd.DataFrame:
    rows = []
    for i, alkali in enumerate(ALKALIS):
        for j, halide in enumerate(HALIDES):
            for n, temperature in ((1, 300), (2, 300), (1, 600)):
                gap = 5 + i - j + 0.1 * n + temperature / 1000
                rows.append(
                    (f"{alkali}{n}{halide}", temperature, "wide" if gap > 5 else "narrow", gap)
                )
    return pd.DataFrame(rows, columns=["Compound", "T_K", "kind", "gap_eV"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A table of measurements, with a row that is no formula, one without a value and one of T."""
    path = tmp_path_factory.mktemp("measured")
    frame = _measured()
    frame.to_csv(path / "gaps.csv", index=False)
    bad = "M2O3,300,wide,5.0\nLiF,300,,\nNaF,hot,wide,4.0\n"
    (path / "gaps.csv").write_text((path / "gaps.csv").read_text() + bad)
    (path / "candidates.csv").write_text(
        "id,formula,T_K\n" + "".join(f"{n},{f},300\n" for n, f in enumerate(frame["Compound"]))
        + "100,Na2Cl2,300\n101,CsI,300\n102,UF6,300\n103,Kx,300\n104,LiF,\n"
    )  # fmt: skip
    return path


@pytest.fixture(scope="module")
def gaps(folder):
    """A regressor, trained by the command."""
    return _train(folder, "gaps.cromel", "--target", "gap_eV", "--features", "T_K")


@pytest.fixture(scope="module")
def kinds(folder):
    """A classifier, trained by the command."""
    return _train(folder, "kinds.cromel", "--target", "kind", "--no-evaluation")


def _train(folder, name, *arguments):
    """Train once for all tests; returns the path of the model and what was printed."""
    import sys

    command = ["train", folder / "gaps.csv", "--out", folder / name, *QUICK, *arguments]
    result = subprocess.run(
        [sys.executable, "-m", "cromel_sklearn", *map(str, command)], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return folder / name, result.stdout


def test_training_tells_what_was_read_and_how_good_the_model_is(gaps, folder):
    path, printed = gaps
    assert "Read 51 rows of gaps.csv: 48 are used, 3 left out." in printed
    assert "Regression of 'gap_eV' by formulas in 'Compound' and T_K." in printed
    assert "32 compositions (16 rows repeat one), 8 elements." in printed
    assert "1 x M is a placeholder, not an element" in printed
    assert "rows shuffled" in printed
    assert "by composition" in printed
    assert "Intervals of 90%" in printed
    left_out = pd.read_csv(f"{path}.left_out.csv")
    assert left_out["place"].tolist() == ["line 50", "line 51", "line 52"]
    assert left_out["reason"].tolist() == [
        "M is a placeholder, not an element", "column 'gap_eV': no value",
        "column 'T_K': 'hot' is no finite number",
    ]  # fmt: skip
    summary = json.loads((folder / "gaps.cromel.json").read_text())
    assert summary["measured"]["largest"] == pytest.approx(_measured()["gap_eV"].max())
    assert set(summary["scores"]) == {"shuffled", "composition"}
    assert summary["elements"]["Na"] == 12


def test_the_model_is_the_estimator_of_the_library(gaps, kinds):
    model = CroMELRegressor.load(gaps[0])
    assert (model.formula_column, model.feature_columns) == ("Compound", ["T_K"])
    assert CroMELClassifier.load(kinds[0]).classes_.tolist() == ["narrow", "wide"]


def test_the_report_is_one_page_that_a_browser_shows(gaps):
    page = gaps[0].with_name("gaps.cromel.html")
    content = page.read_text(encoding="utf-8")
    assert 'src="http' not in content
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("Chromium is not installed")
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--dump-dom")
    shown = subprocess.run([browser, *flags, page.as_uri()], capture_output=True, text=True).stdout
    for heading in (
        "Scores",
        "Predicted and measured",
        "Elements covered",
        "Worst rows",
        "The model",
    ):
        assert f"<h2>{heading}</h2>" in shown


def test_predictions_are_those_of_the_model(gaps, folder, cromel, tmp_path):
    out = tmp_path / "out.csv"
    arguments = ("predict", gaps[0], folder / "candidates.csv", out, "--on-invalid", "nan")
    result = cromel(*arguments)
    assert result.returncode == 0, result.stderr
    assert "line 53: 'Kx': " in result.stderr
    assert "line 54: 'LiF': column 'T_K': no value" in result.stderr
    assert "53 rows written to" in result.message
    assert "2 of them without prediction" in result.message
    written = pd.read_csv(out)
    assert list(written) == ["id", "formula", "T_K", "mean", "std", "lower", "upper", "in_domain"]
    good = written[:48]
    X = pd.DataFrame({"Compound": good["formula"], "T_K": good["T_K"].astype(float)})
    model = CroMELRegressor.load(gaps[0])
    mean, std = model.predict(X, return_std=True)
    np.testing.assert_allclose(good["mean"], mean)
    np.testing.assert_allclose(good["std"], std)
    np.testing.assert_allclose(good[["lower", "upper"]], model.predict_interval(X))
    assert (good["in_domain"].astype(str) == "True").all()
    assert written["in_domain"].astype(str)[50] == "False"  # UF6
    assert written.loc[51:, ["mean", "std", "lower", "upper", "in_domain"]].isna().all(axis=None)
    whole = out.read_bytes()
    result = cromel(*arguments, "--overwrite", "--chunk-rows", 10)
    assert result.returncode == 0, result.stderr
    chunked = pd.read_csv(out)
    pd.testing.assert_frame_equal(chunked, pd.read_csv(io.BytesIO(whole)))


def test_predict_needs_the_columns_of_the_model(gaps, folder, cromel, tmp_path):
    (tmp_path / "in.csv").write_text("formula\nNaCl\n")
    result = cromel("predict", gaps[0], tmp_path / "in.csv", tmp_path / "out.csv")
    assert (result.returncode, "The model needs the column 'T_K'" in result.message) == (1, True)
    result = cromel("predict", gaps[0], folder / "candidates.csv", tmp_path / "out.csv")
    assert result.returncode == 1
    assert "line 53: 'Kx': " in result.message
    assert "pass --on-invalid nan" in result.message
    (tmp_path / "in.csv").write_text("formula,T_K,mean\nNaCl,300,1\n")
    result = cromel("predict", gaps[0], tmp_path / "in.csv", tmp_path / "out.csv")
    assert "already has the column 'mean'; rename it, or put something" in result.message
    assert "--prefix new_ in the shell" in result.message
    result = cromel("predict", gaps[0], tmp_path / "in.csv", "-", "--prefix", "gap_")
    assert result.stdout.startswith("formula,T_K,mean,gap_mean,gap_std,")
    result = cromel("predict", tmp_path / "in.csv", tmp_path / "in.csv", tmp_path / "out.csv")
    assert result.returncode == 1
    assert "in.csv is no model; `cromel train` writes one." in result.message
    assert os.listdir(tmp_path) == ["in.csv"]


def test_classes_are_predicted_with_their_probabilities(kinds, folder, cromel, tmp_path):
    arguments = ("--on-invalid", "nan")
    out = tmp_path / "out.parquet"
    result = cromel("predict", kinds[0], folder / "candidates.csv", out, *arguments)
    assert result.returncode == 0, result.stderr
    written = pd.read_parquet(out)
    assert list(written)[3:] == ["predicted", "probability_narrow", "probability_wide", "in_domain"]
    best = np.where(written["probability_wide"] > 0.5, "wide", "narrow")
    assert (written["predicted"] == best)[written["formula"] != "Kx"].all()
    assert written["predicted"].isna().sum() == 1


@pytest.mark.parametrize("chunk_rows", [7, 1000])
def test_a_shortlist_is_the_top_of_the_predictions(chunk_rows, gaps, folder, cromel, tmp_path):
    candidates = folder / "candidates.csv"
    cromel("predict", gaps[0], candidates, tmp_path / "all.csv", "--on-invalid", "nan")
    every = pd.read_csv(tmp_path / "all.csv").dropna(subset="mean")
    every = every[every["mean"].between(4, 6)].drop_duplicates(["formula", "T_K"])
    expected = every[every["formula"] != "Na2Cl2"].sort_values("mean", kind="stable")
    result = cromel(
        "screen", gaps[0], candidates, "-", "--top", 5, "--objective", "min", "--within", "4:6",
        "--chunk-rows", chunk_rows,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    shortlist = pd.read_csv(io.StringIO(result.stdout))
    assert shortlist["id"].astype(int).tolist() == expected["id"].astype(int)[:5].tolist()
    assert (
        shortlist["reason"].str.match(r"gap_eV [\d.]+ \(90% between .*; within 4 to 6 with").all()
    )
    assert shortlist["reason"].str.contains("measured itself: ").any()
    assert "5 of 53 candidates written to standard output, 2 could not be read" in result.message


def test_improvement_favours_doubt_and_the_domain_leaves_strangers_out(gaps, folder, cromel):
    arguments = ("screen", gaps[0], folder / "candidates.csv", "-", "--top", 60)
    ranked = pd.read_csv(io.StringIO(cromel(*arguments, "--improvement").stdout))
    assert (ranked["expected_improvement"].diff()[1:] <= 0).all()
    strangers = ranked[ranked["formula"] == "UF6"]
    assert "U was never measured" in strangers["reason"].item()
    assert "outside the domain" in strangers["reason"].item()
    assert "surpasses the best measured (" in strangers["reason"].item()
    inside = pd.read_csv(io.StringIO(cromel(*arguments, "--in-domain").stdout))
    assert inside["in_domain"].all()
    assert "UF6" not in inside["formula"].tolist()


def test_a_class_can_be_the_objective(kinds, folder, cromel):
    arguments = ("screen", kinds[0], folder / "candidates.csv", "-", "--top", 3)
    result = cromel(*arguments, "--class", "narrow")
    assert result.returncode == 0, result.stderr
    shortlist = pd.read_csv(io.StringIO(result.stdout))
    assert (shortlist["probability_narrow"].diff()[1:] <= 0).all()
    assert shortlist["reason"].str.startswith("narrow with a probability of").all()
    assert "Ranked by" not in result.message
    assert "Ranked by probability_wide; --class names another class." in cromel(*arguments).message
    assert "The model knows no class 'x'" in cromel(*arguments, "--class", "x").message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--objective", "up"), "objective is max or min, got 'up'"),
        (("--within", "2"), "--within is lower:upper, such as 1.1:1.7; got '2'"),
        (("--within", "2:1"), "with lower below upper"),
        (("--class", "wide"), "--class is for classifiers"),
        (("--improvement", "--best", "nan"), "--best is a measured value, got nan"),
    ],
)
def test_screen_says_what_it_expects(arguments, message, gaps, folder, cromel):
    result = cromel("screen", gaps[0], folder / "candidates.csv", "-", *arguments)
    assert (result.returncode, result.stdout) == (1, "")
    assert message in result.message


def test_a_fitted_model_is_evaluated_on_new_measurements(gaps, kinds, folder, cromel):
    result = cromel("evaluate", folder / "gaps.csv", "--target", "gap_eV", "--model", gaps[0])
    assert result.returncode == 0, result.stderr
    assert "on 48 rows of" in result.stdout
    assert "coverage: " in result.stdout
    assert "Of these rows 48 have a composition of the training table" in result.stdout
    result = cromel("evaluate", folder / "gaps.csv", "--target", "kind", "--model", kinds[0])
    assert "balanced accuracy: " in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--target", "gap"), "has no column 'gap'; it has 'Compound'"),
        (("--target", "gap_eV", "--features", "T"), "has no column 'T'"),
        (("--target", "gap_eV", "--features", "gap_eV"), "must be different columns"),
        (("--target", "gap_eV", "--task", "guess"), "The task is one of"),
        (("--target", "kind", "--log"), "--log is for targets of numbers"),
        (("--target", "gap_eV", "--members", "oracle"), "'oracle'"),
        (("--target", "kind", "--task", "regression"), "No row of"),
        (("--target", "gap_eV", "--out", "none/m"), "there is no folder none"),
    ],
)
def test_train_says_what_it_expects(arguments, message, folder, cromel, tmp_path):
    out = () if "--out" in arguments else ("--out", "m")
    result = cromel("train", folder / "gaps.csv", *QUICK, *arguments, *out, cwd=tmp_path)
    assert result.returncode == 1
    assert message in result.message
    assert not (tmp_path / "m").exists()


def test_a_model_is_not_overwritten_unasked(gaps, folder, cromel):
    result = cromel("train", folder / "gaps.csv", "--target", "gap_eV", "--out", gaps[0])
    assert result.returncode == 1
    assert "gaps.cromel exists; pass --overwrite to replace it" in result.message


def test_a_summary_of_another_model_is_refused(gaps, kinds, folder, cromel, tmp_path):
    """As a training leaves it that was killed between the two files."""
    shutil.copy(kinds[0], tmp_path / "m")
    shutil.copy(f"{gaps[0]}.json", tmp_path / "m.json")
    result = cromel("screen", tmp_path / "m", folder / "candidates.csv", "-")
    assert result.returncode == 1
    assert "m.json was written for another model than" in result.message


def test_a_damaged_summary_is_named(gaps, folder, cromel, tmp_path):
    shutil.copy(gaps[0], tmp_path / "m")
    (tmp_path / "m.json").write_text("{")
    result = cromel("screen", tmp_path / "m", folder / "candidates.csv", "-")
    assert result.returncode == 1
    assert "m.json is no summary of a training" in result.message
    content = gaps[0].with_name("gaps.cromel.json").read_bytes()
    for damaged in [*flipped_bits(content, 5), *truncated(content, 3)]:
        (tmp_path / "m.json").write_bytes(damaged)
        with pytest.raises(CheckpointError, match="m.json is no summary of a training"):
            TrainingSummary.of_model(tmp_path / "m")
    (tmp_path / "m.json").unlink()
    result = cromel("screen", tmp_path / "m", folder / "candidates.csv", "-", "--improvement")
    assert "--improvement needs the best measured value: give --best" in result.message
