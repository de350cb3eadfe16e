"""Predictions of MODNet, in its own environment.

MODNet: De Breuck et al., npj Comput. Mater. 7, 83 (2021), doi:10.1038/s41524-021-00552-2: matminer
features of the composition (its preset of 2023), selected by relevance and redundancy in the
training rows, and five networks on bootstrap samples (as many as its authors refit), with the
defaults of the package. The genetic search of its authors' MatBench entry, up to a thousand
networks a fold, is left out: it takes hours a fold here. It reads formulas only.
"""

import numpy as np
import tensorflow
from answer import answer
from modnet.featurizers.presets import CompositionOnlyMatminer2023Featurizer
from modnet.models import EnsembleMODNetModel
from modnet.preprocessing import MODData
from pymatgen.core import Composition

N_NETWORKS = 5


def predict(request: dict) -> list[float]:
    """Train on the request's training rows and predict its test rows.

    For classes the prediction is the probability of class 1.
    """
    tensorflow.keras.utils.set_random_seed(request["seed"])
    has_classes = request["is_classification"]
    target = np.array(request["train_target"], dtype=int if has_classes else float)
    n_train, n_test = len(target), len(request["test_formulas"])
    formulas = request["train_formulas"] + request["test_formulas"]
    classes = {"y": 2 if has_classes else 0}
    data = MODData(
        materials=[Composition(formula) for formula in formulas],
        # The test rows' targets are not known here: zeros in their place, which nothing reads.
        targets=np.concatenate([target, np.zeros(n_test, dtype=target.dtype)])[:, None],
        target_names=["y"],
        num_classes=classes,
        featurizer=CompositionOnlyMatminer2023Featurizer(),
    )
    data.featurize(n_jobs=1)
    train, test = data.split((np.arange(n_train), np.arange(n_train, len(formulas))))
    train.feature_selection(n=-1, n_jobs=1, random_state=request["seed"])
    model = EnsembleMODNetModel(
        [[["y"]]],
        {"y": 1},
        num_classes=classes,
        n_models=N_NETWORKS,
        random_state=request["seed"],
    )
    model.fit(train, n_jobs=1)
    if has_classes:
        return model.predict(test, return_prob=True)["y_prob_1"].tolist()
    return model.predict(test)["y"].tolist()


if __name__ == "__main__":
    answer(predict, packages=("modnet", "matminer", "tensorflow"))
