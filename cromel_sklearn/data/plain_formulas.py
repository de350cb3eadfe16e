"""Plain formulas, many at once: elements with optional amounts, nothing else.

The characters of all formulas are read as one array, a step at a time: capitals start a symbol, a
small letter ends it, digits and a stop follow as its amount. Formulas that are anything else, or
that `read_formula` looks at more closely, are left to it. Amounts of at most 15 digits are the
quotient of two whole numbers that double precision holds exactly, so equal to Python's ``float``.
"""

from collections.abc import Sequence

import numpy as np

from .elements import ATOMIC_NUMBERS, MAX_ATOMIC_NUMBER
from .formula import MAX_FORMULA_LENGTH, SMALLEST_AMOUNT
from .formula_look_alikes import SLIPS_OF_CASE
from .formula_stops import ENDS_OF_PARTS

_OTHER, _CAPITAL, _SMALL, _DIGIT, _STOP, _END = range(6)
_KINDS = np.full(256, _OTHER, dtype=np.uint8)
_KINDS[ord("A") : ord("Z") + 1] = _CAPITAL
_KINDS[ord("a") : ord("z") + 1] = _SMALL
_KINDS[ord("0") : ord("9") + 1] = _DIGIT
_KINDS[ord(".")] = _STOP
_KINDS[ord("\n")] = _END
_MOST_DIGITS = 15
_POWERS_OF_TEN = 10.0 ** np.arange(_MOST_DIGITS + 1)
_HYDROGEN, _SODIUM = 1, 11
_BEHIND_HYDROGEN_OF_WATER = np.zeros(256, dtype=bool)
_BEHIND_HYDROGEN_OF_WATER[[ord(character) for character in "2DT"]] = True
# Alloys named by weight percent start with these pairs (Ti6Al4V, AlSi10Mg, CuZn37).
_ALLOY_STARTS = [(22, 13), (22, 23), (22, 41), (13, 14), (29, 30), (29, 50)]


def _symbol_table() -> np.ndarray:
    """Atomic number by capital and small letter (0 for none), 0 where there is no such element."""
    table = np.zeros((26, 27), dtype=np.int64)
    for symbol, number in ATOMIC_NUMBERS.items():
        small = ord(symbol[1]) - ord("a") + 1 if len(symbol) > 1 else 0
        table[ord(symbol[0]) - ord("A"), small] = number
    return table


_SYMBOLS = _symbol_table()
_IS_SLIP_OF_CASE = np.zeros((26, 26), dtype=bool)
for _slip in (*SLIPS_OF_CASE, "II"):  # FeII2O3 is looked at as well
    _IS_SLIP_OF_CASE[ord(_slip[0]) - ord("A"), ord(_slip[1]) - ord("A")] = True
_ENDS_A_PART = np.zeros(MAX_ATOMIC_NUMBER + 16, dtype=bool)
_ENDS_A_PART[[ATOMIC_NUMBERS[end] for end in ENDS_OF_PARTS if end in ATOMIC_NUMBERS]] = True


def read_plain_formulas(
    texts: Sequence[str],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Read those formulas that are plain.

    Parameters
    ----------
    texts : sequence of str

    Returns
    -------
    is_plain : ndarray of shape (n_texts,), bool
        Which formulas were read.
    text_of_entry, atomic_number : ndarray of shape (n_entries,), int64
        One entry for each symbol of each plain formula, in order.
    amount : ndarray of shape (n_entries,), float64

    Examples
    --------
    >>> from cromel_sklearn.data.plain_formulas import read_plain_formulas
    >>> read_plain_formulas(["Fe2O3", "Ca(OH)2"])
    (array([ True, False]), array([0, 0]), array([26,  8]), array([2., 3.]))
    """
    if not len(texts):
        nothing = np.zeros(0, dtype=np.int64)
        return np.zeros(0, dtype=bool), nothing, nothing, np.zeros(0)
    characters = _characters(texts)
    kinds = _KINDS[characters]
    ends = np.flatnonzero(kinds == _END)
    capitals = np.flatnonzero(kinds == _CAPITAL)
    text = np.searchsorted(ends, capitals)
    has_small = kinds[capitals + 1] == _SMALL
    small = np.where(has_small, characters[capitals + 1] - np.uint8(ord("a") - 1), 0)
    atomic_number = _SYMBOLS[characters[capitals] - ord("A"), small]

    # The amount runs from behind the symbol to the next symbol or the end of the formula.
    start = capitals + 1 + has_small
    is_last = np.ones(len(capitals), dtype=bool)
    is_last[:-1] = text[1:] != text[:-1]
    stop = np.where(is_last, ends[text], np.append(capitals[1:], 0))
    amount, decimals, is_number = _numbers(characters, kinds, start, stop - start)

    starts_with_zero = (characters[start] == ord("0")) & (kinds[start + 1] == _DIGIT)
    next_number = np.where(is_last, 0, np.append(atomic_number[1:], 0))
    could_divide = _could_divide(
        characters, start, stop, text, atomic_number, next_number, amount, decimals, is_last
    )
    # Of two capitals side by side, where none has its small letter.
    is_pair = (kinds[capitals + 1] == _CAPITAL) & (kinds[capitals + 2] != _SMALL)
    after = np.where(is_pair, characters[capitals + 1], ord("A")) - ord("A")
    is_slip = is_pair & _IS_SLIP_OF_CASE[characters[capitals] - ord("A"), after]
    refused = (
        ~is_number
        | (atomic_number == 0)
        | (atomic_number > MAX_ATOMIC_NUMBER)
        | (amount < SMALLEST_AMOUNT)
        | starts_with_zero
        | could_divide
        | is_slip
    )

    n_texts = len(texts)
    beginnings = np.append(0, ends[:-1] + 1)
    is_plain = (kinds[beginnings] == _CAPITAL) & (ends - beginnings <= MAX_FORMULA_LENGTH)
    is_plain[text[refused]] = False
    is_plain &= np.bincount(text, weights=has_small, minlength=n_texts) > 0
    is_first = np.append(True, is_last[:-1])
    is_plain[text[is_first & is_last & (stop > start)]] = False
    for first, second in _ALLOY_STARTS:
        is_plain[text[is_first & (atomic_number == first) & (next_number == second)]] = False
    is_not_a_time = is_first & (atomic_number == _SODIUM) & (ends[text] == capitals + 3)
    is_plain[text[is_not_a_time & (characters[capitals + 2] == ord("T"))]] = False  # NaT
    kept = is_plain[text]
    return is_plain, text[kept], atomic_number[kept], amount[kept]


def _could_divide(
    characters, start, stop, text, atomic_number, next_number, amount, decimals, is_last
) -> np.ndarray:
    """Tell the full stops that may be the dot between two parts, by what `formula_stops` says.

    Each entry is a symbol whose amount runs from `start` to `stop`. The rule on what stands on the
    two sides of a stop is left to `require_clear_stops`.
    """
    has_stop = decimals > 0
    is_after_zero = (amount < 1) & (characters[start] != ord("."))
    is_before_zero = characters[stop - decimals] == ord("0")
    is_beside_zero = has_stop & (is_after_zero | is_before_zero)
    is_decimal = has_stop & (
        is_beside_zero | (decimals > 2) | is_last | ~_ENDS_A_PART[atomic_number]
    )
    is_in_decimals = np.zeros(text[-1] + 1 if len(text) else 0, dtype=bool)
    is_in_decimals[text[is_decimal]] = True
    has_whole = characters[start] != ord(".")
    # H2O, H20, D2O, T2O, HDO or HTO; the next symbol is where the amount stops.
    is_water = (next_number == _HYDROGEN) & _BEHIND_HYDROGEN_OF_WATER[characters[stop + 1]]
    is_clear = np.where(is_water, is_beside_zero, is_decimal | (is_in_decimals[text] & has_whole))
    return has_stop & ~is_last & ~is_clear


def _characters(texts: Sequence[str]) -> np.ndarray:
    """Bytes of the texts, each ended by a line feed; a question mark for what is not ASCII."""
    joined = "\n".join(texts)
    if joined.count("\n") >= len(texts):
        joined = "\n".join(text.replace("\n", "?") for text in texts)
    return np.frombuffer(f"{joined}\n?".encode("ascii", "replace"), dtype=np.uint8)


def _numbers(characters, kinds, start, length) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read the numbers of the given lengths that start at the given characters.

    Returns
    -------
    values : ndarray of float64
        1 for a number without characters.
    decimals : ndarray of int64
        Digits after the stop, -1 without a stop.
    is_number : ndarray of bool
    """
    digits = np.zeros(len(start))
    n_digits = np.zeros(len(start), dtype=np.int64)
    decimals = np.full(len(start), -1)
    is_number = length <= _MOST_DIGITS + 1
    rows = np.flatnonzero(is_number & (length > 0))
    for offset in range(_MOST_DIGITS + 1):
        if not len(rows):
            break
        at = start[rows] + offset
        is_digit = kinds[at] == _DIGIT
        is_stop = (kinds[at] == _STOP) & (decimals[rows] < 0)
        is_number[rows] &= is_digit | is_stop
        digits[rows] = np.where(
            is_digit, digits[rows] * 10 + (characters[at] - float(ord("0"))), digits[rows]
        )
        n_digits[rows] += is_digit
        decimals[rows] += is_stop | (is_digit & (decimals[rows] >= 0))
        rows = rows[length[rows] > offset + 1]
    is_number &= (n_digits <= _MOST_DIGITS) & ((n_digits > 0) | (length == 0))
    values = np.where(length == 0, 1.0, digits / _POWERS_OF_TEN[np.maximum(decimals, 0)])
    return values, decimals, is_number
