"""
Pretraining on your own structures
==================================

From crystal structures and calculated values to an encoder of one's own, in the small.
"""

# %%
# Structures are pymatgen's. Here cells of rock salt, with made-up values that depend on both.

from itertools import product

import numpy as np
from pymatgen.core import Element, Lattice, Structure

structures, values = [], []
for cation, anion in product(
    ["Li", "Na", "K", "Rb", "Mg", "Ca", "Sr", "Ba"], ["F", "Cl", "O", "S"]
):
    length = 2 * (Element(cation).atomic_radius + Element(anion).atomic_radius)
    lattice = Lattice.cubic(float(length))
    structures.append(
        Structure.from_spacegroup("Fm-3m", lattice, [cation, anion], [[0] * 3, [0.5] * 3])
    )
    values.append(Element(cation).X - Element(anion).X + 0.1 * float(length))

# %%
# Fifteen epochs, so that this page is quick; real runs take thousands of structures and hours
# (`Pretraining <../pretraining.html>`_).

from cromel_sklearn import CroMELPretrainer

pretrainer = CroMELPretrainer(geometry=False, max_epochs=15, n_jobs=1, random_state=0, verbose=0)
pretrainer.fit(structures, {"my_property": np.array(values)})
print(pretrainer.checkpoint_)

# %%
# The checkpoint goes wherever an encoder goes, and its card says what it was made of.

from cromel_sklearn import CroMELTransformer

transformer = CroMELTransformer(pretrainer.checkpoint_).set_output(transform="pandas")
transformer.fit_transform(["NaF", "CaS"]).iloc[:, :5]

# %%
# What each epoch came to is kept. Crystal structures tell the property sooner than formulas do, and
# what the structure encoder finds is passed on to the encoder of formulas.

import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
for part in ("structure", "composition"):
    losses = [epoch["batches"][0][f"{part}_loss"] for epoch in pretrainer.history_]
    ax.plot(range(1, len(losses) + 1), losses, "o-", label=f"{part} encoder")
ax.set(xlabel="epoch", ylabel="loss on training materials", ylim=(0, None))
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False)
