"""Stock models of scikit-learn, as anybody would put them on top of a featurizer.

They are the same for all featurizers and are written out here, so that no change of the package
changes them.
"""

from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    StackingClassifier,
    StackingRegressor,
)
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

#: Most rows for a stock model whose time grows faster than the table; others stand in for it.
MOST_ROWS = {"gp": 2_000, "svr": 10_000, "svr-search": 2_000, "stack": 2_000}
#: Stock models that take rows of NaN.
TAKES_NAN = ("extratrees", "histgbr")
#: Stock models of a stack, as far as the table is not too long for them.
STACKED = ("extratrees", "svr", "gp", "histgbr")


def regressors(n_rows: int = 0) -> dict:
    """Stock regressors by name; kernel machines see scaled features and a scaled target.

    The Gaussian process finds its own width and noise by the likelihood of the training rows.
    """
    kernel = ConstantKernel() * Matern(length_scale=20.0, nu=1.5) + WhiteKernel(0.1)
    process = GaussianProcessRegressor(kernel, normalize_y=True, random_state=0)
    machine = make_pipeline(StandardScaler(), SVR(C=10.0))
    search = _searched(SVR(cache_size=1000), "neg_mean_absolute_error")
    found = {
        "extratrees": ExtraTreesRegressor(200, max_features=1 / 3, random_state=0),
        "gp": make_pipeline(StandardScaler(), process),
        "svr": TransformedTargetRegressor(machine, transformer=StandardScaler()),
        "svr-search": TransformedTargetRegressor(search, transformer=StandardScaler()),
        "histgbr": HistGradientBoostingRegressor(random_state=0),
    }
    return _with_stack(found, n_rows, is_classification=False)


def classifiers(n_rows: int = 0) -> dict:
    """The same families for classes."""
    search = _searched(SVC(class_weight="balanced", cache_size=1000), "balanced_accuracy")
    found = {
        "extratrees": ExtraTreesClassifier(200, max_features=1 / 3, random_state=0),
        "svr": make_pipeline(StandardScaler(), SVC(C=10.0)),
        "svr-search": search,
        "histgbr": HistGradientBoostingClassifier(random_state=0),
    }
    return _with_stack(found, n_rows, is_classification=True)


def _searched(machine, scoring: str) -> GridSearchCV:
    """Search penalty and width of a support vector machine by cross-validation."""
    grid = {"machine__C": [10.0, 30.0, 100.0], "machine__gamma": [0.001, 0.003, 0.01, 0.03]}
    steps = [("scaler", StandardScaler()), ("machine", machine)]
    return GridSearchCV(
        Pipeline(steps), grid, scoring=scoring, cv=KFold(3, shuffle=True, random_state=0)
    )


def _with_stack(found: dict, n_rows: int, is_classification: bool) -> dict:
    suiting = {name: m for name, m in found.items() if n_rows <= MOST_ROWS.get(name, n_rows)}
    if n_rows <= MOST_ROWS["stack"]:
        parts = [(name, suiting[name]) for name in STACKED if name in suiting]
        suiting["stack"] = stack(parts, is_classification)
    return suiting


def stack(estimators: list[tuple], is_classification: bool):
    """Combine models by weights that their out-of-fold predictions in the training rows choose.

    Those of regressors are positive (Breiman, Machine Learning 24, 49 (1996),
    doi:10.1007/BF00117832); classes count alike, whatever their numbers, since the score is the
    balanced accuracy.
    """
    folds = KFold(3, shuffle=True, random_state=0)
    if is_classification:
        balanced = LogisticRegression(class_weight="balanced")
        return StackingClassifier(estimators, balanced, cv=folds)
    return StackingRegressor(estimators, LinearRegression(positive=True), cv=folds)
