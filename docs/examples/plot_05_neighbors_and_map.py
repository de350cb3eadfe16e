"""
Neighbors and a map of compounds
================================

What the encoder takes for alike: the nearest compounds of a table, and all of them in the plane.
"""

# %%
# Which measured compounds are near one of mine? The distance is 0 for the same composition, about 1
# for two compounds that have nothing to do with each other.

from cromel_sklearn import load_standard_enthalpies, nearest_compositions

sample = load_standard_enthalpies()
table = sample.frame[["formula", "enthalpy_eV_per_atom"]]
nearest_compositions(["LiFePO4", "MgAl2O4", "CsPbI3"], table, k=3)

# %%
# All of them on a map: two principal components of the embedding, colored by the measured value.
# ``method="tsne"`` and ``"umap"`` keep neighbors together; distances between groups mean nothing.

from cromel_sklearn import CompositionMapDisplay

display = CompositionMapDisplay.from_table(
    table,
    formula_column="formula",
    color="enthalpy_eV_per_atom",
    labels=["MgO", "NaCl", "Al2O3", "ZnS", "AgI", "TiC"],
)

# %%
# ``display.to_html("map.html")`` writes a page to hover, search and zoom in, which opens offline:
# `this map as such a page <../map.html>`_.
