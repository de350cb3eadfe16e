"""Words and capitals: the formula that letters in the wrong case may spell."""

import re

from .elements import ATOMIC_NUMBERS, MAX_ATOMIC_NUMBER

_PIECE = re.compile(r"[A-Za-z]+|[^A-Za-z]+")
# Nobody means these in capitals or small letters: nobelium in KNO3, for one.
_UNLIKELY = frozenset(re.findall("[A-Z][a-z]", "AcAtBkCfCmEsFmFrLrMdNoNpPaPoRaRn"))


def recased(text: str) -> str:
    """Return the text with the capitals of the fewest elements that its letters can spell."""
    pieces = [
        _spelled(piece) if piece.isalpha() and piece.isascii() else piece
        for piece in _PIECE.findall(text)
    ]
    return "".join(pieces) if all(pieces) else ""


def _spelled(letters: str) -> str:
    """Spell letters by as few symbols as possible; empty if that is impossible."""
    best: list[tuple[int, str] | None] = [(0, "")]
    for end in range(1, len(letters) + 1):
        options = []
        for size in (2, 1):
            symbol = letters[end - size : end].capitalize() if size <= end else ""
            start = best[end - size] if size <= end else None
            is_known = ATOMIC_NUMBERS.get(symbol, MAX_ATOMIC_NUMBER + 1) <= MAX_ATOMIC_NUMBER
            if start is not None and is_known and symbol not in _UNLIKELY:
                options.append((start[0] + 1, start[1] + symbol))
        best.append(min(options, key=lambda option: option[0], default=None))
    return best[-1][1] if best[-1] else ""
