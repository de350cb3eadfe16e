"""The model card says what was trained, on what, how well, and to whom thanks are due."""

from dataclasses import replace

from cromel_sklearn import CroMELPretrainer
from cromel_sklearn.pretraining.card import key_figures, model_card
from cromel_sklearn.pretraining.pretraining_run import pretrain_to_folder


def test_card_has_every_required_line(checkpoint):
    described = checkpoint.with_provenance(command="cromel pretrain", attribution="somebody")
    card = model_card(described)
    for line in ("| command | `cromel pretrain` |", "| seed | 0 |", "Attribution: somebody"):
        assert line in card


def test_card_lists_the_errors_of_the_header(checkpoint):
    errors = checkpoint.description.errors
    row = next(line for line in model_card(checkpoint).splitlines() if "| band_gap | eV |" in line)
    shown = [float(cell) for cell in row.split("|")[3:7]]
    expected = [
        errors[split][kind]["band_gap"]
        for kind in ("structure", "composition")
        for split in ("validation", "test")
    ]
    assert all(abs(a - b) <= 0.005 * abs(b) + 1e-3 for a, b in zip(shown, expected, strict=True))


def test_property_without_held_out_values_is_a_dash(checkpoint):
    properties = {**checkpoint.properties, "hardness": "GPa"}
    described = type(checkpoint)(
        replace(checkpoint.description, properties=properties), checkpoint.tensors
    )
    assert "| hardness | GPa | - | - | - | - |" in model_card(described)


def test_key_figures_are_one_line_with_units(checkpoint):
    assert "band_gap" in key_figures(checkpoint)
    assert "eV" in key_figures(checkpoint)
    assert "\n" not in key_figures(checkpoint)


def test_nothing_that_a_run_writes_names_a_folder_of_this_machine(
    structure_table, small_settings, tmp_path
):
    out = tmp_path / "some-folder" / "run"
    command = f"cromel pretrain --structures {structure_table} --out={out} --attribution 'a/b c'"
    pretrain_to_folder(structure_table, out, command=command, max_epochs=1, **small_settings)
    card = (out / "card.md").read_text(encoding="utf-8")
    assert "| command | `cromel pretrain --structures salts.parquet --out=run" in card
    assert "'a/b c'" in card
    for path in out.iterdir():
        content = path.read_bytes()
        assert str(tmp_path.parent).encode() not in content
        assert b"some-folder" not in content
        assert str(structure_table.parent).encode() not in content


def test_structures_given_as_objects_have_a_checksum(rock_salts, small_settings):
    structures, targets = rock_salts
    checksums = set()
    for given in (targets, targets, targets + 1.0):
        fitted = CroMELPretrainer(max_epochs=1, **small_settings).fit(structures, given)
        checksums.add(fitted.checkpoint_.provenance["source_checksum"])
    assert len(checksums) == 2
    assert {len(checksum) for checksum in checksums} == {64}


def test_card_of_a_distilled_encoder(distilled):
    provenance = {
        "data": {"labels.csv": "a" * 64}, "teacher_names": ["teacher"], "attribution": "somebody",
        "command": "cromel distill teacher",
    }  # fmt: skip
    card = model_card(distilled.with_provenance(**provenance), "name@1.0")
    for line in (
        'CroMELTransformer("name@1.0")', "labels.csv (SHA-256 `aaaaaaaaaaaaaaaa`)", "| seed | 0 |",
        "| command | `cromel distill teacher` |", "Attribution: somebody", "| band_gap | eV |",
        "| alloy |",
    ):  # fmt: skip
        assert line in card
