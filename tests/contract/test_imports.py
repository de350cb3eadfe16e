"""Data flows one way: inference never imports the structure path, importing loads no torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import cromel_sklearn

PACKAGE = Path(cromel_sklearn.__file__).parent
GROUND = {"__init__", "_files", "_sklearn_compat", "device", "documentation", "exceptions"}
ROOMS = ("data", "nn", "encoders", "pretraining", "estimators", "cli")  # each may use those before
STRUCTURE_PATH = {
    "data.crystal_graph", "data.materials", "data.readers", "nn.structure_encoder", "nn.losses",
}  # fmt: skip


def _modules() -> list[str]:
    """Modules of the package, as `room.module`, those of the ground by their name alone."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return [".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in paths]


def _imports(module: str) -> set[str]:
    """Modules of the package that a module imports, anywhere in it."""
    path = PACKAGE.joinpath(*module.split(".")).with_suffix(".py")
    here = module.split(".")[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = here[: len(here) - node.level + 1]
            found |= {".".join([*folder, node.module or alias.name]) for alias in node.names}
    return found


def _room(module: str) -> int:
    return ROOMS.index(module.split(".")[0]) if "." in module else -1


def test_every_module_has_its_place():
    modules = _modules()
    assert {module for module in modules if "." not in module} == GROUND
    assert {module.split(".")[0] for module in modules if "." in module} == set(ROOMS)


@pytest.mark.parametrize("module", _modules())
def test_no_arrow_goes_back(module):
    assert all(_room(imported) <= _room(module) for imported in _imports(module))


@pytest.mark.parametrize("module", [m for m in _modules() if _room(m) in (2, 4)])
def test_inference_never_imports_the_structure_path(module):
    used, todo = set(), {module}
    while todo:
        name = todo.pop()
        used.add(name)
        todo |= {m for m in _imports(name) if "." in m} - used
    assert not used & STRUCTURE_PATH
    assert not any(name.startswith("pretraining.") for name in used)


@pytest.mark.parametrize(
    ("statement", "heavy"),
    [
        ("import cromel_sklearn", ("torch", "skorch", "pymatgen", "pandas", "sklearn")),
        ("from cromel_sklearn import CroMELTransformer", ("torch", "skorch", "pymatgen")),
        ("from cromel_sklearn import CroMELRegressor", ("torch", "skorch", "pymatgen")),
        ("from cromel_sklearn import CroMELStackingRegressor", ("torch", "skorch", "pymatgen")),
        ("import cromel_sklearn.cli.app", ("torch", "skorch", "pymatgen", "sklearn")),
    ],
)
def test_importing_loads_nothing_heavy(statement, heavy):
    code = f"import sys; {statement}; print([m for m in {heavy!r} if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("module", [m for m in _modules() if m != "_sklearn_compat"])
def test_private_scikit_learn_is_behind_one_door(module):
    path = PACKAGE.joinpath(*module.split(".")).with_suffix(".py")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = [
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and not node.level
        for alias in node.names
    ]
    imported += [
        a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names
    ]
    private = [n for n in imported if n.startswith("sklearn.") and "._" in n]
    assert not private
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not called & {"_validate_params", "_validate_data", "_check_n_features", "_get_tags"}
