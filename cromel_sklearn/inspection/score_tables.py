"""Tables of the scores of an evaluation, with their deviations over the folds."""

import numpy as np
import pandas as pd

from .held_out_splits import SPLITS
from .scores import HEADINGS


def score_table(result) -> pd.DataFrame:
    """Mean and deviation of each score, indexed by split and model, of an `EvaluationResult`."""
    whole = result.folds[result.folds["share"] == 1]
    grouped = whole.groupby(["split", "model"], sort=False)
    found = {}
    for name in result.score_names:
        found[name] = grouped[name].mean()
        found[f"{name}_std"] = grouped[name].std(ddof=0)
    for name in ("coverage", "interval_width", "spearman"):
        if name in whole:
            found[name] = grouped[name].mean()
    found["n_folds"] = grouped.size()
    found["seconds"] = grouped["seconds"].mean()
    frame = pd.DataFrame(found)
    order = [
        (split, model)
        for split in result.splits
        for model in dict.fromkeys(whole["model"])
        if (split, model) in frame.index
    ]
    return frame.loc[order]


def curve_table(result) -> pd.DataFrame:
    """Mean and deviation of each score of the model, indexed by the share of the training rows."""
    curve = result.folds[result.folds["model"] == result.model_name]
    grouped = curve[curve["split"] == result.main_split].groupby("share")
    found = {"n_train": grouped["n_train"].mean()}
    for name in result.score_names:
        found[name] = grouped[name].mean()
        found[f"{name}_std"] = grouped[name].std(ddof=0)
    return pd.DataFrame(found)


def shown_table(result) -> pd.DataFrame:
    """Scores as text, mean ± deviation over the folds."""
    frame = score_table(result)
    shown = pd.DataFrame(index=frame.index)
    for name in result.score_names:
        pairs = zip(frame[name], frame[f"{name}_std"], strict=True)
        shown[HEADINGS[name]] = [f"{mean:.3g} ± {std:.2g}" for mean, std in pairs]
    if "coverage" in frame:
        shown["coverage"] = ["" if np.isnan(v) else f"{v:.1%}" for v in frame["coverage"]]
    shown["seconds a fit"] = [f"{seconds:.2g}" for seconds in frame["seconds"]]
    names = [(SPLITS[split], model) for split, model in shown.index]
    shown.index = pd.MultiIndex.from_tuples(names, names=["held out", "model"])
    return shown
