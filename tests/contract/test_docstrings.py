"""Every public docstring is a numpydoc docstring that fits its signature."""

import inspect

import pytest
from numpydoc.validate import validate

import cromel_sklearn

# What numpydoc asks for and we do not.
NOT_ASKED = {
    "ES01": "one sentence may say it all",
    "SA01": "the pages of the documentation link what belongs together",
    "EX01": "examples stand on classes and functions that need one",
    "PR07": "name and type may say it all",
    "RT03": "likewise",
    "SS05": "properties are named by nouns",
}


def _public_objects() -> list[str]:
    """Public classes and functions, and the methods that the classes define or inherit from us."""
    names = []
    for public in cromel_sklearn.__all__:
        found = getattr(cromel_sklearn, public)
        names.append(f"cromel_sklearn.{public}")
        if not inspect.isclass(found):
            continue
        for attribute in dir(found):
            homes = [base for base in found.__mro__ if attribute in vars(base)]
            is_ours = homes and homes[0].__module__.startswith("cromel_sklearn.")
            if is_ours and not attribute.startswith("_"):
                value = inspect.getattr_static(found, attribute)
                if isinstance(value, property | classmethod | staticmethod) or callable(value):
                    names.append(f"cromel_sklearn.{public}.{attribute}")
    return names


def _problems(name: str) -> list[str]:
    found = [f"{code}: {text}" for code, text in validate(name)["errors"] if code not in NOT_ASKED]
    return [problem for problem in found if not problem.startswith("GL08") or "." in name]


@pytest.mark.parametrize("name", _public_objects())
def test_docstring_fits_the_signature(name):
    assert _problems(name) == []


@pytest.mark.parametrize("name", sorted(cromel_sklearn.__all__))
def test_public_classes_have_an_example(name):
    found = getattr(cromel_sklearn, name)
    if inspect.isclass(found) and not issubclass(found, Exception):
        assert ">>> " in found.__doc__


def test_a_wrong_docstring_would_be_found(monkeypatch):
    def load_encoder(encoder):
        """Load.

        Parameters
        ----------
        path : path-like
        """

    monkeypatch.setattr(cromel_sklearn, "wrong", load_encoder, raising=False)
    problems = " ".join(_problems("cromel_sklearn.wrong"))
    assert "PR01" in problems
    assert "PR02" in problems
