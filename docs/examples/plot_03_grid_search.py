"""
Model selection with grouped folds
==================================

Settings are chosen on folds that keep each composition on one side, and a cache keeps the search
from embedding its rows again for every setting.

``fit`` of the transformer learns nothing, but a search embeds for every setting.
``Pipeline(..., memory=...)`` embeds the training rows of each fold once for all settings; the rows
that are held out are embedded for each setting, because scikit-learn caches fits only.
"""

# %%
# A quick model, beside which embedding weighs most, on a part of the bundled sample. The groups are
# reduced formulas: where a table has several rows of a composition, no fold learns from one and is
# asked about another.

import time
from tempfile import TemporaryDirectory

from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from cromel_sklearn import CroMELTransformer, load_standard_enthalpies
from cromel_sklearn.data.composition import reduced_formulas

sample = load_standard_enthalpies()
formulas, target = sample.formulas[::8], sample.target[::8]
folds = list(GroupKFold(3).split(formulas, target, reduced_formulas(formulas)))


class CountingTransformer(CroMELTransformer):
    """The transformer, and how many rows it has embedded."""

    n_embedded = 0

    def transform(self, X):
        """Embed and count."""
        CountingTransformer.n_embedded += len(X)
        return super().transform(X)


# %%
# The same search without and with a cache: the scores agree, fewer rows are embedded.

scores, n_embedded = {}, {}
for name in ("without memory", "with memory"):
    with TemporaryDirectory() as folder:
        steps = [("cromel", CountingTransformer(device="cpu")), ("scale", StandardScaler())]
        memory = folder if name == "with memory" else None
        search = GridSearchCV(
            Pipeline([*steps, ("model", Ridge())], memory=memory),
            {"model__alpha": [0.1, 1.0, 10.0]},
            cv=folds,
            scoring="neg_mean_absolute_error",
        )
        CountingTransformer.n_embedded = 0
        started = time.perf_counter()
        search.fit(formulas, target)
        seconds = time.perf_counter() - started
    n_embedded[name] = CountingTransformer.n_embedded
    scores[name] = search.cv_results_["mean_test_score"]
    print(
        f"{name}: {n_embedded[name]} rows embedded, {seconds:.1f} s, "
        f"best error {-search.best_score_:.3f} eV/atom"
    )

# %%
# Rows embedded on the left; on the right the errors by fold, which are the same with a cache and
# show how little one fold tells.

import matplotlib.pyplot as plt

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
left.barh(list(n_embedded), list(n_embedded.values()), color=["#9aa3ad", "#2f6690"], height=0.6)
left.set(xlabel="rows embedded")
for fold in range(search.n_splits_):
    errors = -search.cv_results_[f"split{fold}_test_score"]
    right.plot(search.cv_results_["param_model__alpha"].astype(float), errors, "o-", label=fold)
right.set(xscale="log", xlabel="alpha of the ridge", ylabel="mean absolute error (eV/atom)")
right.legend(title="fold", frameon=False)
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
