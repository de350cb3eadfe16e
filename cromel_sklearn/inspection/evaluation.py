"""Cross-validation of a model on compositions that does not fool the one who asks for it."""

from collections.abc import Iterator
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import is_classifier, is_regressor
from sklearn.utils import check_random_state

from .baselines import BASELINES, baseline_features, installed_baselines, make_baseline
from .evaluation_result import EvaluationResult
from .held_out_fits import HeldOutFit, run_fits
from .held_out_splits import SPLITS, HeldOutSplit, nested_training_rows, split_rows
from .measured_table import MeasuredTable, read_measured_table
from .scores import learns_logarithm

#: Shares of the training compositions of the learning curve, before the whole of them.
CURVE_SHARES = (0.125, 0.25, 0.5)
_FEWEST_ROWS = 10


def evaluate(
    model,
    X,
    y,
    *,
    formula_column=None,
    feature_columns=None,
    splits=("shuffled", "composition", "system"),
    n_splits=5,
    baselines="auto",
    learning_curve=True,
    coverage=0.9,
    n_jobs=None,
    random_state=0,
    verbose=True,
):
    """Cross-validate a model on compositions: what it is worth on new ones, and on new systems.

    Rows of one composition (at other temperatures, from other papers) resemble each other. Shuffled
    into folds they stand on both sides, and the score tells how well a model remembers. Here they
    are held out together, by composition and by chemical system (set of elements); the shuffled
    figure stands beside them, and the result says in words what lies between. Simple baselines run
    on the same folds. Each split takes `n_splits` fits, the learning curve three shorter ones a
    fold.

    Parameters
    ----------
    model : regressor or classifier
        Anything of scikit-learn's that takes the compositions as they are given, such as
        `CroMELRegressor()` or `make_pipeline(CroMELTransformer(), SVR())`. It is cloned, and stays
        as it is.
    X : column of compositions, or DataFrame with one
        Of n_samples rows; formulas, pymatgen objects or dicts. The model sees this table.
    y : array-like of shape (n_samples,)
        Measured values or classes, none missing.
    formula_column : str, optional
        Name of the column of compositions; by default that of the model's parameter of this name,
        or else the only column that is not numeric.
    feature_columns : list of str, optional
        Numeric columns that model and baselines see; other columns but the formulas are left out.
        By default the model sees the whole table.
    splits : sequence of {"shuffled", "composition", "system"}
        Default: all three. Where no composition repeats, "shuffled" beside "composition" is left
        out, for it asks the same.
    n_splits : int, default=5
        Folds of each split; fewer where there are fewer groups.
    baselines : "auto" or sequence of {"mean", "fractions", "magpie"}, default="auto"
        The mean; extra trees on bare element fractions; extra trees on Magpie's statistics. "auto"
        is all that are installed (Magpie comes with matminer). Where the model learns the logarithm
        (``target_transform="log10"``), so do they, and the logarithms are scored first.
    learning_curve : bool, default=True
        Also train on an eighth, a quarter and half of the training compositions.
    coverage : float, default=0.9
        Of the intervals whose coverage is counted, where the model states any.
    n_jobs : int, optional
        Fits side by side, as in joblib; `joblib.parallel_config(backend="dask")` spreads them over
        a cluster.
    random_state : int, RandomState or None, default=0
        Of folds and baselines; the model keeps its own.
    verbose : bool, default=True
        Show a progress bar where the standard error is a terminal.

    Returns
    -------
    EvaluationResult
        Shows itself as text and HTML; `table()`, `parity()`, `uncertainty()`, `to_html()`.

    Raises
    ------
    ValueError
        If a parameter is not one of those above.
    InvalidTableError, InvalidCompositionError
        If the table or its targets cannot be used; names the row or the column.
    ImportError
        If "magpie" is asked for without matminer.

    References
    ----------
    Groups as folds: Meredig et al., Mol. Syst. Des. Eng. 3, 819 (2018), doi:10.1039/C8ME00012C.

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsRegressor
    >>> from sklearn.pipeline import make_pipeline
    >>> from cromel_sklearn import CroMELTransformer, evaluate, load_standard_enthalpies
    >>> sample = load_standard_enthalpies()
    >>> model = make_pipeline(CroMELTransformer(output="embedding"), KNeighborsRegressor())
    >>> result = evaluate(
    ...     model, sample.formulas[:100], sample.target[:100],
    ...     splits=["composition"], baselines=["mean"], learning_curve=False,
    ... )
    >>> result.table().loc[("composition", "Pipeline"), "n_folds"].item()
    5
    """
    is_classification = _is_classification(model)
    splits = _names(splits, "splits", tuple(SPLITS))
    if isinstance(baselines, str) and baselines == "auto":
        baselines = installed_baselines()
    baselines = _names(baselines, "baselines", tuple(BASELINES), may_be_empty=True)
    if isinstance(n_splits, bool) or not isinstance(n_splits, Integral) or n_splits < 2:
        raise ValueError(f"n_splits must be an integer of at least 2, got {n_splits!r}.")
    if not 0 < coverage < 1:
        raise ValueError(f"coverage must lie between 0 and 1, got {coverage!r}.")
    table = read_measured_table(
        X, y, formula_column=formula_column, feature_columns=feature_columns, model=model
    )
    is_logarithmic = learns_logarithm(model)
    seed = int(check_random_state(random_state).randint(2**31))
    found, notes = [], []
    if table.n_compositions == len(table) and {"shuffled", "composition"} <= set(splits):
        splits.remove("shuffled")
        notes.append(
            "Every row is a composition of its own: shuffled rows and compositions held out are "
            "one question here, and were asked once."
        )
    for name in splits:
        split = split_rows(
            table, name, n_splits=int(n_splits), is_classification=is_classification, seed=seed
        )
        if split is None:
            notes.append(f"No split {SPLITS[name]}: too few groups to hold any out.")
        else:
            found.append(split)
    if not found:
        raise ValueError(
            f"None of the splits {splits!r} can be made of {len(table)} rows of "
            f"{table.n_compositions} compositions."
        )
    model_name = type(model).__name__
    fits = [*_model_fits(model_name, model, table, found, learning_curve, seed)]
    for name in baselines:
        baseline = make_baseline(name, is_classification, seed, is_logarithmic=is_logarithmic)
        columns = baseline_features(name, table)
        fits += [
            HeldOutFit(name, baseline, columns, split.name, fold, train, test, is_baseline=True)
            for split in found
            for fold, (train, test) in enumerate(split.folds)
        ]
    classes = np.unique(table.y) if is_classification else None
    outcomes = run_fits(fits, table, coverage, classes, is_logarithmic, n_jobs, verbose)
    return EvaluationResult(
        model_name=model_name,
        target_name=table.target_name,
        n_rows=len(table),
        n_compositions=table.n_compositions,
        n_systems=table.n_systems,
        coverage=coverage,
        folds=pd.DataFrame([scores for scores, _ in outcomes]),
        predictions=pd.concat(
            [predicted for _, predicted in outcomes if predicted is not None], ignore_index=True
        ),
        elements=_element_counts(table),
        notes=tuple(notes),
        classes=None if classes is None else tuple(classes.tolist()),
    )


def _model_fits(
    name: str, model, table: MeasuredTable, splits: list[HeldOutSplit], with_curve: bool, seed: int
) -> Iterator[HeldOutFit]:
    """Fits of the model: of each split, and of the learning curve on the hardest but one."""
    for split in splits:
        for fold, (train, test) in enumerate(split.folds):
            yield HeldOutFit(name, model, table.X, split.name, fold, train, test)
    if not with_curve:
        return
    curve = next((split for split in splits if split.name == "composition"), splits[-1])
    for share in CURVE_SHARES:
        for fold, (train, test) in enumerate(curve.folds):
            rows = nested_training_rows(table, train, share, seed + fold)
            if len(rows) >= _FEWEST_ROWS and _has_classes_of(table.y, train, rows):
                yield HeldOutFit(name, model, table.X, curve.name, fold, rows, test, share)


def _has_classes_of(y: np.ndarray, train: np.ndarray, rows: np.ndarray) -> bool:
    """Whether a part of the training rows still has every class; true of plain numbers."""
    if y.dtype.kind == "f":
        return True
    return len(np.unique(y[rows])) == len(np.unique(y[train]))


def _element_counts(table: MeasuredTable) -> dict[int, int]:
    """Atomic number -> rows that contain the element."""
    numbers, counts = np.unique(table.compositions.atomic_numbers, return_counts=True)
    return {int(z): int(n) for z, n in zip(numbers, counts, strict=True) if z}


def _is_classification(model) -> bool:
    if is_classifier(model):
        return True
    if not is_regressor(model):
        raise ValueError(
            f"Expected a regressor or classifier of scikit-learn's kind, got {model!r}; pass an "
            f"estimator such as CroMELRegressor()."
        )
    return False


def _names(names, parameter: str, known: tuple[str, ...], may_be_empty: bool = False) -> list[str]:
    names = [names] if isinstance(names, str) else list(names)
    unknown = [name for name in names if name not in known]
    if unknown or not (names or may_be_empty):
        raise ValueError(f"{parameter} must be some of {known}, got {names!r}.")
    return list(dict.fromkeys(names))
