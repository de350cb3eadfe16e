"""Markdown tables and sentences of docs/benchmarks.md on who is better than whom."""

import numpy as np
from comparison import FAMILIES, N_FOLDS, OURS, Results, error_name, fold_errors, verdicts
from peers.estimator import PEERS
from published import PUBLISHED
from tasks import TASKS

SIGNS = {"better": "▲", "worse": "▼", "level": "=", "open": "·"}
#: Tasks of dopings and alloys: a few hosts, and small amounts that decide.
DOPINGS = (
    "seebeck", "electrical_conductivity", "thermal_conductivity", "power_factor", "zT",
    "superconductor_tc", "steel_yield_strength", "hea_hardness", "hea_yield_strength",
)  # fmt: skip

#: Smallest relative difference of errors that is worth a word.
LEAST = 0.005


def digits(value: float) -> str:
    """Write a figure with three digits that count."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:#.3g}"


def spread(values) -> str:
    """Mean and deviation over folds."""
    mean = digits(np.mean(values))
    return f"{mean} ± {digits(np.std(values))}" if len(values) > 1 else mean


def many(count: int, what: str = "task") -> str:
    """Write a number of things."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def listed(words) -> str:
    """Write words with commas and an "and"."""
    *first, last = list(words)
    return f"{', '.join(first)} and {last}" if first else last


def verdict_sentence(results: Results, ours: str, family: str) -> str | None:
    """Say on which tasks a family of ours wins, ties and loses against another."""
    found = verdicts(results, ours, family)
    if not found:
        return None
    parts = []
    for word in ("better", "level", "worse", "open"):
        tasks = [
            f"{task} ({result.gain:+.0%})" for task, result in found.items() if result.word == word
        ]
        if tasks:
            name = "too few folds to tell" if word == "open" else f"{word} on {len(tasks)}"
            parts.append(name if word == "level" else f"{name}: {', '.join(tasks)}")
    gains = [result.gain for result in found.values()]
    smaller = f"smaller error on {sum(gain > 0 for gain in gains)} of {many(len(found))}"
    return f"against **{family}**: {smaller}, median gain {np.median(gains):+.0%}; " + "; ".join(
        parts
    )


def verdict_sentences(results: Results, ours: str) -> list[str]:
    """One bullet a family."""
    families = [family for family in results.families() if family not in OURS]
    lines = [verdict_sentence(results, ours, family) for family in families]
    return [*(f"* {line}." for line in lines if line), ""]


def winner_sentence(results: Results, families: list[str]) -> str:
    """Say which family has the smallest mean error on how many tasks, all folds run."""
    won: dict[str, list[str]] = {}
    for task in results.tasks:
        means = {f: mean for f in families if (mean := results.mean(task, f)) is not None}
        won.setdefault(min(means, key=means.__getitem__), []).append(task)
    parts = [
        f"{family} on {len(won[family])} ({', '.join(won[family])})"
        for family in sorted(won, key=lambda family: -len(won[family]))
    ]
    return f"Smallest mean error of {many(len(results.tasks))}: {'; '.join(parts)}."


def cell(results: Results, task: str, family: str, means: dict, sign: str = "") -> str:
    """One figure of a table of families: best in bold, folds where not all, a sign."""
    errors = results.errors(task, family)
    if errors is None:
        is_closed = FAMILIES[family][0] in PEERS and TASKS[task].features
        return "n/a" if is_closed else ""
    text = digits(np.mean(list(errors.values())))
    if family not in means:
        text += f" ({len(errors)})"
    elif means[family] == min(means.values()):
        text = f"**{text}**"
    mark = "†" if results.is_by_default(task, family) else ""
    return f"{text}{mark} {sign}".strip()


def one_look_table(results: Results, families: list[str], ours: str | None) -> list[str]:
    """Error of each family on each task, with the verdict of ours against it."""
    found = {
        family: verdicts(results, ours, family) if ours and family not in OURS else {}
        for family in families
    }
    lines = [f"| task | unit | {' | '.join(families)} |", "|---|---|" + "---:|" * len(families)]
    for task in results.tasks:
        means = {f: mean for f in families if (mean := results.mean(task, f)) is not None}
        cells = []
        for family in families:
            sign = SIGNS[found[family][task].word] if task in found[family] else ""
            cells.append(cell(results, task, family, means, sign))
        unit = TASKS[task].unit or (error_name(task) if TASKS[task].is_classification else "")
        lines.append(f"| {task} | {unit} | {' | '.join(cells)} |")
    return [*lines, ""]


def doping_paragraph(results: Results, roots: dict) -> list[str]:
    """Say where counting elements does as well, or would if it learned square roots."""
    beaten, ahead = [], []
    for task in results.tasks:
        means = {f: results.mean(task, f) for f in (*OURS, "fractions")}
        ours = [means[f] for f in OURS if means[f] is not None]
        if means["fractions"] is None or not ours:
            continue
        lost = 1 - means["fractions"] / min(ours)
        if abs(lost) >= LEAST:
            (beaten if lost > 0 else ahead).append((task, f"{task} (by {abs(lost):.0%})"))
    text = "**Where not to use it.** "
    if beaten:
        text += (
            f"On {many(len(beaten))}, bare atomic fractions, a column an element, under a stock "
            f"model have a smaller error than CroMEL: {listed(text for _, text in beaten)}. "
        )
    dopings = [text for task, text in ahead if task in DOPINGS]
    if dopings:
        text += f"On other dopings and alloys CroMEL is ahead of them: {listed(dopings)}. "
    as_roots = []
    for task, by_family in roots.items():
        fractions = np.mean(list(by_family["fractions"]["square root"].values()))
        lost = 1 - fractions / results.mean(task, OURS[0])
        if lost >= LEAST:
            as_roots.append(f"{task} (by {lost:.0%})")
    if as_roots:
        text += (
            f"If they learn square roots, as CroMEL does there, fractions are ahead on "
            f"{listed(as_roots)}, too. "
        )
    return [
        text + "Where a table varies a few hosts and small amounts of dopants, what the "
        "calculations know of hosts says little, and trees on fractions, which fit in seconds, are "
        "the thing to try first and the bar to clear.",
        "",
    ]


def published_table(results: Results) -> list[str]:
    """Published results of MatBench's tasks beside ours, best first."""
    lines = [
        "| task | model | MAE, or balanced accuracy | ROC AUC | source |",
        "|---|---|---:|---:|---|",
    ]
    for name, task in TASKS.items():
        if not task.is_matbench or name not in results.tasks:
            continue
        rows = []
        for family in results.families():
            member, errors = results.member(name, family), results.errors(name, family)
            if not errors or len(errors) < N_FOLDS or family == "untrained":
                continue
            mean = float(np.mean(list(errors.values())))
            value = 1 - mean if task.is_classification else mean
            by_fold = results.tasks[name][member].values()
            area = digits(np.mean([r["scores"].get("roc_auc", np.nan) for r in by_fold]))
            shown = f"**{family}**" if family in OURS else family
            area = area if task.is_classification else ""
            rows.append((value, shown, digits(value), area, f"here, `{member}`"))
        for entry in PUBLISHED:
            if entry.task == name:
                star = "\\*" if entry.caveat else ""
                rows.append(
                    (entry.value, f"{entry.model}{star}", f"{entry.value:g}", "", entry.source)
                )
        for _, model, value, area, source in sorted(rows, reverse=task.is_classification):
            unit = f" {task.unit}" if task.unit else ""
            lines.append(f"| {name} | {model} | {value}{unit} | {area} | {source} |")
    caveats: dict[str, list[str]] = {}
    for entry in PUBLISHED:
        if entry.caveat:
            caveats.setdefault(f"{entry.model}: {entry.caveat}", []).append(entry.task)
    said = [f"{caveat} ({', '.join(tasks)})" for caveat, tasks in caveats.items()]
    return [*lines, "", f"\\* Not comparable. {'; '.join(said)}.", ""]


def task_table(name: str, results: Results, by_system: Results, speeds: dict) -> list[str]:
    """Write the table of one task, best model first."""
    task = TASKS[name]
    metric, sign = ("balanced_accuracy", -1) if task.is_classification else ("mae", 1)
    models = results.tasks[name]
    apart = by_system.tasks.get(name, {})
    metrics = list(next(iter(next(iter(models.values())).values()))["scores"])
    chosen = {results.member(name, family) for family in results.families()}

    def figures(by_fold: dict, of: str) -> np.ndarray:
        return np.array([result["scores"][of] for result in by_fold.values()])

    order = sorted(models, key=lambda model: sign * figures(models[model], metric).mean())
    unit = f" ({task.unit})" if task.unit else ""
    columns = [*metrics, f"{metric}, systems apart", "development", "columns", "seconds", "folds"]
    lines = [
        f"### {name}",
        "",
        f"{task.source}. Errors in the unit of the target{unit}.",
        "",
        f"| model | {' | '.join(columns)} |",
        "|---|" + "---:|" * len(columns),
    ]
    for model in order:
        by_fold = models[model]
        cells = [spread(figures(by_fold, of)) for of in metrics]
        cells.append(spread(figures(apart[model], metric)) if model in apart else "")
        judged = results.development.get(name, {}).get(model)
        cells.append(digits(np.mean(list(fold_errors(name, judged).values()))) if judged else "")
        n_columns = speeds.get(model.partition("+")[0], {}).get("columns", "")
        cells.append(str(n_columns + len(task.features)) if n_columns else "")
        cells.append(f"{fit_seconds(by_fold):.1f}")
        cells.append(str(len(by_fold)))
        mark = "**" if model in chosen else ""
        lines.append(f"| {mark}{model}{mark} | {' | '.join(cells)} |")
    return [*lines, ""]


def fit_seconds(by_fold: dict) -> float:
    """Seconds of fit and predictions: of the processor where measured, else by the clock."""
    values = [r.get("processor_seconds") or r["seconds"] for r in by_fold.values()]
    return float(np.median(values))
