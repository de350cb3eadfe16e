"""What the whole benchmark consists of, the most telling cells first, and how long they take."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from cells import LARGE, Cell, folds, load_silently, task_models
from comparison import FAMILIES, read_results
from learning_curve import curve_cells
from peers.estimator import PEERS
from results_store import FOLDERS, LEARNING_CURVES, read_json
from tasks import TASKS

#: Featurizers in the order in which they are wanted.
FIRST = ("fractions", "magpie", "cromel-elements", "cromel", "cromel-embedding")
SECOND = ("mat2vec", "matscholar", "magpie-fractions", "untrained")
#: Part of a fold's time that a development fold takes.
_DEVELOPMENT = 0.6
#: Seconds of a fold above which two folds of a peer must do.
_LONGEST_FOLD = 3600.0


def small_and_large() -> tuple[list[str], list[str]]:
    """Tasks of few and of many rows, each in the order of their rows."""
    n_rows = {name: len(load_silently(name).X) for name in TASKS}
    order = sorted(TASKS, key=n_rows.__getitem__)
    return (
        [name for name in order if n_rows[name] <= LARGE],
        [name for name in order if n_rows[name] > LARGE],
    )


def cells_of(tasks, splits, featurizers) -> list[Cell]:
    """Cells of featurizers or models, task by task."""
    return [
        Cell(task, split, model, fold)
        for split in splits
        for task in tasks
        for featurizer in featurizers
        for model in task_models(task)
        if model.partition("+")[0] == featurizer
        for fold in range(len(folds(task, split)))
    ]


def chosen_cells(tasks, families) -> list[Cell]:
    """Cells of the harder split: of each family the member that its development folds chose."""
    results = read_results("formula")
    return [
        Cell(task, "system", member, fold)
        for task in tasks
        for family in families
        if (member := results.member(task, family))
        for fold in range(len(folds(task, "system")))
    ]


def peer_cells(cells: list[Cell]) -> list[Cell]:
    """Cells of peers, the quickest first; of folds that take more than an hour the first two."""
    seconds = expected_seconds(cells)
    kept = [cell for cell in cells if cell.fold < 2 or seconds[cell] <= _LONGEST_FOLD]
    return sorted(kept, key=seconds.__getitem__)


def groups(tasks: list[str] | None = None) -> Iterator[tuple[str, list[Cell]]]:
    """Groups of cells by value; each is made when its turn comes, knowing the results before."""
    wanted = set(TASKS if tasks is None else tasks)
    small, large = ([name for name in names if name in wanted] for names in small_and_large())
    usual, inner = ("formula",), ("development",)
    yield "means", cells_of([*small, *large], ("formula", "system"), ("dummy",))
    yield "small tables", cells_of(small, usual, FIRST)
    yield "small tables, choice", cells_of(small, inner, FIRST)
    yield "large tables", cells_of(large, usual, FIRST)
    yield "large tables, choice", cells_of(large, inner, FIRST)
    yield "estimators, small tables", cells_of(small, ("formula", "system"), ("model",))
    by_fold = sorted(cells_of(large, usual, ("model",)), key=lambda cell: cell.fold)
    yield "estimators, large tables", by_fold
    yield "learning curves", [cell for cell in curve_cells() if cell.task in wanted]
    yield "other featurizers", cells_of([*small, *large], ("formula", "development"), SECOND)
    features = [family for family in FAMILIES if FAMILIES[family][0] in (*FIRST, *SECOND)]
    yield "systems apart", chosen_cells([*small, *large], features)
    yield "estimators, systems apart", cells_of(large, ("system",), ("model",))
    yield "peers", peer_cells(cells_of([*small, *large], usual, PEERS))


def expected_seconds(cells: list[Cell]) -> dict[Cell, float]:
    """Seconds of each cell, from what it or the like of it took before."""
    return {cell: _expected(cell) for cell in cells}


def _expected(cell: Cell) -> float:
    n_rows = _rows_of_task(cell.task)
    rates = _seconds_a_row()
    known = rates.get((cell.task, cell.model))
    if known is None:
        others = [rate for (_, model), rate in rates.items() if model == cell.model]
        known = float(np.median(others)) if others else 0.005
    if cell.n_rows:
        return 1.0 + known * cell.n_rows
    return known * n_rows * (_DEVELOPMENT if cell.split == "development" else 1.0)


@lru_cache(maxsize=32)
def _rows_of_task(task: str) -> int:
    return len(load_silently(task).X)


@lru_cache(maxsize=1)
def _seconds_a_row() -> dict[tuple[str, str], float]:
    found = {}
    for split in ("system", "formula"):
        for task in TASKS:
            for model, by_fold in read_json(FOLDERS[split] / f"{task}.json").items():
                seconds = [result["seconds"] for result in by_fold.values()]
                found[task, model] = float(np.median(seconds)) / _rows_of_task(task)
    for task in TASKS:  # what has run on parts of a table only
        for model, by_size in read_json(LEARNING_CURVES / f"{task}.json").items():
            if (task, model) not in found:
                size, by_fold = max(by_size.items(), key=lambda item: int(item[0]))
                seconds = [result["seconds"] for result in by_fold.values()]
                found[task, model] = float(np.median(seconds)) / int(size)
    return found
