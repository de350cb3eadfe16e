"""Magpie features as a scikit-learn transformer, the peer of every comparison."""

import warnings

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin


class MagpieFeaturizer(TransformerMixin, BaseEstimator):
    """matminer's Magpie preset: 132 statistics of element properties.

    Ward et al., npj Comput. Mater. 2, 16028 (2016), doi:10.1038/npjcompumats.2016.28.
    Missing values are 0.
    """

    _cache: dict[str, np.ndarray] = {}  # noqa: RUF012 (one cache a process, on purpose)

    def fit(self, X, y=None):
        """Do nothing."""
        return self

    def transform(self, X):
        """Featurize formulas, each distinct one once a process."""
        formulas = [str(formula) for formula in np.asarray(X, dtype=object).ravel()]
        new = sorted(set(formulas) - self._cache.keys())
        if new:
            self._cache.update(zip(new, featurize_magpie(new), strict=True))
        return np.array([self._cache[formula] for formula in formulas])


def featurize_magpie(formulas: list[str]) -> np.ndarray:
    """Compute the features, shape (n_samples, 132)."""
    from matminer.featurizers.composition import ElementProperty
    from pymatgen.core import Composition

    preset = ElementProperty.from_preset("magpie")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = [preset.featurize(Composition(formula)) for formula in formulas]
    return np.nan_to_num(np.array(rows, dtype=float))
