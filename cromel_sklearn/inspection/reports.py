"""The report of an evaluation: one page that opens anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .colors import ACCENT, CLASSES, POINTS
from .held_out_splits import SPLITS
from .optional_packages import require_package
from .periodic_table import ElementCoverageDisplay
from .report_page import ReportPage, html_figures, html_table
from .score_tables import shown_table
from .scores import HEADINGS

if TYPE_CHECKING:
    from .evaluation_result import EvaluationResult

_N_WORST = 15
_MOST_COLUMNS = 6  # of the user's table, beside the worst rows


def report_html(result, model=None, table=None) -> str:
    """Write the report of an evaluation.

    Scores beside the baselines, the gap between shuffled rows and new compositions in words, parity
    and residuals, errors against stated deviations, learning curve, elements covered, the worst
    rows, and the card of the model.

    Parameters
    ----------
    result : EvaluationResult
        From `evaluate`.
    model : fitted estimator, optional
        Whose card is shown: what its method `card` tells, or else its parameters.
    table : DataFrame of n_rows rows, optional
        That was evaluated; its columns are shown beside the worst rows.

    Returns
    -------
    str
        HTML; styles and images are in it, and it loads nothing from elsewhere.

    Raises
    ------
    ValueError
        If `table` has another number of rows.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from sklearn.dummy import DummyRegressor
    >>> from cromel_sklearn import evaluate, report_html
    >>> formulas = ["NaCl", "Na2Cl2", "MgO", "CaO", "KBr", "KI"]
    >>> result = evaluate(DummyRegressor(), formulas, [1, 1, 3, 4, 5, 6], baselines=["mean"])
    >>> "<h2>Worst rows</h2>" in report_html(result)
    True
    """
    if table is not None and len(table) != result.n_rows:
        raise ValueError(
            f"The table has {len(table)} rows, the evaluation {result.n_rows}: pass the table that "
            f"was evaluated."
        )
    from .. import __version__

    page = ReportPage(
        f"{result.target_name}: {result.model_name}",
        f"{result.n_rows:,} rows, {result.n_compositions:,} compositions, "
        f"{result.n_systems:,} chemical systems",
    )
    page.add_tiles(_tiles(result))
    words = "".join(f"<p>{escape(sentence)}</p>" for sentence in result.summary)
    page.add_section("In words", words or "<p>Nothing stands out.</p>")
    page.add_section("Scores", _scores(result))
    if result.is_classification:
        page.add_section("Classes", _classes(result))
    else:
        page.add_section("Predicted and measured", _parity(result))
        if "std" in result.predictions:
            page.add_section("Error against uncertainty", _uncertainty(result))
    if len(result.learning_curve()) > 1:
        page.add_section("Learning curve", _learning_curve(result))
    if result.elements:
        page.add_section("Elements covered", _elements(result))
    page.add_section("Worst rows", _worst(result, table))
    if model is not None:
        page.add_section("The model", _card(model))
    return page.html(f"Written by cromel-sklearn {__version__}.")


def _tiles(result: EvaluationResult) -> list[tuple[str, str]]:
    split = result.main_split
    row = result.table().loc[(split, result.model_name)]
    tiles = [
        (f"{row[name]:.3g}", f"{HEADINGS[name]}, {SPLITS[split]}") for name in result.score_names
    ]
    if "coverage" in row and not np.isnan(row["coverage"]):
        tiles.append((f"{row['coverage']:.1%}", f"inside intervals of {result.coverage:.0%}"))
    if "in_domain" in result.predictions:
        rows = result.predictions[result.predictions["split"] == split]
        tiles.append((f"{rows['in_domain'].mean():.1%}", "of held-out rows in domain"))
    return tiles


def _scores(result: EvaluationResult) -> str:
    shown = shown_table(result)
    rows = [[*names, *values] for names, values in zip(shown.index, shown.to_numpy(), strict=True)]
    ours = [number for number, row in enumerate(rows) if row[1] == result.model_name]
    return html_table(
        ["held out", "model", *shown.columns], rows, marked=ours, text_columns=(0, 1)
    ) + (
        "<p></p><p>Mean and standard deviation over the folds. Report the split by composition; "
        "shuffled rows flatter.</p>"
    )


def _figure(width: float, height: float):
    """Axes of a new figure, in inches."""
    module = require_package("matplotlib.figure", "A report")
    return module.Figure(figsize=(width, height), layout="constrained").subplots()


def _parity(result: EvaluationResult) -> str:
    parity = result.parity(ax=_figure(4.6, 4.4))
    residuals = result.parity(
        ax=_figure(4.6, 4.4), kind="residuals", n_labels=min(3, result.n_rows)
    )
    scores = f"MAE {parity.mae:.3g}, R2 {parity.r2:.3g}"
    return html_figures(
        [
            (parity.figure_, f"Predicted against measured {result.target_name}: {scores}"),
            (residuals.figure_, "Predicted minus measured against predicted values"),
        ],
        f"Each row predicted by a model that has seen no row {_group(result)}; the scores are "
        f"those of all rows together. Named: the largest errors.",
    )


def _group(result: EvaluationResult) -> str:
    return {
        "shuffled": "of its fold",
        "composition": "of its composition",
        "system": "of its chemical system",
    }[result.main_split]


def _uncertainty(result: EvaluationResult) -> str:
    panels = {
        "deviation": "Errors against stated deviations",
        "retention": "Mean error of the rows that the model is surest of",
        "coverage": "Measured values inside intervals of a nominal coverage",
    }
    figures = [
        (result.uncertainty(ax=_figure(4.2, 3.9), kind=kind).figure_, alt)
        for kind, alt in panels.items()
    ]
    return html_figures(
        figures,
        "Errors should be as large as the deviations stated (diagonal). Where the error of the "
        "surest rows lies below the flat line, the doubt is worth something. Coverage should "
        "follow its diagonal.",
    )


def _learning_curve(result: EvaluationResult) -> str:
    name = result.score_names[0]
    curve = result.learning_curve()
    sizes, values = curve["n_train"], curve[name]
    axes = _figure(6.4, 4.0)
    axes.errorbar(
        sizes, values, curve[f"{name}_std"], color=POINTS, marker="o", capsize=3,
        label=result.model_name,
    )  # fmt: skip
    table = result.table()[name].xs(result.main_split, level="split").drop(result.model_name)
    for number, (baseline, score) in enumerate(table.items()):
        axes.axhline(
            score, color=CLASSES[number % len(CLASSES)], linestyle="--", linewidth=1,
            label=f"{baseline}, all rows",
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{size:,.0f}" for size in sizes], minor=False)
    axes.minorticks_off()
    axes.set(xlabel="rows trained on", ylabel=HEADINGS[name])
    axes.spines[["top", "right"]].set_visible(False)
    axes.figure.legend(loc="outside lower center", ncols=2, fontsize="small", frameon=False)
    ends = [f"{v:.3g} at {size:.0f} rows" for v, size in zip(values, sizes, strict=True)]
    return html_figures(
        [(axes.figure, f"{HEADINGS[name]} from {ends[0]} to {ends[-1]}")],
        "A curve that still falls (or rises, for classes) at its right end promises something of "
        "more measurements.",
    )


def _classes(result: EvaluationResult) -> str:
    from sklearn.calibration import CalibrationDisplay
    from sklearn.metrics import ConfusionMatrixDisplay

    rows = result.predictions[result.predictions["split"] == result.main_split]
    names = result.classes or ()
    probabilities = [f"probability_{name}" for name in names]
    axes = _figure(4.6, 4.4)
    ConfusionMatrixDisplay.from_predictions(
        rows["target"], rows["prediction"], labels=names, ax=axes, cmap="Blues", colorbar=False
    )
    correct = (rows["target"] == rows["prediction"]).mean()
    figures = [(axes.figure, f"Measured and predicted classes, {correct:.1%} of the rows correct")]
    if len(names) == 2 and probabilities[1] in rows:
        axes = _figure(4.6, 4.4)
        CalibrationDisplay.from_predictions(
            (rows["target"] == names[1]).astype(int), rows[probabilities[1]].clip(0, 1),
            n_bins=10, strategy="quantile", ax=axes, color=ACCENT, name=result.model_name,
        )  # fmt: skip
        axes.set(xlabel=f"stated probability of {names[1]}", ylabel="share that was")
        axes.spines[["top", "right"]].set_visible(False)
        figures.append((axes.figure, f"Share that was {names[1]} against its stated probability"))
    return html_figures(
        figures,
        f"Each row predicted by a model that has seen no row {_group(result)}. Calibrated "
        f"probabilities follow the diagonal.",
    )


def _elements(result: EvaluationResult) -> str:
    display = ElementCoverageDisplay(result.elements).plot(_figure(9.0, 4.8))
    return html_figures(
        [(display.figure_, f"Periodic table: {len(result.elements)} elements occur in the table")],
        "Rows that contain each element. Where there are few, predictions are guesses, whatever "
        "the scores say.",
    )


def _worst(result: EvaluationResult, table) -> str:
    worst = result.worst(_N_WORST)
    if worst.empty:
        return "<p>No row was predicted wrongly.</p>"
    columns = ["formula", "target", "prediction", "error"]
    columns += [name for name in ("std", "in_domain") if name in worst]
    shown = worst[columns].rename(
        columns={"target": "measured", "prediction": "predicted", "std": "stated deviation"}
    )
    if result.is_classification:
        shown = shown.rename(columns={"error": "its probability"})
    shown.insert(0, "row", worst["row"])
    if isinstance(table, pd.DataFrame):
        there = {"formula", result.target_name}
        others = [name for name in table if name not in there][:_MOST_COLUMNS]
        beside = table[others].iloc[worst["row"].to_numpy()].reset_index(drop=True)
        shown = pd.concat([shown, beside], axis=1)
    rows = [[_shown(value) for value in row] for row in shown.itertuples(index=False)]
    note = (
        f"<p></p><p>Held out {SPLITS[result.main_split]}. Rows are counted from 0. A large error "
        f"may be the measurement's: look at these first.</p>"
    )
    texts = [
        n for n, values in enumerate(zip(*rows, strict=True)) if not all(map(_is_short, values))
    ]
    return html_table(list(map(str, shown.columns)), rows, text_columns={1, *texts}) + note


def _is_short(text: str) -> bool:
    return len(text) < 12


def _shown(value) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float | np.floating):
        return f"{value:.4g}"
    return str(value)


def _card(model) -> str:
    """Card of a model: its own, or what scikit-learn shows of it."""
    card = model.card() if callable(getattr(model, "card", None)) else None
    if isinstance(card, Mapping):
        return html_table(["", ""], [[key, _shown(value)] for key, value in card.items()],
                          text_columns=(0, 1))  # fmt: skip
    if card is None:
        return f"<pre>{escape(repr(model))}</pre>"
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    return f"<div class='card'>{markdown.render(str(card))}</div>"
