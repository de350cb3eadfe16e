"""Blocks of rows of one size: what a network says of a row does not depend on those beside it.

Matrices of another shape are multiplied in another order, and functions of vectors of another
length are computed in another way.
"""

from collections.abc import Callable

import numpy as np


def filled_up(n_rows: int, *inputs: np.ndarray) -> list[np.ndarray]:
    """Repeat the first row at the end of a block that has fewer rows than others.

    Parameters
    ----------
    n_rows : int
        That every block has.
    *inputs : ndarray of the same 1 to `n_rows` rows, of two axes

    Returns
    -------
    list of ndarray of `n_rows` rows
    """
    n_missing = n_rows - len(inputs[0])
    if not n_missing:
        return list(inputs)
    return [np.vstack([part, np.repeat(part[:1], n_missing, axis=0)]) for part in inputs]


def in_filled_blocks(
    compute: Callable[..., np.ndarray], n_rows: int, *inputs: np.ndarray
) -> np.ndarray:
    """Compute rows block by block, the last of which is filled up.

    Parameters
    ----------
    compute : callable
        Takes `n_rows` rows of each input, and gives as many.
    n_rows : int
        Of every block.
    *inputs : ndarray of the same number of rows, 1 or more, of two axes

    Returns
    -------
    ndarray of as many rows as the inputs
    """
    found = []
    for start in range(0, len(inputs[0]), n_rows):
        block = [part[start : start + n_rows] for part in inputs]
        found.append(compute(*filled_up(n_rows, *block))[: len(block[0])])
    return np.concatenate(found)
