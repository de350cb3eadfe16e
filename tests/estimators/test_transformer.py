"""CroMELTransformer: one row in, one row out, whatever the batch, the form or the process."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from pymatgen.core import Composition

from cromel_sklearn import (
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


@pytest.mark.parametrize("batch_size", [1, 7, 4096])
def test_batch_size_does_not_matter(batch_size, embedded):
    again = CroMELTransformer(batch_size=batch_size).transform(FORMULAS)
    np.testing.assert_allclose(again, embedded, atol=1e-6, rtol=0)


def test_rows_do_not_depend_on_the_other_rows(embedded):
    alone = np.vstack([CroMELTransformer().transform([formula]) for formula in FORMULAS])
    np.testing.assert_allclose(alone, embedded, atol=1e-6, rtol=0)
    reversed_rows = CroMELTransformer().transform(FORMULAS[::-1])[::-1]
    np.testing.assert_allclose(reversed_rows, embedded, atol=1e-6, rtol=0)


def test_order_of_elements_and_multiples_do_not_matter(embedded):
    turned = []
    for formula in FORMULAS:
        amounts = Composition(formula).get_el_amt_dict()
        turned.append("".join(f"{e}{3 * n:g}" for e, n in reversed(amounts.items())))
    np.testing.assert_allclose(CroMELTransformer().transform(turned), embedded, atol=1e-6, rtol=0)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_thread_count_does_not_matter(n_threads, embedded):
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        again = CroMELTransformer().transform(FORMULAS)
    finally:
        torch.set_num_threads(before)
    np.testing.assert_allclose(again, embedded, atol=1e-6, rtol=0)


def test_works_without_fit_and_fit_changes_nothing(embedded):
    fitted = CroMELTransformer().fit(FORMULAS)
    assert np.array_equal(fitted.transform(FORMULAS), embedded)
    assert fitted.n_features_in_ == 1


def test_outputs(checkpoint):
    both = CroMELTransformer(checkpoint, output="both").transform(["NaCl"])
    embedding = CroMELTransformer(checkpoint).transform(["NaCl"])
    properties = CroMELTransformer(checkpoint, output="properties").transform(["NaCl"])
    assert np.array_equal(both, np.hstack([embedding, properties]))


def test_predicted_properties_are_physical():
    transformer = CroMELTransformer(output="properties").set_output(transform="pandas")
    predicted = transformer.transform(["NaCl", "Cu", "MgO"])
    assert predicted["formation_energy_eV_per_atom"].between(-4, 1).all()
    assert predicted.loc[0, "band_gap_eV"] > 3 > 0.5 > predicted.loc[1, "band_gap_eV"]


def test_feature_names(checkpoint):
    names = CroMELTransformer(checkpoint, output="both").get_feature_names_out()
    assert list(names[:2]) == ["cromel_000", "cromel_001"]
    assert list(names[21:]) == [
        "band_gap_eV", "formation_energy_eV_per_atom", "volume_per_atom_angstrom3",
        "nearest_neighbor_distance_angstrom", "neighbors_in_cutoff",
    ]  # fmt: skip


def test_feature_names_check_the_input_names(checkpoint):
    transformer = CroMELTransformer(checkpoint).fit(pd.DataFrame({"formula": ["NaCl"]}))
    assert len(transformer.get_feature_names_out(["formula"])) == 21
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
    assert transformer.transform([]).shape == (0, 21)


def test_elements_the_encoder_has_never_seen_are_invalid(checkpoint):
    with pytest.raises(InvalidCompositionError, match="the encoder has never seen Fe"):
        CroMELTransformer(checkpoint).transform(["FeCl2"])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"output": "vector"},
            "'output' parameter .* must be a str among {.*'properties'.*}. Got 'vector'",
        ),
        (
            {"on_invalid": "drop"},
            "'on_invalid' parameter .* must be a str among {.*'nan'.*}. Got 'drop'",
        ),
        (
            {"batch_size": 0},
            r"'batch_size' parameter .* must be an int in the range \[1, inf\). Got 0",
        ),
        (
            {"batch_size": True},
            r"'batch_size' parameter .* must be an int in the range \[1, inf\). Got True",
        ),
        ({"encoder": None}, "encoder must be a registry id"),
    ],
)
def test_bad_parameters_are_named_at_fit_and_transform(parameters, message):
    transformer = CroMELTransformer(**parameters)
    for method in (transformer.fit, transformer.transform):
        with pytest.raises(ValueError, match=message):
            method(["NaCl"])


def test_transform_needs_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CroMELTransformer().fit_transform(FORMULAS)
