"""Importing loads nothing heavy, and private scikit-learn has one door.

The layers of the package are contracts of import-linter in pyproject.toml (`nox -s lint`).
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import cromel_sklearn

PACKAGE = Path(cromel_sklearn.__file__).parent


@pytest.mark.parametrize(
    ("statement", "heavy"),
    [
        (
            "import cromel_sklearn",
            ("torch", "skorch", "pymatgen", "pandas", "sklearn", "matplotlib"),
        ),
        (
            "from cromel_sklearn import CroMELTransformer",
            ("torch", "skorch", "pymatgen", "matplotlib"),
        ),
        (
            "from cromel_sklearn import CroMELRegressor",
            ("torch", "skorch", "pymatgen", "matplotlib"),
        ),
        (
            "from cromel_sklearn import CroMELClassifier",
            ("torch", "skorch", "pymatgen", "matplotlib"),
        ),
        (
            "import io, cromel_sklearn; from pyarrow.csv import read_csv; "
            "cromel_sklearn.embed_batch(read_csv(io.BytesIO(b'formula\\nNaCl')))",
            ("torch", "pymatgen", "pandas", "sklearn", "scipy"),
        ),
        ("import cromel_sklearn.cli.app", ("torch", "skorch", "pymatgen", "sklearn", "matplotlib")),
    ],
)
def test_importing_loads_nothing_heavy(statement, heavy):
    code = f"import sys; {statement}; print([m for m in {heavy!r} if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(PACKAGE.rglob("*.py")) if path.name != "_sklearn_compat.py"],
    ids=lambda path: path.relative_to(PACKAGE).as_posix(),
)
def test_private_scikit_learn_is_behind_one_door(path):
    tree = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    imported = [a.name for node in tree if isinstance(node, ast.Import) for a in node.names]
    imported += [
        f"{node.module}.{alias.name}"
        for node in tree
        if isinstance(node, ast.ImportFrom) and not node.level
        for alias in node.names
    ]
    assert not [name for name in imported if name.startswith("sklearn.") and "._" in name]
    called = {node.attr for node in tree if isinstance(node, ast.Attribute)}
    assert not called & {"_validate_params", "_validate_data", "_check_n_features", "_get_tags"}


@pytest.mark.parametrize("room", sorted(p.parent.name for p in PACKAGE.glob("*/__init__.py")))
def test_rooms_export_nothing_of_their_own(room):
    assert (PACKAGE / room / "__init__.py").read_text() == ""
