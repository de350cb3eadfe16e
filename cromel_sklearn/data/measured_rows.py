"""Rows of a table that a model can be fitted to, and the rows that are left out, with reasons."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from ..exceptions import InvalidTableError
from .composition import parse_composition
from .elements import SYMBOLS
from .measured_classes import classes_of
from .table_numbers import numbers_of
from .table_reader import TableReader
from .task_of_target import TASKS, task_of_target


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
        `place`, `formula` and `reason` of each row that cannot be used; `kind` is the reason
        without the cell, `example` the cell.
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
        As from `task_of_target` by default.
    known_elements : frozenset of int, optional
        Atomic numbers that the encoder knows; all by default.

    Returns
    -------
    MeasuredRows

    Raises
    ------
    InvalidTableError
        If a column is missing, no row can be used, the target could be numbers or classes, or one
        class is written two ways.
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
        task = task_of_target(table[target], target, decimal, places, reader.source)
    columns: dict[str, np.ndarray] = {}
    left_out: dict[int, tuple[str, str, str]] = {}
    for row, formula in enumerate(formulas):
        problem = _no_composition(formula, known_elements)
        if problem:
            left_out[row] = problem
    for name in (*feature_columns, target):
        if name == target and task == "classification":
            columns[name], problems = classes_of(table[name], name, places, reader.source)
        else:
            columns[name], problems = numbers_of(table[name], decimal)
        for one in problems:
            start = f"column {name!r}: "
            found = (start + one.reason, start + one.kind, repr(one.cell))
            left_out.setdefault(one.row, found)
    used = [row for row in range(len(formulas)) if row not in left_out]
    refused = pd.DataFrame(
        [(places[row], formulas[row], *left_out[row]) for row in sorted(left_out)],
        columns=["place", "formula", "reason", "kind", "example"],
    )
    if not used:
        shown = "; ".join(f"{row.place}: {row.reason}" for row in refused[:3].itertuples())
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
        refused,
    )


def _no_composition(formula, known_elements) -> tuple[str, str, str] | None:
    """Reason, kind and example of a row whose formula cannot be used."""
    try:
        numbers, _ = parse_composition(formula)
    except ValueError as error:
        return str(error), "a formula that cannot be read", f"{formula!r}: {error}"
    if known_elements is None or known_elements.issuperset(numbers):
        return None
    unknown = ", ".join(SYMBOLS[z - 1] for z in numbers if z not in known_elements)
    kind = f"the encoder has never seen {unknown}"
    return kind, kind, repr(formula)
