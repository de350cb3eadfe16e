"""Every estimator of the package, as it comes."""

from cromel_sklearn import (
    CroMELClassifier,
    CroMELPretrainer,
    CroMELRegressor,
    CroMELStackingClassifier,
    CroMELStackingRegressor,
    CroMELTransformer,
)

ESTIMATORS = [
    CroMELTransformer(),
    CroMELPretrainer(),
    CroMELRegressor(),
    CroMELClassifier(),
    CroMELStackingRegressor(),
    CroMELStackingClassifier(),
]
