"""Compositions in every form people have them in, checked `CompositionBatch` out."""

import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from numbers import Real

import numpy as np

from ..exceptions import InvalidCompositionError, InvalidCompositionWarning
from .elements import MAX_ATOMIC_NUMBER

#: What `on_invalid` accepts.
ON_INVALID = ("raise", "nan")
_SHOWN_PROBLEMS = 10
_MISSING = ("<NA>", "NaT")
# pymatgen forgets amounts below this; we refuse them instead.
_SMALLEST_AMOUNT = 1e-8

_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_HYDRATE_DOT = re.compile(r"[·•⋅∙*]")
# CuSO4.5H2O: five waters, or 4.5 oxygens? An amount of 0 before the stop leaves the decimal only.
_AMBIGUOUS_STOP = re.compile(r"(?:[A-Za-z)\]}]|[1-9]\d*|\.\d+)\s*\.\s*\d[\d.]*\s*[HD]2O(?![\d.])")
_HYDRATE_PART = re.compile(r"\s*(\d+(?:\.\d+)?)?\s*(\S.*)")
_ALLOWED_CHARACTERS = re.compile(r"[A-Za-z0-9.()\[\]{}\s+\-]+")
_AMOUNT = re.compile(r"(?:[A-Z][a-z]?|[)\]}])\s*((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)")
_CHARGE = re.compile(r"[+-](?:\d|[A-Za-z(\[]|$)")
_POWER = re.compile(r"(?<=[\d.])e[+-]?\d+")
_EXPONENT = re.compile(r"(?<=[\d.])E(?=[+-]?\d)")


@dataclass(frozen=True)
class CompositionBatch:
    """Compositions as weighted sets of elements.

    Attributes
    ----------
    atomic_numbers : ndarray of shape (n_samples, max_elements), int64
        The elements of each composition in ascending order, then zeros as padding.
    atomic_fractions : ndarray of shape (n_samples, max_elements), float64
        Fraction of the atoms that are of that element; each row sums to 1, padding is 0.
    """

    atomic_numbers: np.ndarray
    atomic_fractions: np.ndarray

    def __len__(self) -> int:
        return len(self.atomic_numbers)

    def __getitem__(self, rows) -> "CompositionBatch":
        return CompositionBatch(self.atomic_numbers[rows], self.atomic_fractions[rows])

    def trimmed(self) -> "CompositionBatch":
        """Return the batch without the columns that are padding in every row."""
        n_elements = max(1, int((self.atomic_numbers > 0).sum(1).max(initial=1)))
        return CompositionBatch(
            self.atomic_numbers[:, :n_elements], self.atomic_fractions[:, :n_elements]
        )

    def element_fractions(self) -> np.ndarray:
        """Atomic fraction of each element, a column each: shape (n_samples, 103), float64."""
        fractions = np.zeros((len(self), MAX_ATOMIC_NUMBER + 1))
        np.put_along_axis(fractions, self.atomic_numbers, self.atomic_fractions, axis=1)
        return fractions[:, 1:]

    @classmethod
    def from_amounts(cls, amounts: Iterable[tuple[tuple[int, ...], tuple[float, ...]]]):
        """Stack (atomic numbers, atomic fractions) pairs, as `parse_composition` returns them."""
        amounts = list(amounts)
        width = max((len(numbers) for numbers, _ in amounts), default=1)
        atomic_numbers = np.zeros((len(amounts), width), dtype=np.int64)
        atomic_fractions = np.zeros((len(amounts), width))
        for row, (numbers, fractions) in enumerate(amounts):
            atomic_numbers[row, : len(numbers)] = numbers
            atomic_fractions[row, : len(numbers)] = fractions
        return cls(atomic_numbers, atomic_fractions)


def read_compositions(
    X, *, on_invalid: str = "raise", known_elements: frozenset[int] | None = None
) -> tuple[CompositionBatch, np.ndarray, np.ndarray]:
    """Read and check one column of compositions.

    Parameters
    ----------
    X : sequence, array of shape (n_samples,) or (n_samples, 1), Series, one-column DataFrame
        Formula strings, pymatgen `Composition`, `Structure` or `ComputedEntry` objects, or
        dicts {element: amount}, in any mixture.
    on_invalid : {"raise", "nan"}, default="raise"
        Raise one error that names the bad rows, or leave them out of `valid` with one warning.
    known_elements : frozenset of int, optional
        Atomic numbers that are accepted; all up to lawrencium by default.

    Returns
    -------
    batch : CompositionBatch
        The distinct valid compositions.
    inverse : ndarray of shape (n_valid,), int64
        Row of `batch` for each valid row of `X`, in order.
    valid : ndarray of shape (n_samples,), bool
        Which rows of `X` are valid.

    Raises
    ------
    InvalidCompositionError
        If a row is invalid and `on_invalid="raise"`, or `X` is not one column.

    Examples
    --------
    >>> from cromel_sklearn.data.composition import read_compositions
    >>> batch, inverse, valid = read_compositions(["Fe2O3", "O6Fe4", "NaCl"])
    >>> batch.atomic_numbers
    array([[ 8, 26],
           [11, 17]])
    >>> inverse
    array([0, 0, 1])
    """
    if on_invalid not in ON_INVALID:
        raise ValueError(f"on_invalid must be one of {ON_INVALID}, got {on_invalid!r}")
    distinct: dict[tuple, int] = {}
    inverse, problems = [], []
    rows = composition_column(X)
    valid = np.ones(len(rows), dtype=bool)
    for index, value in enumerate(rows):
        try:
            amounts = parse_composition(value)
            _require_known(amounts[0], known_elements)
        except ValueError as error:
            problems.append((index, value, str(error)))
            valid[index] = False
        else:
            inverse.append(distinct.setdefault(amounts, len(distinct)))
    if problems:
        message = _problem_report(problems, len(rows))
        if on_invalid == "raise":
            raise InvalidCompositionError(
                f'{message}\nCorrect these rows, or pass on_invalid="nan" to keep them as NaN.',
                problems,
            )
        warnings.warn(
            InvalidCompositionWarning(f"{message}\nThese rows are NaN in the output.", problems),
            stacklevel=3,
        )
    return CompositionBatch.from_amounts(distinct), np.array(inverse, dtype=np.int64), valid


def composition_column(X) -> list:
    """Return the rows of `X`, which must be one column of compositions, as a list.

    Raises
    ------
    InvalidCompositionError
        If `X` is a single composition, has several columns, or cannot be iterated.
    """
    from pymatgen.core import Composition

    if hasattr(X, "toarray"):
        raise InvalidCompositionError(
            f"Expected one column of compositions, got a sparse {type(X).__name__}. Pass formulas."
        )
    if not isinstance(X, Iterable) and hasattr(X, "__array__"):
        X = np.asarray(X)
    is_frame = hasattr(X, "to_numpy")  # whose columns are attributes too
    is_single = isinstance(X, str | bytes | Mapping | Composition)
    if is_single or (not is_frame and hasattr(X, "composition")) or not isinstance(X, Iterable):
        raise InvalidCompositionError(
            f"Expected one column of compositions (list, array, Series, one-column DataFrame), "
            f"got a single {type(X).__name__}: {X!r}. Wrap it in a list: [{X!r}]."
        )
    if hasattr(X, "to_numpy"):
        X = X.to_numpy()
    if isinstance(X, np.ndarray):
        if X.ndim == 2 and X.shape[1] == 1:
            X = X[:, 0]
        elif X.ndim != 1:
            raise InvalidCompositionError(
                f"Expected one column of compositions, got an array of shape {X.shape}. Select the "
                f"formula column, for example with a ColumnTransformer."
            )
        return X.tolist() if X.dtype.kind in "US" else list(X)
    return [_unwrap(value) for value in X]


def _unwrap(value):
    """Take the single item out of a one-column row such as ``["NaCl"]``."""
    if isinstance(value, list | tuple | np.ndarray):
        if len(value) != 1:
            raise InvalidCompositionError(
                f"Expected one column of compositions, got a row with {len(value)} items: "
                f"{value!r}. Select the formula column, for example with a ColumnTransformer."
            )
        return value[0]
    return value


def parse_composition(value) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Read one composition.

    Parameters
    ----------
    value : str, Composition, Structure, ComputedEntry or dict
        Oxidation states of `Species` are dropped; deuterium and tritium count as hydrogen.

    Returns
    -------
    atomic_numbers : tuple of int
        Ascending.
    atomic_fractions : tuple of float
        Sum to 1.

    Raises
    ------
    ValueError
        With the reason in words when `value` is not a composition.

    Examples
    --------
    >>> from cromel_sklearn.data.composition import parse_composition
    >>> parse_composition("Ba0.4K0.6Fe2As2")
    ((19, 26, 33, 56), (0.12, 0.4, 0.4, 0.08))
    """
    from pymatgen.core import Composition

    if isinstance(value, str):
        return _parse_formula(str(value))
    if isinstance(value, Composition):
        return _normalise(value)
    if isinstance(value, Mapping):
        return _parse_mapping(value)
    if isinstance(getattr(value, "composition", None), Composition):
        return _normalise(value.composition)
    if value is None or (isinstance(value, Real) and value != value) or str(value) in _MISSING:
        raise ValueError("missing value; expected a formula")
    raise ValueError(
        f"a {type(value).__name__} is not a composition; expected a formula string, a pymatgen "
        f"Composition, Structure or ComputedEntry, or a dict {{element: amount}}"
    )


def reduced_formulas(X) -> list[str]:
    """Reduced formula of each row, the group label of the leak-free cross-validation.

    Parameters
    ----------
    X : as in `read_compositions`

    Returns
    -------
    list of str

    Raises
    ------
    InvalidCompositionError
        If a row is invalid.

    Examples
    --------
    >>> from cromel_sklearn.data.composition import reduced_formulas
    >>> reduced_formulas(["Fe4O6", "O3Fe2"])
    ['Fe2O3', 'Fe2O3']
    """
    from pymatgen.core import Composition, Element

    batch, inverse, _ = read_compositions(X)
    distinct = []
    with warnings.catch_warnings():
        # pymatgen orders elements by electronegativity and warns of those that have none.
        warnings.simplefilter("ignore", UserWarning)
        for numbers, fractions in zip(batch.atomic_numbers, batch.atomic_fractions, strict=True):
            amounts = {Element.from_Z(z): x for z, x in zip(numbers, fractions, strict=True) if z}
            distinct.append(Composition(amounts).get_integer_formula_and_factor(1_000_000)[0])
    return [distinct[row] for row in inverse]


@lru_cache(maxsize=65536)
def _parse_formula(formula: str):
    from pymatgen.core import Composition

    text = _expand_hydrate(formula.strip().translate(_SUBSCRIPTS))
    text = _EXPONENT.sub("e", text)
    if not text:
        raise ValueError("empty formula")
    if not _ALLOWED_CHARACTERS.fullmatch(text):
        strange = sorted(set(_ALLOWED_CHARACTERS.sub("", text)))
        raise ValueError(f"unexpected character {' '.join(map(repr, strange))}")
    if _AMBIGUOUS_STOP.search(text):
        raise ValueError(
            "a full stop before water is a decimal point or the dot of a hydrate; write "
            "'CuSO4·5H2O' for a hydrate, 'CuSO4.5(H2O)' for a decimal amount"
        )
    if any(float(amount) < _SMALLEST_AMOUNT for amount in _AMOUNT.findall(text)):
        raise ValueError(f"zero amount; amounts must be at least {_SMALLEST_AMOUNT:g}")
    try:
        composition = Composition(text)
    except (ValueError, KeyError) as error:
        if _CHARGE.search(_POWER.sub("", text)):
            raise ValueError(
                "charges, ranges and negative amounts are not read from formula strings; write "
                "'Fe2O3', or pass a pymatgen Composition of Species"
            ) from error
        raise ValueError(str(error).rstrip("!")) from error
    return _normalise(composition)


def _expand_hydrate(text: str) -> str:
    """Write ``CuSO4·5H2O`` as ``(CuSO4)(H2O)5``."""
    parts = _HYDRATE_DOT.split(text)
    if len(parts) == 1:
        return text
    matches = [_HYDRATE_PART.fullmatch(part) for part in parts]
    if not all(matches):
        raise ValueError("nothing before or after the dot of a hydrate")
    return "".join(f"({match[2]}){match[1] or ''}" for match in matches if match)


def _parse_mapping(value: Mapping):
    from pymatgen.core import Composition

    for element, amount in value.items():
        if not isinstance(amount, Real) or not _SMALLEST_AMOUNT <= float(amount) < np.inf:
            raise ValueError(f"amount of {element} is {amount!r}; amounts must be positive numbers")
    try:
        return _normalise(Composition(dict(value)))
    except (KeyError, TypeError) as error:
        raise ValueError(str(error)) from error


def _normalise(composition):
    from pymatgen.core import DummySpecies

    amounts: dict[int, float] = {}
    for element, amount in composition.items():
        if isinstance(element, DummySpecies):
            raise ValueError(f"{element.symbol} is a placeholder, not an element")
        if not np.isfinite(amount) or amount < _SMALLEST_AMOUNT:
            raise ValueError(f"amount of {element} is {amount!r}; amounts must be positive numbers")
        if element.Z > MAX_ATOMIC_NUMBER:
            raise ValueError(f"{element} is beyond lawrencium (Z = {MAX_ATOMIC_NUMBER})")
        amounts[element.Z] = amounts.get(element.Z, 0.0) + float(amount)
    if not amounts:
        raise ValueError("empty composition")
    return normalise_amounts(amounts)


def normalise_amounts(amounts: dict[int, float]) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Turn positive amounts by atomic number into the pair that `parse_composition` returns."""
    atomic_numbers = tuple(sorted(amounts))
    total = sum(amounts[z] for z in atomic_numbers)
    if not total < np.inf or any(amounts[z] / total < 1e-12 for z in atomic_numbers):
        raise ValueError("amounts span more than twelve orders of magnitude")
    # Twelve digits: the same tuple for Fe2O3 and Fe4O6, far below what an encoder resolves.
    return atomic_numbers, tuple(round(amounts[z] / total, 12) for z in atomic_numbers)


def _require_known(atomic_numbers, known_elements) -> None:
    if known_elements is None or known_elements.issuperset(atomic_numbers):
        return
    from pymatgen.core import Element

    unknown = ", ".join(Element.from_Z(z).symbol for z in atomic_numbers if z not in known_elements)
    raise ValueError(f"the encoder has never seen {unknown}")


def _problem_report(problems, n_rows: int) -> str:
    if len(problems) == 1:
        index, value, reason = problems[0]
        return f"Could not read composition {_short(value)} at index {index}: {reason}."
    lines = [
        f"index {index}: {_short(value)}: {reason}"
        for index, value, reason in problems[:_SHOWN_PROBLEMS]
    ]
    if len(problems) > _SHOWN_PROBLEMS:
        lines.append(f"and {len(problems) - _SHOWN_PROBLEMS} more")
    return f"Could not read {len(problems)} of {n_rows} compositions:\n  " + "\n  ".join(lines)


def _short(value) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
