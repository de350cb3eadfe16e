"""`cromel pretrain`, as a user types it."""

from cromel_sklearn import load_encoder


def test_pretrain_refuses_a_folder_that_holds_a_run(cromel, structure_table, tmp_path):
    (tmp_path / "run_state.safetensors").write_bytes(b"")
    result = cromel("pretrain", "--structures", structure_table, "--out", tmp_path)
    assert result.returncode == 1
    assert "holds a run. Pass resume=True (--resume)" in " ".join(result.stderr.split())


def test_pretrain_names_an_unknown_target(cromel, structure_table, tmp_path):
    result = cromel(
        "pretrain", "--structures", structure_table, "--out", tmp_path, "--target", "gap"
    )
    assert result.returncode == 1
    assert "No target gap; there is band_gap" in " ".join(result.stderr.split())


def test_pretrain_uses_the_chosen_properties_alone(cromel, structure_table, tmp_path):
    labels = "formula,property,value\nMgO,band_gap,7.0\nCaO,refractive_index,1.8\n"
    (tmp_path / "labels.csv").write_text(labels)
    result = cromel(
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


def test_pretrained_encoder_embeds(cromel, structure_table, tmp_path):
    result = cromel(
        "pretrain", "--structures", structure_table, "--out", tmp_path / "run", "--max-epochs", 1,
        "--device", "cpu", "--n-jobs", 1, "--attribution", "made for a test",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "epoch 1/1" in result.stdout
    assert "mixture_loss" in result.stdout
    card = (tmp_path / "run" / "card.md").read_text()
    assert "made for a test" in card
    assert "--max-epochs 1" in card
    table = tmp_path / "in.csv"
    table.write_text("formula\nNaCl\n")
    embedded = cromel("embed", table, tmp_path / "out.csv", "--encoder", tmp_path / "run")
    assert embedded.returncode == 0, embedded.stderr
