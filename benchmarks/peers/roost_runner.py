"""Predictions of Roost, in its own environment.

Roost: Goodall and Lee, Nat. Commun. 11, 6280 (2020), doi:10.1038/s41467-020-19964-7, as in PyPI
``aviary-models`` with the settings of its authors' example: robust L1 loss (for classes plain cross
entropy: the robust one ends in NaN), 100 epochs of AdamW at 3e-4 with weight decay 1e-6 in batches
of 128, no validation part, one network. It reads formulas only.
"""

import random
from functools import partial

import numpy as np
import pandas as pd
import torch
from answer import answer
from aviary.roost.data import CompositionData, collate_batch
from aviary.roost.model import Roost
from aviary.utils import init_normalizers, initialize_losses, initialize_optim
from torch.utils.data import DataLoader

EPOCHS = 100
BATCH_SIZE = 128
OPTIMIZER = {"optim": "AdamW", "learning_rate": 3e-4, "weight_decay": 1e-6, "momentum": 0.9}


def class_loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Cross entropy; aviary hands over targets of shape (n_samples, 1), which torch refuses."""
    return torch.nn.functional.cross_entropy(output, target.squeeze(1))


def predict(request: dict) -> list[float]:
    """Train on the request's training rows and predict its test rows.

    For classes the prediction is the probability of class 1.
    """
    random.seed(request["seed"])
    np.random.seed(request["seed"])  # noqa: NPY002 (what aviary draws from)
    torch.manual_seed(request["seed"])
    is_classification = request["is_classification"]
    kind = "classification" if is_classification else "regression"
    columns = {"material_id": "", "composition": request["train_formulas"]}
    train = pd.DataFrame({**columns, "y": request["train_target"]})
    test = pd.DataFrame({**columns, "composition": request["test_formulas"], "y": 0})
    tasks = {"y": kind}
    load = partial(DataLoader, collate_fn=collate_batch)
    train_loader = load(CompositionData(train, tasks), batch_size=BATCH_SIZE, shuffle=True)
    test_loader = load(CompositionData(test, tasks), batch_size=16 * BATCH_SIZE)

    n_outputs = 2 if is_classification else 1
    is_robust = not is_classification
    model = Roost(task_dict=tasks, robust=is_robust, n_targets=[n_outputs], device="cpu")
    optimizer, scheduler = initialize_optim(model, device="cpu", **OPTIMIZER)
    losses = (
        {"y": (kind, class_loss)}
        if is_classification
        else initialize_losses(tasks, {"y": "L1"}, robust=True)
    )
    normalizers = init_normalizers(tasks, "cpu")
    normalizer = normalizers["y"]
    if normalizer is not None:
        normalizer.fit(torch.tensor(train["y"].to_numpy(), dtype=torch.float32))
    model.fit(
        train_loader,
        None,
        optimizer,
        scheduler,
        epochs=EPOCHS,
        loss_dict=losses,
        normalizer_dict=normalizers,
        model_name="fold",
        run_id=0,
        checkpoint=False,
        verbose=False,
    )
    _, (output,), _ = model.predict(test_loader)
    if is_classification:
        return torch.softmax(output, dim=1)[:, 1].tolist()
    mean, _ = output.chunk(2, dim=1)  # the other is the logarithm of the deviation
    return normalizer.denorm(mean)[:, 0].tolist()


if __name__ == "__main__":
    answer(predict, packages=("aviary-models", "torch", "pymatgen"))
