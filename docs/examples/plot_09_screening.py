"""
Screening candidates for a target
=================================

Which of the compounds that nobody has measured should be made next? Rank them by the chance to hit.
"""

# %%
# Where the tables of MatBench are at hand (``CROMEL_DATA`` names their folder): measured band gaps,
# and a gap for a solar cell, 1.1 to 1.7 eV. Elsewhere the enthalpies that ship, and a crucible for
# reactive melts: compounds of less than -2.8 eV/atom, which next to nothing reduces.

import os
from pathlib import Path

import numpy as np
import pandas as pd

from cromel_sklearn import load_standard_enthalpies

folder = os.environ.get("CROMEL_DATA")
if folder:
    path = Path(folder, "target", "band_gap.csv")
    table = pd.read_csv(path, keep_default_na=False)  # "NaN" is sodium nitride
    table = table.sample(1500, random_state=0)
    low, high = 1.1, 1.7
else:
    frame = load_standard_enthalpies().frame
    table = frame[["formula", "enthalpy_eV_per_atom"]].drop_duplicates("formula")
    table = table.sample(frac=1, random_state=0)
    low, high = -np.inf, -2.8
target = table.columns[1]

# %%
# To see whether it works, a part of the table plays the candidates: their values are hidden, and
# looked up as they are "made". The encoder may not look up what somebody calculated of them either,
# as if they were new to everybody (`Known compounds <../columns.html#known-compounds>`_).

n_measured = len(table) // 3
measured, candidates = table[:n_measured], table[n_measured:].reset_index(drop=True)

from cromel_sklearn import CroMELRegressor, load_encoder

encoder = load_encoder("mp-multi").without_calculated_values()
members = ["support_vectors", "element_trees", "fraction_trees"]  # a quick choice
model = CroMELRegressor(encoder, members=members, random_state=0, verbose=0)
model.fit(measured["formula"], measured[target])

# %%
# Of candidates far outside the domain every prediction is a guess: they are not ranked.

is_known = model.domain_score(candidates["formula"]) < 2
print(f"{(~is_known).sum()} of {len(candidates)} candidates are far outside")
candidates = candidates[is_known].reset_index(drop=True)
is_hit = candidates[target].between(low, high).to_numpy()
print(f"{n_measured} measured, {len(candidates)} candidates, {is_hit.sum()} of them hits")

# %%
# The chance to hit is the share of the prediction's distribution that lies between the bounds. A
# candidate in the middle of the window may come after one that the model is surer of.

from scipy.stats import norm

mean, std = model.predict(candidates["formula"], return_std=True)
ranked = candidates.assign(
    mean=mean,
    std=std,
    chance=norm.cdf((high - mean) / std) - norm.cdf((low - mean) / std),
    in_domain=model.in_domain(candidates["formula"]),
).sort_values("chance", ascending=False)
ranked.head(10).round(2)

# %%
# How many hits are among the first so many? Beside it trees on fractions and statistics of the
# elements, without uncertainty, and candidates drawn by lot.

import matplotlib.pyplot as plt
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.pipeline import make_pipeline

from cromel_sklearn import CroMELTransformer

trees = make_pipeline(
    CroMELTransformer(output="elements"), ExtraTreesRegressor(200, random_state=0)
)
plain = trees.fit(measured["formula"], measured[target]).predict(candidates["formula"])
outside = np.maximum(low - plain, 0) + np.maximum(plain - high, 0)  # how far from the window
orders = {
    "chance to hit": ranked.index,
    "trees on elements": np.argsort(outside, kind="stable"),
}
figure, ax = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
n_made = np.arange(1, 101)
for name, order in orders.items():
    found = is_hit[order].cumsum()[:100]
    ax.plot(n_made, found, label=name)
    print(f"{name}: {found[19]} hits among the first 20, {found[99]} among 100")
ax.plot(n_made, n_made * is_hit.mean(), ":", color="grey", label="by lot")
ax.plot(n_made, np.minimum(n_made, is_hit.sum()), "--", color="grey", label="best possible")
ax.set(xlabel="candidates made", ylabel="hits", xlim=(0, 100), ylim=(0, None))
ax.legend(frameon=False)

# %%
# Candidates of your own: ``cromel candidates`` writes formulas, ``cromel screen`` ranks tables of
# any size and gives a reason for each row (`From the shell <../shell.html>`_).
