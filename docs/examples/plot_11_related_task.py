"""
A fine-tuned encoder for a related task
=======================================

Many values of one property, few of another: train the encoder on the first, measure whether it
helps with the second.
"""

# %%
# Where measured thermoelectrics are at hand (``CROMEL_DATA`` names their folder): 450 Seebeck
# coefficients near 300 K, and electrical conductivities of 150 other compounds. Elsewhere, from the
# enthalpies that ship: all but the ternary oxides, and the enthalpy by which ternary oxides form
# from binary ones, a small difference of large figures.

import os
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from pymatgen.core import Composition

from cromel_sklearn import load_standard_enthalpies


def thermoelectrics(folder):
    """Seebeck coefficients, and electrical conductivities of other compounds."""
    path = Path(folder, "target", "thermoelectrics.csv")
    table = pd.read_csv(path, keep_default_na=False).query("270 < temperature_K < 330")
    table = table.drop_duplicates("formula").sample(frac=1, random_state=0)
    conductivity = np.log10(table["electrical_conductivity_S_per_m"])
    source = table[["formula"]].assign(value=table["seebeck_uV_per_K"])[:450]
    return source, table[["formula"]].assign(value=conductivity)[450:600]


def ternary_oxides():
    """Enthalpies of formation of other compounds, and of ternary oxides from binary ones."""
    frame = load_standard_enthalpies().frame.drop_duplicates("formula")
    compositions = [Composition(formula) for formula in frame["formula"]]
    oxides = {}  # element -> its oxides: oxygen and enthalpy (kJ/mol) for each atom of the element
    for amounts, enthalpy in zip(compositions, frame["enthalpy_kJ_per_mol"], strict=True):
        if len(amounts) == 2 and "O" in amounts:
            (element,) = (e for e in amounts if e.symbol != "O")
            n_atoms = amounts[element]
            oxides.setdefault(element, []).append((amounts["O"] / n_atoms, enthalpy / n_atoms))
    values = pd.Series(np.nan, frame.index)
    rows = zip(frame.index, compositions, frame["enthalpy_kJ_per_mol"], strict=True)
    for row, amounts, enthalpy in rows:
        metals = [element for element in amounts if element.symbol != "O"]
        if len(amounts) != 3 or "O" not in amounts:
            continue
        for pair in product(*(oxides.get(metal, []) for metal in metals)):
            oxygen, parts = np.array([amounts[metal] for metal in metals]) @ np.array(pair)
            if abs(oxygen - amounts["O"]) < 1e-6:
                values[row] = (enthalpy - parts) / amounts.num_atoms / 96.485
    target = frame[["formula"]].assign(value=values)[values.notna()]
    source = frame[["formula"]].assign(value=frame["enthalpy_eV_per_atom"])
    return source[~source.index.isin(target.index)], target


folder = os.environ.get("CROMEL_DATA")
source, target = thermoelectrics(folder) if folder else ternary_oxides()
print(f"{len(source)} values to train the encoder on, {len(target)} of the related task")
target.head()

# %%
# The member "networks" trains copies of the encoder; ``checkpoint_`` is their mean, and goes
# wherever an encoder goes. No compound of the related task is among the rows that train it.

from cromel_sklearn import CroMELRegressor

tuned = CroMELRegressor(members=["networks"], random_state=0, verbose=0)
tuned.fit(source["formula"], source["value"])
tuned.checkpoint_

# %%
# The same kernel machine on both encoders and on the elements alone, on the same folds.

from sklearn.model_selection import RepeatedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from cromel_sklearn import CroMELTransformer

columns = {
    "elements alone": CroMELTransformer(output="elements"),
    "as it ships": CroMELTransformer(output="embedding"),
    "fine-tuned": CroMELTransformer(tuned.checkpoint_, output="embedding"),
}
folds = RepeatedKFold(n_splits=5, n_repeats=4, random_state=0)
deviation = target["value"].std()
errors = {}
for name, transformer in columns.items():
    features = transformer.fit_transform(target["formula"])
    model = make_pipeline(StandardScaler(), SVR(C=2 * deviation, epsilon=0.02 * deviation))
    scores = cross_val_score(
        model, features, target["value"], cv=folds, scoring="neg_mean_absolute_error"
    )
    errors[name] = -scores.reshape(4, 5).mean(axis=1)  # a figure for each repeat
    print(f"{name}: {errors[name].mean():.3f} ± {errors[name].std():.3f}")

# %%
# A gain that is smaller than the spread is none. Fine-tuning can help where both tasks share
# what calculations lack; what calculations tell already, it cannot tell again.

import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(6.4, 2.8), layout="constrained")
for place, found in enumerate(errors.values()):
    ax.plot(found, [place] * len(found), "o", color="#2f6690", alpha=0.4)
    ax.plot(found.mean(), place, "|", color="#c8553d", markersize=26, markeredgewidth=2.5)
ax.set_yticks(range(len(errors)), list(errors))
ax.set(xlabel="mean absolute error of the related task", ylim=(-0.6, 2.6))
ax.spines[["top", "right"]].set_visible(False)
