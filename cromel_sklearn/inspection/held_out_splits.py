"""Which rows are held out together: single rows, compositions, or whole chemical systems."""

from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from .measured_table import MeasuredTable

#: Name of a split -> what is held out, in words. From the most flattering to the hardest.
SPLITS = {
    "shuffled": "rows shuffled",
    "composition": "by composition",
    "system": "by chemical system",
}


@dataclass(frozen=True, eq=False)
class HeldOutSplit:
    """Folds of one kind.

    Attributes
    ----------
    name : str
        One of `SPLITS`.
    folds : list of (ndarray, ndarray)
        Row numbers for training and for testing.
    """

    name: str
    folds: list[tuple[np.ndarray, np.ndarray]]


def split_rows(
    table: MeasuredTable, name: str, *, n_splits: int, is_classification: bool, seed: int
) -> HeldOutSplit | None:
    """Divide the rows of a table into folds.

    Parameters
    ----------
    table : MeasuredTable of n_samples rows
    name : {"shuffled", "composition", "system"}
    n_splits : int
        Fewer where there are fewer groups than that.
    is_classification : bool
        Folds keep the shares of the classes.
    seed : int

    Returns
    -------
    HeldOutSplit or None
        None where all rows are of one group, so that nothing is left to train on.

    Examples
    --------
    >>> from cromel_sklearn.inspection.held_out_splits import split_rows
    >>> from cromel_sklearn.inspection.measured_table import read_measured_table
    >>> table = read_measured_table(["NaCl", "Na2Cl2", "MgO", "CaO"], [1.0, 1.1, 2.0, 3.0])
    >>> split = split_rows(table, "system", n_splits=5, is_classification=False, seed=0)
    >>> len(split.folds)
    3
    """
    groups = {
        "shuffled": np.arange(len(table)),
        "composition": table.composition_of_row,
        "system": table.system_of_row,
    }[name]
    n_splits = min(n_splits, len(np.unique(groups)))
    if is_classification:
        by_class = [len(np.unique(groups[table.y == value])) for value in np.unique(table.y)]
        n_splits = min(n_splits, *by_class)
    if n_splits < 2:
        return None
    settings = {"shuffle": True, "random_state": seed}
    splitter: KFold | StratifiedKFold | GroupKFold | StratifiedGroupKFold
    if name == "shuffled":
        splitter = (StratifiedKFold if is_classification else KFold)(n_splits, **settings)
        folds = splitter.split(groups, table.y)
    else:
        splitter = (StratifiedGroupKFold if is_classification else GroupKFold)(n_splits, **settings)
        folds = splitter.split(groups, table.y, groups)
    return HeldOutSplit(name, [(train, test) for train, test in folds])


def nested_training_rows(
    table: MeasuredTable, train: np.ndarray, share: float, seed: int
) -> np.ndarray:
    """Keep a share of the training compositions, with all their rows.

    Smaller shares of one seed are parts of larger ones.

    Parameters
    ----------
    table : MeasuredTable
    train : ndarray of int
        Rows to choose from.
    share : float
        Above 0, at most 1.
    seed : int

    Returns
    -------
    ndarray of int
    """
    compositions = np.unique(table.composition_of_row[train])
    order = np.random.default_rng(seed).permutation(compositions)
    kept = order[: max(1, round(share * len(order)))]
    return train[np.isin(table.composition_of_row[train], kept)]
