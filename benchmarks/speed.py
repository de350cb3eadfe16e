"""How many formulas a second does each featurizer describe, in how many columns?

Command, from the repository root::

    python benchmarks/speed.py

In: 2,000 distinct formulas of the ten tables below ``CROMEL_DATA`` (default ``../shared/data``),
200 of each as far as there are so many. Out: ``benchmarks/results/speed.json``: columns, and
formulas a second of processor time on one core, strings in, array out, best of three passes (one of
Magpie).
"""

from parallel import use_one_thread

use_one_thread()

import numpy as np  # noqa: E402 (after the number of threads)
import pandas as pd  # noqa: E402
from cells import environment  # noqa: E402
from featurizers import MagpieFeaturizer, featurize_magpie  # noqa: E402
from fingerprints import encoder_digest  # noqa: E402
from models import featurizers, has_known_elements  # noqa: E402
from paths import DATA_HOME, RESULTS  # noqa: E402
from rates import seconds  # noqa: E402
from results_store import write_json  # noqa: E402

RESULT = RESULTS / "speed.json"
N_FORMULAS, PER_TABLE = 2_000, 200


def formulas_of_tables() -> np.ndarray:
    """Distinct formulas, as many of each table."""
    found = []
    for path in sorted((DATA_HOME / "target").glob("*.csv")):
        column = pd.read_csv(path, keep_default_na=False)["formula"].drop_duplicates()
        found.append(column.sample(min(PER_TABLE, len(column)), random_state=0))
    column = pd.concat(found).drop_duplicates().to_numpy(dtype=object)
    return column[has_known_elements(column)][:N_FORMULAS]


def main() -> None:
    """Measure, print and write."""
    formulas = formulas_of_tables()
    featurize_magpie(list(formulas[:2]))
    found = {}
    for name, featurizer in featurizers().items():
        featurizer.fit(formulas)
        n_columns = featurizer.transform(formulas[:2]).shape[1]
        taken = []
        for _ in range(1 if "magpie" in name else 3):
            MagpieFeaturizer.forget()
            taken.append(seconds(featurizer.transform, formulas))
        rate = len(formulas) / min(taken)
        found[name] = {"columns": n_columns, "formulas_per_second": round(rate)}
        print(f"{name:20} {n_columns:5} columns {rate:10.0f} formulas/s", flush=True)
    document = {"featurizers": found, "n_formulas": len(formulas), "encoder": encoder_digest()}
    write_json(RESULT, {**document, "environment": environment()})


if __name__ == "__main__":
    main()
