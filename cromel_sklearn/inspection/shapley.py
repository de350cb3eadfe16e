"""Shares of elements and numeric columns in a prediction, by Shapley values."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..data.composition import read_compositions
from .measured_table import formula_texts, number_columns
from .optional_packages import require_package

#: Coalitions are all tried up to so many players, and sampled beyond.
MOST_EXACT_PLAYERS = 10
_SMALLEST_SHARE = 1e-6


@dataclass(frozen=True, eq=False)
class MixableRows:
    """Rows that can be mixed: fractions of elements, and numbers beside them.

    Attributes
    ----------
    fractions : ndarray of shape (n_samples, 103), float64
    numbers : ndarray of shape (n_samples, n_feature_columns), float64
    names : list of n_feature_columns str
    formula_column : str or None
        None where the rows are formulas alone.
    """

    fractions: np.ndarray
    numbers: np.ndarray
    names: list
    formula_column: Any = None

    def __len__(self) -> int:
        return len(self.fractions)

    def __getitem__(self, rows) -> "MixableRows":
        return MixableRows(
            self.fractions[rows], self.numbers[rows], self.names, self.formula_column
        )

    def as_input(self):
        """Write the rows as a model takes them: a list of formulas, or a DataFrame."""
        from pymatgen.core import Element

        symbols = [Element.from_Z(z).symbol for z in range(1, self.fractions.shape[1] + 1)]
        formulas = [
            "".join(f"{symbols[z]}{row[z]:.8g}" for z in np.flatnonzero(row > _SMALLEST_SHARE))
            for row in self.fractions
        ]
        if self.formula_column is None:
            return formulas
        frame = pd.DataFrame(self.numbers, columns=self.names)
        frame.insert(0, self.formula_column, formulas)
        return frame


def read_mixable_rows(table, formula_column=None, feature_columns=None) -> MixableRows:
    """Read rows of formulas, or of formulas and numeric columns.

    Parameters
    ----------
    table : column of compositions, or DataFrame with one
        Of n_samples rows.
    formula_column : str, optional
    feature_columns : list of str, optional
        All numeric columns by default.

    Returns
    -------
    MixableRows
    """
    table = [table] if isinstance(table, str) else table
    if isinstance(table, pd.Series) and formula_column in table.index:
        table = table.to_frame().T.infer_objects()  # a row of a DataFrame
    column, _ = formula_texts(table, formula_column)
    batch, inverse, _ = read_compositions(column)
    fractions = batch.element_fractions()[inverse]
    if not isinstance(table, pd.DataFrame):
        return MixableRows(fractions, np.empty((len(fractions), 0)), [])
    names = number_columns(table, column.name, feature_columns)
    numbers = table[names].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    return MixableRows(fractions, numbers, names, column.name)


def shapley_values(predict, row: MixableRows, background: MixableRows, seed: int):
    """Divide a prediction among the elements and the numbers of a row.

    Players are the elements of the row and its numeric columns. What an element that is left out
    would take up is filled with the compositions of the background, each in turn; a column that is
    left out takes their values. With all players the prediction is that of the row, with none the
    mean over the background, and the shares add up to the difference (Lundberg and Lee, NeurIPS
    2017, arXiv:1705.07874).

    Parameters
    ----------
    predict : callable
        From a list of formulas or a DataFrame to an ndarray of shape (n_samples,).
    row : MixableRows of one row
    background : MixableRows of n_background rows
    seed : int

    Returns
    -------
    base : float
        Mean prediction over the background.
    elements : dict of int to float
        Atomic number -> share.
    columns : dict of str to float
        Numeric column -> share.

    Raises
    ------
    ImportError
        If shap is not installed.
    """
    present = np.flatnonzero(row.fractions[0])
    n_players = len(present) + len(row.names)
    n_columns = len(row.names)

    def value(coalitions: np.ndarray) -> np.ndarray:
        """Mean prediction over the background of each coalition, one a row of zeros and ones."""
        chosen = coalitions.astype(bool)
        own = np.zeros((len(chosen), row.fractions.shape[1]))
        own[:, present] = np.where(chosen[:, : len(present)], row.fractions[0, present], 0.0)
        rest = np.clip(1 - own.sum(axis=1), 0, 1)[:, None, None]
        mixed = own[:, None] + rest * background.fractions
        kept = chosen[:, None, len(present) :]
        numbers = np.where(kept, row.numbers[0], background.numbers)
        n_rows = len(chosen) * len(background)
        flat = MixableRows(
            mixed.reshape(n_rows, -1), numbers.reshape(n_rows, n_columns), row.names,
            row.formula_column,
        )  # fmt: skip
        predicted = np.asarray(predict(flat.as_input()), dtype=float)
        return predicted.reshape(len(chosen), len(background)).mean(axis=1)

    with warnings.catch_warnings():
        # shap sets deprecated options of matplotlib when it is imported.
        warnings.simplefilter("ignore")
        shap = require_package("shap", "An explanation of a prediction")
        none = np.zeros((1, n_players))
        if n_players <= MOST_EXACT_PLAYERS:
            explainer = shap.explainers.ExactExplainer(value, none)
        else:
            explainer = shap.explainers.PermutationExplainer(value, none, seed=seed)
        found = explainer(np.ones((1, n_players)), silent=True)
    shares = np.asarray(found.values)[0]
    of_elements = zip(present, shares[: len(present)], strict=True)
    elements = {int(z) + 1: float(share) for z, share in of_elements}
    columns = dict(zip(row.names, shares[len(present) :].tolist(), strict=True))
    return float(np.ravel(found.base_values)[0]), elements, columns


def change_by_one_percent(predict, row: MixableRows) -> dict[int, float]:
    """Change of a prediction when one element grows by one at. % at the cost of all others.

    Parameters
    ----------
    predict : as in `shapley_values`
    row : MixableRows of one row

    Returns
    -------
    dict of int to float
        Atomic number -> change, in the unit of the target.
    """
    present = np.flatnonzero(row.fractions[0])
    fractions = np.repeat(row.fractions, len(present) + 1, axis=0)
    fractions[np.arange(len(present)), present] += 0.01
    fractions /= fractions.sum(axis=1, keepdims=True)
    numbers = np.repeat(row.numbers, len(fractions), axis=0)
    moved = MixableRows(fractions, numbers, row.names, row.formula_column)
    predicted = np.asarray(predict(moved.as_input()), dtype=float)
    changes = (predicted[:-1] - predicted[-1]).tolist()
    return {int(z) + 1: change for z, change in zip(present, changes, strict=True)}
