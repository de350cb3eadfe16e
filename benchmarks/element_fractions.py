"""Fractions of the elements, the simplest features of all: no table, no training."""

from pymatgen.core import Element
from sklearn.feature_extraction import DictVectorizer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from cromel_sklearn.composition import read_compositions


def element_fractions(formulas) -> list[dict[str, float]]:
    """Atomic fraction of each element of each formula, by symbol."""
    batch, inverse, _ = read_compositions(formulas)
    found = [
        {Element.from_Z(z).symbol: x for z, x in zip(numbers, fractions, strict=True) if z}
        for numbers, fractions in zip(
            batch.atomic_numbers.tolist(), batch.atomic_fractions.tolist(), strict=True
        )
    ]
    return [found[row] for row in inverse]


def fraction_featurizer() -> Pipeline:
    """One column for each element of the training rows."""
    return make_pipeline(FunctionTransformer(element_fractions), DictVectorizer(sparse=False))
