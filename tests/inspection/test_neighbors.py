"""Nearest compositions: order, scale, and what comes back beside them."""

import numpy as np
import pandas as pd
import pytest

from cromel_sklearn import InvalidCompositionError, nearest_compositions
from cromel_sklearn.inspection.composition_space import embed_table, embedding_scale

TABLE = ["Fe3Al", "Fe2O3", "KCl", "SiC", "NaBr", "K2Cl2", "Ni3Al"]


def test_chemical_kin_come_first():
    found = nearest_compositions("KBr", TABLE, k=2)
    assert set(found["formula"]) == {"KCl", "NaBr"}
    assert list(nearest_compositions("Co3Al", TABLE, k=2)["formula"]) in (
        ["Fe3Al", "Ni3Al"], ["Ni3Al", "Fe3Al"],
    )  # fmt: skip


def test_distance_is_zero_for_itself_symmetric_and_the_same_in_every_table():
    found = nearest_compositions("Al2O3", [*TABLE, "O6Al4"], k=3)
    assert found["formula"].iloc[0] == "O6Al4"
    assert found["distance"].iloc[0] == pytest.approx(0, abs=1e-6)
    assert found["distance"].is_monotonic_increasing
    there = nearest_compositions("Fe2O3", ["SiC"])["distance"].iloc[0]
    back = nearest_compositions("SiC", TABLE, k=6).set_index("formula")["distance"]["Fe2O3"]
    assert there == pytest.approx(back, abs=1e-6)
    a, b = embedding_scale().transform(embed_table(["Fe2O3", "SiC"]).embedding)
    assert there == pytest.approx(1 - a @ b / np.linalg.norm(a) / np.linalg.norm(b), abs=1e-6)


def test_unrelated_compounds_are_about_one_apart():
    rows = ["NaCl", "Fe2O3", "TiAl", "GaAs", "CaCO3", "ZrO2", "Bi2Te3", "LiFePO4", "WC", "UO2"]
    pairs = nearest_compositions(rows, rows, k=len(rows))
    others = pairs[pairs["query"] != pairs["formula"]]["distance"]
    assert 0.7 < others.mean() < 1.2
    assert others.max() < 2


def test_rows_of_one_composition_are_one_neighbor():
    frame = pd.DataFrame(
        {
            "compound": ["NaCl", "Na2Cl2", "MgO"],
            "T": [300, 400, 500],
            "ref": ["a", "b", "c"],
        },
        index=["x", "y", "z"],
    )
    found = nearest_compositions("KCl", frame, formula_column="compound")
    assert list(found.index) == ["x", "z"]
    assert list(found.columns) == ["formula", "distance", "n_rows", "T", "ref"]
    assert list(found["n_rows"]) == [2, 1]
    assert list(found["ref"]) == ["a", "c"]


def test_several_queries():
    found = nearest_compositions(["KBr", {"Al": 1, "Co": 3}], TABLE, k=1)
    assert list(found["query"]) == ["KBr", "{'Al': 1, 'Co': 3}"]
    assert found["formula"].iloc[1] in ("Fe3Al", "Ni3Al")


def test_what_cannot_be_searched_is_refused():
    with pytest.raises(ValueError, match="k must be a positive integer"):
        nearest_compositions("NaCl", TABLE, k=0)
    with pytest.raises(InvalidCompositionError, match="Xx"):
        nearest_compositions("Xx", TABLE)
