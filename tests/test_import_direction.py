"""Data flows one way: inference never imports the structure path, importing loads no torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import cromel_sklearn

PACKAGE = Path(cromel_sklearn.__file__).parent
STRUCTURE_PATH = {
    "materials", "sources", "crystal_graph", "structure_encoder", "cromel_loss", "validation",
    "pretraining", "pretraining_callbacks", "pretraining_data", "pretraining_net",
    "pretraining_run", "provenance", "combination", "composition_mixing",
}  # fmt: skip
INFERENCE_PATH = {
    "card", "checkpoint", "composition", "composition_encoder", "datasets", "demo", "device",
    "documentation", "elements", "exceptions", "finetuned_file", "finetuning_classifier",
    "finetuning_data", "finetuning_ensemble", "finetuning_estimator", "finetuning_net",
    "finetuning_progress", "finetuning_regressor", "kernel_blend", "kernel_machine",
    "measurement_estimator", "member_weights", "one_cycle", "registry", "stacking", "stock_models",
    "table_files", "target_scale",
    "transformer", "uncertainty", "weights_file",
}  # fmt: skip


def _imports(module: str) -> set[str]:
    """Modules of the package that a module imports, anywhere in it."""
    tree = ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))
    relative = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level]
    return {node.module or alias.name for node in relative for alias in node.names}


def test_every_module_has_its_place():
    modules = {path.stem for path in PACKAGE.glob("*.py")}
    assert modules == STRUCTURE_PATH | INFERENCE_PATH | {"__init__", "cli"}


@pytest.mark.parametrize("module", sorted(INFERENCE_PATH))
def test_inference_never_imports_the_structure_path(module):
    assert not _imports(module) & STRUCTURE_PATH


@pytest.mark.parametrize(
    ("statement", "heavy"),
    [
        ("import cromel_sklearn", ("torch", "skorch", "pymatgen", "pandas", "sklearn")),
        ("from cromel_sklearn import CroMELTransformer", ("torch", "skorch", "pymatgen")),
        ("from cromel_sklearn import CroMELRegressor", ("torch", "skorch", "pymatgen")),
        ("from cromel_sklearn import CroMELStackingRegressor", ("torch", "skorch", "pymatgen")),
        ("import cromel_sklearn.cli", ("torch", "skorch", "pymatgen", "sklearn")),
    ],
)
def test_importing_loads_nothing_heavy(statement, heavy):
    code = f"import sys; {statement}; print([m for m in {heavy!r} if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
