"""By how much errors grow where no training composition has the same elements.

Folds that keep compositions together leave other compositions of the same elements in training, and
tell little of how a stack fares on elements that never stood together there.
"""

import numpy as np
from sklearn.model_selection import GroupKFold

from .applicability import chemical_system_numbers
from .members import VIEW_OF, StockMember
from .stack import OutOfFold, Stack
from .stack_fit import MOST_FOLDS
from .views import EncodedTable

# Rows from which on two groups of errors are compared.
_LEAST_ROWS = 20
# Rows beyond which the rows of new systems in the folds of the stack have to do.
_MOST_ROWS = 5_000
# Members that are asked, the quickest first.
_ASKED = ("fraction_trees", "element_trees", "boosting", "support_vectors", "gaussian_process")
#: Errors are taken to grow by at most this factor.
MOST_GROWTH = 3.0
# Part of the errors that is compared.
_QUANTILE = 0.9


def growth_between_systems(
    stack: Stack, table: EncodedTable, target, out_of_fold: OutOfFold, seed: int
) -> np.ndarray:
    """Compare a member's errors with whole chemical systems held out to those of the stack's folds.

    Parameters
    ----------
    stack : Stack
    table : EncodedTable
    target : ndarray of shape (n_samples, n_outputs)
        Standardised, NaN where not measured.
    out_of_fold : OutOfFold
    seed : int

    Returns
    -------
    ndarray of shape (n_outputs,)
        From 1 to 3; 1 where the table has too few systems, too many rows or no stock member.
    """
    growth = np.ones(target.shape[1])
    systems = chemical_system_numbers(table)[table.composition_of_row]
    name = next((name for name in _ASKED if name in stack.fitted), None)
    if name is None or len(table) > _MOST_ROWS or len(np.unique(systems)) < MOST_FOLDS:
        return growth
    X = table.view(VIEW_OF[name])
    apart = np.full(target.shape, np.nan)
    folds = GroupKFold(MOST_FOLDS, shuffle=True, random_state=seed).split(X, groups=systems)
    for train, test in folds:
        if np.isnan(target[train]).all(axis=0).any():
            return growth
        member = StockMember.fitted(name, table, train, target, None, seed=seed, X=X)
        apart[test] = member.predict(table, test, X)[0]
    together = out_of_fold.predicted[:, stack.fitted.index(name)]
    for output in range(target.shape[1]):
        errors = [np.abs(target[:, output] - one[:, output]) for one in (apart, together)]
        growth[output] = growth_of_errors(*(one[np.isfinite(one)] for one in errors))
    return growth


def growth_of_errors(errors, usual_errors) -> float:
    """Quantile of errors over that of the usual ones, from 1 to 3; 1 where either are few."""
    if min(len(errors), len(usual_errors)) < _LEAST_ROWS:
        return 1.0
    larger, usual = (np.quantile(one, _QUANTILE) for one in (errors, usual_errors))
    return float(np.clip(larger / max(usual, 1e-12), 1.0, MOST_GROWTH))
