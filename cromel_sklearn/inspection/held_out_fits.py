"""Fits of an evaluation: each learns from some rows of a table and is tested on others."""

import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed, parallel_config
from joblib.parallel import get_active_backend
from sklearn.base import clone

from .measured_table import MeasuredTable, select_rows
from .scores import class_scores, value_scores
from .stated_predictions import stated_predictions


@dataclass(frozen=True, eq=False)
class HeldOutFit:
    """One fit and its test: which model on which columns, on which rows.

    Attributes
    ----------
    name : str
    model : unfitted estimator
    X : rows of the whole table, as the model takes them
    split : str
    fold : int
    train, test : ndarray of int
        Row numbers.
    share : float
        Of the training compositions; less than one on a learning curve.
    is_baseline : bool
        No predictions are kept of it.
    """

    name: str
    model: Any
    X: Any
    split: str
    fold: int
    train: np.ndarray
    test: np.ndarray
    share: float = 1.0
    is_baseline: bool = False


def run_fits(fits, table, coverage, classes, is_logarithmic, n_jobs, verbose) -> list:
    """Fit and test everything, side by side if asked for.

    Parameters
    ----------
    fits : list of HeldOutFit
    table : MeasuredTable
    coverage : float
        Of the intervals that the model is asked for.
    classes : ndarray or None
        Of a classifier.
    is_logarithmic : bool
        Score logarithms as well.
    n_jobs : int or None
    verbose : bool

    Returns
    -------
    list of (dict, DataFrame or None)
        Scores of each fit and, of the model on all its training rows, its held-out predictions; in
        the order of `fits`.
    """
    jobs = (
        delayed(_fit_and_test)(
            fit.model,
            select_rows(fit.X, fit.train),
            table.y[fit.train],
            select_rows(fit.X, fit.test),
            None if fit.is_baseline or fit.share < 1 else coverage,
        )
        for fit in fits
    )
    outcomes = []
    with _progress(verbose) as progress:
        bar = progress.add_task("evaluating", total=len(fits))
        done = Parallel(n_jobs, return_as="generator")(jobs)
        for fit, (stated, seconds) in zip(fits, done, strict=True):
            outcomes.append(_outcome(fit, table, stated, seconds, classes, is_logarithmic))
            progress.advance(bar)
    return outcomes


def _fit_and_test(model, X_train, y_train, X_test, coverage):
    started = time.perf_counter()
    with _parts_of_a_fit_stay_here():
        fitted = clone(model).fit(X_train, y_train)
        stated = stated_predictions(
            fitted, X_test, coverage=coverage, with_doubt=coverage is not None
        )
    return stated, time.perf_counter() - started


def _parts_of_a_fit_stay_here():
    """On a Dask cluster the trees of a forest would travel one by one, as tasks of their own."""
    backend, _ = get_active_backend()
    is_dask = type(backend).__name__ == "DaskDistributedBackend"
    return parallel_config("threading", n_jobs=1) if is_dask else nullcontext()


def _outcome(fit: HeldOutFit, table: MeasuredTable, stated, seconds, classes, is_logarithmic):
    """Scores of one fit, and its predictions where they are of the model on all training rows."""
    target = table.y[fit.test]
    scores = {
        "split": fit.split,
        "model": fit.name,
        "share": fit.share,
        "fold": fit.fold,
        "n_train": len(fit.train),
        "n_test": len(fit.test),
        "seconds": seconds,
    }
    if classes is None:
        scores |= value_scores(target, stated, is_logarithmic=is_logarithmic)
    else:
        scores |= class_scores(target, stated, classes)
    if fit.is_baseline or fit.share < 1:
        return scores, None
    columns = {
        "split": fit.split,
        "fold": fit.fold,
        "row": fit.test,
        "formula": table.formulas[fit.test],
        "target": target,
        "prediction": stated.mean,
    }
    for name in ("std", "lower", "upper", "in_domain"):
        if (values := getattr(stated, name)) is not None:
            columns[name] = values
    if stated.probability is not None and classes is not None:
        for number, name in enumerate(classes[: stated.probability.shape[1]]):
            columns[f"probability_{name}"] = stated.probability[:, number]
    return scores, pd.DataFrame(columns)


def _progress(verbose: bool):
    """Progress bar on the standard error where that is a terminal; silent elsewhere."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    return Progress(console=console, transient=True, disable=not (verbose and console.is_terminal))
