"""Calculated materials come in whole from every source; what does not fit is named."""

import re

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Lattice, Structure

from cromel_sklearn.data.graph_cache import build_crystal_graphs
from cromel_sklearn.data.materials import (
    PROPERTY_UNITS,
    geometry_targets,
    material_compositions,
    split_by_composition,
)
from cromel_sklearn.data.readers import (
    file_checksum,
    materials_from_structures,
    read_labels,
    read_materials,
)
from cromel_sklearn.exceptions import SourceDataError

SPLIT = ["train"] * 16 + ["validation"] * 2 + ["test"] * 2


@pytest.fixture
def table(structure_table):
    """The rows of the table of alkali halides."""
    return pd.read_parquet(structure_table)


@pytest.fixture
def write(tmp_path):
    """Write a table of materials and return its path."""

    def write_table(table):
        table.to_parquet(tmp_path / "materials.parquet")
        return tmp_path / "materials.parquet"

    return write_table


def _raises(*parts):
    """The error of this module, with these parts of its message in order."""
    return pytest.raises(SourceDataError, match="(?s)" + ".*".join(map(re.escape, parts)))


# Parquet


def test_parquet_gives_the_structures_that_were_written(structure_table, rock_salts):
    materials = read_materials(structure_table)
    assert len(materials) == 20
    for row, structure in enumerate(rock_salts[0]):
        assert materials.atomic_numbers[row].tolist() == list(structure.atomic_numbers)
        np.testing.assert_allclose(materials.frac_coords[row], structure.frac_coords)
        lattice = Lattice(materials.lattices[row])
        np.testing.assert_allclose(lattice.parameters, structure.lattice.parameters, rtol=1e-10)


def test_parquet_gives_ids_and_targets(structure_table, rock_salts):
    materials = read_materials(structure_table)
    assert materials.ids.tolist() == [f"salt-{row}" for row in range(20)]
    pd.testing.assert_frame_equal(materials.targets, rock_salts[1])


def test_parquet_without_ids_counts_its_rows(table, write):
    materials = read_materials(write(table.drop(columns="material_id")))
    assert materials.ids.tolist() == [f"row {row}" for row in range(20)]


def test_parquet_without_a_split_has_none(structure_table):
    assert read_materials(structure_table).split is None


def test_parquet_keeps_its_split(table, write):
    assert read_materials(write(table.assign(split=SPLIT))).split.tolist() == SPLIT


def test_parquet_of_selected_rows_is_read_in_order(table, write):
    materials = read_materials(write(table.iloc[[7, 2]]))
    assert materials.ids.tolist() == ["salt-7", "salt-2"]
    assert materials.targets.index.tolist() == [0, 1]


def test_number_of_sites_is_not_a_target(table, write):
    materials = read_materials(write(table.assign(n_sites=2)))
    assert list(materials.targets) == ["band_gap", "formation_energy_per_atom"]


def test_missing_targets_stay_missing(table, write):
    table.loc[[0, 5], "band_gap"] = np.nan
    materials = read_materials(write(table))
    assert np.flatnonzero(materials.targets["band_gap"].isna()).tolist() == [0, 5]


def test_source_and_its_checksum_are_kept(structure_table):
    materials = read_materials(structure_table)
    assert materials.path == structure_table.resolve()
    assert materials.checksum == file_checksum(structure_table)


def test_types_of_the_real_table_are_read(table, write):
    table["atomic_numbers"] = [np.array(z, dtype=np.uint8) for z in table["atomic_numbers"]]
    table["frac_coords"] = [np.array(x, dtype=np.float32) for x in table["frac_coords"]]
    assert len(read_materials(write(table))) == 20


def test_real_table_is_read(data_home, write):
    table = pd.read_parquet(data_home / "source" / "mp_structures.parquet").iloc[:200]
    materials = read_materials(write(table))
    assert [len(numbers) for numbers in materials.atomic_numbers] == table["n_sites"].tolist()
    assert list(materials.targets) == ["formation_energy_per_atom", "band_gap"]
    assert set(materials.split) <= {"train", "validation", "test"}


@pytest.mark.parametrize("column", ["cell_parameters", "atomic_numbers", "frac_coords"])
def test_missing_column_is_named_beside_those_there_are(column, table, write):
    path = write(table.drop(columns=column))
    with _raises(f"{path} lacks the column {column}; it has material_id, formula, "):
        read_materials(path)


def test_missing_file_is_named(tmp_path):
    with _raises(f"No such file or folder: {tmp_path / 'no.parquet'}. Pass a parquet or a CIF"):
        read_materials(tmp_path / "no.parquet")


def test_file_that_is_no_parquet_is_named(tmp_path):
    path = tmp_path / "materials.parquet"
    path.write_text("material_id,band_gap\n")
    with _raises(f"Could not read {path} as parquet: "):
        read_materials(path)


def _with_cell(table, column, row, value):
    return table.assign(**{column: [*table[column][:row], value, *table[column][row + 1 :]]})


@pytest.mark.parametrize(
    ("column", "value", "parts"),
    [
        (
            "cell_parameters",
            [4.0, 4.0, 4.0],
            (
                "salt-2 (row 2): cell_parameters",
                "are not a, b, c in Å and alpha, beta, gamma in degrees: ",
            ),
        ),
        ("cell_parameters", [0.0, 4, 4, 90, 90, 90], ("salt-2 (row 2): ", "volume positive.")),
        ("cell_parameters", [np.nan, 4, 4, 90, 90, 90], ("salt-2 (row 2): ", "volume positive.")),
        ("frac_coords", [0.0] * 5, ("salt-2: frac_coords has 5 numbers, expected 3 n.",)),
        ("frac_coords", [0.0] * 3, ("salt-2 (row 2): 2 atomic numbers but 1 sites.",)),
        ("frac_coords", [np.nan] * 6, ("salt-2 (row 2): coordinates must be finite and the cell",)),
        ("atomic_numbers", [11, 0], ("salt-2 (row 2): atomic numbers must be 1 to 103.",)),
        ("atomic_numbers", [11, 104], ("salt-2 (row 2): atomic numbers must be 1 to 103.",)),
        ("atomic_numbers", [], ("salt-2 (row 2): 0 atomic numbers but 2 sites.",)),
    ],
)
def test_bad_structure_is_named(column, value, parts, table, write):
    path = write(_with_cell(table, column, 2, value))
    with _raises(*parts):
        read_materials(path)


def test_infinite_target_is_named(table, write):
    table.loc[4, "band_gap"] = np.inf
    with _raises("Target 'band_gap' is infinite at row 4."):
        read_materials(write(table))


def test_table_without_targets_is_refused(table, write):
    path = write(table.drop(columns=["band_gap", "formation_energy_per_atom"]))
    with _raises("No numeric target column; expected at least one property."):
        read_materials(path)


@pytest.mark.parametrize(("name", "shown"), [("val", "['val']"), (None, "['missing']")])
def test_unknown_part_of_the_split_is_named(name, shown, table, write):
    path = write(table.assign(split=[*SPLIT[:-1], name]))
    with _raises(f"Column split has {shown}; expected one of ('train', 'validation', 'test')."):
        read_materials(path)


def test_empty_table_is_refused(table, write):
    with _raises("No materials: expected at least one structure."):
        read_materials(write(table.iloc[:0]))


# Folder of CIF files


@pytest.fixture
def cif_folder(rock_salts, tmp_path):
    """Three alkali halides as CIF files with their table."""
    folder = tmp_path / "cifs"
    folder.mkdir()
    structures, targets = rock_salts
    names = [f"{structure.composition.reduced_formula}.cif" for structure in structures[:3]]
    for name, structure in zip(names, structures, strict=False):
        structure.to(filename=folder / name)
    targets.iloc[:3].assign(file=names).to_csv(folder / "targets.csv", index=False)
    return folder


def test_cif_folder_gives_the_compounds_of_its_table(cif_folder, rock_salts):
    materials = read_materials(cif_folder)
    assert materials.ids.tolist() == ["LiF.cif", "LiCl.cif", "LiBr.cif"]
    assert [sorted(set(z.tolist())) for z in materials.atomic_numbers] == [[3, 9], [3, 17], [3, 35]]
    np.testing.assert_allclose(materials.targets, rock_salts[1].iloc[:3])


def test_cif_folder_gives_the_volumes_of_the_crystals(cif_folder, rock_salts):
    materials = read_materials(cif_folder)
    n_sites = [len(numbers) for numbers in materials.atomic_numbers]
    volumes = np.abs(np.linalg.det(materials.lattices)) / n_sites
    expected = [structure.volume / len(structure) for structure in rock_salts[0][:3]]
    np.testing.assert_allclose(volumes, expected, rtol=1e-5)


def test_cif_folder_reads_only_the_files_of_its_table(cif_folder):
    (cif_folder / "other.cif").write_text("not a cif")
    assert len(read_materials(cif_folder)) == 3


def test_table_of_a_cif_folder_may_lie_elsewhere(cif_folder, tmp_path):
    elsewhere = (cif_folder / "targets.csv").rename(tmp_path / "elsewhere.csv")
    assert len(read_materials(cif_folder, elsewhere)) == 3


def test_missing_targets_of_a_cif_folder_stay_missing(cif_folder):
    table = pd.read_csv(cif_folder / "targets.csv")
    table.loc[1, "band_gap"] = np.nan
    table.to_csv(cif_folder / "targets.csv", index=False)
    assert read_materials(cif_folder).targets["band_gap"].isna().tolist() == [False, True, False]


def test_split_of_a_cif_folder_is_read(cif_folder):
    table = pd.read_csv(cif_folder / "targets.csv").assign(split=["train", "test", "validation"])
    table.to_csv(cif_folder / "targets.csv", index=False)
    assert read_materials(cif_folder).split.tolist() == ["train", "test", "validation"]


def test_unknown_part_of_the_split_of_a_cif_folder_is_named(cif_folder):
    table = pd.read_csv(cif_folder / "targets.csv").assign(split=["train", "test", "val"])
    table.to_csv(cif_folder / "targets.csv", index=False)
    with _raises("Column split has ['val']; expected one of"):
        read_materials(cif_folder)


@pytest.mark.parametrize("name", ["LiCl.cif", "targets.csv"])
def test_checksum_of_a_cif_folder_covers_every_file(name, cif_folder):
    before = read_materials(cif_folder).checksum
    path = cif_folder / name
    path.write_text(path.read_text().replace("Cl", "Br") + "\n")
    assert read_materials(cif_folder).checksum != before


def test_cif_folder_without_a_table_says_what_is_expected(cif_folder):
    (cif_folder / "targets.csv").unlink()
    with _raises(f"No table of targets at {cif_folder / 'targets.csv'}: expected a CSV with a"):
        read_materials(cif_folder)


def test_table_of_a_cif_folder_needs_the_file_names(cif_folder):
    pd.DataFrame({"band_gap": [1.0]}).to_csv(cif_folder / "targets.csv", index=False)
    with _raises(f"{cif_folder / 'targets.csv'} lacks the column file."):
        read_materials(cif_folder)


@pytest.mark.parametrize("content", ["not a cif", "", "data_x\n_cell_length_a 4.0\n"])
def test_bad_cif_is_named_with_its_row(content, cif_folder):
    (cif_folder / "LiCl.cif").write_text(content)
    with _raises(f"targets.csv: row 1: could not read {cif_folder / 'LiCl.cif'}: "):
        read_materials(cif_folder)


def test_missing_cif_is_named_with_its_row(cif_folder):
    (cif_folder / "LiCl.cif").unlink()
    with _raises(f"targets.csv: row 1: could not read {cif_folder / 'LiCl.cif'}: ", "No such file"):
        read_materials(cif_folder)


def test_disordered_cif_is_named_by_its_file(cif_folder):
    alloy = Structure(Lattice.cubic(3.6), [{"Cu": 0.5, "Au": 0.5}], [[0, 0, 0]])
    alloy.to(filename=cif_folder / "LiCl.cif")
    with _raises("LiCl.cif", "is not an ordered pymatgen Structure"):
        read_materials(cif_folder)


# pymatgen structures


def test_structures_are_taken_as_they_are(rock_salts):
    materials = materials_from_structures(*rock_salts)
    assert len(materials) == 20
    np.testing.assert_allclose(materials.lattices[3], rock_salts[0][3].lattice.matrix)
    pd.testing.assert_frame_equal(materials.targets, rock_salts[1])


@pytest.mark.parametrize(
    ("form", "names"),
    [
        (lambda targets: targets, ["band_gap", "formation_energy_per_atom"]),
        (lambda targets: targets["band_gap"], ["band_gap"]),
        (lambda targets: targets.to_dict("list"), ["band_gap", "formation_energy_per_atom"]),
        (lambda targets: targets.to_numpy(), ["y0", "y1"]),
        (lambda targets: targets["band_gap"].to_numpy(), ["y0"]),
        (lambda targets: targets["band_gap"].tolist(), ["y0"]),
        (lambda targets: targets["band_gap"].rename(None), ["y0"]),
        (lambda targets: targets.set_index(np.arange(40, 60)), None),
    ],
)
def test_targets_come_in_every_form(form, names, rock_salts):
    structures, targets = rock_salts
    materials = materials_from_structures(structures, form(targets))
    expected = targets if names is None else targets.iloc[:, : len(names)]
    np.testing.assert_array_equal(materials.targets, expected)
    assert list(materials.targets) == (names or list(targets))


def test_oxidation_states_of_structures_are_dropped(rock_salts):
    structures, targets = rock_salts
    charged = [structure.copy().add_oxidation_state_by_guess() for structure in structures]
    materials = materials_from_structures(charged, targets)
    assert materials.atomic_numbers[0].tolist() == [3, 9]


def test_missing_targets_of_structures_stay_missing(rock_salts):
    structures, targets = rock_salts
    targets = targets.assign(band_gap=[np.nan, *targets["band_gap"][1:]])
    assert materials_from_structures(structures, targets).targets["band_gap"].isna().sum() == 1


def test_different_lengths_are_told(rock_salts):
    structures, targets = rock_salts
    with _raises("Got 19 structures but 20 target rows."):
        materials_from_structures(structures[:-1], targets)


@pytest.mark.parametrize(
    "bad",
    [
        Structure(Lattice.cubic(3.6), [{"Cu": 0.5, "Au": 0.5}], [[0, 0, 0]]),
        Structure(Lattice.cubic(3.6), [{"Cu": 0.9}], [[0, 0, 0]]),
        "NaCl",
        None,
    ],
)
def test_disordered_structure_is_named(bad, rock_salts):
    structures, targets = rock_salts
    with _raises("structure 1 is not an ordered pymatgen Structure; expected full occupancy"):
        materials_from_structures([structures[0], bad], targets.iloc[:2])


def test_infinite_target_of_structures_is_named(rock_salts):
    structures, targets = rock_salts
    targets = targets.assign(band_gap=[*targets["band_gap"][:-1], -np.inf])
    with _raises("Target 'band_gap' is infinite at row 19."):
        materials_from_structures(structures, targets)


def test_no_structures_are_refused():
    with _raises("No materials: expected at least one structure."):
        materials_from_structures([], {"band_gap": np.array([], dtype=float)})


# What is done with them


@pytest.fixture
def materials(structure_table):
    return read_materials(structure_table)


@pytest.mark.parametrize(
    "rows", [slice(2, 5), np.array([2, 3, 4]), np.isin(np.arange(20), [2, 3, 4])]
)
def test_selection_keeps_all_parts_together(rows, materials):
    part = materials.with_split(np.array(SPLIT, dtype=object))[rows]
    assert part.ids.tolist() == ["salt-2", "salt-3", "salt-4"]
    assert [z.tolist() for z in part.atomic_numbers] == [[3, 35], [3, 53], [11, 9]]
    np.testing.assert_array_equal(part.lattices, materials.lattices[2:5])
    np.testing.assert_array_equal(part.targets, materials.targets.iloc[2:5])
    assert part.split.tolist() == ["train"] * 3


def test_selection_is_no_longer_the_file(materials):
    assert materials[:5].path is None
    assert materials[:5].checksum != materials.checksum


def test_more_targets_are_added(materials):
    more = pd.DataFrame({"volume_per_atom": np.arange(20.0), "band_gap": np.zeros(20)})
    targets = materials.with_targets(more).targets
    assert list(targets) == ["band_gap", "formation_energy_per_atom", "volume_per_atom"]
    np.testing.assert_array_equal(targets["band_gap"], materials.targets["band_gap"])


def test_targets_can_be_chosen(materials):
    assert list(materials.only_targets(["band_gap"]).targets) == ["band_gap"]


def _rock_salt(constant, scaling=1):
    lattice = Lattice(constant / 2 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]))
    structure = Structure(lattice, ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    return structure.make_supercell(scaling, in_place=False)


def _geometry(structures):
    materials = materials_from_structures(structures, {"y": np.zeros(len(structures))})
    return geometry_targets(materials, build_crystal_graphs(materials, n_jobs=1))


@pytest.mark.parametrize("scaling", [1, [[2, 0, 0], [0, 1, 0], [1, 0, 1]]])
@pytest.mark.parametrize(("constant", "n_neighbors"), [(5.64, 18), (5.7, 6), (4.2, 26)])
def test_geometry_of_rock_salt_is_that_of_its_lattice_constant(constant, n_neighbors, scaling):
    geometry = _geometry([_rock_salt(constant, scaling)]).iloc[0]
    assert geometry["volume_per_atom"] == pytest.approx(constant**3 / 8)
    assert geometry["nearest_neighbor_distance"] == pytest.approx(constant / 2, rel=1e-5)
    assert geometry["neighbors_in_cutoff"] == pytest.approx(n_neighbors)


def test_geometry_of_each_material_is_its_own():
    constants = [4.2, 5.64, 5.7]
    together = _geometry([_rock_salt(constant) for constant in constants])
    alone = pd.concat([_geometry([_rock_salt(constant)]) for constant in constants])
    pd.testing.assert_frame_equal(together, alone.reset_index(drop=True))


def test_nearest_neighbor_of_a_lone_site_is_no_closer_than_the_cutoff():
    lone = Structure(Lattice.cubic(15.0), ["Ar"], [[0, 0, 0]])
    geometry = _geometry([_rock_salt(4.0), lone])
    assert geometry["nearest_neighbor_distance"][1] == pytest.approx(4.0, abs=0.01)
    assert geometry["neighbors_in_cutoff"][1] == 0


def test_geometry_has_units(materials):
    graphs = build_crystal_graphs(materials, n_jobs=1, cache=False)
    assert set(geometry_targets(materials, graphs)) <= set(PROPERTY_UNITS)


def test_compositions_of_materials_are_those_of_their_sites():
    materials = materials_from_structures(
        [_rock_salt(5.64), _rock_salt(5.7, 2), Structure(Lattice.cubic(3), ["Po"], [[0, 0, 0]])],
        {"y": np.zeros(3)},
    )
    batch, rows = material_compositions(materials)
    assert batch.atomic_numbers.tolist() == [[11, 17], [84, 0]]
    assert rows.tolist() == [0, 0, 1]


@pytest.fixture
def polymorphs(rock_salts):
    """Numbers of the compositions of each alkali halide in three crystals."""
    structures = [
        structure.copy().apply_strain(strain, inplace=False)
        for strain in (0.0, 0.03, 0.06)
        for structure in rock_salts[0]
    ]
    return material_compositions(materials_from_structures(structures, {"y": np.arange(60.0)}))[1]


@pytest.mark.parametrize("random_state", range(5))
def test_split_keeps_polymorphs_together(random_state, polymorphs):
    split = split_by_composition(polymorphs, random_state)
    np.testing.assert_array_equal(split.reshape(3, 20), np.tile(split[:20], (3, 1)))


def test_split_has_the_fractions_asked_for(polymorphs):
    split = split_by_composition(polymorphs, 0, fractions=(0.5, 0.2, 0.3))
    assert [(split == name).sum() for name in ("train", "validation", "test")] == [30, 12, 18]


def test_split_is_the_same_for_the_same_random_state(polymorphs):
    first, again, other = (split_by_composition(polymorphs, state) for state in (0, 0, 1))
    assert first.tolist() == again.tolist() != other.tolist()


def test_split_of_a_composition_does_not_depend_on_its_number_of_polymorphs(polymorphs):
    expected = split_by_composition(polymorphs, 0)[:20]
    assert split_by_composition(polymorphs[:20], 0).tolist() == expected.tolist()


def test_checksum_is_sha256(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    assert file_checksum(tmp_path / "file").startswith("ba7816bf8f01cfea414140de5dae2223")


# Labels without structures


@pytest.fixture
def labels():
    return pd.DataFrame(
        {
            "formula": ["NaN", "Na2N2", "KCl"],
            "property": ["band_gap", "band_gap", "refractive_index"],
            "value": [0.1, 0.3, 1.5],
        }
    )


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_labels_are_read(suffix, labels, tmp_path):
    path = tmp_path / f"labels.{suffix}"
    labels.to_csv(path, index=False) if suffix == "csv" else labels.to_parquet(path)
    read = read_labels(path)
    assert read["formula"].tolist() == ["NaN", "Na2N2", "KCl"]  # sodium nitride survives
    assert read["property"].tolist() == labels["property"].tolist()
    assert read["value"].tolist() == [0.1, 0.3, 1.5]


def test_other_columns_of_labels_are_left_out(labels, tmp_path):
    labels.assign(source="here").to_csv(tmp_path / "labels.csv")
    assert list(read_labels(tmp_path / "labels.csv")) == ["formula", "property", "value"]


def test_missing_file_of_labels_is_named(tmp_path):
    with _raises(f"No such file: {tmp_path / 'labels.csv'}. Pass a parquet or CSV file of labels."):
        read_labels(tmp_path / "labels.csv")


@pytest.mark.parametrize("column", ["formula", "property", "value"])
def test_missing_column_of_labels_is_named(column, labels, tmp_path):
    labels.drop(columns=column).to_csv(tmp_path / "labels.csv", index=False)
    with _raises(f"{tmp_path / 'labels.csv'} lacks the column {column}."):
        read_labels(tmp_path / "labels.csv")


@pytest.mark.parametrize("value", ["", "high", "inf", "nan"])
def test_bad_value_of_a_label_is_named(value, labels, tmp_path):
    labels["value"] = ["0.1", value, value]
    labels.to_csv(tmp_path / "labels.csv", index=False)
    with _raises("labels.csv: row 1 has the value ", "expected a finite number (2 such rows)."):
        read_labels(tmp_path / "labels.csv")


def test_missing_value_of_a_label_in_parquet_is_named(labels, tmp_path):
    labels.assign(value=[0.1, None, 0.2]).to_parquet(tmp_path / "labels.parquet")
    with _raises("row 1 has the value ", "nan", "; expected a finite number (1 such rows)."):
        read_labels(tmp_path / "labels.parquet")


def test_real_labels_are_read(data_home):
    labels = read_labels(data_home / "source" / "calculated_properties.parquet")
    assert set(labels["property"]) <= set(PROPERTY_UNITS)
    assert np.isfinite(labels["value"]).all()
