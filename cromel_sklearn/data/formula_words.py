"""Words in place of a formula: names of elements, and letters in the wrong case."""

import re

from .elements import ATOMIC_NUMBERS, MAX_ATOMIC_NUMBER, SYMBOLS
from .formula_stops import ENDS_OF_PARTS

_PIECE = re.compile(r"[A-Za-z]+|[^A-Za-z]+")
# Nobody means these in capitals or small letters: nobelium in KNO3, for one.
_UNLIKELY = frozenset(re.findall("[A-Z][a-z]", "AcAtBkCfCmEsFmFrLrMdNoNpPaPoRaRn"))
_WORD = re.compile("[A-Za-z]?[a-z]{3,}(?: [a-z]+)*|[A-Z]{5,}")
_ELEMENT = re.compile("[A-Z][a-z]?")
_NONMETALS = ENDS_OF_PARTS | {"Si"}
_NAMES = re.findall(
    "[a-z]+",
    "hydrogen helium lithium beryllium boron carbon nitrogen oxygen fluorine neon sodium magnesium "
    "aluminium silicon phosphorus sulfur chlorine argon potassium calcium scandium titanium "
    "vanadium chromium manganese iron cobalt nickel copper zinc gallium germanium arsenic selenium "
    "bromine krypton rubidium strontium yttrium zirconium niobium molybdenum technetium ruthenium "
    "rhodium palladium silver cadmium indium tin antimony tellurium iodine xenon caesium barium "
    "lanthanum cerium praseodymium neodymium promethium samarium europium gadolinium terbium "
    "dysprosium holmium erbium thulium ytterbium lutetium hafnium tantalum tungsten rhenium osmium "
    "iridium platinum gold mercury thallium lead bismuth polonium astatine radon francium radium "
    "actinium thorium protactinium uranium neptunium plutonium americium curium berkelium "
    "californium einsteinium fermium mendelevium nobelium lawrencium",
)
_SYMBOL_OF_NAME = dict(zip(_NAMES, SYMBOLS[:MAX_ATOMIC_NUMBER], strict=True)) | {
    "aluminum": "Al", "cesium": "Cs", "sulphur": "S", "deuterium": "D", "tritium": "T",
}  # fmt: skip


def symbol_of_name(text: str) -> str:
    """Symbol of the element that a text names; empty if it names none.

    Examples
    --------
    >>> from cromel_sklearn.data.formula_words import symbol_of_name
    >>> symbol_of_name("Copper"), symbol_of_name("CoPPEr")
    ('Cu', '')
    """
    is_word = text[1:].islower() or text.isupper()
    return _SYMBOL_OF_NAME.get(text.lower(), "") if is_word else ""


def is_word(text: str) -> bool:
    """Whether letters are written as words are."""
    return _WORD.fullmatch(text) is not None


def likely_case(text: str) -> str:
    """Return the formula that letters in the wrong case spell; empty where they spell a word.

    Letters without a digit are a formula only if two of them make a symbol, as a rule, and if no
    metal ends what holds a nonmetal: ``nacl`` and ``ingaas`` are, ``copper`` and ``silica`` not.
    """
    spelled = recased(text)
    symbols = _ELEMENT.findall(spelled)
    if not text.isalpha() or not symbols or not (text.islower() or is_word(text)):
        return spelled
    is_short = len(text) <= 3 or 2 * len(symbols) <= len(text) + 1
    ends_well = symbols[-1] in _NONMETALS or _NONMETALS.isdisjoint(symbols)
    return spelled if is_short and ends_well else ""


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
