"""What the package is for: knowledge of calculated structures helps predict experiments."""

from sklearn.compose import TransformedTargetRegressor
from sklearn.metrics import mean_absolute_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from tasks import load_task

from cromel_sklearn import CroMELTransformer, load_encoder


def test_pretrained_beats_untrained_on_measured_enthalpies(data_home):
    data = load_task("formation_enthalpy", data_home)
    train, test = data.folds[0]
    errors = []
    for encoder in ("mp-multi", load_encoder("mp-multi").untrained()):
        model = TransformedTargetRegressor(
            make_pipeline(CroMELTransformer(encoder), StandardScaler(), SVR(C=10.0)),
            transformer=StandardScaler(),
        )
        model.fit(data.X["formula"].iloc[train], data.target[train])
        predicted = model.predict(data.X["formula"].iloc[test])
        errors.append(mean_absolute_error(data.target[test], predicted))
    assert errors[0] < 0.85 * errors[1]
