"""Rows of a table that a model can be fitted to, and the rows that are left out, with reasons."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from ..exceptions import InvalidTableError
from .composition import parse_composition
from .disguised_numbers import disguise_of
from .elements import SYMBOLS
from .table_numbers import numbers_of
from .table_reader import TableReader

#: What a target can be.
TASKS = ("regression", "classification")
_NO_CLASS = frozenset(["", "nan", "NaN", "NAN", "NA", "N/A", "n/a", "#N/A", "<NA>", "null", "NULL"])


@dataclass(frozen=True)
class MeasuredRows:
    """Compositions with measured values.

    Attributes
    ----------
    frame : DataFrame of n_rows rows
        The column of formulas, numeric columns, and the target.
    formula_column, target : str
    feature_columns : list of str
    task : {"regression", "classification"}
    places : list of str
        Where each row is in the file, such as ``line 17``.
    left_out : DataFrame
        `place`, `formula` and `reason` of each row that cannot be used.
    """

    frame: pd.DataFrame
    formula_column: str
    target: str
    feature_columns: list[str]
    task: str
    places: list[str]
    left_out: pd.DataFrame

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def X(self) -> pd.DataFrame:  # noqa: N802
        """What a model is fitted to, without the target."""
        return self.frame[[self.formula_column, *self.feature_columns]]

    @property
    def y(self) -> pd.Series:
        """What a model is fitted to."""
        return self.frame[self.target]


def read_measured_rows(
    reader: TableReader, formula_column: str, target: str, feature_columns=(), *, task=None,
    known_elements=None,
) -> MeasuredRows:  # fmt: skip
    """Read a table of measurements.

    Parameters
    ----------
    reader : TableReader
    formula_column, target : str
    feature_columns : sequence of str
        Numeric columns beside the formulas.
    task : {"regression", "classification"}, optional
        By default classification where the target has words, or nothing but 0 and 1.
    known_elements : frozenset of int, optional
        Atomic numbers that the encoder knows; all by default.

    Returns
    -------
    MeasuredRows

    Raises
    ------
    InvalidTableError
        If a column is missing, or no row can be used.
    """
    feature_columns = list(feature_columns)
    if task is not None and task not in TASKS:
        raise InvalidTableError(f"The task is one of {TASKS}, got {task!r}.")
    for name in (target, *feature_columns):
        if name not in reader.schema.names:
            raise InvalidTableError(
                f"{reader.source} has no column {name!r}; it has "
                f"{', '.join(map(repr, reader.schema.names))}."
            )
    if len({formula_column, target, *feature_columns}) < 2 + len(feature_columns):
        raise InvalidTableError(
            f"Formulas {formula_column!r}, target {target!r} and features {feature_columns!r} must "
            f"be different columns."
        )
    chunks = list(reader.chunks())
    places = [chunk.place_of(row) for chunk in chunks for row in range(len(chunk))]
    table = pa.Table.from_batches([chunk.batch for chunk in chunks], reader.schema)
    formulas = table[formula_column].to_pylist()
    decimal = reader.form.decimal
    if task is None:
        task = _task_of(table[target], decimal)
        if task == "classification":
            _require_words(table[target], target, places, reader.source)
    columns: dict[str, np.ndarray] = {}
    reasons: dict[int, str] = {}
    for row, formula in enumerate(formulas):
        reason = _reason(formula, known_elements)
        if reason:
            reasons[row] = reason
    for name in feature_columns:
        columns[name], problems = numbers_of(table[name], decimal)
        for row, reason in problems:
            reasons.setdefault(row, f"column {name!r}: {reason}")
    if task == "regression":
        columns[target], problems = numbers_of(table[target], decimal)
    else:
        classes = table[target].to_pylist()
        columns[target] = np.array(classes, dtype=object)
        problems = [
            (row, "no value")
            for row, one in enumerate(classes)
            if one is None or str(one) in _NO_CLASS
        ]
    for row, reason in problems:
        reasons.setdefault(row, f"column {target!r}: {reason}")
    used = [row for row in range(len(formulas)) if row not in reasons]
    left_out = pd.DataFrame(
        [(places[row], formulas[row], reasons[row]) for row in sorted(reasons)],
        columns=["place", "formula", "reason"],
    )
    if not used:
        shown = "; ".join(f"{row.place}: {row.reason}" for row in left_out[:3].itertuples())
        raise InvalidTableError(f"No row of {reader.source} can be used: {shown or 'it is empty'}.")
    frame = pd.DataFrame({formula_column: [formulas[row] for row in used]})
    for name in (*feature_columns, target):
        frame[name] = columns[name][used]
    if task == "classification":
        frame[target] = frame[target].infer_objects()
    return MeasuredRows(
        frame,
        formula_column,
        target,
        feature_columns,
        task,
        [places[row] for row in used],
        left_out,
    )


def _reason(formula, known_elements) -> str | None:
    try:
        numbers, _ = parse_composition(formula)
    except ValueError as error:
        return str(error)
    if known_elements is None or known_elements.issuperset(numbers):
        return None
    unknown = [SYMBOLS[z - 1] for z in numbers if z not in known_elements]
    return f"the encoder has never seen {', '.join(unknown)}"


def _require_words(column, target: str, places: list[str], source: str) -> None:
    """Refuse classes most of which are numbers that only a reader knows."""
    cells = {row: cell for row, cell in enumerate(column.to_pylist()) if cell not in (None, "")}
    disguised = [(row, disguise_of(cell)) for row, cell in cells.items()]
    disguised = [(row, disguise) for row, disguise in disguised if disguise]
    if 2 * len(disguised) <= len(cells):
        return
    row, disguise = disguised[0]
    raise InvalidTableError(
        f"Column {target!r} of {source} has {cells[row]!r}, {disguise}, at {places[row]}. Write "
        f"plain numbers, with the unit in the name of the column; or say that these are classes "
        f"(--task classification)."
    )


def _task_of(column, decimal: str) -> str:
    values, problems = numbers_of(column, decimal)
    missing = sum(reason == "no value" for _, reason in problems)
    n_words = len(problems) - missing
    if n_words > 0.5 * max(1, len(values) - missing):
        return "classification"
    measured = values[np.isfinite(values)]
    is_flag = len(measured) > 0 and set(np.unique(measured)) <= {0.0, 1.0}
    return "classification" if is_flag else "regression"
