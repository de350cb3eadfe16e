"""What an estimator and its encoder show of themselves, as text and in a notebook."""

from importlib.metadata import metadata

import pytest
from public_estimators import ESTIMATORS
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_html_repr

from cromel_sklearn import CroMELTransformer, documentation, load_encoder


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
    model = make_pipeline(CroMELTransformer(output="both"), Ridge())
    assert "CroMELTransformer" in estimator_html_repr(model)
    assert "both" in estimator_html_repr(model)


def test_text_shows_changed_parameters_only():
    assert repr(CroMELTransformer(output="both")) == "CroMELTransformer(output='both')"
    assert repr(clone(CroMELTransformer())) == "CroMELTransformer()"


def test_fitted_transformer_with_a_checkpoint_shows_it(checkpoint):
    assert "Checkpoint(embedding_dim=21" in repr(CroMELTransformer(checkpoint))
    assert "Checkpoint" in estimator_html_repr(CroMELTransformer(checkpoint).fit(["NaCl"]))


def test_encoder_shows_its_key_figures():
    encoder = CroMELTransformer().fit(["NaCl"]).encoder_
    shown = repr(encoder)
    assert shown.startswith(f"Checkpoint('{encoder.release[0]}', embedding_dim=")
    n_structures = encoder.header["provenance"]["n_train_structures"]
    assert f"n_train_structures={n_structures}" in shown
    error = encoder.header["errors"]["test"]["composition"]["formation_energy_per_atom"]
    assert f"'formation_energy_per_atom': '{error:.3g} eV/atom'" in shown
    html = encoder._repr_html_()
    assert encoder.release[0] in html
    assert f"<th>training structures</th><td>{n_structures:,}</td>" in html
    assert f"<td>{error:.3g} eV/atom</td>" in html


def test_checkpoint_without_release_or_errors_is_shown_too(checkpoint):
    header = {**checkpoint.header, "errors": {}, "provenance": {}}
    bare = type(checkpoint)(header, checkpoint.tensors)
    assert repr(bare) == "Checkpoint(embedding_dim=21, n_train_structures=None, test_errors={})"
    assert "<td>unknown</td>" in bare._repr_html_()
    assert load_encoder("mp-multi").untrained().release is None
