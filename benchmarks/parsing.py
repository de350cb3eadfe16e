"""How fast are formulas read, beside pymatgen, and are they read alike?

Command, from the repository root::

    python benchmarks/parsing.py

In: every distinct formula of the calculated and measured data below ``CROMEL_DATA`` (default
``../shared/data``). Out: ``benchmarks/results/parsing.json``. Rates are distinct formulas a second
of processor time on one core, the best of five passes over 20,000 formulas drawn with seed 0:
plain ones (elements and amounts), and all kinds that occur. Fractions are compared on every one.
"""

import json
import platform
import random
import re
from importlib.metadata import version

import numpy as np
import pandas as pd
from paths import DATA_HOME, RESULTS
from pymatgen.core import Composition
from rates import rate

from cromel_sklearn.data.composition import find_compositions, read_compositions, reduced_formulas
from cromel_sklearn.data.elements import MAX_ATOMIC_NUMBER

RESULT = RESULTS / "parsing.json"
N_TIMED = 20_000
SYMBOL_WITH_AMOUNT = re.compile(r"([A-Z][a-z]?)([0-9.]*)")
PLAIN = re.compile(r"(?:[A-Z][a-z]?(?:[0-9]+(?:\.[0-9]+)?)?)+")


def distinct_formulas() -> list[str]:
    """Every formula of the data once, in a random order of its own."""
    found: set[str] = set()
    for path in sorted((DATA_HOME / "source").glob("*.parquet")):
        found.update(pd.read_parquet(path, columns=["formula"])["formula"])
    for path in sorted((DATA_HOME / "target").glob("*.csv")):
        found.update(pd.read_csv(path, keep_default_na=False)["formula"])
    formulas = sorted(found)
    random.Random(0).shuffle(formulas)
    return formulas


def rates(formulas: list[str]) -> dict[str, float]:
    """Formulas a second of each way to read them."""
    ways = {
        "bare regular expression": lambda column: [SYMBOL_WITH_AMOUNT.findall(f) for f in column],
        "pymatgen.Composition": lambda column: [Composition(formula) for formula in column],
        "read_compositions": read_compositions,
        "reduced_formulas": reduced_formulas,
    }
    found = {name: round(rate(read, formulas, n_passes=5)) for name, read in ways.items()}
    found["times pymatgen"] = round(found["read_compositions"] / found["pymatgen.Composition"], 1)
    return found


def largest_difference(formulas: list[str], batch) -> float:
    """Largest difference of an atomic fraction from pymatgen's, which are rounded likewise."""
    fractions, largest = batch.element_fractions(), 0.0
    for row, formula in enumerate(formulas):
        theirs = np.zeros(MAX_ATOMIC_NUMBER)
        for element, amount in Composition(formula).items():
            theirs[element.Z - 1] += amount
        largest = max(largest, float(np.abs(fractions[row] - theirs / theirs.sum()).max()))
    return largest


def main() -> None:
    """Measure, compare and write."""
    formulas = distinct_formulas()
    *_, valid, problems = find_compositions(formulas)
    readable = [formula for formula, ok in zip(formulas, valid, strict=True) if ok]
    plain = [formula for formula in readable if PLAIN.fullmatch(formula)]
    differences = []
    for start in range(0, len(readable), N_TIMED):
        some = readable[start : start + N_TIMED]
        batch, inverse, _ = read_compositions(some)
        differences.append(largest_difference(some, batch[inverse]))
    document = {
        "formulas": len(formulas),
        "refused": {formula: reason for _, formula, reason in sorted(problems)},
        "largest difference from pymatgen": max(differences),
        "plain formulas a second": rates(plain[:N_TIMED]),
        "formulas of all kinds a second": rates(readable[:N_TIMED]),
        "environment": {
            "machine": f"{platform.machine()}, Python {platform.python_version()}",
            **{name: version(name) for name in ("cromel-sklearn", "numpy", "pymatgen")},
        },
    }
    RESULT.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(document, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
