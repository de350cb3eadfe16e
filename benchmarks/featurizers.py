"""The others' features of a composition as scikit-learn transformers: Magpie, word vectors."""

import json
import warnings

import numpy as np
import pandas as pd
from peers.install import element_table
from pymatgen.core import Element
from sklearn.base import BaseEstimator, TransformerMixin

from cromel_sklearn.data.composition import read_compositions
from cromel_sklearn.data.readers import file_checksum

FILES = {"mat2vec": "mat2vec.csv", "matscholar": "matscholar-embedding.json"}


class MagpieFeaturizer(TransformerMixin, BaseEstimator):
    """matminer's Magpie preset: 132 statistics of element properties.

    Ward et al., npj Comput. Mater. 2, 16028 (2016), doi:10.1038/npjcompumats.2016.28.
    Missing values are 0.
    """

    _cache: dict[str, np.ndarray] = {}  # noqa: RUF012 (one cache a process, on purpose)

    @classmethod
    def forget(cls):
        """Empty the cache."""
        cls._cache.clear()

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


class ElementEmbedding(TransformerMixin, BaseEstimator):
    """Fraction-weighted mean of the elements' vectors, 200 numbers.

    Parameters
    ----------
    table : {"mat2vec", "matscholar"}
        Word vectors of the elements from abstracts of materials science: Tshitoyan et al., Nature
        571, 95 (2019), doi:10.1038/s41586-019-1335-8; Weston et al., J. Chem. Inf. Model. 59, 3692
        (2019), doi:10.1021/acs.jcim.9b00470. Read from PyPI's ElementEmbeddings.
    """

    def __init__(self, table="mat2vec"):
        self.table = table

    def fit(self, X, y=None):
        """Do nothing."""
        return self

    def transform(self, X):
        """Average the vectors, shape (n_samples, 200)."""
        batch, inverse, _ = read_compositions(X)
        vectors = read_element_table(self.table)[batch.atomic_numbers]
        return (vectors * batch.atomic_fractions[..., None]).sum(axis=1)[inverse]

    def source_checksum(self) -> str:
        """Checksum of the table."""
        return file_checksum(element_table(FILES[self.table]))


def read_element_table(name: str) -> np.ndarray:
    """Vectors by atomic number, shape (119, 200); NaN for an element that the table lacks."""
    path = element_table(FILES[name])
    if path.suffix == ".csv":
        frame = pd.read_csv(path, index_col="element", keep_default_na=False)
        by_symbol = {symbol: row for symbol, row in zip(frame.index, frame.values, strict=True)}
    else:
        by_symbol = json.loads(path.read_text())
    vectors = np.full((119, len(by_symbol["H"])), np.nan)
    vectors[0] = 0.0  # padding
    for symbol, row in by_symbol.items():
        vectors[Element(symbol).Z] = row
    return vectors
