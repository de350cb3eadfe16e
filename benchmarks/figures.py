"""Pictures of docs/benchmarks.md."""

from pathlib import Path

import matplotlib
import numpy as np
from comparison import FAMILIES, N_FOLDS, family_errors
from matplotlib import pyplot as plt
from scipy.stats import rankdata, studentized_range
from tasks import TASKS

matplotlib.use("Agg")
STYLE = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
COLORS = {
    "CroMEL": "#c1272d",
    "CroMEL + Magpie": "#e8871e",
    "fractions": "#777777",
    "Magpie": "#333333",
    "mat2vec": "#7aa6c2",
    "matscholar": "#3f6f8f",
    "untrained": "#b0b0b0",
    "CrabNet": "#2a9d5c",
    "Roost": "#8e5ea2",
    "MODNet": "#d6a419",
    "paper": "#8c6d46",
}
MARKERS = dict(zip(FAMILIES, "oD>s^vhPXp*", strict=True))


def _save(figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)


def draw_errors(all_results: dict, path: Path) -> None:
    """Error of each family relative to Magpie's on the same folds, a row a task.

    Faint: not all folds.
    """
    tasks = list(all_results)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7.2, 0.33 * len(tasks) + 1.1))
        shown = {}
        for row, task in enumerate(tasks):
            axes.axhline(row, color="0.93", lw=0.8, zorder=0)
            reference = family_errors(task, all_results[task], "Magpie")
            for family in FAMILIES:
                found = family_errors(task, all_results[task], family)
                if not found or not reference or family == "Magpie":
                    continue
                common = found[1].keys() & reference[1].keys()
                ratio = np.mean([found[1][f] for f in common]) / np.mean(
                    [reference[1][f] for f in common]
                )
                handle = axes.scatter(
                    ratio, row, s=50 if family == "CroMEL" else 34, marker=MARKERS[family],
                    color=COLORS[family], zorder=4 if family == "CroMEL" else 3, linewidths=0,
                    alpha=1 if len(common) == N_FOLDS else 0.45,
                )  # fmt: skip
                if family not in shown or len(common) == N_FOLDS:
                    shown[family] = handle
        axes.axvline(1, color=COLORS["Magpie"], lw=1)
        axes.set_xscale("log")
        ticks = (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0, 2.5, 3.0)
        low, high = axes.get_xlim()
        axes.set_xticks([tick for tick in ticks if low <= tick <= high])
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
        axes.set_yticks(range(len(tasks)), tasks)
        axes.set_ylim(len(tasks) - 0.5, -0.5)
        axes.set_xlabel("error relative to Magpie's (left of the line is better)")
        order = [family for family in FAMILIES if family in shown]
        figure.legend(
            [shown[family] for family in order], order,
            loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, frameon=False,
        )  # fmt: skip
        figure.tight_layout()
        _save(figure, path)


def draw_ranks(all_results: dict, path: Path) -> str | None:
    """Mean ranks of the families that have all tasks, with Nemenyi's critical difference at 5 %.

    Returns what the picture says in words; None when fewer than three families can be ranked.
    """
    found = {
        family: [family_errors(task, results, family) for task, results in all_results.items()]
        for family in FAMILIES
    }
    complete = {
        family: [np.mean(list(entry[1].values())) for entry in entries]
        for family, entries in found.items()
        if all(entry and len(entry[1]) == N_FOLDS for entry in entries)
    }
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
        _save(figure, path)
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
        _save(figure, path)


def draw_learning_curves(curves: dict, path: Path) -> None:
    """Error against the number of training rows; mean and deviation over folds."""
    styles = {"svr": "-", "extratrees": "--"}
    labels = {"cromel": "CroMEL", "magpie": "Magpie", "untrained": "untrained"}
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(2, len(curves), figsize=(3.5 * len(curves), 5.2), sharex="col",
                                    squeeze=False)  # fmt: skip
        for column, (task, by_model) in enumerate(curves.items()):
            for model, by_size in sorted(by_model.items()):
                featurizer, _, stock = model.partition("+")
                sizes = sorted(map(int, by_size))
                for row, metric in enumerate(("mae", "r2")):
                    scores = [
                        [result["scores"][metric] for result in by_size[str(size)].values()]
                        for size in sizes
                    ]
                    axes[row, column].errorbar(
                        sizes, list(map(np.mean, scores)), yerr=list(map(np.std, scores)),
                        ls=styles[stock], color=COLORS[labels[featurizer]], lw=1.2, elinewidth=0.6,
                        marker=MARKERS[labels[featurizer]], ms=3.5,
                        label=f"{labels[featurizer]}, {stock}",
                    )  # fmt: skip
            axes[0, column].set(xscale="log", yscale="log", title=task)
            axes[0, column].set_ylabel(f"MAE ({TASKS[task].unit})")
            axes[1, column].set(ylabel="R²", xlabel="training rows", ylim=(0, 1))
            ticks = sorted({int(size) for by_size in by_model.values() for size in by_size})
            axes[1, column].set_xticks(ticks, ticks, rotation=45, fontsize=8)
            axes[1, column].xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
            axes[0, column].yaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axes[0, column].yaxis.set_minor_formatter(lambda value, _: f"{value:g}")
        handles, names = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, names, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3,
                      frameon=False)  # fmt: skip
        figure.tight_layout()
        _save(figure, path)
