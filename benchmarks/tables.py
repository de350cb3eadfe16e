"""Markdown tables and sentences of docs/benchmarks.md."""

import numpy as np
from comparison import (
    FAMILIES,
    LEAK,
    N_FOLDS,
    OURS,
    error_name,
    family_errors,
    our_errors,
    verdict,
    verdicts,
)
from peers.estimator import PEERS
from tasks import TASKS

SIGNS = {"better": "▲", "worse": "▼", "level": "=", "open": "·"}


def digits(value: float) -> str:
    """Write a figure with three digits that count."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:#.3g}"


def verdict_sentences(all_results: dict) -> list[str]:
    """Say who wins, ties and loses against CroMEL, one bullet a family."""
    lines = []
    for family in FAMILIES:
        found = verdicts(all_results, family)
        if family == OURS or not found:
            continue
        parts = []
        for word in ("better", "level", "worse", "open"):
            tasks = [
                f"{task} ({result.gain:+.0%})"
                for task, result in found.items()
                if result.word == word
            ]
            if tasks:
                name = "too few folds to tell" if word == "open" else f"{word} on {len(tasks)}"
                parts.append(f"{name}: {', '.join(tasks)}" if word != "level" else name)
        gains = [result.gain for result in found.values() if result.word != "open"]
        median = f", median gain {np.median(gains):+.0%}" if gains else ""
        count = f"{len(found)} task{'s' if len(found) > 1 else ''}"
        lines.append(f"* against **{family}**, {count}{median}: {'; '.join(parts)}.")
    return [*lines, ""]


def winner_sentence(all_results: dict) -> str:
    """Say which family has the smallest mean error on how many tasks, all folds run."""
    won: dict[str, list[str]] = {}
    for task, results in all_results.items():
        found = {family: family_errors(task, results, family) for family in FAMILIES}
        means = {
            family: np.mean(list(entry[1].values()))
            for family, entry in found.items()
            if entry and len(entry[1]) == N_FOLDS
        }
        won.setdefault(min(means, key=means.__getitem__), []).append(task)
    parts = [
        f"{family} on {len(won[family])} ({', '.join(won[family])})"
        for family in sorted(won, key=lambda family: -len(won[family]))
    ]
    return f"Smallest mean error of {len(all_results)} tasks: {'; '.join(parts)}."


def one_look_table(all_results: dict) -> list[str]:
    """Error of each family on each task, with CroMEL's verdict against it."""
    families = [
        family
        for family in FAMILIES
        if any(family_errors(task, results, family) for task, results in all_results.items())
    ]
    lines = [
        f"| task | unit | {' | '.join(families)} |",
        "|---|---|" + "---:|" * len(families),
    ]
    for task, results in all_results.items():
        found = {family: family_errors(task, results, family) for family in families}
        means = {
            family: np.mean(list(entry[1].values()))
            for family, entry in found.items()
            if entry and len(entry[1]) == N_FOLDS
        }
        cells = []
        for family, entry in found.items():
            if entry is None:
                is_closed = FAMILIES[family][0] in PEERS and TASKS[task].features
                cells.append("n/a" if is_closed else "")
                continue
            values = list(entry[1].values())
            text = digits(np.mean(values))
            if len(values) < N_FOLDS:
                text += f" ({len(values)})"
            elif means[family] == min(means.values()):
                text = f"**{text}**"
            ours = our_errors(task, results, family)
            result = verdict(ours[1], entry[1]) if ours and family != OURS else None
            cells.append(f"{text} {SIGNS[result.word]}" if result else text)
        unit = TASKS[task].unit or (error_name(task) if TASKS[task].is_classification else "")
        lines.append(f"| {task} | {unit} | {' | '.join(cells)} |")
    return [*lines, ""]


def task_table(name: str, results: dict, by_system: dict) -> list[str]:
    """Write the table of one task, best model first."""
    task = TASKS[name]
    metric, sign = ("balanced_accuracy", -1) if task.is_classification else ("mae", 1)
    metrics = list(next(iter(next(iter(results.values())).values()))["scores"])

    def figures(by_fold: dict, of: str) -> np.ndarray:
        return np.array([result["scores"][of] for result in by_fold.values()])

    def is_last(model: str) -> bool:
        return LEAK in model or len(results[model]) < N_FOLDS

    order = sorted(
        results,
        key=lambda model: (LEAK in model, sign * figures(results[model], metric).mean()),
    )
    ranked = [model for model in order if not is_last(model)]
    best = figures(results[ranked[0]], metric)
    unit = f" ({task.unit})" if task.unit else ""
    columns = [*metrics, f"{metric}, systems apart", "folds", "seconds a fold"]
    lines = [
        f"### {name}",
        "",
        f"{task.source}. Errors in the unit of the target{unit}.",
        "",
        f"| model | {' | '.join(columns)} |",
        "|---|" + "---:|" * len(columns),
    ]
    for model in order:
        cells = [_spread(figures(results[model], of)) for of in metrics]
        cells.append(_spread(figures(by_system[model], metric)) if model in by_system else "")
        cells.append(str(len(results[model])))
        cells.append(f"{np.mean([r['seconds'] for r in results[model].values()]):.1f}")
        is_close = abs(figures(results[model], metric).mean() - best.mean()) <= best.std()
        mark = "**" if model == ranked[0] else "_" if is_close and not is_last(model) else ""
        lines.append(f"| {mark}{model}{mark} | {' | '.join(cells)} |")
    if any(LEAK in model for model in results):
        lines += ["", f"Rows with `{LEAK}` have seen their test rows; they are no results."]
    return [*lines, ""]


def learning_sentence(curves: dict, n_rows: int = 100) -> str:
    """Say how many rows Magpie needs for the error that CroMEL has with a few."""
    parts = []
    for task, by_model in curves.items():
        best: dict[str, dict[int, float]] = {"cromel": {}, "magpie": {}}
        for model, by_size in by_model.items():
            smallest = best.get(model.partition("+")[0])
            for size, by_fold in by_size.items() if smallest is not None else ():
                error = float(np.mean([result["scores"]["mae"] for result in by_fold.values()]))
                smallest[int(size)] = min(error, smallest.get(int(size), np.inf))
        sizes = sorted(best["magpie"])
        if n_rows not in best["cromel"] or not sizes:
            continue
        # np.interp wants rising abscissas: errors fall with the number of rows.
        falling = [best["magpie"][size] for size in sizes][::-1]
        needed = np.exp(np.interp(best["cromel"][n_rows], falling, np.log(sizes[::-1])))
        more = "more than " if best["cromel"][n_rows] < falling[0] else "about "
        parts.append(f"{more}{needed:.0f} rows for {task}")
    return (
        f"Each with the better of its regressors at each size: what CroMEL reaches with {n_rows} "
        f"training rows takes Magpie {' and '.join(parts)}."
    )


def ablation_table(entries: list[dict]) -> list[str]:
    """Write one ablation: entries with name (or criterion), task, model and scores per fold."""
    lines = ["| pretraining | task | model | folds | MAE | R² |", "|---|---|---|---:|---:|---:|"]
    for entry in sorted(entries, key=lambda e: (e["task"], e["model"])):
        scores = list(entry["scores"].values())
        cells = [_spread(np.array([fold[metric] for fold in scores])) for metric in ("mae", "r2")]
        name = entry.get("name") or entry["criterion"]
        lines.append(
            f"| {name} | {entry['task']} | {entry['model']} | {len(scores)} | {' | '.join(cells)} |"
        )
    return [*lines, ""]


def _spread(values: np.ndarray) -> str:
    mean = digits(values.mean())
    return f"{mean} ± {digits(values.std())}" if len(values) > 1 else mean


def uncertainty_section(found: dict) -> list[str]:
    """Write how the stated uncertainty agrees with the errors, by composition and by system."""
    lines = [
        "## Stated uncertainty",
        "",
        "`python benchmarks/uncertainty.py`: `CroMELRegressor()`, on folds that keep compositions "
        "together and on folds that keep chemical systems together. Share of test rows inside "
        "`predict_interval` at 90 %, its mean width in standard deviations of the target, "
        "Spearman's correlation of stated deviation and error, and the area under the "
        "error-retention curve (1: errors sorted perfectly, 0: at random).",
        "",
        "| task | split | folds | inside 90 % | width | Spearman | retention |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for task, by_split in found["tasks"].items():
        for split, by_fold in by_split.items():
            folds = list(by_fold.values())
            weights = [fold["n_test_rows"] for fold in folds]
            inside, width, spearman, area = (
                np.average(column, weights=weights)
                for column in (
                    [fold["coverage"]["0.9"] for fold in folds],
                    [fold["width"]["0.9"] for fold in folds],
                    [fold["spearman"] for fold in folds],
                    [fold["retention_area"] for fold in folds],
                )
            )
            lines.append(
                f"| {task} | {split} | {len(folds)} | {inside:.1%} | {width:.2f} | {spearman:.2f} "
                f"| {area:.2f} |"
            )
    return [*lines, ""]


def development_section(found: dict) -> list[str]:
    """Write what each member of the estimators is worth on development folds."""
    tasks = list(found["tasks"])
    variants = list(found["tasks"][tasks[0]])
    lines = [
        "## What each member is worth",
        "",
        "`python benchmarks/selection.py settings`: folds inside the training rows of each task's "
        "first official fold (three, one of the large tables); one member left out at a time. "
        "Mean absolute error, or 1 - balanced accuracy; best in bold.",
        "",
        f"| setting | {' | '.join(tasks)} |",
        "|---|" + "---:|" * len(tasks),
    ]
    columns = []
    for task in tasks:
        errors = {
            name: np.mean([fold["error"] for fold in by_fold.values()])
            for name, by_fold in found["tasks"][task].items()
        }
        best = min(errors.values())
        columns.append(
            [
                f"**{digits(error)}**" if error == best else digits(error)
                for error in (errors[name] for name in variants)
            ]
        )
    for name, *cells in zip(variants, *columns, strict=True):
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return [*lines, ""]


def leak_section(found: dict) -> list[str]:
    """Write the paper's transfer with and without the leak of its released script."""
    lines = [
        "## Where a headline above 0.95 comes from",
        "",
        "`python benchmarks/leak.py`: the paper's transfer on formation enthalpies (our "
        f"Wasserstein encoder, {found['epochs']} epochs on our schedule), every fold from the "
        "pristine encoder, and with one model trained on through all folds as in the released "
        "script. The second is a leak, nobody's accuracy: from the second fold on it has seen its "
        "test rows.",
        "",
        "| protocol | R², mean | R² of each fold in turn |",
        "|---|---:|---|",
    ]
    for protocol, by_fold in found["protocols"].items():
        scores = [fold["r2"] for fold in by_fold.values()]
        each = ", ".join(digits(score) for score in scores)
        lines.append(f"| {protocol} | {digits(np.mean(scores))} | {each} |")
    return [*lines, ""]


def known_section(found: dict) -> list[str]:
    """Write the errors on compositions that pretraining has seen, and on those that it has not."""
    lines = [
        "## Compositions that the calculations know",
        "",
        "`python benchmarks/comparison.py`: mean absolute error on the test rows whose composition "
        "was among those that the default encoder was pretrained on, with calculated values (of "
        "the measured ones, pretraining saw none), and on the others. Models that have learned "
        "nothing from calculations tell how hard the two kinds of rows are.",
        "",
        "| task | part known | model | known | new | folds |",
        "|---|---:|---|---:|---:|---:|",
    ]
    for task, entry in found.items():
        for model, errors in sorted(entry["models"].items()):
            values = f"{digits(errors['known'])} | {digits(errors['new'])} | {errors['folds']}"
            lines.append(f"| {task} | {entry['part known']:.0%} | {model} | {values} |")
    return [*lines, ""]
