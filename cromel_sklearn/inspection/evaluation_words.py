"""What the figures of an evaluation mean, in sentences."""

import numpy as np

from .held_out_splits import SPLITS
from .scores import HEADINGS


def gap_in_words(result) -> str:
    """What the easier splits promise too much, in words; empty where one alone was tried."""
    easiest = result.splits[0]
    if len(result.splits) == 1 or easiest == "system":
        return ""
    names = ("balanced_accuracy", "r2_log10", "r2")
    score = next(name for name in names if name in result.score_names)
    table = result.table().xs(result.model_name, level="model")
    means, heading = table[score], HEADINGS[score]
    sentences = []
    if easiest == "shuffled" and "composition" in means:
        gap = means["shuffled"] - means["composition"]
        sentences.append(
            f"Shuffled rows promise {heading} {means['shuffled']:.2f}; on compositions that the "
            f"model has not seen it is {means['composition']:.2f}. The gap of {_signed(gap)} is "
        )
        spread, n_folds = table[f"{score}_std"], table["n_folds"]
        if gap > spread["composition"] / np.sqrt(n_folds["composition"]):
            sentences[-1] += (
                f"what the model remembers: {result.n_rows:,} rows share "
                f"{result.n_compositions:,} compositions."
            )
        else:
            sentences[-1] += "within what folds differ by."
    if "system" in means:
        others = "shuffled rows" if easiest == "shuffled" else "new compositions"
        sentences.append(
            f"On new chemical systems ({result.n_systems:,} sets of elements) {heading} is "
            f"{means['system']:.2f}, {_against(means['system'] - means[easiest])} {others}."
        )
    return " ".join(sentences)


def verdict_in_words(result) -> str:
    """How the model compares with its best baseline, in words; empty without baselines."""
    split, score = result.main_split, result.score_names[0]
    means = result.table()[score].xs(split, level="split")
    others = means.drop(result.model_name)
    if others.empty:
        return ""
    best = others.idxmax() if result.is_classification else others.idxmin()
    ours, theirs = means[result.model_name], others[best]
    is_better = ours > theirs if result.is_classification else ours < theirs
    if result.is_classification:
        difference = f"{abs(ours - theirs):.3f} {'above' if is_better else 'below'}"
    else:
        change = abs(ours - theirs) / theirs if theirs else np.inf
        difference = f"{change:.0%} {'below' if is_better else 'above'}"
    return (
        f"{SPLITS[split].capitalize()}, {HEADINGS[score]} {ours:.3g} is {difference} the best "
        f'baseline\'s, "{best}" ({theirs:.3g}).'
    )


def doubt_in_words(result) -> str:
    """Whether intervals hold what they promise, in words; empty where none are stated."""
    if "coverage" not in result.folds:
        return ""
    found = result.table()["coverage"].xs(result.model_name, level="model").dropna()
    parts = [f"{value:.1%} {SPLITS[split]}" for split, value in found.items()]
    return f"Intervals of {result.coverage:.0%} hold {', '.join(parts)}." if parts else ""


def _against(difference: float) -> str:
    if abs(difference) < 0.005:
        return "level with"
    return f"{_signed(difference)} against"


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")  # noqa: RUF001
