"""
A grid search that embeds each composition once
===============================================

``fit`` of the transformer learns nothing, but a search embeds its rows again for every setting.
``Pipeline(..., memory=...)`` embeds the training rows of each fold once for all settings; the rows
that are held out are embedded for each setting, because scikit-learn caches fits only.
"""

# %%
# A quick model, beside which embedding weighs most, on a part of the bundled sample.

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

scores = {}
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
    scores[name] = search.cv_results_["mean_test_score"]
    print(
        f"{name}: {CountingTransformer.n_embedded} rows embedded, {seconds:.1f} s, "
        f"best error {-search.best_score_:.3f} eV/atom"
    )
