"""Compositions of a table: a column in any form in, the distinct ones out as one batch."""

import warnings

import numpy as np

from ..exceptions import InvalidCompositionError, InvalidCompositionWarning
from .composition_batch import CompositionBatch, DistinctCompositions
from .composition_column import composition_column, element_amounts_of, shown
from .elements import MAX_ATOMIC_NUMBER, SYMBOLS
from .formula_reader import ElementAmounts
from .reduced_formula import reduced_formulas_of

#: What `on_invalid` accepts.
ON_INVALID = ("raise", "nan")
_SHOWN_PROBLEMS = 10
_ROWS_AT_ONCE = 8192
_SPAN = "amounts span more than twelve orders of magnitude"


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
    batch, inverse, valid, problems = find_compositions(X, known_elements)
    if problems:
        message = _problem_report(problems, len(valid))
        if on_invalid == "raise":
            raise InvalidCompositionError(
                f'{message}\nCorrect these rows, or pass on_invalid="nan" to keep them as NaN.',
                problems,
            )
        warnings.warn(
            InvalidCompositionWarning(f"{message}\nThese rows are NaN in the output.", problems),
            stacklevel=3,
        )
    return batch, inverse, valid


def find_compositions(
    X, known_elements: frozenset[int] | None = None
) -> tuple[CompositionBatch, np.ndarray, np.ndarray, list[tuple]]:
    """Read one column of compositions; what cannot be read is returned, not raised.

    Parameters
    ----------
    X, known_elements : as in `read_compositions`

    Returns
    -------
    batch, inverse, valid : as `read_compositions` returns them
    problems : list of (index, value, reason)
        The rows that are not valid, in order.

    Examples
    --------
    >>> from cromel_sklearn.data.composition import find_compositions
    >>> find_compositions(["NaCl", "M2O3"])[3]
    [(1, 'M2O3', 'M is a placeholder, not an element')]
    """
    rows = composition_column(X)
    distinct = DistinctCompositions()
    row_in_batch = np.full(len(rows), -1, dtype=np.int64)
    problems: list[tuple] = []
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        some = rows[start : start + _ROWS_AT_ONCE]
        in_batch, refused = _read_rows(some, known_elements, distinct)
        row_in_batch[start : start + len(some)] = in_batch
        problems += [(start + index, some[index], reason) for index, reason in refused]
    valid = row_in_batch >= 0
    return distinct.batch(), row_in_batch[valid], valid, problems


def _read_rows(rows: list, known_elements, distinct: DistinctCompositions):
    """Return the row of `distinct` for each row, -1 for a refused one, and (index, reason)s."""
    amounts, composition = element_amounts_of(rows)
    n_compositions = int(composition.max(initial=-1)) + 1
    refused = dict(amounts.refused)
    if known_elements is not None:
        amounts = _leave_out_unknown(amounts, known_elements, refused)
    in_batch = distinct.add(amounts, n_compositions)
    for number in np.flatnonzero(in_batch < 0).tolist():
        refused.setdefault(number, _SPAN)
    in_batch = in_batch[composition]
    bad = np.flatnonzero(in_batch < 0).tolist()
    return in_batch, [
        (index, refused[number])
        for index, number in zip(bad, composition[bad].tolist(), strict=True)
    ]


def _leave_out_unknown(amounts: ElementAmounts, known_elements, refused: dict) -> ElementAmounts:
    is_known = np.zeros(MAX_ATOMIC_NUMBER + 1, dtype=bool)
    is_known[[z for z in known_elements if z <= MAX_ATOMIC_NUMBER]] = True
    unknown = ~is_known[amounts.atomic_number]
    if not unknown.any():
        return amounts
    elements: dict[int, set[int]] = {}
    for number, z in zip(
        amounts.composition[unknown].tolist(), amounts.atomic_number[unknown].tolist(), strict=True
    ):
        elements.setdefault(number, set()).add(z)
    for number, unseen in elements.items():
        names = ", ".join(SYMBOLS[z - 1] for z in sorted(unseen))
        refused[number] = f"the encoder has never seen {names}"
    kept = ~np.isin(amounts.composition, list(elements))
    return ElementAmounts(
        amounts.composition[kept], amounts.atomic_number[kept], amounts.amount[kept]
    )


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
    distinct = DistinctCompositions()
    _, refused = _read_rows([value], None, distinct)
    for _, reason in refused:
        raise ValueError(reason)
    batch = distinct.batch()
    return tuple(batch.atomic_numbers[0].tolist()), tuple(batch.atomic_fractions[0].tolist())


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
    batch, inverse, _ = read_compositions(X)
    distinct = reduced_formulas_of(batch)
    return [distinct[row] for row in inverse.tolist()]


def chemical_systems(X) -> list[str]:
    """Chemical system of each row: its elements in alphabetical order.

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
    >>> from cromel_sklearn.data.composition import chemical_systems
    >>> chemical_systems(["LiFePO4", "NaCl"])
    ['Fe-Li-O-P', 'Cl-Na']
    """
    batch, inverse, _ = read_compositions(X)
    distinct = [
        "-".join(sorted(SYMBOLS[z - 1] for z in numbers if z))
        for numbers in batch.atomic_numbers.tolist()
    ]
    return [distinct[row] for row in inverse.tolist()]


def _problem_report(problems, n_rows: int) -> str:
    if len(problems) == 1:
        index, value, reason = problems[0]
        return f"Could not read composition {shown(value)} at index {index}: {reason}{_end(reason)}"
    lines = [
        f"index {index}: {shown(value)}: {reason}"
        for index, value, reason in problems[:_SHOWN_PROBLEMS]
    ]
    if len(problems) > _SHOWN_PROBLEMS:
        lines.append(f"and {len(problems) - _SHOWN_PROBLEMS} more")
    return f"Could not read {len(problems)} of {n_rows} compositions:\n  " + "\n  ".join(lines)


def _end(reason: str) -> str:
    return "" if reason.endswith("?") else "."
