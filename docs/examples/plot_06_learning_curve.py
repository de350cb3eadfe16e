"""
How many measurements does pretraining save?
============================================

The error on held-out compounds against the number of measured ones: on pretrained columns, on bare
fractions of the elements, and on statistics of the elements as Magpie has them.
"""

# %%
# A kernel machine on pretrained columns, and what should always stand beside it: bare fractions and
# statistics of the elements. Magpie's own statistics join where matminer is installed.

from importlib.util import find_spec

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.model_selection import ShuffleSplit, learning_curve
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from cromel_sklearn import CroMELTransformer, load_standard_enthalpies

sample = load_standard_enthalpies()
embedding = CroMELTransformer(output="embedding").fit_transform(sample.formulas)
elements = CroMELTransformer(output="elements").set_output(transform="pandas")
statistics = elements.fit_transform(sample.formulas)
fractions = statistics.filter(like="fraction_").to_numpy()

support_vectors = make_pipeline(StandardScaler(), SVR(C=10, epsilon=0.02))
trees = ExtraTreesRegressor(50, random_state=0)
models = {
    "pretrained columns, support vectors": (support_vectors, embedding),
    "fractions, support vectors": (support_vectors, fractions),
    "fractions, extra trees": (trees, fractions),
    "element statistics, extra trees": (trees, statistics.to_numpy()),
}
if find_spec("matminer"):
    from matminer.featurizers.composition import ElementProperty
    from pymatgen.core import Composition

    compositions = list(map(Composition, sample.formulas))
    magpie = ElementProperty.from_preset("magpie").featurize_many(compositions, pbar=False)
    models["Magpie, extra trees"] = (trees, np.nan_to_num(magpie))

# %%
# Each formula stands once in this table, so that rows can be drawn at random; all else as in
# :ref:`sphx_glr_gallery_plot_02_table_with_temperature.py`.

import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
for name, (model, columns) in models.items():
    sizes, _, scores = learning_curve(
        model,
        columns,
        sample.target,
        train_sizes=[30, 60, 120, 240, 480],
        cv=ShuffleSplit(3, test_size=150, random_state=0),
        scoring="neg_mean_absolute_error",
    )
    errors = -scores
    ax.errorbar(sizes, errors.mean(axis=1), errors.std(axis=1), marker="o", capsize=3, label=name)
    errors_in_words = (f"{n} rows {e:.3f}" for n, e in zip(sizes, errors.mean(axis=1), strict=True))
    print(f"{name}: {', '.join(errors_in_words)}")
ax.set(
    xscale="log",
    yscale="log",
    xlabel="measured compounds",
    ylabel="mean absolute error (eV/atom)",
)
ax.set_xticks(sizes, [str(size) for size in sizes])
ticks = np.array([0.05, 0.1, 0.2, 0.4, 0.8])
ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
ax.minorticks_off()
ax.legend()
