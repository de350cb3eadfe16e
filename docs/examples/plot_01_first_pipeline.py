"""
A first pipeline
================

Formulas in, predictions out: the transformer below a model of scikit-learn.
"""

# %%
# Measured standard enthalpies of formation of inorganic compounds ship with the package, a formula
# and a value in eV/atom for each.

from cromel_sklearn import load_standard_enthalpies

sample = load_standard_enthalpies()
formulas, target = sample.formulas[::2], sample.target[::2]
sample.frame.head()

# %%
# The transformer turns each formula into a row of numbers. It learned them from calculated crystal
# structures; ``fit`` learns nothing more. With ``set_output`` the columns have their names.

from cromel_sklearn import CroMELTransformer

transformer = CroMELTransformer().set_output(transform="pandas")
transformer.fit_transform(formulas).iloc[:4, [0, 1, 2, -3, -2, -1]].round(3)

# %%
# It goes below any model. A quarter of the compounds is held out; no formula is there twice in this
# table, otherwise rows should be held out by composition
# (:ref:`sphx_glr_gallery_plot_02_table_with_temperature.py`).

from sklearn.linear_model import RidgeCV
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

train, test, y_train, y_test = train_test_split(formulas, target, random_state=0)
models = {
    "ridge": make_pipeline(CroMELTransformer(), StandardScaler(), RidgeCV([1, 10, 100, 1000])),
    "support vectors": make_pipeline(
        CroMELTransformer(output="embedding"), StandardScaler(), SVR(C=10, epsilon=0.02)
    ),
    "the same on the elements alone": make_pipeline(
        CroMELTransformer(output="elements"), StandardScaler(), SVR(C=10, epsilon=0.02)
    ),
}
for name, model in models.items():
    error = abs(model.fit(train, y_train).predict(test) - y_test).mean()
    print(f"{name}: {error:.3f} eV/atom")

# %%
# Predicted against measured, with the worst rows named.

from cromel_sklearn import ParityDisplay

display = ParityDisplay.from_estimator(
    models["support vectors"],
    test,
    y_test,
    labels=test,
    target_name="enthalpy of formation (eV/atom)",
    n_labels=5,
)
