"""The report of an evaluation: complete, in one file, and well in a browser."""

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor

from cromel_sklearn import ElementCoverageDisplay, evaluate, report_html
from cromel_sklearn.inspection.periodic_table import element_position


class Doubting(DummyRegressor):
    """Mean of the training rows, with the deviation of the rows and a card."""

    def predict(self, X, return_std=False):
        mean = super().predict(X)
        return (mean, np.linspace(0.5, 2, len(mean))) if return_std else mean

    def card(self):
        code = "model.predict(['NaCl'])"
        return f"# Doubting\n\n```python\n{code}\n```\n\n* 60 rows, <b>bold</b>\n\n" + (
            "| split | MAE |\n|---|---|\n| composition | 0.123 |\n"
        )


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    metals, others = ("Li", "Na", "K", "Mg", "Ca"), ("F", "Cl", "O", "S")
    formulas = [f"{a}{n}{b}" for a in metals for b in others for n in ("", "2", "3")]
    frame = pd.DataFrame({"formula": formulas})
    frame["temperature_K"] = 300.0
    frame["gap_eV"] = np.random.default_rng(0).normal(size=len(frame))
    return frame


@pytest.fixture(scope="module")
def result(table):
    X = table[["formula", "temperature_K"]]
    return evaluate(Doubting(), X, table["gap_eV"], n_splits=3, baselines=["mean"])


@pytest.fixture(scope="module")
def classes(table):
    y = np.where(table["gap_eV"] > 0, "wide", "narrow")
    model = DummyClassifier(strategy="stratified", random_state=0)
    return evaluate(model, table["formula"], y, n_splits=3, baselines=["mean"])


def test_report_has_all_its_parts(result, table):
    page = report_html(result, Doubting(), table)
    for heading in (
        "In words", "Scores", "Predicted and measured", "Error against uncertainty",
        "Learning curve", "Elements covered", "Worst rows", "The model",
    ):  # fmt: skip
        assert page.count(f"<h2>{heading}</h2>") == 1
    assert "gap_eV: Doubting" in page
    assert page.count("<img alt=") == 7
    assert "temperature_K" in page
    assert "<li>60 rows, &lt;b&gt;bold&lt;/b&gt;</li>" in page
    assert "<td>0.123</td>" in page
    as_table = type("Carded", (Doubting,), {"card": lambda self: {"share": 0.123456}})
    assert "<td class=text>0.1235</td>" in report_html(result, as_table())
    for worst in result.worst(15)["formula"]:
        assert f">{worst}<" in page
    assert report_html(result, Doubting(), table) == page


def test_report_of_classes(classes):
    page = report_html(classes)
    assert "<h2>Classes</h2>" in page
    assert "its probability" in page
    assert "<h2>The model</h2>" not in page
    assert "DummyClassifier(random_state=0" in report_html(
        classes, DummyClassifier(random_state=0, strategy="stratified")
    )


def test_report_is_written_whole(result, tmp_path):
    page = result.to_html(tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == page
    assert "http" not in page.replace("http-equiv", "")


def test_report_of_another_table_is_refused(result, table):
    with pytest.raises(ValueError, match="The table has 59 rows, the evaluation 60"):
        report_html(result, table=table[1:])


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("kind", ["result", "classes"])
def test_report_in_a_browser(kind, width, request, table, tmp_path, open_page):
    path = tmp_path / "report.html"
    path.write_text(report_html(request.getfixturevalue(kind), Doubting(), table), encoding="utf-8")
    opened = open_page(path, width)
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith("data:")] == [path.as_uri()]
    assert opened.overflow() <= 0
    images = "[...document.images]"
    assert opened.page.evaluate(f"{images}.every(i => i.complete && i.naturalWidth > 200)")
    assert opened.page.evaluate(f"{images}.every(i => i.alt.length > 20)")
    assert opened.page.evaluate(
        "[...document.querySelectorAll('section > *')].every("
        "e => e.getBoundingClientRect().right <= e.parentElement.getBoundingClientRect().right)"
    )


def test_elements_have_their_own_places():
    places = [element_position(number) for number in range(1, 104)]
    assert len(set(places)) == 103
    assert element_position(1) == (1, 1)
    assert element_position(2) == (18, 1)
    assert element_position(72) == (4, 6)
    assert element_position(103) == (17, 9.5)


def test_element_coverage_counts_rows():
    display = ElementCoverageDisplay.from_table(["NaCl", "Na2Cl2", "MgO", "NaF"])
    assert display.counts == {8: 1, 9: 1, 11: 3, 12: 1, 17: 2}
    texts = [text.get_text() for text in display.ax_.texts]
    assert texts[texts.index("Na") + 1] == "3"
    assert len([text for text in texts if text.isalpha()]) == 103
    assert display.figure_ is display.ax_.figure
