"""
Why this prediction?
====================

Which elements move a prediction, and by how much.
"""

# %%
# Any fitted regressor will do.

from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from cromel_sklearn import (
    CroMELTransformer,
    ElementContributionDisplay,
    load_standard_enthalpies,
)

sample = load_standard_enthalpies()
model = make_pipeline(
    CroMELTransformer(output="embedding"), StandardScaler(), SVR(C=10, epsilon=0.02)
)
model.fit(sample.formulas, sample.target)

# %%
# Shapley values share the difference between this prediction and the mean of others among the
# elements: what does each bring, on average over what it may be combined with?

display = ElementContributionDisplay.from_estimator(model, "LiFePO4", sample.formulas)
display.table().round(3)
