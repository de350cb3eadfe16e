"""Which column of a table holds the formulas."""

import pyarrow as pa

from ..exceptions import InvalidTableError
from .composition import find_compositions

_NAMES = ("formula", "composition", "chemical_formula", "formula_pretty", "compound", "material")


def find_formula_column(head: pa.RecordBatch, wanted: str | None, source: str) -> str:
    """Find the column of formulas.

    Parameters
    ----------
    head : pyarrow.RecordBatch
        The first rows of the table.
    wanted : str or None
        Its name, where it is known. Otherwise a column that is called "formula", "composition" or
        the like, or the only column whose cells are formulas.
    source : str
        Name of the table, for messages.

    Returns
    -------
    str

    Raises
    ------
    InvalidTableError
        If there is no such column, or it cannot be told.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from cromel_sklearn.data.formula_column import find_formula_column
    >>> head = pa.record_batch({"sample": ["A-17", "A-18"], "Compound": ["NaCl", "MgO"]})
    >>> find_formula_column(head, None, "measured.csv")
    'Compound'
    """
    names = head.schema.names
    listed = ", ".join(map(repr, names))
    if wanted is not None:
        if wanted in names:
            return wanted
        readable = [name for name in names if _holds_formulas(head[name])]
        hint = f"{readable[0]!r} holds formulas" if readable else "name the column of formulas"
        raise InvalidTableError(
            f"{source} has no column {wanted!r}; it has {listed}. With --formula-column, {hint}."
        )
    for known in _NAMES:
        for name in names:
            if name.strip().lower().replace(" ", "_") == known:
                return name
    readable = [name for name in names if _holds_formulas(head[name])]
    if len(readable) == 1:
        return readable[0]
    what = f"{len(readable)} columns could be" if readable else "no column seems to be"
    raise InvalidTableError(
        f"Which column of {source} holds the formulas? {what.capitalize()} it; the columns are "
        f"{listed}. Name it with --formula-column"
        + (", or remove the line above the names of the columns." if names[0][:1] == "#" else ".")
    )


def _holds_formulas(column: pa.Array) -> bool:
    """Whether nearly all cells of a column are formulas (no names, identifiers or numbers)."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return False
    cells = [cell for cell in column.to_pylist() if cell]
    return len(cells) > 0 and find_compositions(cells)[2].mean() >= 0.8
