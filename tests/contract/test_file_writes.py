"""Files are written in one way, whole or not at all."""

import ast
from pathlib import Path

import pytest

import cromel_sklearn

PACKAGE = Path(cromel_sklearn.__file__).parent


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(PACKAGE.rglob("*.py")) if path.name != "whole_file.py"],
    ids=lambda path: path.relative_to(PACKAGE).as_posix(),
)
def test_nothing_else_writes_files(path):
    never = {"write_text", "write_bytes", "copyfile", "copytree", "save_file", "savez"}
    never |= {"mkstemp", "NamedTemporaryFile"}
    into_an_open_file = {"to_csv", "to_parquet", "savefig", "dump"}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        assert name not in never, f"line {node.lineno} calls {name}"
        if name in into_an_open_file:
            given = [ast.unparse(argument) for argument in node.args]
            assert given[:1] in ([], ["file"], ["buffer"]), f"line {node.lineno} calls {name}"
        if name == "open":
            texts = [a.value for a in node.args if isinstance(a, ast.Constant)]
            modes = {text for text in texts if isinstance(text, str)}
            assert not {"w", "wb", "a", "ab", "x", "xb", "r+b"} & modes, f"line {node.lineno}"
