"""Every estimator of the package, as it comes."""

from cromel_sklearn import (
    CroMELClassifier,
    CroMELPretrainer,
    CroMELRegressor,
    CroMELTransformer,
)

ESTIMATORS = [
    CroMELTransformer(),
    CroMELPretrainer(),
    CroMELRegressor(),
    CroMELClassifier(),
]
