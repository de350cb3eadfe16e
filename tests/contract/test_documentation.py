"""What an estimator and its encoder show of themselves, as text and in a notebook."""

from dataclasses import replace
from importlib.metadata import metadata

import pytest
from public_estimators import ESTIMATORS
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_html_repr

from cromel_sklearn import (
    CroMELRegressor,
    CroMELTransformer,
    documentation,
    load_encoder,
    load_standard_enthalpies,
)


@pytest.fixture
def published(monkeypatch):
    """Metadata of a package whose documentation is published."""
    found = metadata("cromel-sklearn")
    found["Project-URL"] = "Source, https://example.org/source"
    found["Project-URL"] = "Documentation, https://example.org/docs"
    monkeypatch.setattr(documentation, "metadata", lambda name: found)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_html_links_to_published_documentation(estimator, published):
    assert 'href="https://example.org/docs"' in estimator_html_repr(estimator)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_html_links_to_no_page_that_does_not_exist(estimator):
    urls = metadata("cromel-sklearn").get_all("Project-URL") or []
    assert ("href=" in estimator_html_repr(estimator)) == any("Documentation" in u for u in urls)


def test_html_of_a_pipeline_shows_the_transformer():
    model = make_pipeline(CroMELTransformer(output="properties"), Ridge())
    assert "CroMELTransformer" in estimator_html_repr(model)
    assert "properties" in estimator_html_repr(model)


def test_text_shows_changed_parameters_only():
    assert repr(CroMELTransformer(output="properties")) == "CroMELTransformer(output='properties')"
    assert repr(clone(CroMELTransformer())) == "CroMELTransformer()"


def test_fitted_transformer_with_a_checkpoint_shows_it(checkpoint):
    assert "Checkpoint(kind='pretrained', embedding_dim=16" in repr(CroMELTransformer(checkpoint))
    assert "Checkpoint" in estimator_html_repr(CroMELTransformer(checkpoint).fit(["NaCl"]))


def test_encoder_shows_its_key_figures():
    encoder = CroMELTransformer().fit(["NaCl"]).encoder_
    shown = repr(encoder)
    assert shown.startswith(f"Checkpoint('{encoder.release[0]}', kind='distilled', embedding_dim=")
    assert f"n_properties={len(encoder.properties)}" in shown
    error = encoder.description.errors["test"]["composition"]["formation_energy_per_atom"]
    assert encoder.test_errors["formation_energy_per_atom"] == f"{error:.3g} eV/atom"
    html = encoder._repr_html_()
    assert encoder.release[0] in html
    assert f"<td>{error:.3g} eV/atom</td>" in html


def test_checkpoint_without_release_or_errors_is_shown_too(checkpoint):
    description = replace(checkpoint.description, errors={}, provenance={})
    bare = type(checkpoint)(description, checkpoint.tensors)
    assert repr(bare) == (
        "Checkpoint(kind='pretrained', embedding_dim=16, n_properties=5, n_elements=9)"
    )
    assert "<td>pretrained</td>" in bare._repr_html_()
    assert load_encoder("mp-multi").untrained().release is None


def test_parts_of_a_fitted_estimator_show_no_page_of_arrays():
    sample = load_standard_enthalpies()
    model = CroMELRegressor(members=["element_trees", "support_vectors"], random_state=0, verbose=0)
    model.fit(sample.formulas[:60], sample.target[:60])
    for name, value in vars(model).items():
        assert len(repr(value)) < 1_000, name
    assert repr(model.stack_).startswith("Stack(members=['element_trees'")
