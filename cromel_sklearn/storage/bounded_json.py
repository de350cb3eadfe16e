"""JSON that is neither longer nor deeper than any header of this package, and repeats no name."""

import json
from typing import Any

#: Bytes of the longest text, and how deep its lists and dictionaries may lie in each other.
_LONGEST = 32 * 2**20
_DEEPEST = 32


def read_bounded_json(text: bytes | str) -> Any:
    """Read the JSON of a header that anyone may have written.

    Parameters
    ----------
    text : bytes or str

    Returns
    -------
    What the text says.

    Raises
    ------
    ValueError
        If it is no JSON, too long, too deep, or names something twice.
    RecursionError
        If it is much too deep.
    """
    if len(text) > _LONGEST:
        raise ValueError(f"its header has {len(text)} bytes, at most {_LONGEST} are read")
    value = json.loads(text, object_pairs_hook=_without_repetition)
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return value
    raise ValueError(f"its header is nested more than {_DEEPEST} deep")


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        raise ValueError("its header names something twice")
    return entries
