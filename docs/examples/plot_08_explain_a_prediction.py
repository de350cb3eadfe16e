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

# %%
# Of many compounds the shares are means over those that contain an element, and the periodic table
# shows them: here of all silicates in the table.

silicates = sample.formulas[sample.formulas.str.contains("SiO[34]")]
ElementContributionDisplay.from_estimator(
    model, silicates, sample.formulas, n_background=10, kind="table"
)

# %%
# Which predicted properties carry the prediction, by a stand-in that the title says how far to
# believe.

display.plot(kind="properties")
