"""Whether a column of a table is measured numbers or classes; what could be both is refused."""

import numpy as np
import pyarrow as pa

from ..exceptions import InvalidTableError
from .table_numbers import NO_NUMBER, NO_VALUE, NoNumber, numbers_of

#: What a target can be.
TASKS = ("regression", "classification")
# Share of the cells that may be another thing than the rest.
_STRAY = 0.2


def task_of_target(
    column: pa.Array, target: str, decimal: str, places: list[str], source: str
) -> str:
    """Tell numbers from classes.

    Parameters
    ----------
    column : pyarrow.Array of n_rows values
    target : str
        Name of the column, for messages, as the other two.
    decimal : {".", ","}
    places : list of str of length n_rows
    source : str

    Returns
    -------
    {"regression", "classification"}
        Classification of words, and of nothing but 0 and 1; up to a fifth of the cells of a column
        of numbers can be something else.

    Raises
    ------
    InvalidTableError
        If there are numbers and words, or numbers that only a reader knows (12 %); names the first.
    """
    values, problems = numbers_of(column, decimal)
    others = [problem for problem in problems if problem.kind != NO_VALUE]
    words = [problem for problem in others if problem.kind == NO_NUMBER]
    disguised = [problem for problem in others if problem.kind != NO_NUMBER]
    measured = np.flatnonzero(np.isfinite(values))
    n_few = _STRAY * (len(measured) + len(others))
    is_flag = len(measured) > 0 and set(np.unique(values[measured])) <= {0.0, 1.0}
    if is_flag and not others:
        return "classification"
    if not is_flag and len(measured) and len(others) <= n_few:
        return "regression"
    if not len(measured) and (not others or len(disguised) <= n_few):
        return "classification" if others else "regression"
    start = f"Column {target!r} of {source} has"
    if len(disguised) > n_few or not words:
        raise InvalidTableError(
            f"{start} {_at(disguised[0], places)}, {disguised[0].kind}: {disguised[0].advice}. "
            f"Or say that these are classes (--task classification)."
        )
    number = f"{column[measured[0].item()].as_py()!r} at {places[measured[0]]}"
    raise InvalidTableError(
        f"{start} numbers, such as {number}, and words, such as {_at(words[0], places)}. Empty the "
        f"cells that do not belong there, or name another column; or say what it holds: --task "
        f"regression leaves out the rows without a number, --task classification takes each "
        f"number for a class."
    )


def _at(problem: NoNumber, places: list[str]) -> str:
    return f"{problem.cell!r} at {places[problem.row]}"
