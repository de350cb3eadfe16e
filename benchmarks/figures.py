"""Pictures of docs/benchmarks.md."""

from pathlib import Path

import matplotlib
import numpy as np
from comparison import FAMILIES, N_FOLDS, OURS, Results
from matplotlib import pyplot as plt
from scipy.stats import gmean, rankdata, studentized_range
from tables import fit_seconds
from tasks import TASKS

matplotlib.use("Agg")
STYLE = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
COLORS = {
    "CroMEL": "#c1272d",
    "CroMEL, frozen": "#e8871e",
    "fractions": "#777777",
    "Magpie": "#333333",
    "Magpie + fractions": "#5b4fa2",
    "mat2vec": "#7aa6c2",
    "matscholar": "#3f6f8f",
    "untrained": "#b0b0b0",
    "CrabNet": "#2a9d5c",
    "Roost": "#8e5ea2",
    "MODNet": "#d6a419",
}
MARKERS = dict(zip(FAMILIES, "oDs>P^vhpX*", strict=True))


def save(figure, path: Path) -> None:
    """Write a figure, the same bytes each time, and close it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)


def draw_errors(results: Results, path: Path) -> None:
    """Error of each family relative to Magpie's on the same folds, a row a task.

    Faint: not all folds.
    """
    tasks = list(results.tasks)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7.2, 0.33 * len(tasks) + 1.1))
        shown = {}
        for row, task in enumerate(tasks):
            axes.axhline(row, color="0.93", lw=0.8, zorder=0)
            for family in results.families():
                found = results.ratio(task, family, "Magpie")
                if not found or family == "Magpie":
                    continue
                ratio, n_common = found
                handle = axes.scatter(
                    ratio, row, s=50 if family in OURS else 30, marker=MARKERS[family],
                    color=COLORS[family], zorder=4 if family in OURS else 3, linewidths=0,
                    alpha=1 if n_common == N_FOLDS else 0.45,
                )  # fmt: skip
                if family not in shown or n_common == N_FOLDS:
                    shown[family] = handle
        _relative_axis(axes)
        axes.set_yticks(range(len(tasks)), tasks)
        axes.set_ylim(len(tasks) - 0.5, -0.5)
        axes.set_xlabel("error relative to Magpie's (left of the line is better)")
        order = [family for family in FAMILIES if family in shown]
        figure.legend(
            [shown[family] for family in order], order,
            loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, frameon=False,
        )  # fmt: skip
        figure.tight_layout()
        save(figure, path)


def _relative_axis(axes, which: str = "x") -> None:
    """Logarithmic axis of relative errors with a line at Magpie's."""
    line, axis = (axes.axvline, axes.xaxis) if which == "x" else (axes.axhline, axes.yaxis)
    line(1, color=COLORS["Magpie"], lw=1)
    axes.set(**{f"{which}scale": "log"})
    low, high = axes.get_xlim() if which == "x" else axes.get_ylim()
    ticks = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0)
    if high > 2.5 * low:
        ticks = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0)
    axis.set_ticks([tick for tick in ticks if low <= tick <= high])
    axis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axis.set_minor_locator(matplotlib.ticker.NullLocator())


def draw_savings(savings: dict, path: Path) -> None:
    """Share of Magpie's measurements that each family needs for Magpie's error, a row a task.

    An arrow at the right: the error is not reached with all measurements.
    """
    tasks = list(savings)
    families = [f for f in FAMILIES if any(f in by_family for by_family in savings.values())]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(6.4, 0.42 * len(tasks) + 1.2))
        axes.axvline(1, color=COLORS["Magpie"], lw=1)
        for row, task in enumerate(tasks):
            axes.axhline(row, color="0.93", lw=0.8, zorder=0)
            for place, family in enumerate(families):
                if family not in savings[task]:
                    continue
                share = savings[task][family]
                shift = row + (place - (len(families) - 1) / 2) * 0.2
                if share is None:
                    axes.annotate(
                        "", (1.28, shift), (1.06, shift),
                        arrowprops={"arrowstyle": "->", "color": COLORS[family], "lw": 1.4},
                    )  # fmt: skip
                    continue
                axes.plot([share, 1], [shift, shift], color=COLORS[family], lw=1.2, alpha=0.6)
                axes.scatter(share, shift, color=COLORS[family], marker=MARKERS[family], s=36)
        handles = [
            plt.Line2D([], [], color=COLORS[f], marker=MARKERS[f], ls="", label=f) for f in families
        ]
        axes.set_xscale("log")
        ticks = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
        least = min((s for by in savings.values() for s in by.values() if s), default=0.5)
        axes.set_xlim(min(0.5, least * 0.85), 1.35)
        shown = [tick for tick in ticks if tick >= axes.get_xlim()[0]]
        axes.set_xticks(shown, [f"{tick:.0%}" for tick in shown])
        axes.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
        axes.set_yticks(range(len(tasks)), tasks)
        axes.set_ylim(len(tasks) - 0.5, -0.5)
        axes.set_xlabel("measurements needed for Magpie's error, of those that Magpie has")
        figure.legend(
            handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, frameon=False
        )
        figure.tight_layout()
        save(figure, path)


def time_and_error(results: Results, speeds: dict) -> dict[str, tuple[float, float, int]]:
    """Family -> (seconds for 1,000 rows, error relative to Magpie's, number of tasks).

    Geometric means over the tasks that family and Magpie have; seconds to describe all rows of a
    task, to fit to a fold and to predict, for 1,000 rows of the task.
    """
    found = {}
    for family in results.families():
        seconds, ratios = [], []
        for task, models in results.tasks.items():
            ratio = results.ratio(task, family, "Magpie")
            member = results.member(task, family)
            if ratio is None or member is None:
                continue
            by_fold = models[member]
            n_rows = 1.25 * np.mean([result["n_train_rows"] for result in by_fold.values()])
            speed = speeds.get(member.partition("+")[0])
            describing = n_rows / speed["formulas_per_second"] if speed else 0.0
            seconds.append(max(describing + fit_seconds(by_fold), 1e-3) / n_rows * 1000)
            ratios.append(ratio[0])
        if ratios:
            found[family] = (float(gmean(seconds)), float(gmean(ratios)), len(ratios))
    return found


def draw_time(found: dict, path: Path) -> None:
    """Error against seconds, a point a family; hollow where some tasks are missing."""
    n_all = max(n_tasks for *_, n_tasks in found.values())
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(6.4, 3.8))
        for family, (seconds, ratio, n_tasks) in found.items():
            is_complete = n_tasks == n_all
            axes.scatter(
                seconds, ratio, s=64, marker=MARKERS[family], edgecolors=COLORS[family], zorder=3,
                facecolors=COLORS[family] if is_complete else "none",
                label=family if is_complete else f"{family} ({n_tasks} tasks)",
            )  # fmt: skip
        figure.legend(loc="center left", bbox_to_anchor=(1.0, 0.55), frameon=False)
        axes.set_xscale("log")
        axes.margins(x=0.12, y=0.12)
        _relative_axis(axes, "y")
        axes.set_xlabel("seconds on one core for 1,000 rows: columns, fit and predictions")
        axes.set_ylabel("error relative to Magpie's")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        figure.tight_layout()
        save(figure, path)


def draw_ranks(results: Results, path: Path) -> str | None:
    """Mean ranks of the families that have all tasks, with Nemenyi's critical difference at 5 %.

    Returns what the picture says in words; None when fewer than three families can be ranked.
    """
    found = {f: [results.mean(task, f) for task in results.tasks] for f in results.families()}
    complete = {family: means for family, means in found.items() if None not in means}
    if len(complete) < 3:
        return None
    table = np.array(list(complete.values())).T  # (n_tasks, n_families)
    mean_ranks = np.mean([rankdata(row) for row in table], axis=0)
    n_tasks, k = table.shape
    critical = studentized_range.ppf(0.95, k, np.inf) / np.sqrt(2)
    critical *= np.sqrt(k * (k + 1) / (6 * n_tasks))
    order = np.argsort(mean_ranks)
    names = [list(complete)[i] for i in order]
    ranks = mean_ranks[order]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(6.4, 0.3 * k + 1.0))
        axes.axvspan(ranks[0], ranks[0] + critical, color="0.93", zorder=0)
        for row, (name, rank) in enumerate(zip(names, ranks, strict=True)):
            axes.scatter(rank, row, color=COLORS[name], marker=MARKERS[name], s=46, zorder=3)
            axes.annotate(
                f"{rank:.2f}", (rank, row), (8, 0), textcoords="offset points", va="center"
            )
        axes.set_yticks(range(k), names)
        axes.set_ylim(k - 0.5, -0.5)
        axes.set_xlim(0.7, k + 0.3)
        axes.set_xlabel(f"mean rank over {n_tasks} tasks (1 is best)")
        save(figure, path)
    tied = [
        name for name, rank in zip(names[1:], ranks[1:], strict=True) if rank - ranks[0] <= critical
    ]
    listed = ", ".join(f"{name} {rank:.2f}" for name, rank in zip(names, ranks, strict=True))
    return (
        f"Mean ranks over {n_tasks} tasks, of the families that have them all: {listed}. Nemenyi's "
        f"critical difference at 5 % is {critical:.2f} (grey from the best on); ranks alone do "
        f"not tell apart from {names[0]}: {', '.join(tied) or 'none'}."
    )


def draw_parity(task: str, predictions: dict, names: dict[str, str], path: Path) -> None:
    """Predicted against measured on the test rows of all folds that were kept, a panel a model."""
    measured = predictions["measured"]
    shown = [model for model in names if model in predictions]
    unit = TASKS[task].unit
    everything = np.concatenate([measured[fold] for fold in measured])
    low, high = everything.min(), everything.max()
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            1, len(shown), figsize=(2.3 * len(shown) + 0.4, 2.7), sharex=True, sharey=True,
            squeeze=False,
        )  # fmt: skip
        for panel, model in zip(axes[0], shown, strict=True):
            folds = sorted(predictions[model])
            x = np.concatenate([measured[fold] for fold in folds])
            y = np.concatenate([predictions[model][fold] for fold in folds])
            panel.plot([low, high], [low, high], color="0.6", lw=0.8)
            panel.scatter(x, y, s=4, alpha=0.35, linewidths=0, color=COLORS[names[model]])
            panel.set_title(model, fontsize=9)
            note = f"MAE {np.abs(x - y).mean():.3f}\n{len(folds)} of {N_FOLDS} folds"
            panel.text(0.04, 0.96, note, transform=panel.transAxes, va="top", fontsize=8)
            panel.set_xlabel(f"measured ({unit})")
            panel.set_aspect("equal", adjustable="box")
        axes[0, 0].set_ylabel(f"predicted ({unit})")
        figure.suptitle(task, fontsize=10)
        figure.tight_layout()
        save(figure, path)


def draw_learning_curves(curves: dict, path: Path) -> None:
    """Error against the number of training rows, a panel a task; mean and deviation over folds."""
    n_columns = 3
    n_rows = -(-len(curves) // n_columns)
    with plt.rc_context(STYLE):
        figure, grid = plt.subplots(
            n_rows, n_columns, figsize=(3.1 * n_columns, 2.7 * n_rows), squeeze=False
        )
        labels = {}
        for axes, (task, by_family) in zip(grid.flat, curves.items(), strict=False):
            for family in (f for f in FAMILIES if f in by_family):
                sizes = sorted(by_family[family])
                errors = [by_family[family][size] for size in sizes]
                labels[family] = axes.errorbar(
                    sizes, list(map(np.mean, errors)), yerr=list(map(np.std, errors)),
                    color=COLORS[family], lw=1.2, elinewidth=0.6, marker=MARKERS[family], ms=3.5,
                )  # fmt: skip
            unit = TASKS[task].unit
            axes.set(xscale="log", yscale="log", title=task, xlabel="training rows")
            axes.set_ylabel(f"MAE ({unit})" if unit else "MAE")
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axes.xaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1, 3)))
            axes.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
            low, high = axes.get_ylim()
            steps = (1, 2, 5) if high > 4 * low else (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8)
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axes.yaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=steps))
            axes.yaxis.set_minor_locator(matplotlib.ticker.NullLocator())
            axes.tick_params(which="both", labelsize=7.5)
        for axes in list(grid.flat)[len(curves) :]:
            axes.set_axis_off()
        order = [family for family in FAMILIES if family in labels]
        figure.legend([labels[f] for f in order], order, loc="lower center",
                      bbox_to_anchor=(0.5, 1.0), ncols=4, frameon=False)  # fmt: skip
        figure.tight_layout()
        save(figure, path)
