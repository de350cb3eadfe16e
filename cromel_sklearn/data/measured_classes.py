"""Classes of the rows of a table: no spaces around them, and no class that is written two ways."""

import numpy as np
import pyarrow as pa

from ..exceptions import InvalidTableError
from .table_numbers import MISSING, NO_VALUE, NoNumber


def classes_of(
    column: pa.Array, target: str, places: list[str], source: str
) -> tuple[np.ndarray, list[NoNumber]]:
    """Read a column as classes.

    Parameters
    ----------
    column : pyarrow.Array of n_rows values
        Texts, whole numbers or booleans.
    target : str
        Name of the column, for messages, as the other two.
    places : list of str of length n_rows
    source : str

    Returns
    -------
    classes : ndarray of shape (n_rows,), object
    problems : list of NoNumber
        Cells without a class.

    Raises
    ------
    InvalidTableError
        If two classes differ by case alone, or are one number (1 and 1.0); names both.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from cromel_sklearn.data.measured_classes import classes_of
    >>> classes_of(pa.array(["metal ", "metal"]), "kind", ["line 2", "line 3"], "kinds.csv")[0]
    array(['metal', 'metal'], dtype=object)
    """
    classes = np.array(
        [cell.strip() if isinstance(cell, str) else cell for cell in column.to_pylist()],
        dtype=object,
    )
    problems = []
    first: dict[str, int] = {}
    for row, one in enumerate(classes):
        if one is None or str(one) in MISSING:
            problems.append(NoNumber(row, one, NO_VALUE))
            continue
        same = first.setdefault(_key(str(one)), row)
        if classes[same] != one:
            raise InvalidTableError(
                f"Column {target!r} of {source} has {classes[same]!r} at {places[same]} and "
                f"{one!r} at {places[row]}, one class in two ways; write it in one."
            )
    return classes, problems


def _key(text: str) -> str:
    try:
        return str(float(text))
    except ValueError:
        return text.casefold()
