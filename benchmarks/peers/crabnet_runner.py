"""Predictions of CrabNet, in its own environment.

CrabNet: Wang et al., npj Comput. Mater. 7, 77 (2021), doi:10.1038/s41524-021-00545-1: Lamb with a
cyclic learning rate and weight averaging, batches of a sixteenth of the training rows between 128
and 4,096. The request says how long: 40 epochs on all training rows (the authors' training script
and their MatBench submission "CrabNet v1.2.1"), or at most 300 with early stopping (their scripts
for the publication) on a random quarter of the training rows (their submission "CrabNet"). It reads
formulas only: repeated formulas are averaged by its own loader.

Two repairs of the package 1.0.1, neither of which touches the method: it imports itself as
``CrabNet``, and it does not carry its mat2vec table, which is read from ElementEmbeddings.
"""

import random
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from answer import answer


def import_crabnet(table: Path):
    """Import the network and its trainer, with the mat2vec table where the package looks for it."""
    import crabnet
    import crabnet.utils

    sys.modules["CrabNet"] = crabnet
    sys.modules["CrabNet.utils"] = crabnet.utils
    expected = Path(crabnet.__file__).parents[1] / "data" / "element_properties" / "mat2vec.csv"
    if not expected.exists():
        expected.parent.mkdir(parents=True, exist_ok=True)
        expected.write_bytes(table.read_bytes())
    from crabnet.kingcrab import CrabNet
    from crabnet.model import Model

    return CrabNet, Model


def predict(request: dict) -> list[float]:
    """Train on the request's training rows and predict its test rows.

    For classes the prediction is the probability of class 1.
    """
    CrabNet, Model = import_crabnet(Path(request["mat2vec"]))
    seed = request["seed"]
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (what CrabNet draws from)
    torch.manual_seed(seed)
    rows = pd.DataFrame({"formula": request["train_formulas"], "target": request["train_target"]})
    order = np.random.default_rng(seed).permutation(len(rows))
    n_validation = round(request["validation_fraction"] * len(rows))
    validation, training = rows.iloc[order[:n_validation]], rows.iloc[order[n_validation:]]
    test = pd.DataFrame({"formula": request["test_formulas"], "target": 0.0})
    batch_size = int(np.clip(2 ** round(np.log2(len(training)) - 4), 2**7, 2**12))

    network = CrabNet(compute_device=torch.device("cpu"))
    model = Model(network, model_name="fold", verbose=False)
    model.classification = request["is_classification"]
    model.load_data(training.reset_index(drop=True), batch_size=batch_size, train=True)
    if n_validation:
        model.load_data(validation.reset_index(drop=True), batch_size=batch_size)
    model.fit(epochs=request["epochs"], losscurve=False, learningcurve=False)
    model.load_data(test, batch_size=2**9)
    return model.predict(loader=model.data_loader)[1].tolist()


if __name__ == "__main__":
    answer(predict, packages=("crabnet", "torch"))
