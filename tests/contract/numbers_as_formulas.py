"""Tables of numbers in, formulas out: scikit-learn's own checks for estimators that read formulas.

The common checks of scikit-learn make numbers. `reads_numbers` returns the estimator's class with
one change: the numbers a check passes as `X` reach its methods as one column of formulas, one
formula a row and in the same container, so that the check's assertions hold the real estimator to
account. Everything else about the class is inherited.
"""

from functools import partial, wraps

import numpy as np
import pandas as pd
from pymatgen.core import Element, Lattice, Structure
from scipy.sparse import issparse
from sklearn.utils.estimator_checks import estimator_checks_generator

from cromel_sklearn import load_encoder

_ELEMENTS = [Element.from_Z(z).symbol for z in sorted(load_encoder("mp-multi").known_elements)]
_METHODS = (
    "fit", "partial_fit", "transform", "predict", "predict_proba", "predict_log_proba",
    "decision_function", "score",
)  # fmt: skip


def as_formula(numbers):
    """One formula of distinct rows: the amount of each element grows with its number.

    NaN and infinity take the place of the formula, as a missing value would.
    """
    not_finite = numbers[~np.isfinite(numbers)]
    if len(not_finite):
        return float(not_finite[0])
    amounts = np.exp(np.clip(np.arcsinh(numbers) / 2, -5, 5))
    return "O" + "".join(
        f"{element}{amount:.6f}"
        for element, amount in zip(reversed(_ELEMENTS), amounts, strict=False)
    )


def as_table(X):
    """Array of shape (n_samples, n_features) where `X` holds a table of numbers; None elsewhere."""
    if issparse(X) or np.asarray(X).dtype.kind not in "biufO":
        return None
    try:
        numbers = np.asarray(X, dtype=float)
    except (TypeError, ValueError):
        return None
    return numbers if numbers.ndim == 2 and numbers.size else None


def as_formulas(X):
    """One column of formulas in place of a table of numbers; anything else as it is."""
    numbers = as_table(X)
    if numbers is None:
        return X
    formulas = np.empty((len(numbers), 1), dtype=object)
    formulas[:, 0] = [as_formula(row) for row in numbers]
    if isinstance(X, pd.DataFrame):
        return pd.DataFrame(formulas, columns=["formula"], index=X.index)
    if isinstance(X, list):
        return formulas.tolist()
    if not isinstance(X, np.ndarray):
        return type(X)(formulas)  # scikit-learn's array-like that is not an array
    formulas.flags.writeable = X.flags.writeable
    return formulas


def as_structures(X):
    """One binary crystal a row in place of a table of numbers; the numbers choose which."""
    numbers = as_table(X)
    if numbers is None or not np.isfinite(numbers).all():
        return X
    structures = []
    for row in numbers:
        random = np.random.default_rng(np.abs(row * 1e6).astype(np.uint64))
        elements = random.permutation(_ELEMENTS)[:2]
        shape = np.ones((3, 3)) - np.eye(3) if random.random() < 0.5 else 1.5 * np.eye(3)
        lattice = Lattice(random.uniform(2.4, 3.2) * shape)  # rock salt or caesium chloride
        structures.append(Structure(lattice, elements, [[0, 0, 0], [0.5, 0.5, 0.5]]))
    return structures


def reads_numbers(estimator_class, translate=as_formulas):
    """Subclass whose methods take numbers, by the name of the class itself."""

    def translated(method):
        @wraps(method)
        def call(self, X, *args, **kwargs):
            return method(self, translate(X), *args, **kwargs)

        return call

    def tags(self):
        found = estimator_class.__sklearn_tags__(self)
        found.input_tags.two_d_array, found.input_tags.one_d_array = True, False
        return found

    methods = {
        name: translated(getattr(estimator_class, name))
        for name in _METHODS
        if hasattr(estimator_class, name)
    }
    members = {**methods, "__sklearn_tags__": tags, "__module__": __name__}
    subclass = type(estimator_class.__name__, (estimator_class,), members)
    globals()[estimator_class.__name__] = subclass  # where pickle looks for it
    return subclass


def yielded_checks(estimator) -> list[tuple[str, partial]]:
    """Name and callable of every check that this version of scikit-learn has for an estimator."""
    checks = [check for _, check in estimator_checks_generator(estimator)]
    return [(check.func.__name__, check) for check in checks]
