"""What a model has to beat: the mean, bare element fractions, Magpie statistics."""

import warnings
from importlib.util import find_spec

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

from .measured_table import MeasuredTable

#: Name of a baseline -> what it is, in words.
BASELINES = {
    "mean": "mean of the training rows, or the shares of the classes",
    "fractions": "extra trees on the fraction of each element and the numeric columns",
    "magpie": "extra trees on 132 statistics of element properties and the numeric columns",
}
_N_TREES = 100


def installed_baselines() -> tuple[str, ...]:
    """Names of the baselines that this environment can compute."""
    return tuple(name for name in BASELINES if name != "magpie" or find_spec("matminer"))


def make_baseline(name: str, is_classification: bool, seed: int, *, is_logarithmic: bool = False):
    """Build an unfitted baseline; it takes the columns of `baseline_features`.

    Parameters
    ----------
    name : {"mean", "fractions", "magpie"}
    is_classification : bool
    seed : int
    is_logarithmic : bool, default=False
        Fit the decadic logarithm of the target.

    Returns
    -------
    estimator
    """
    if is_classification:
        if name == "mean":
            return DummyClassifier(strategy="prior")
        return ExtraTreesClassifier(_N_TREES, random_state=seed)
    baseline = DummyRegressor()
    if name != "mean":
        baseline = ExtraTreesRegressor(_N_TREES, max_features=1 / 3, random_state=seed)
    if not is_logarithmic:
        return baseline
    return TransformedTargetRegressor(baseline, func=np.log10, inverse_func=_power_of_ten)


def _power_of_ten(values: np.ndarray) -> np.ndarray:
    return 10.0**values


def baseline_features(name: str, table: MeasuredTable) -> np.ndarray:
    """Columns that a baseline sees, of shape (n_samples, n_columns).

    Parameters
    ----------
    name : {"mean", "fractions", "magpie"}
    table : MeasuredTable of n_samples rows

    Returns
    -------
    ndarray of shape (n_samples, n_columns), float64
        Missing numbers are NaN, which trees take.

    Raises
    ------
    ImportError
        If Magpie is asked for and matminer is not installed.
    """
    if name == "mean":
        return np.zeros((len(table), 1))
    if name == "fractions":
        columns = table.compositions.element_fractions()
        columns = columns[:, columns.any(axis=0)]
    else:
        columns = _magpie_statistics(table)
    return np.hstack([columns, table.numbers])


def _magpie_statistics(table: MeasuredTable) -> np.ndarray:
    """Magpie's 132 columns, each distinct composition featurized once; missing values are 0.

    Ward et al., npj Comput. Mater. 2, 16028 (2016), doi:10.1038/npjcompumats.2016.28.
    """
    try:
        from matminer.featurizers.composition import ElementProperty
    except ImportError as error:
        raise ImportError(
            'The baseline "magpie" needs matminer, which is not installed: pip install matminer, '
            "or leave it out of baselines."
        ) from error
    from pymatgen.core import Composition, Element

    _, first, inverse = np.unique(table.composition_of_row, return_index=True, return_inverse=True)
    distinct = table.compositions[first]
    pairs = zip(distinct.atomic_numbers, distinct.atomic_fractions, strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of elements without a tabulated value
        preset = ElementProperty.from_preset("magpie")
        rows = [
            preset.featurize(
                Composition({Element.from_Z(z): x for z, x in zip(*pair, strict=True) if z})
            )
            for pair in pairs
        ]
    return np.nan_to_num(np.array(rows, dtype=float))[inverse]
