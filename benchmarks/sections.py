"""Sections of docs/benchmarks.md beside the comparison: uncertainty, curves, ablations, speed."""

import numpy as np
from comparison import OURS, Results, fold_errors
from tables import digits, listed
from uncertainty import fold_means, out_of_domain

from cromel_sklearn import list_encoders, load_encoder

#: Featurizer -> family whose color and name it has in curves.
CURVE_FAMILIES = {
    "model": "CroMEL",
    "cromel": "CroMEL, frozen",
    "cromel-embedding": "CroMEL, frozen",
    "fractions": "fractions",
    "magpie": "Magpie",
}


def family_curves(by_model: dict) -> dict[str, dict[int, list[float]]]:
    """Errors by family and number of rows: of its two regressors the better one at each number."""
    found: dict[str, dict[int, list[float]]] = {}
    for model, by_size in by_model.items():
        curve = found.setdefault(CURVE_FAMILIES[model.partition("+")[0]], {})
        for size, errors in by_size.items():
            if size not in curve or np.mean(errors) < np.mean(curve[size]):
                curve[size] = errors
    return found


def rows_needed(curve: dict[int, list[float]], error: float) -> float | None:
    """Training rows that a curve needs for an error, between its points; None if it never gets it.

    The first number of rows from which on the curve stays at or below the error.
    """
    sizes = sorted(curve)
    means = np.array([np.mean(curve[size]) for size in sizes])
    worst_from = np.maximum.accumulate(means[::-1])[::-1]
    if worst_from[-1] > error:
        return None
    place = int(np.argmax(worst_from <= error))
    if place == 0:
        return float(sizes[0])
    high, low = means[place - 1], means[place]
    part = (high - error) / (high - low)
    a, b = np.log(sizes[place - 1]), np.log(sizes[place])
    return float(np.exp(a + part * (b - a)))


def savings(curves: dict) -> dict[str, dict[str, float | None]]:
    """Task -> family -> share of Magpie's rows that are needed for Magpie's error with all rows."""
    found: dict[str, dict[str, float | None]] = {}
    for task, by_model in curves.items():
        by_family = family_curves(by_model)
        if "Magpie" not in by_family:
            continue
        n_all = max(by_family["Magpie"])
        error = float(np.mean(by_family["Magpie"][n_all]))
        for family, curve in by_family.items():
            if family != "Magpie":
                needed = rows_needed(curve, error)
                found.setdefault(task, {})[family] = needed and needed / n_all
    return found


def savings_sentence(found: dict) -> str:
    """Say how many measurements ours needs for Magpie's error."""
    parts = []
    for task, by_family in found.items():
        shares = {f: by_family[f] for f in OURS if by_family.get(f) is not None}
        if shares:
            parts.append(f"{task} {min(shares.values()):.0%}")
        else:
            parts.append(f"{task} more than all")
    return (
        "Of the measurements that Magpie has, CroMEL needs for the same error: "
        f"{listed(parts)} (each family with the better of two regressors at each number of rows)."
    )


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
    for task, by_split in found.items():
        for split, by_fold in by_split.items():
            means = fold_means(by_fold)
            lines.append(
                f"| {task} | {split} | {len(by_fold)} | {means['inside']:.1%} "
                f"| {means['width']:.2f} | {means['spearman']:.2f} | {means['retention']:.2f} |"
            )
    return [*lines, ""]


def domain_section(found: dict, asked: dict) -> list[str]:
    """Write how many test rows were out of domain, their errors, and what foreign compounds get."""
    lines = [
        "## Applicability domain",
        "",
        "The same fits: share of test rows that `in_domain` refuses; their mean absolute error and "
        "mean stated deviation, each over that of the rows in the domain.",
        "",
        "| task | split | folds | out of domain | error | stated |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for task, by_split in found.items():
        for split, by_fold in by_split.items():
            part, error, stated = out_of_domain(by_fold)
            shown = f"{error:.2f} | {stated:.2f}" if part else "- | -"
            lines.append(f"| {task} | {split} | {len(by_fold)} | {part:.1%} | {shown} |")
    if not asked:
        return [*lines, ""]
    calculated = asked["calculated"]
    lines += [
        "",
        f"`python benchmarks/domain.py`: a model of {asked['task']}, asked of what is no "
        "thermoelectric. In the domain are scores up to 1; of the training rows the median of the "
        f"stated deviation is {asked['median stated deviation of training rows']:.3f} and the 95th "
        f"percentile {asked['95th percentile']:.3f}. Of {calculated['formulas']:,} formulas of "
        f"calculated structures, drawn at random, {calculated['out of domain']:.0%} are out of "
        f"domain and {calculated['deviation above the 95th percentile']:.0%} have a deviation "
        "above that percentile.",
        "",
        "| asked | domain score | stated deviation |",
        "|---|---:|---:|",
        *(f"| {f} | {e['score']:.2f} | {e['std']:.3f} |" for f, e in asked["asked"].items()),
    ]
    return [*lines, ""]


def development_section(found: dict) -> list[str]:
    """Write what the settings of the estimators are worth on development folds."""
    tasks = list(found["tasks"])
    variants = list(dict.fromkeys(name for task in tasks for name in found["tasks"][task]))
    lines = [
        "## What the settings are worth",
        "",
        "`python benchmarks/selection.py settings`: folds inside the training rows of each task's "
        "first official fold (three, one of the large tables); the target learned as it was "
        "measured or as its square root (by default, the data choose), or one member left out at a "
        "time. Mean absolute error, or 1 - balanced accuracy; best in bold.",
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
        shown = (errors.get(name) for name in variants)
        columns.append(
            ["" if e is None else f"**{digits(e)}**" if e == best else digits(e) for e in shown]
        )
    for name, *cells in zip(variants, *columns, strict=True):
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return [*lines, ""]


def square_roots_section(found: dict, results: Results) -> list[str]:
    """Write what the scale of the target alone gains, with other features too."""
    tasks = found["tasks"]
    families = list(next(iter(tasks.values())))
    heads = [head for family in families for head in (family, "its root")]
    lines = [
        "## What the square root gains others",
        "",
        "`python benchmarks/square_roots.py`: CroMEL chooses the scale of a target from its "
        "training rows, the stock models of the other families learn it as it was measured. Here "
        "they learn its square root as well. Mean absolute errors; best in bold.",
        "",
        f"| task | CroMEL | {' | '.join(heads)} |",
        "|---|" + "---:|" * (1 + len(heads)),
    ]
    for task, by_family in tasks.items():
        errors = [np.mean(list(fold_errors(task, results.tasks[task]["model"]).values()))]
        for family in families:
            scales = by_family[family]
            errors += [np.mean(list(scales[s].values())) for s in ("as measured", "square root")]
        best = min(errors)
        shown = [f"**{digits(e)}**" if e == best else digits(e) for e in errors]
        lines.append(f"| {task} | {' | '.join(shown)} |")
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


def known_section(found: dict, results: Results) -> list[str]:
    """Write the errors on compositions that pretraining has seen, and on those that it has not."""
    lines = [
        "## Compositions that the calculations know",
        "",
        "`python benchmarks/known.py`: mean absolute error on the test rows whose composition was "
        "among those that the default encoder was pretrained on, with calculated values (of the "
        "measured ones, pretraining saw none), and on the others. Models that have learned nothing "
        "from calculations tell how hard the two kinds of rows are.",
        "",
        "| task | part known | model | known | new | folds |",
        "|---|---:|---|---:|---:|---:|",
    ]
    for task, entry in found.items():
        for model, errors in sorted(entry["models"].items()):
            if model in results.tasks.get(task, {}):
                values = f"{digits(errors['known'])} | {digits(errors['new'])} | {errors['folds']}"
                lines.append(f"| {task} | {entry['part known']:.0%} | {model} | {values} |")
    return [*lines, ""]


def encoder_section() -> list[str]:
    """Write the source errors of the shipped encoders, from their headers."""
    lines = [
        "## Calculated properties of held-out compositions",
        "",
        "Mean absolute errors from the composition, from the headers of the shipped checkpoints: "
        "of the most stable structure of each composition. Nothing is looked up; a distilled "
        "encoder's teachers may have seen some of the compositions.",
        "",
        "| encoder | property | unit | error |",
        "|---|---|---|---:|",
    ]
    for encoder in list_encoders():
        checkpoint = load_encoder(encoder)
        errors = checkpoint.description.errors["test"]["composition"]
        for name, unit in checkpoint.properties.items():
            shown = digits(errors[name]) if name in errors else "-"
            lines.append(f"| {encoder} | {name} | {unit} | {shown} |")
    return [*lines, ""]


def speed_section(speeds: dict, footprint: dict | None) -> list[str]:
    """Write columns and speed of the featurizers, training time, and the package's footprint."""
    lines = ["## Speed and size", ""]
    if speeds:
        lines += [
            "| featurizer (`python benchmarks/speed.py`) | columns | formulas a second, one core |",
            "|---|---:|---:|",
        ]
        lines += [
            f"| {name} | {entry['columns']} | {entry['formulas_per_second']:,} |"
            for name, entry in speeds.items()
        ]
        lines.append("")
    lines += ["| encoder | kind | columns of the embedding | minutes of training | device |"]
    lines += ["|---|---|---:|---:|---|"]
    for encoder in list_encoders():
        checkpoint = load_encoder(encoder)
        provenance = checkpoint.provenance
        lines.append(
            f"| {encoder} | {checkpoint.description.kind} | {checkpoint.embedding_dim} "
            f"| {provenance['seconds'] / 60:.0f} | {provenance['device']} |"
        )
    lines.append("")
    if footprint:
        lines += ["| figure (`python benchmarks/footprint.py`) | |", "|---|---:|"]
        lines += [f"| {name} | {value} |" for name, value in footprint["figures"].items()]
        lines.append("")
    return lines
