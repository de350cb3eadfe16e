"""The page's section on what the encoder learns from, and on what its teachers do."""

from pathlib import Path

import numpy as np
from figures import STYLE, save
from matplotlib import pyplot as plt
from paths import RESULTS
from results_store import read_json
from scipy.stats import gmean
from tables import digits, spread

STUDENTS = """### What the encoder learns from

`python benchmarks/ablation.py`: students distilled anew with one thing left out, in {n_steps:,}
steps instead of the 60,000 of the one that ships, from {n_teachers} teachers and {n_synthetic:,}
synthetic compositions. "calculated": error of properties calculated for compositions that were held
out; "tasks": error on development folds of the judges at the right, frozen; both are geometric
means relative to the student that learned everything. "from teachers": root mean square distance,
in their standard deviations. Seeds tell what is noise. The teachers were paired with structures by
CroMEL and had seen the tasks' compositions among the structures; without teachers the networks
learn calculated labels and, unless left out, CHGNet's features of structures of at most {sites}
sites. "targets removed": without labels and structures of the {n_forgotten:,} compositions of the
fourteen tasks that calculations know.
"""

CRITERIA = """### Criteria of the teachers

`python benchmarks/criteria.py`: one teacher each, everything else equal
(8 epochs on the structures, no further labels, seed 0, one structure encoder held fixed), frozen,
on the official folds. `none`: the structures are labels only (energy, gap, geometry); "no geometry"
leaves energy and gap. "targets removed": no structure or label of a composition of the two tasks
took part in training the teacher; the structure encoder had seen them.
"""


def criteria_table(entries: list[dict]) -> list[str]:
    """Write the ablation of the criteria: entries with name, task, model and scores per fold."""
    lines = ["| pretraining | task | model | folds | MAE | R² |", "|---|---|---|---:|---:|---:|"]
    for entry in sorted(entries, key=lambda e: (e["task"], e["model"])):
        scores = list(entry["scores"].values())
        cells = [spread([fold[metric] for fold in scores]) for metric in ("mae", "r2")]
        names = f"{entry['name']} | {entry['task']} | {entry['model']}"
        lines.append(f"| {names} | {len(scores)} | {' | '.join(cells)} |")
    return [*lines, ""]


def student_ratios(students: dict, name: str) -> tuple[float, float]:
    """Errors of a student relative to those of the one that learned everything, geometric means.

    Of the properties calculated for held-out compositions, and of the tasks on development folds.
    """
    ratios = []
    for kind in ("held_out", "development"):
        mine, whole = students[name][kind], students["everything"][kind]
        ratios.append(float(gmean([mine[key] / whole[key] for key in whole if key in mine])))
    return ratios[0], ratios[1]


def student_table(students: dict) -> list[str]:
    """Write what a student loses with one thing left out, or of another size or seed."""
    judges = list(students["everything"]["development"])
    head = "| student | labels | structures | calculated | tasks | from teachers |"
    lines = [f"{head} {' | '.join(judges)} |", f"|---|{'---:|' * (5 + len(judges))}"]
    for name, entry in students.items():
        calculated, tasks = student_ratios(students, name)
        distances = list(entry["from_teachers"].values())
        distance = f"{np.mean(distances):.3f}" if distances else "-"
        errors = " | ".join(digits(entry["development"][judge]) for judge in judges)
        lines.append(
            f"| {name} | {entry['n_labels']:,} | {entry['n_structures']:,} | {calculated:.3f} | "
            f"{tasks:.3f} | {distance} | {errors} |"
        )
    return [*lines, ""]


def draw_sizes(sizes: dict, errors: dict, path: Path) -> None:
    """Errors of students against their speed, named by width and number of weights."""
    order = sorted(sizes, key=lambda name: sizes[name]["weights"])
    speeds = [sizes[name]["formulas/s"] for name in order]
    kinds = ("calculated properties, held out", "measured tasks, development folds")
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(6.4, 3.6))
        for place, (kind, color) in enumerate(zip(kinds, ("#7aa6c2", "#c1272d"), strict=True)):
            axes.plot(
                speeds, [errors[name][place] for name in order], "o-", color=color, label=kind
            )
        for name, speed in zip(order, speeds, strict=True):
            label = "width 384" if name == "everything" else name
            weights = f"{label}\n{sizes[name]['weights'] / 1e6:.2f} M weights"
            axes.annotate(
                weights, (speed, max(errors[name])), (0, 11), textcoords="offset points",
                ha="center", fontsize=8,
            )  # fmt: skip
        axes.margins(x=0.15, y=0.25)
        axes.set_xlabel("formulas a second on one core, strings in, array out")
        axes.set_ylabel("error relative to width 384")
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(0.0, 1.16), ncols=2)
        figure.tight_layout()
        save(figure, path)


def ablation_section(images: Path) -> list[str]:
    """Write what becomes of the results when one thing is left out of the training."""
    lines = []
    found = read_json(RESULTS / "ablation" / "distillation.json")
    students = found.get("students", {})
    if "everything" in students:
        identity = students["everything"]["identity"]
        forgotten = max(entry["n_forgotten"] for entry in students.values())
        lines += [
            STUDENTS.format(
                n_steps=identity["settings"]["n_steps"],
                n_synthetic=identity["settings"]["n_synthetic"],
                n_teachers=len(identity["teachers"]),
                sites=identity["chgnet_sites"],
                n_forgotten=forgotten,
            )
        ]
        lines += student_table(students)
    if sizes := found.get("sizes"):
        errors = {name: student_ratios(students, name) for name in sizes}
        draw_sizes(sizes, errors, images / "sizes.png")
        lines += ["![error and speed of students of different sizes](images/sizes.png)", ""]
    if criteria := read_json(RESULTS / "ablation" / "criteria.json"):
        lines += [CRITERIA, *criteria_table(criteria)]
    return ["## Ablations", "", *lines] if lines else []
