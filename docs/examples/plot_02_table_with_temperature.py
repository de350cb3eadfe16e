"""
A table with temperature, and what shuffling hides
==================================================

A numeric column beside the formula, and the difference between a score on shuffled rows and on
compounds that the model has not seen.
"""

# %%
# Ellingham lines: the free energy of formation of an oxide rises with temperature, mostly because
# oxygen gas is bound. With the entropy of the gas alone, 205.15 J/(mol K) (NIST-JANAF), the
# measured enthalpies give a table of each oxide at six temperatures.

import pandas as pd
from pymatgen.core import Composition

from cromel_sklearn import load_standard_enthalpies

frame = load_standard_enthalpies().frame
rows = []
for formula, enthalpy in frame[["formula", "enthalpy_kJ_per_mol"]].to_numpy():
    amounts = Composition(formula)
    if "O" not in amounts or len(amounts) != 2:
        continue
    for temperature in range(300, 1500, 200):
        entropy = -amounts["O"] / 2 * 0.20515  # kJ/(mol K)
        energy = (enthalpy - temperature * entropy) / amounts.num_atoms / 96.485
        rows.append((formula, temperature, energy))
table = pd.DataFrame(rows, columns=["formula", "temperature_K", "free_energy_eV_per_atom"])
table.head(7)

# %%
# ``ColumnTransformer`` sends the formulas to the encoder and the temperature past it.

from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from cromel_sklearn import CroMELTransformer

columns = make_column_transformer(
    (make_pipeline(CroMELTransformer(output="embedding"), StandardScaler()), "formula"),
    (StandardScaler(), ["temperature_K"]),
)
model = make_pipeline(columns, SVR(C=10, epsilon=0.02))

# %%
# ``evaluate`` holds out shuffled rows, whole compositions, and whole chemical systems.

from cromel_sklearn import evaluate

result = evaluate(
    model,
    table[["formula", "temperature_K"]],
    table["free_energy_eV_per_atom"].rename("free energy (eV/atom)"),
    formula_column="formula",
    n_splits=3,
    baselines=["mean"],
    learning_curve=False,
    verbose=False,
)
result

# %%
# The shuffled model had seen each oxide at other temperatures. Somebody who wants the free energy
# of a new oxide will not meet that error.

import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
for split, ax in zip(["shuffled", "composition"], axes, strict=True):
    result.parity(split, ax=ax)
    ax.set_title(f"held out: {split}")

# %%
# ``CroMELRegressor`` takes the table as it is, without a ``ColumnTransformer``, and groups the rows
# of a compound by itself: ``CroMELRegressor().fit(table[["formula", "temperature_K"]], y)``.
