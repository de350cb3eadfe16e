"""A seed in, the scikit-learn models out that suit embeddings and a few thousand rows.

All of them are scale-free: kernel machines see standardised columns, and those for numbers a
standardised target. Chosen on development folds inside training rows (docs/pretraining.md).
"""

from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

#: Rows up to which a model is used whose time grows faster than the table.
MOST_ROWS = {"gaussian_process": 2_000, "support_vectors": 10_000}


def stock_regressors(seed: int, n_rows: int = 0) -> dict:
    """Regressors by name, without those that `n_rows` rows are too many for.

    The Gaussian process finds its own width and noise by the likelihood of the training rows.
    """
    kernel = ConstantKernel() * Matern(length_scale=20.0, nu=1.5) + WhiteKernel(0.1)
    process = GaussianProcessRegressor(kernel, normalize_y=True, random_state=seed)
    machine = make_pipeline(StandardScaler(), SVR(C=10.0))
    found = {
        "trees": ExtraTreesRegressor(200, max_features=1 / 3, random_state=seed),
        "support_vectors": TransformedTargetRegressor(machine, transformer=StandardScaler()),
        "gaussian_process": make_pipeline(StandardScaler(), process),
        "boosting": HistGradientBoostingRegressor(random_state=seed),
    }
    return _suiting(found, n_rows)


def stock_classifiers(seed: int, n_rows: int = 0) -> dict:
    """Classifiers by name, without those that `n_rows` rows are too many for."""
    found = {
        "trees": ExtraTreesClassifier(200, max_features=1 / 3, random_state=seed),
        "support_vectors": make_pipeline(StandardScaler(), SVC(C=10.0)),
        "boosting": HistGradientBoostingClassifier(random_state=seed),
    }
    return _suiting(found, n_rows)


def _suiting(models: dict, n_rows: int) -> dict:
    return {name: model for name, model in models.items() if n_rows <= MOST_ROWS.get(name, n_rows)}
