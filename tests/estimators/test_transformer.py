"""CroMELTransformer: one row in, one row out, whatever the batch, the form or the process."""

import re
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Composition
from threadpoolctl import threadpool_limits

from cromel_sklearn import (
    CroMELError,
    CroMELTransformer,
    InvalidCompositionError,
    InvalidCompositionWarning,
    load_standard_enthalpies,
)

FORMULAS = list(load_standard_enthalpies().formulas[:60])


@pytest.fixture(scope="module")
def embedded():
    return CroMELTransformer(device="cpu").transform(FORMULAS)


def test_output_is_float32_row_aligned_and_finite(embedded):
    assert embedded.dtype == np.float32
    assert embedded.shape[0] == len(FORMULAS)
    assert np.isfinite(embedded).all()
    assert len(np.unique(embedded, axis=0)) == len(FORMULAS)


def test_rows_do_not_depend_on_the_other_rows(embedded):
    transformer = CroMELTransformer()
    alone = np.vstack([transformer.transform([formula]) for formula in FORMULAS])
    assert np.array_equal(alone, embedded)
    assert np.array_equal(transformer.transform(FORMULAS[::-1])[::-1], embedded)
    assert np.array_equal(transformer.transform(FORMULAS * 200)[-len(FORMULAS) :], embedded)


def test_order_of_elements_and_multiples_do_not_matter(embedded):
    turned = []
    for formula in FORMULAS:
        amounts = Composition(formula).get_el_amt_dict()
        turned.append("".join(f"{e}{3 * n:g}" for e, n in reversed(amounts.items())))
    assert np.array_equal(CroMELTransformer().transform(turned), embedded)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_thread_count_does_not_matter(n_threads, embedded):
    with threadpool_limits(n_threads):
        assert np.array_equal(CroMELTransformer().transform(FORMULAS), embedded)


def test_another_process_gives_the_same_bits(embedded):
    code = (
        "import sys, numpy; from cromel_sklearn import CroMELTransformer; "
        "sys.stdout.buffer.write(CroMELTransformer().transform(sys.argv[1:]).tobytes())"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, *FORMULAS], check=True, capture_output=True
    ).stdout
    assert found == embedded.tobytes()


def test_needs_neither_torch_nor_pymatgen():
    code = (
        "import sys; from cromel_sklearn import CroMELTransformer; "
        "CroMELTransformer().transform(['Fe2O3']); "
        "sys.exit(bool({'torch', 'pymatgen', 'matplotlib'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_works_without_fit_and_fit_changes_nothing(embedded):
    fitted = CroMELTransformer().fit(FORMULAS)
    assert np.array_equal(fitted.transform(FORMULAS), embedded)
    assert fitted.n_features_in_ == 1


@pytest.mark.parametrize("output", ["embedding", "properties", "elements"])
def test_blocks_stand_side_by_side(output, embedded):
    transformer = CroMELTransformer(output=output)
    names = list(CroMELTransformer().get_feature_names_out())
    columns = [names.index(name) for name in transformer.get_feature_names_out()]
    assert columns == list(range(columns[0], columns[-1] + 1))
    assert np.array_equal(transformer.transform(FORMULAS), embedded[:, columns])


def test_order_of_blocks_is_fixed():
    one = CroMELTransformer(output=("properties", "embedding"))
    other = CroMELTransformer(output=["embedding", "properties"])
    assert np.array_equal(one.transform(["NaCl"]), other.transform(["NaCl"]))
    assert list(one.get_feature_names_out()) == list(other.get_feature_names_out())


def test_at_most_256_columns_with_names_that_every_library_takes():
    names = CroMELTransformer().get_feature_names_out()
    assert len(names) <= 256
    assert len(CroMELTransformer(output="embedding").get_feature_names_out()) <= 160
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) for name in names)


def test_predicted_properties_are_physical():
    transformer = CroMELTransformer(output="properties").set_output(transform="pandas")
    predicted = transformer.transform(["NaCl", "Cu", "MgO"])
    assert predicted["formation_energy_eV_per_atom"].between(-4, 1).all()
    assert predicted.loc[0, "band_gap_eV"] > 3 > 0.5 > predicted.loc[1, "band_gap_eV"]


def test_feature_names(checkpoint):
    output = ("embedding", "properties")
    names = CroMELTransformer(checkpoint, output=output).get_feature_names_out()
    assert list(names[:2]) == ["cromel_000", "cromel_001"]
    assert list(names[16:]) == [
        "band_gap_eV", "formation_energy_eV_per_atom", "volume_per_atom_angstrom3",
        "nearest_neighbor_distance_angstrom", "neighbors_in_cutoff",
    ]  # fmt: skip


def test_feature_names_check_the_input_names(checkpoint):
    transformer = CroMELTransformer(checkpoint).fit(pd.DataFrame({"formula": ["NaCl"]}))
    assert len(transformer.get_feature_names_out(["formula"])) == 16 + 5 + 9 + 31
    with pytest.raises(ValueError, match="input_features is not equal to feature_names_in_"):
        transformer.get_feature_names_out(["name"])
    with pytest.raises(ValueError, match="input_features is not equal to feature_names_in_"):
        transformer.get_feature_names_out(["formula", "name"])
    with pytest.raises(ValueError, match=r"should have length equal to number of features \(1\)"):
        CroMELTransformer(checkpoint).get_feature_names_out(["formula", "name"])


def test_wrong_column_name_is_refused(checkpoint):
    transformer = CroMELTransformer(checkpoint).fit(pd.DataFrame({"formula": ["NaCl"]}))
    with pytest.raises(ValueError, match="feature names should match"):
        transformer.transform(pd.DataFrame({"name": ["NaCl"]}))


def test_invalid_rows_are_named(checkpoint):
    for method in ("fit", "transform"):
        with pytest.raises(InvalidCompositionError, match=r"index 1: 'Na\?': unexpected"):
            getattr(CroMELTransformer(checkpoint), method)(["NaCl", "Na?", "M2O3"])


def test_invalid_rows_stay_in_place_as_nan(checkpoint):
    transformer = CroMELTransformer(checkpoint, on_invalid="nan")
    with pytest.warns(InvalidCompositionWarning, match="Could not read 2 of 4 compositions"):
        embedded = transformer.transform(["NaCl", "Na?", "KBr", None])
    assert list(np.isnan(embedded).all(axis=1)) == [False, True, False, True]
    assert np.array_equal(embedded[[0, 2]], transformer.transform(["NaCl", "KBr"]))


def test_all_rows_invalid_and_no_rows(checkpoint):
    transformer = CroMELTransformer(checkpoint, on_invalid="nan")
    with pytest.warns(InvalidCompositionWarning):
        assert np.isnan(transformer.transform(["?"])).all()
    assert transformer.transform([]).shape == (0, 16 + 5 + 9 + 31)


def test_elements_the_encoder_has_never_seen_are_invalid(checkpoint):
    with pytest.raises(InvalidCompositionError, match="the encoder has never seen Fe"):
        CroMELTransformer(checkpoint).transform(["FeCl2"])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"output": "vector"},
            "'output' parameter .* must be a str among {.*'properties'.*}.* Got 'vector'",
        ),
        ({"output": ["embedding", "vector"]}, r"must be 'all', or one or several .* Got \['embed"),
        ({"output": []}, r"must be 'all', or one or several of .* Got \[\]"),
        (
            {"on_invalid": "drop"},
            "'on_invalid' parameter .* must be a str among {.*'nan'.*}. Got 'drop'",
        ),
        ({"device": "abacus"}, "Unknown device 'abacus'"),
        ({"encoder": None}, "encoder must be a registry id"),
    ],
)
def test_bad_parameters_are_named_at_fit_and_transform(parameters, message):
    transformer = CroMELTransformer(**parameters)
    for method in (transformer.fit, transformer.transform):
        with pytest.raises((ValueError, CroMELError), match=message):
            method(["NaCl"])


def test_transform_needs_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CroMELTransformer().fit_transform(FORMULAS)
