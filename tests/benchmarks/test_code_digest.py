"""The digest of code: blind to names and words, not to what is computed."""

import re

import code_digest
import pytest

SOURCE = '''
"""A module."""
import math
import warnings
from dataclasses import dataclass

from package.tools import doubled

FACTOR = 3
UNUSED = 5

def _helper(values, power):
    """Say something."""
    # a comment
    if power < 0:
        raise ValueError(f"power {power} is negative")
    warnings.warn("slow", UserWarning)
    return [FACTOR * value ** power for value in values]

@dataclass
class Model:
    """A model."""

    power: int = 2

    def fit(self, X):
        """Fit."""
        self.mean_ = math.fsum(_helper(X, self.power))
        return self

    def predict(self, X):
        return [doubled(self.mean_ + self._shift(x)) for x in X]

    def _shift(self, x):
        return x - 1

    def save(self, path):
        return path
'''
TOOLS = """
def doubled(value):
    return 2 * value

def halved(value):
    return value / 2
"""


@pytest.fixture
def digest_of(tmp_path, monkeypatch):
    """Digest of a class in a package with these sources."""

    def digest(source: str, tools: str = TOOLS, name: str = "Model") -> str:
        (tmp_path / "package").mkdir(exist_ok=True)
        (tmp_path / "package" / "__init__.py").write_text("")
        (tmp_path / "package" / "models.py").write_text(source)
        (tmp_path / "package" / "tools.py").write_text(tools)
        monkeypatch.setattr(code_digest, "FOLDERS", (tmp_path,))
        for function in (code_digest._module, code_digest._digest_of):
            function.cache_clear()
        found = code_digest._digest_of((("package.models", name),), ())
        for function in (code_digest._module, code_digest._digest_of):
            function.cache_clear()
        return found

    return digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("_helper", "_scaled"),
        ("_shift", "_moved"),
        (r"\bvalue\b", "number"),
        ("Model", "Estimator"),
        ("Say something.", "Say something else."),
        ("# a comment", "# another"),
        ("is negative", "must not be negative"),
        ('"slow"', '"this is slow"'),
        ("UNUSED = 5", "UNUSED = 6"),
        ("return path", "return str(path)"),
        ("power: int", "power: float"),
        ("import math\n", "import math\nimport os\n"),
    ],
)
def test_digest_does_not_see_names_and_words(old, new, digest_of):
    changed = re.sub(old, new, SOURCE)
    assert changed != SOURCE
    name = new if old == "Model" else "Model"
    assert digest_of(changed, name=name) == digest_of(SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x - 1", "x - 2"),
        ("FACTOR = 3", "FACTOR = 4"),
        ("power: int = 2", "power: int = 3"),
        ("math.fsum", "sum"),
        (r"doubled\(self", "(self"),
        (r"value \*\* power", "power ** value"),
        ("power < 0", "power < 1"),
        ("import doubled", "import halved as doubled"),
    ],
)
def test_digest_sees_what_is_computed(old, new, digest_of):
    changed = re.sub(old, new, SOURCE)
    assert changed != SOURCE
    assert digest_of(changed) != digest_of(SOURCE)


def test_digest_follows_imports(digest_of):
    assert digest_of(SOURCE, TOOLS.replace("2 * value", "value + value")) != digest_of(SOURCE)
    assert digest_of(SOURCE, TOOLS.replace("value / 2", "value / 3")) == digest_of(SOURCE)


def test_digest_of_the_estimators_covers_fit_and_predictions():
    from fingerprints import BEYOND

    from cromel_sklearn import CroMELClassifier, CroMELRegressor

    names = code_digest.reached_names(CroMELRegressor, beyond=BEYOND)
    for name in ("StackFit.fit", "stock_model", "train_network", "CroMELRegressor.predict"):
        assert any(reached.endswith(f".{name}") for reached in names)
    assert not any("persistence" in name or "model_card" in name for name in names)
    regressor = code_digest.digest(CroMELRegressor, beyond=BEYOND)
    assert regressor != code_digest.digest(CroMELClassifier, beyond=BEYOND)


def test_digest_of_what_is_not_ours_is_refused():
    with pytest.raises(ValueError, match="No definitions of this repository"):
        code_digest.digest(re.Pattern)


def test_file_digest_reads_code_alone(tmp_path):
    first, second, third = (tmp_path / f"{n}.py" for n in range(3))
    first.write_text('"""One."""\nx = 1  # here\n')
    second.write_text('"""Two."""\n\nx = 1\n')
    third.write_text('"""One."""\nx = 2\n')
    assert code_digest.file_digest(first) == code_digest.file_digest(second)
    assert code_digest.file_digest(first) != code_digest.file_digest(third)
