"""What training reads: the same of one table of structures and of a folder of several."""

import numpy as np
import pandas as pd
import pytest

from cromel_sklearn import read_materials
from cromel_sklearn.pretraining.prepared_data import prepared_data

GEOMETRY = {"volume_per_atom", "nearest_neighbor_distance", "neighbors_in_cutoff"}


@pytest.fixture
def folder(structure_table, tmp_path):
    """The same materials in two tables."""
    table = pd.read_parquet(structure_table)
    for number, rows in enumerate((slice(0, 11), slice(11, None))):
        table[rows].to_parquet(tmp_path / f"part-{number}.parquet")
    return tmp_path


def _prepared(path, **options):
    settings = {"cutoff": 4.0, "geometry": True, "n_jobs": 1, "cache": False, "seed": 0, **options}
    return prepared_data(read_materials(path), None, **settings)


def test_a_folder_of_tables_is_read_as_one_table(structure_table, folder):
    whole, parts = _prepared(structure_table), _prepared(folder)
    assert parts.properties == whole.properties
    for name in ("structure_targets", "composition_of_structure", "split", "means", "scales"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))


def test_geometry_adds_targets_and_the_seed_chooses_the_split(structure_table):
    plain, with_geometry = (_prepared(structure_table, geometry=one) for one in (False, True))
    assert set(with_geometry.properties) - set(plain.properties) == GEOMETRY
    other = _prepared(structure_table, seed=1)
    assert not np.array_equal(other.split, with_geometry.split)
