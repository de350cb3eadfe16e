"""Which distance between compositions finds the neighbors that predict measured values best?

Command, from the repository root::

    python benchmarks/distances.py [--tasks formation_enthalpy ...]

In: ten tasks below ``CROMEL_DATA``; development folds, three grouped by reduced formula inside the
training rows of the first official fold, so that no test row is seen; one row a composition (the
mean of its targets), at most 3,000 of them. Each distance predicts by the mean of the five nearest
neighbors. Out: ``benchmarks/results/distances.json`` with the error as a share of that of the mean
of the training rows (of classes: one minus balanced accuracy, as a share of a half).
"""

import argparse
import warnings

import numpy as np
from cells import environment, load_silently
from paths import RESULTS
from results_store import write_json
from sklearn.dummy import DummyRegressor
from sklearn.metrics import balanced_accuracy_score, mean_absolute_error
from sklearn.model_selection import GroupKFold
from sklearn.neighbors import KNeighborsRegressor
from sklearn.preprocessing import StandardScaler

from cromel_sklearn import load_encoder
from cromel_sklearn.data.composition import read_compositions
from cromel_sklearn.inspection.composition_space import embed_table, embedding_scale

RESULT = RESULTS / "distances.json"
TASKS = (
    "formation_enthalpy", "band_gap", "is_metal", "metallic_glass", "steel_yield_strength", "zT",
    "superconductor_tc", "hea_hardness", "hea_yield_strength", "li_ion_conductivity",
)  # fmt: skip
MOST_COMPOSITIONS = 3_000
N_NEIGHBORS = 5


def mendeleev_order() -> np.ndarray:
    """Atomic numbers less one, from 103 elements in the order of Mendeleev numbers."""
    from pymatgen.core import Element

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        places = [Element.from_Z(z).mendeleev_no for z in range(1, 104)]
    return np.argsort(places, kind="stable")


def spaces(table) -> dict[str, tuple[np.ndarray, str]]:
    """Name of each distance -> (columns, metric of scikit-learn)."""
    standard = StandardScaler().fit_transform(table.embedding)
    properties = StandardScaler().fit_transform(table.properties)
    by_reference = embedding_scale().transform(table.embedding)
    fractions = table.fractions
    return {
        "embedding, euclidean": (table.embedding, "euclidean"),
        "embedding, manhattan": (table.embedding, "manhattan"),
        "embedding, cosine": (table.embedding, "cosine"),
        "standardised embedding, euclidean": (standard, "euclidean"),
        "standardised embedding, manhattan": (standard, "manhattan"),
        "standardised embedding, cosine": (standard, "cosine"),
        "embedding by reference, euclidean": (by_reference, "euclidean"),
        "embedding by reference, manhattan": (by_reference, "manhattan"),
        "embedding by reference, cosine": (by_reference, "cosine"),
        "predicted properties, euclidean": (properties, "euclidean"),
        "fractions, euclidean": (fractions, "euclidean"),
        "fractions, manhattan": (fractions, "manhattan"),
        "fractions, cosine": (fractions, "cosine"),
        # Earth mover's distance of fractions along the Mendeleev numbers (ElMD).
        "fractions, earth mover": (fractions[:, mendeleev_order()].cumsum(axis=1), "manhattan"),
        "embedding beside fractions, euclidean": (
            np.hstack([standard / np.sqrt(standard.shape[1]), 2 * fractions]), "euclidean",
        ),
    }  # fmt: skip


def measure(name: str) -> dict[str, list[float]]:
    """Relative errors of each distance, fold by fold."""
    data = load_silently(name)
    rows = data.folds[0][0]
    formulas, first, inverse = np.unique(data.groups[rows], return_index=True, return_inverse=True)
    target = np.bincount(inverse, data.target[rows]) / np.bincount(inverse)
    kept = np.random.default_rng(0).permutation(len(formulas))[:MOST_COMPOSITIONS]
    column = data.X["formula"].to_numpy()[rows][first][kept]
    target = target[kept]
    batch, row_in_batch, _ = read_compositions(column)
    is_known = np.isin(batch.atomic_numbers, [0, *load_encoder("mp-multi").known_elements])
    known = is_known.all(axis=1)[row_in_batch]
    column, target = column[known], target[known]
    table = embed_table(column)
    folds = list(GroupKFold(3, shuffle=True, random_state=1).split(column, groups=column))
    found = {}
    for distance, (columns, metric) in spaces(table).items():
        found[distance] = []
        for train, test in folds:
            model = KNeighborsRegressor(N_NEIGHBORS, metric=metric)
            predicted = model.fit(columns[train], target[train]).predict(columns[test])
            if data.task.is_classification:
                error = 1 - balanced_accuracy_score(target[test] > 0.5, predicted > 0.5)
                relative = error / 0.5
            else:
                mean = DummyRegressor().fit(columns[train], target[train]).predict(columns[test])
                relative = mean_absolute_error(target[test], predicted)
                relative /= mean_absolute_error(target[test], mean)
            found[distance].append(round(float(relative), 4))
    return found


def main() -> None:
    """Measure every task asked for, write and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS)
    arguments = parser.parse_args()
    results: dict = {"environment": environment(), "tasks": {}}
    for name in arguments.tasks:
        results["tasks"][name] = measure(name)
        write_json(RESULT, results)
        print(f"{name}: {len(results['tasks'][name])} distances", flush=True)
    means = {
        distance: [float(np.mean(results["tasks"][name][distance])) for name in arguments.tasks]
        for distance in results["tasks"][arguments.tasks[0]]
    }
    print(f"{'':40}" + "".join(f"{name[:12]:>13}" for name in arguments.tasks) + f"{'mean':>8}")
    for distance, values in sorted(means.items(), key=lambda item: np.mean(item[1])):
        cells = "".join(f"{value:13.3f}" for value in values)
        print(f"{distance:40}{cells}{np.mean(values):8.3f}")


if __name__ == "__main__":
    main()
