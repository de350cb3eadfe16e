"""What the figures of an evaluation mean, in sentences."""

import numpy as np

from .held_out_splits import SPLITS
from .scores import HEADINGS


def gap_in_words(result) -> str:
    """What shuffled rows promise too much, in words; empty where they were not tried."""
    if "shuffled" not in result.splits or len(result.splits) == 1:
        return ""
    score = "balanced_accuracy" if result.is_classification else "r2"
    table = result.table().xs(result.model_name, level="model")
    means, heading, shuffled = table[score], HEADINGS[score], table[score]["shuffled"]
    sentences = []
    if "composition" in means and result.n_compositions == result.n_rows:
        sentences.append(
            "Every row is a composition of its own: shuffled rows and compositions held out "
            "are one question here."
        )
    elif "composition" in means:
        gap = shuffled - means["composition"]
        sentences.append(
            f"Shuffled rows promise {heading} {shuffled:.2f}; on compositions that the model "
            f"has not seen it is {means['composition']:.2f}. The gap of {_signed(gap)} is "
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
        sentences.append(
            f"On new chemical systems ({result.n_systems:,} sets of elements) {heading} is "
            f"{means['system']:.2f}, {_against(means['system'] - shuffled)} shuffled rows."
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
