"""Does a model notice chemistry that it was not fitted to?

Command, from the repository root::

    python benchmarks/domain.py

In: all rows of zT below ``CROMEL_DATA`` (default ``../shared/data``), to which
``CroMELRegressor(random_state=0)`` is fitted; asked of compounds that are no thermoelectrics, at
300 K, and of 1,000 formulas of the calculated structures, drawn at random. Out:
``benchmarks/results/domain.json`` with domain scores (in the domain up to 1) and stated
deviations, beside the 95th percentile of those of the training rows.
"""

import warnings

import numpy as np
import pandas as pd
from cells import environment, load_silently
from fingerprints import encoder_digest
from models import has_known_elements
from paths import DATA_HOME, RESULTS
from results_store import write_json

from cromel_sklearn import CroMELRegressor

RESULT = RESULTS / "domain.json"
TASK = "zT"
TEMPERATURE = 300.0
#: Gases, salts, fuels, a metal and a polymer's formula beside two thermoelectrics.
ASKED = ("UF6", "PuO2", "H2O", "C2H4", "NaCl", "Au", "LaNiO3", "Bi2Te3", "PbTe0.98I0.02")
N_CALCULATED = 1_000


def rows_of(formulas, columns) -> pd.DataFrame:
    """A table of formulas at one temperature, as the task names its columns."""
    formula, temperature = columns
    return pd.DataFrame({formula: list(formulas), temperature: TEMPERATURE})


def main() -> None:
    """Fit, ask, write and print."""
    data = load_silently(TASK)
    path = DATA_HOME / "source" / "mp_structures.parquet"
    calculated = pd.read_parquet(path, columns=["formula"])["formula"].drop_duplicates()
    calculated = calculated[has_known_elements(calculated)].sample(N_CALCULATED, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of rows far outside
        model = CroMELRegressor(random_state=0, verbose=0).fit(data.X, data.target)
        _, of_training = model.predict(data.X, return_std=True)
        asked, unknown = rows_of(ASKED, data.X.columns), rows_of(calculated, data.X.columns)
        scores, (means, deviations) = model.domain_score(asked), model.predict(asked, True)
        is_in = model.in_domain(unknown)
        _, of_unknown = model.predict(unknown, return_std=True)
    limit = float(np.quantile(of_training, 0.95))
    found = {
        "encoder": encoder_digest(),
        "task": TASK,
        "median stated deviation of training rows": round(float(np.median(of_training)), 4),
        "95th percentile": round(limit, 4),
        "asked": {
            formula: {"score": round(score, 2), "mean": round(mean, 3), "std": round(std, 3)}
            for formula, score, mean, std in zip(
                ASKED, scores.tolist(), means.tolist(), deviations.tolist(), strict=True
            )
        },
        "calculated": {
            "formulas": N_CALCULATED,
            "out of domain": round(float(1 - is_in.mean()), 4),
            "deviation above the 95th percentile": round(float((of_unknown > limit).mean()), 4),
        },
        "environment": environment(),
    }
    write_json(RESULT, found)
    print(pd.DataFrame(found["asked"]).T)
    print(found["calculated"], limit)


if __name__ == "__main__":
    main()
