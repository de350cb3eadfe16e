"""Link to the documentation in scikit-learn's HTML display of an estimator."""

from importlib.metadata import metadata


class DocumentationLink:
    """Mixin that links an estimator's HTML display to the documentation of this package.

    The address is the project URL "Documentation" of the package's metadata (pyproject.toml). Where
    there is none, no page is published, and the display has no link.
    """

    _doc_link_module = "cromel_sklearn"

    @property
    def _doc_link_template(self) -> str:
        urls = metadata("cromel-sklearn").get_all("Project-URL") or ()
        labels = (url.partition(",") for url in urls)
        found = [address.strip() for label, _, address in labels if label == "Documentation"]
        return found[0] if found else ""
