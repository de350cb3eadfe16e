"""Maps of compositions: what lies where, how it is coloured, and the page in a browser."""

import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import NearestNeighbors

from cromel_sklearn import CompositionMapDisplay, InvalidTableError
from cromel_sklearn.inspection import optional_packages

ALKALIS, HALOGENS = ("Li", "Na", "K", "Rb"), ("F", "Cl", "Br", "I")
METALS = ("Fe", "Co", "Ni", "Cu")


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    salts = [a + b for a in ALKALIS for b in HALOGENS]
    alloys = [f"{a}{b}{n}" for a in METALS for b in METALS if a != b for n in ("", "2")]
    frame = pd.DataFrame({"formula": [*salts, *alloys, "K2F2"]})
    frame["kind"] = ["salt"] * len(salts) + ["alloy"] * len(alloys) + ["salt"]
    frame["gap"] = np.arange(len(frame)) / 10
    return frame


class StandInForUMAP:
    """Two principal components: umap-learn compiles itself for most of a minute."""

    def __init__(self, n_neighbors, init, random_state, n_jobs):
        assert n_jobs == 1  # with more, umap-learn warns that a seed makes it one

    def fit_transform(self, X):
        return X[:, :2]


@pytest.mark.parametrize("method", ["pca", "tsne", "umap"])
def test_alike_compositions_lie_together(table, method, monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=StandInForUMAP))
    display = CompositionMapDisplay.from_table(table, color="kind", method=method)
    found = NearestNeighbors(n_neighbors=4).fit(display.coordinates)
    neighbors = found.kneighbors(display.coordinates, return_distance=False)[:, 1:]
    kinds = table["kind"].to_numpy()
    assert (kinds[neighbors] == kinds[:, None]).mean() > 0.9
    first = display.formulas.index("KF")
    assert np.array_equal(display.coordinates[first], display.coordinates[-1])
    again = CompositionMapDisplay.from_table(table["formula"], method=method)
    np.testing.assert_allclose(again.coordinates, display.coordinates, atol=1e-4)


def test_values_classes_and_unknown_values_are_told_apart(table):
    plane = np.random.default_rng(0).normal(size=(len(table), 2))
    formulas = table["formula"]
    (one,) = CompositionMapDisplay(plane, formulas).groups()
    assert one["values"] is None
    gaps = table["gap"].where(table["gap"] > 1)
    unknown, known = CompositionMapDisplay(plane, formulas, color=gaps).groups()
    assert list(unknown["rows"]) == list(range(11))
    np.testing.assert_array_equal(known["values"], gaps[11:])
    names = [
        group["name"] for group in CompositionMapDisplay(plane, formulas, color=formulas).groups()
    ]
    assert len(names) == 8
    assert names[-1] == "other"
    rows = np.concatenate(
        [group["rows"] for group in CompositionMapDisplay(plane, formulas, color=formulas).groups()]
    )
    assert sorted(rows) == list(range(len(table)))


def test_labels_on_demand(table):
    display = CompositionMapDisplay.from_table(table, color="gap", labels=["NaCl", "FeCo"])
    assert [text.get_text() for text in display.ax_.texts] == ["NaCl", "FeCo"]
    assert "% of variance" in display.ax_.get_xlabel()
    with pytest.raises(ValueError, match="which are not on the map"):
        display.plot(labels="UF6")


def test_what_cannot_be_drawn_is_refused(table):
    with pytest.raises(ValueError, match="method must be one of"):
        CompositionMapDisplay.from_table(table, method="mds")
    with pytest.raises(InvalidTableError, match="No column 'density' in the table"):
        CompositionMapDisplay.from_table(table, color="density")
    with pytest.raises(ValueError, match="needs at least three compositions"):
        CompositionMapDisplay.from_table(["NaCl", "MgO", "Mg2O2"])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        CompositionMapDisplay(np.zeros((3, 2)), ["NaCl"])


def test_missing_library_is_named(table, monkeypatch):
    display = CompositionMapDisplay(np.zeros((1, 2)), ["NaCl"])

    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(optional_packages, "import_module", missing)
    with pytest.raises(ImportError, match=r"An interactive map needs plotly"):
        display.to_html()


@pytest.mark.parametrize("width", [1280, 390])
def test_map_of_fifty_thousand_points_in_a_browser(width, tmp_path, open_page):
    pytest.importorskip("plotly", reason="plotly is not installed")
    n_points = 50_000
    plane = np.random.default_rng(0).normal(size=(n_points, 2))
    formulas = [f"Fe{row}O{row % 7 + 1}" for row in range(n_points - 2)]
    formulas += ["NaCl", "<script>alert(1)</script>"]
    display = CompositionMapDisplay(
        plane, formulas, color=plane[:, 0], color_name="gap <eV>", axis_names=("one", "two")
    )
    path = tmp_path / "map.html"
    hover = pd.DataFrame({"density": np.arange(n_points), "note": ["</script>"] * n_points})
    page = display.to_html(path, title="Map & <more>", hover=hover)
    assert path.read_text(encoding="utf-8") == page
    assert len(page) < 20e6
    opened = open_page(path, width)
    tab = opened.page
    tab.wait_for_selector("#map[data-ready=yes]", timeout=120_000)
    assert tab.title() == "Map & <more>"
    assert tab.evaluate("figure.data[0].x.length") == n_points
    assert opened.overflow() <= 0
    tab.fill("#search", "Na Cl")
    tab.wait_for_function("document.getElementById('found').textContent == '1 found'")
    tab.press("#search", "Enter")
    tab.wait_for_function("map._fullLayout.xaxis.range[1] - map._fullLayout.xaxis.range[0] < 1")
    low, high = tab.evaluate("map._fullLayout.xaxis.range")
    assert low < plane[-2, 0] < high
    place = tab.evaluate(
        "(() => { const layout = map._fullLayout, frame = map.getBoundingClientRect();"
        f"return [frame.left + layout._size.l + layout.xaxis.d2p({plane[-2, 0]}),"
        f" frame.top + layout._size.t + layout.yaxis.d2p({plane[-2, 1]})]; }})()"
    )
    tab.mouse.move(place[0] + 5, place[1] + 5)
    tab.mouse.move(*place)
    tab.wait_for_selector(".hovertext", timeout=60_000)
    shown = tab.locator(".hoverlayer").text_content()
    assert "NaCl" in shown
    assert f"density: {n_points - 2}" in shown
    assert opened.requests == [path.as_uri()]
    assert [text for text in opened.complaints if "GPU stall" not in text] == []
