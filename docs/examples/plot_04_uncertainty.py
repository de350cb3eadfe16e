"""
How sure, and what it knows nothing of
======================================

A prediction with its deviation, an interval with a stated coverage, the domain of applicability.
"""

# %%
# Two of the members of ``CroMELRegressor`` keep this page quick; by default it uses all.

from cromel_sklearn import CroMELRegressor, load_standard_enthalpies

sample = load_standard_enthalpies()
train, test = slice(0, None, 3), slice(1, None, 6)
model = CroMELRegressor(members=["gaussian_process", "support_vectors"], random_state=0, verbose=0)
model.fit(sample.formulas[train], sample.target[train])

# %%
# For some compounds that the model has not seen, and one with elements that were never measured
# together:

import pandas as pd

new = ["FeO", "MgAl2O4", "CsPbI3", "Ba0.4K0.6Fe2As2"]
mean, std = model.predict(new, return_std=True)
lower, upper = model.predict_interval(new, coverage=0.9).T
pd.DataFrame(
    {
        "mean": mean,
        "std": std,
        "lower": lower,
        "upper": upper,
        "domain score": model.domain_score(new),
        "in domain": model.in_domain(new),
    },
    index=new,
).round(3)

# %%
# Whether it holds is counted on held-out measurements: how many lie within the interval, and
# whether errors are larger where the model is unsure.

formulas, target = sample.formulas[test], sample.target[test]
known = model.in_domain(formulas)
print(f"{(~known).sum()} of {len(known)} are outside the domain and left out here")
formulas, target = formulas[known], target[known]
lower, upper = model.predict_interval(formulas, coverage=0.9).T
print(f"{((lower <= target) & (target <= upper)).mean():.0%} of {len(target)} lie within")

from cromel_sklearn import UncertaintyDisplay

display = UncertaintyDisplay.from_estimator(
    model, formulas, target, target_name="enthalpy (eV/atom)"
)
display.figure_.set_size_inches(11, 3.8)

# %%
# The domain tells what no statistics of the training rows can: here a model that saw no halide.

import warnings

import numpy as np

halogens = sample.formulas.str.contains(r"F(?!e)|Cl|Br|I(?!n|r)")
no_halides = CroMELRegressor(members=["support_vectors"], random_state=0, verbose=0)
no_halides.fit(sample.formulas[~halogens][::2], sample.target[~halogens][::2])
warnings.filterwarnings("ignore", "[0-9]+ of [0-9]+ rows are far outside")  # asked on purpose
for name, rows in {"other compounds": ~halogens, "halides": halogens}.items():
    asked = sample.formulas[rows][1::2]
    error = np.abs(no_halides.predict(asked) - sample.target[rows][1::2])
    share = no_halides.in_domain(asked).mean()
    print(f"{name}: {share:.0%} in the domain, mean error {error.mean():.2f} eV/atom")
