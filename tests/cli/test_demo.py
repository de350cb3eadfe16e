"""The demo: its table and its picture come out of real cross-validation."""

import re
import subprocess
import sys


def test_demo_prints_a_table_and_writes_a_plot(tmp_path):
    command = [sys.executable, "-m", "cromel_sklearn", "demo", "--plot", "parity.png"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert result.stderr == ""
    assert "Parity plot written to parity.png" in result.stdout
    assert (tmp_path / "parity.png").read_bytes().startswith(b"\x89PNG")
    rows = re.findall(r"│ (.+?) +│ +(-?[\d.]+) │ +([\d.]+) │ +[\d.]+ │", result.stdout)
    figures = {name: (float(r2), float(mae)) for name, r2, mae in rows}
    assert len(figures) == 4
    assert figures["none (mean of the training rows)"][0] < 0.05
    assert figures["CroMEL (mp-multi)"][1] < 0.8 * figures["element statistics"][1]
    assert figures["CroMEL (mp-multi)"][1] < 0.8 * figures["untrained encoder"][1]
