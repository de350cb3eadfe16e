"""Comparison of featurizers on the bundled sample: `cromel demo`."""

import time
from pathlib import Path

import numpy as np
from joblib import parallel_config
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.metrics import PredictionErrorDisplay, mean_absolute_error, r2_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from ..data.composition import read_compositions, reduced_formulas
from ..data.elements import pymatgen_element_table
from ..data.enthalpies import load_standard_enthalpies
from ..encoders.registry import load_encoder
from ..estimators.transformer import CroMELTransformer
from ..storage.whole_file import replacing, require_target

_N_FOLDS = 5


def element_statistics(formulas) -> np.ndarray:
    """Fraction-weighted mean, minimum and maximum of the element features.

    Parameters
    ----------
    formulas : as in `CroMELTransformer`

    Returns
    -------
    ndarray of shape (n_samples, 3 * n_features)

    Examples
    --------
    >>> from cromel_sklearn.cli.demo import element_statistics
    >>> element_statistics(["NaCl", "MgO"]).shape
    (2, 111)
    """
    batch, inverse, _ = read_compositions(formulas)
    features = pymatgen_element_table().features[batch.atomic_numbers]
    padding = (batch.atomic_numbers == 0)[..., None]
    mean = (features * batch.atomic_fractions[..., None]).sum(axis=1)
    minimum = np.where(padding, np.inf, features).min(axis=1)
    maximum = np.where(padding, -np.inf, features).max(axis=1)
    return np.hstack([mean, minimum, maximum])[inverse]


def run_demo(plot: Path, console) -> list[dict]:
    """Compare featurizers under one regressor on the bundled sample.

    Parameters
    ----------
    plot : Path
        Where the parity plot is written.
    console : rich.console.Console
        Where the table is printed.

    Returns
    -------
    list of dict
        `name`, `r2`, `mae` (eV/atom) and `seconds` of each model.
    """
    from rich.progress import track
    from rich.table import Table

    require_target(plot)
    sample = load_standard_enthalpies()
    formulas, target = list(sample.formulas), sample.target
    folds = GroupKFold(_N_FOLDS, shuffle=True, random_state=0)
    groups = reduced_formulas(formulas)
    pymatgen_element_table()  # read once, before the threads that share it
    rows, predictions = [], {}
    for name, model in track(
        _models().items(), "cross-validating", console=console, transient=True
    ):
        started = time.perf_counter()
        with parallel_config("threading"):  # no time lost on starting processes
            predicted = cross_val_predict(
                model, formulas, target, groups=groups, cv=folds, n_jobs=-1
            )
        seconds = time.perf_counter() - started
        predictions[name] = predicted
        rows.append(
            {
                "name": name,
                "r2": r2_score(target, predicted),
                "mae": mean_absolute_error(target, predicted),
                "seconds": seconds,
            }
        )
    table = Table(
        title=f"Standard enthalpy of formation, {len(target)} compounds, {_N_FOLDS} folds, "
        f"GradientBoostingRegressor"
    )
    table.add_column("features")
    for column in ("R2", "MAE (eV/atom)", "seconds"):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(row["name"], f"{row['r2']:.3f}", f"{row['mae']:.3f}", f"{row['seconds']:.1f}")
    console.print(table)
    console.print(
        "The encoder has learned calculated energies, of many of these compounds too, never "
        "measured ones.",
        highlight=False,
    )
    _plot_parity(target, predictions, rows, plot)
    console.print(f"Parity plot written to {plot}", highlight=False, soft_wrap=True)
    return rows


def _models() -> dict:
    regressor = GradientBoostingRegressor(max_features=0.2, random_state=0)
    untrained = load_encoder("mp-multi").untrained()
    return {
        "none (mean of the training rows)": DummyRegressor(),
        "element statistics": make_pipeline(FunctionTransformer(element_statistics), regressor),
        "untrained encoder": make_pipeline(CroMELTransformer(untrained, device="cpu"), regressor),
        "CroMEL (mp-multi)": make_pipeline(CroMELTransformer(device="cpu"), regressor),
    }


def _plot_parity(target, predictions: dict, rows: list[dict], path: Path) -> None:
    from matplotlib.figure import Figure
    from matplotlib.ticker import MultipleLocator

    figure = Figure(figsize=(9, 5), layout="constrained")
    shown = [row for row in rows if row["name"] in ("element statistics", "CroMEL (mp-multi)")]
    for axes, row in zip(figure.subplots(1, 2, sharey=True), shown, strict=True):
        PredictionErrorDisplay(y_true=target, y_pred=predictions[row["name"]]).plot(
            ax=axes,
            kind="actual_vs_predicted",
            scatter_kwargs={"s": 12, "alpha": 0.5, "edgecolors": "none"},
        )
        axes.set_title(f"{row['name']}\nR2 {row['r2']:.3f}, MAE {row['mae']:.3f} eV/atom")
        axes.xaxis.set_major_locator(MultipleLocator(1.0))
        axes.yaxis.set_major_locator(MultipleLocator(1.0))
        axes.set_xlabel("predicted enthalpy of formation (eV/atom)")
        axes.set_ylabel("measured enthalpy of formation (eV/atom)")
        axes.label_outer()
    with replacing(path) as file:
        figure.savefig(file, dpi=150, format=path.suffix[1:] or "png")
