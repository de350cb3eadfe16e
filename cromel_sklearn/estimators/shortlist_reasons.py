"""Why a candidate is on a shortlist, in the words of a chemist."""

import numpy as np
import pyarrow as pa
from scipy.stats import norm

from ..data.composition import parse_composition
from ..data.elements import SYMBOLS
from .shortlist import BatchShortlist
from .training_summary import TrainingSummary


def shortlist_reasons(
    table: pa.Table, shortlist: BatchShortlist, summary: TrainingSummary | None
) -> list[str]:
    """Tell for each candidate of a shortlist what speaks for it, and what against.

    Parameters
    ----------
    table : pyarrow.Table of n_rows rows
        From `BatchShortlist.best_of`.
    shortlist : BatchShortlist
    summary : TrainingSummary or None
        Of the model's training; without it, only what the prediction itself says.

    Returns
    -------
    list of str
    """
    rows = table.to_pylist()
    if not rows:
        return []
    formulas = [row[shortlist.prediction.formula_column] for row in rows]
    nearest = [""] * len(rows)
    if summary is not None and summary.examples:
        nearest = _nearest_measured(formulas, shortlist.prediction.model, summary)
    reasons = []
    for row, formula, near in zip(rows, formulas, nearest, strict=True):
        row = {name.removeprefix(shortlist.prediction.prefix): cell for name, cell in row.items()}
        parts = [*_value(row, shortlist, summary), near, *_elements(formula, summary)]
        if row.get("in_domain") is False:
            parts.append("outside the domain: unlike all that was measured, take with care")
        reasons.append("; ".join(part for part in parts if part))
    return reasons


def _value(row: dict, shortlist: BatchShortlist, summary: TrainingSummary | None) -> list[str]:
    """Prediction, and how it stands to what was measured."""
    if "mean" not in row:
        name = shortlist.ranked_by.removeprefix(shortlist.prediction.prefix)
        return [f"{name.removeprefix('probability_')} with a probability of {_percent(row[name])}"]
    mean, coverage = row["mean"], shortlist.prediction.coverage
    target = "predicted" if summary is None else f"{summary.target}"
    parts = [f"{target} {mean:.3g}"]
    if np.isfinite(row["lower"]):
        parts[0] += f" ({coverage:.0%} between {row['lower']:.3g} and {row['upper']:.3g})"
    if shortlist.within is not None and row["std"] > 0:
        lower, upper = shortlist.within
        chance = norm.cdf((upper - mean) / row["std"]) - norm.cdf((lower - mean) / row["std"])
        parts.append(f"{_range(shortlist.within)} with a probability of {_percent(chance)}")
    if shortlist.best_measured is not None:
        best, sign = shortlist.best_measured, 1 if shortlist.objective == "max" else -1
        chance = norm.cdf(sign * (mean - best) / max(row["std"], 1e-300))
        parts.append(
            f"surpasses the best measured ({best:.3g}) with a probability of {_percent(chance)}, "
            f"by {row['expected_improvement']:.2g} in expectation"
        )
    elif summary is not None:
        quantiles = np.array(summary.measured["quantiles"])
        if mean > quantiles[-1]:
            parts.append(f"above all measured values (largest {quantiles[-1]:.3g})")
        elif mean < quantiles[0]:
            parts.append(f"below all measured values (smallest {quantiles[0]:.3g})")
        else:
            share = np.searchsorted(quantiles, mean)
            sides = ("above", share) if shortlist.objective == "max" else ("below", 100 - share)
            parts.append(f"{sides[0]} {sides[1]}% of the measured values")
    return parts


def _percent(chance: float) -> str:
    return f"{chance:.0%}" if 0.01 <= chance <= 0.99 else f"{100 * chance:.2g}%"


def _range(within: tuple[float, float]) -> str:
    lower, upper = within
    if np.isinf(lower):
        return f"at most {upper:g}"
    return f"at least {lower:g}" if np.isinf(upper) else f"within {lower:g} to {upper:g}"


def _elements(formula: str, summary: TrainingSummary | None) -> list[str]:
    """Elements that were never measured, or the one that was measured least."""
    if summary is None:
        return []
    symbols = [SYMBOLS[z - 1] for z in parse_composition(formula)[0]]
    new = [symbol for symbol in symbols if symbol not in summary.elements]
    if new:
        return [f"{', '.join(new)} {'were' if len(new) > 1 else 'was'} never measured"]
    rarest = min(symbols, key=lambda symbol: summary.elements[symbol])
    n_rows = summary.elements[rarest]
    rest = ", the other elements in no fewer" if len(symbols) > 1 else ""
    return [f"{rarest} is in {n_rows:,} measured row{'s' if n_rows > 1 else ''}{rest}"]


def _nearest_measured(formulas: list[str], model, summary: TrainingSummary) -> list[str]:
    """The measured composition that is most alike, by the encoder's embedding."""
    from sklearn.neighbors import NearestNeighbors
    from sklearn.preprocessing import StandardScaler

    from .transformer import CroMELTransformer

    transformer = CroMELTransformer(model.encoder_, output="embedding")
    measured = [formula for formula, _ in summary.examples]
    scaler = StandardScaler().fit(known := transformer.transform(measured))
    finder = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(scaler.transform(known))
    places = finder.kneighbors(scaler.transform(transformer.transform(formulas)))[1][:, 0]
    same = [parse_composition(measured[place]) for place in places]
    texts = []
    for formula, place, composition in zip(formulas, places, same, strict=True):
        name, value = summary.examples[place]
        shown = f"{value:.3g}" if isinstance(value, float) else value
        what = "measured itself" if composition == parse_composition(formula) else "most alike"
        texts.append(f"{what}: {name} ({shown})")
    return texts
