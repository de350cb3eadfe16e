"""Every error message that the package can raise is tested by its text."""

import ast
import re
from pathlib import Path

import pytest

import cromel_sklearn

PACKAGE = Path(cromel_sklearn.__file__).parent
TESTS = Path(__file__).parents[1]


def _words(text: str) -> list[str]:
    return re.findall(r"[\w'@=-]+", text.replace("\\", ""))


TESTED = " ".join(
    " ".join(_words(path.read_text(encoding="utf-8")))
    for path in sorted(TESTS.rglob("test_*.py"))
    if path != Path(__file__)
)


def _raised_texts(path: Path):
    """Line and literal parts of the message of each `raise` that has words of its own."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args):
            continue
        constants = [n.value for n in ast.walk(node.exc.args[0]) if isinstance(n, ast.Constant)]
        texts = [text for text in constants if isinstance(text, str) and len(_words(text)) > 1]
        if texts:
            yield node.lineno, texts


def _is_tested(texts: list[str]) -> bool:
    """Whether three words in a row of a message, or all of a shorter one, are in a test."""
    return any(
        " ".join(words[start : start + 3]) in TESTED
        for words in map(_words, texts)
        for start in range(max(1, len(words) - 2))
    )


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.stem)
def test_messages_are_tested_by_their_text(path):
    untested = {line: texts for line, texts in _raised_texts(path) if not _is_tested(texts)}
    assert not untested


def test_an_untested_message_would_be_found():
    assert not _is_tested(["Nobody ever wrote ", " such a message"])
    assert _is_tested(["Could not read composition "])
    n_messages = sum(len(list(_raised_texts(path))) for path in PACKAGE.rglob("*.py"))
    assert n_messages > 50
