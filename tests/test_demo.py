"""The demo: its table and its picture come out of real cross-validation."""

from rich.console import Console

from cromel_sklearn.demo import run_demo


def test_demo_prints_a_table_and_writes_a_plot(tmp_path):
    console = Console(record=True, width=120)
    rows = {row["name"]: row for row in run_demo(tmp_path / "plot.png", console)}
    text = console.export_text()
    assert "MAE (eV/atom)" in text
    assert str(tmp_path / "plot.png") in text
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    assert rows["none (mean of the training rows)"]["r2"] < 0.05
    cromel, untrained = rows["CroMEL (mp-multi)"], rows["untrained encoder"]
    assert cromel["mae"] < 0.8 * untrained["mae"]
    assert f"{cromel['r2']:.3f}" in text
