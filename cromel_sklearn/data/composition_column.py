"""The rows of a table of compositions: formulas, dicts and pymatgen objects, in any mixture."""

import math
import re
import sys
from collections.abc import Iterable, Iterator, KeysView, Mapping, Set
from numbers import Real
from typing import Any

import numpy as np

from ..exceptions import InvalidCompositionError
from .elements import MAX_ATOMIC_NUMBER
from .formula import SMALLEST_AMOUNT, atomic_number_of
from .formula_reader import ElementAmounts, element_amounts, read_formulas

_SELECT = "Select the formula column, for example with a ColumnTransformer"
_MISSING_TYPES = ("NAType", "NaTType", "NoneType")
_SHOWN_CHARACTERS = 60
_SHOWN_ITEMS = 20
# A symbol with an oxidation state, a spin or nothing, as pymatgen writes its species.
_SPECIES = re.compile(r"([A-Z][a-z]*)(?:[0-9.]*[+-]+[0-9.]*)?(?:,.*)?")


def composition_column(X: Any) -> list:
    """Return the rows of `X`, which must be one column of compositions, as a list.

    Raises
    ------
    InvalidCompositionError
        If `X` is a single composition, has several columns, or cannot be iterated.
    """
    if hasattr(X, "toarray"):
        raise InvalidCompositionError(
            f"Expected one column of compositions, got a sparse {type(X).__name__}. Pass formulas."
        )
    if not isinstance(X, Iterable) and hasattr(X, "__array__"):
        X = np.asarray(X)
    is_frame = hasattr(X, "to_numpy")  # a table's columns are attributes too
    is_single = isinstance(X, str | bytes | Mapping)
    if is_single or (not is_frame and hasattr(X, "composition")) or not isinstance(X, Iterable):
        raise InvalidCompositionError(
            f"Expected one column of compositions (list, array, Series, one-column DataFrame), "
            f"got a single {type(X).__name__}: {shown(X)}. Wrap it in a list: [{shown(X)}]."
        )
    if isinstance(X, Set) and not isinstance(X, KeysView):
        raise InvalidCompositionError(
            f"Expected one column of compositions, got a {type(X).__name__}, whose order is none: "
            f"rows would not keep to their targets. Pass a list."
        )
    if isinstance(X, Iterator):
        raise InvalidCompositionError(
            f"Expected one column of compositions, got a {type(X).__name__}, which can be read "
            f"only once: `transform` after `fit` would find no rows. Pass a list."
        )
    if hasattr(X, "to_numpy"):
        X = X.to_numpy()
    if isinstance(X, np.ndarray):
        if X.ndim == 2 and X.shape[1] == 1:
            X = X[:, 0]
        elif X.ndim != 1:
            raise InvalidCompositionError(
                f"Expected one column of compositions, got an array of shape {X.shape}. {_SELECT}."
            )
        X = X.tolist() if X.dtype.kind in "US" else X
    rows = list(X)
    return rows if _all_strings(rows) else [_unwrap(value) for value in rows]


def _all_strings(rows: list) -> bool:
    return set(map(type, rows)) <= {str}


def _unwrap(value):
    """Take the single item out of a one-column row such as ``["NaCl"]``."""
    if issubclass(type(value), np.ndarray):
        return value.item() if value.size == 1 else value
    return value[0] if type(value) in (list, tuple) and len(value) == 1 else value


def element_amounts_of(rows: list) -> tuple[ElementAmounts, np.ndarray]:
    """Read rows, each distinct formula once.

    Parameters
    ----------
    rows : list
        As `composition_column` returns it.

    Returns
    -------
    amounts : ElementAmounts
    composition : ndarray of shape (n_rows,), int64
        Which composition of `amounts` each row is.

    Examples
    --------
    >>> from cromel_sklearn.data.composition_column import element_amounts_of
    >>> amounts, composition = element_amounts_of(["NaCl", {"Fe": 2, "O": 3}, "NaCl"])
    >>> amounts.atomic_number
    array([11, 17, 26,  8])
    >>> composition
    array([0, 1, 0])
    """
    texts: dict[str, int] = {}
    if _all_strings(rows):
        texts = {text: number for number, text in enumerate(dict.fromkeys(rows))}
        composition = np.fromiter(map(texts.__getitem__, rows), np.int64, count=len(rows))
        return read_formulas(list(texts)), composition
    objects: dict[int, dict[int, float]] = {}
    refused: dict[int, str] = {}
    composition = np.zeros(len(rows), dtype=np.int64)
    for row, value in enumerate(rows):
        number = len(texts) + len(objects) + len(refused)
        if issubclass(type(value), str):
            number = texts.setdefault(str.__str__(value), number)
        else:
            try:
                objects[number] = _amounts_of_object(value)
            except ValueError as error:
                refused[number] = str(error)
            except Exception as error:  # a method of someone else's class
                refused[number] = f"{_name(value)} that raises {type(error).__name__} when read"
        composition[row] = number
    formulas, others = read_formulas(list(texts)), element_amounts(objects)
    number_of_text = np.fromiter(texts.values(), np.int64, count=len(texts))
    amounts = ElementAmounts(
        np.concatenate([number_of_text[formulas.composition], others.composition]),
        np.concatenate([formulas.atomic_number, others.atomic_number]),
        np.concatenate([formulas.amount, others.amount]),
        refused | {int(number_of_text[n]): reason for n, reason in formulas.refused.items()},
    )
    return amounts, composition


def _amounts_of_object(value) -> dict[int, float]:
    """Amount of each element of a row that is no string."""
    if type(value).__name__ in _MISSING_TYPES or _is_not_a_number(value):
        raise ValueError("missing value; expected a formula")
    if isinstance(value, list | tuple | np.ndarray):
        n_items = value.size if isinstance(value, np.ndarray) else len(value)
        raise ValueError(f"got a row with {n_items} items; expected one column. {_SELECT}")
    composition = value if isinstance(value, Mapping) else getattr(value, "composition", None)
    if isinstance(composition, Mapping) and (composition is value or _is_of_pymatgen(composition)):
        return _amounts_of_mapping(composition)
    raise ValueError(
        f"{_name(value)} is not a composition; expected a formula string, a pymatgen "
        f"Composition, Structure or ComputedEntry, or a dict {{element: amount}}"
    )


def _is_not_a_number(value) -> bool:
    return isinstance(value, Real | np.datetime64 | np.timedelta64) and bool(value != value)


def _is_of_pymatgen(value) -> bool:
    """Whether it is a pymatgen `Composition`; nobody has one before pymatgen is imported."""
    module = sys.modules.get("pymatgen.core.composition")
    return module is not None and isinstance(value, module.Composition)


def _amounts_of_mapping(value: Mapping) -> dict[int, float]:
    amounts: dict[int, float] = {}
    for element, amount in value.items():
        number, name = _element(element)
        as_float = _as_float(amount)
        if not SMALLEST_AMOUNT <= as_float < math.inf:
            raise ValueError(
                f"amount of {name} is {shown(amount)}; amounts must be positive numbers"
            )
        amounts[number] = amounts.get(number, 0.0) + as_float
    if not amounts:
        raise ValueError("empty composition")
    return amounts


def _element(key) -> tuple[int, str]:
    """Atomic number and name of a key: symbol, species, atomic number or pymatgen object."""
    symbol = getattr(key, "symbol", key)  # an Element, Species or DummySpecies
    if isinstance(key, str) and key.isascii() and key.isdigit():
        key = int(key[:9])
    elif isinstance(symbol, str):
        match = _SPECIES.fullmatch(symbol)
        if match is None:
            raise ValueError(f"{shown(symbol)} is not an element")
        return atomic_number_of(match[1]), symbol[:_SHOWN_CHARACTERS]
    number = _as_float(key)
    if 1 <= number <= MAX_ATOMIC_NUMBER and number.is_integer():
        return int(number), str(int(number))
    raise ValueError(f"{shown(key)} is not an element")


def _as_float(amount) -> float:
    """Return a number as float, infinity for one that is too large, NaN for what is no number."""
    try:
        return float(amount) if isinstance(amount, Real) else math.nan
    except OverflowError:
        return math.inf


def _name(value) -> str:
    return f"a {type(value).__name__}"


def shown(value) -> str:
    """Return a short representation for messages, whatever the value is.

    Examples
    --------
    >>> from cromel_sklearn.data.composition_column import shown
    >>> shown("Fe2O3" * 100)
    "'Fe2O3Fe2O3Fe2O3Fe2O3Fe2O3Fe2O3Fe2O3Fe2O3Fe2O3Fe2O3Fe2O3F..."
    """
    try:
        if issubclass(type(value), str):
            text = repr(str.__str__(value)[: _SHOWN_CHARACTERS + 1])
        elif isinstance(value, Mapping) and len(value) > _SHOWN_ITEMS:
            text = f"{_name(value)} of {len(value)} items"
        else:
            text = " ".join(repr(value).split())
    except Exception:  # a method of someone else's class
        text = f"{_name(value)} without a representation"
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 3]}..."
