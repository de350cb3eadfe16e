"""How much do shuffled rows flatter, on a table with several rows a composition?

Command, from the repository root::

    python benchmarks/validation.py

In: 1,500 rows of the thermoelectric measurements below ``CROMEL_DATA``, drawn at random (seed 0),
the Seebeck coefficient, which of the five properties shows the gap most; `CroMELRegressor()` on the
formula and the temperature, beside the baselines of `cromel_sklearn.evaluate`. Out:
``benchmarks/results/validation.json``, and the table and the words of the result in
``docs/validation.md``, between the marks.
"""

import re

import pandas as pd
from cells import environment
from paths import DATA_HOME, REPOSITORY, RESULTS
from results_store import write_json

from cromel_sklearn import CroMELRegressor, evaluate
from cromel_sklearn.storage.whole_file import write_file

RESULT = RESULTS / "validation.json"
PAGE = REPOSITORY / "docs" / "validation.md"
TARGET = "seebeck_uV_per_K"
N_ROWS = 1_500
MARKS = ("<!-- benchmarks/validation.py -->\n", "<!-- end -->")


def measure():
    """Evaluate on the rows drawn."""
    path = DATA_HOME / "target" / "thermoelectrics.csv"
    table = pd.read_csv(path, keep_default_na=False).sample(N_ROWS, random_state=0)
    table = table[["formula", "temperature_K", TARGET]].reset_index(drop=True)
    model = CroMELRegressor(random_state=0, verbose=0)
    return evaluate(model, table[["formula", "temperature_K"]], table[TARGET], learning_curve=False)


def as_markdown(result) -> str:
    """Scores of the model and of the baselines, and what they mean."""
    lines = ["| held out | model | MAE (µV/K) | R2 |", "|---|---|---|---|"]
    names = {"shuffled": "rows shuffled", "composition": "compositions", "system": "systems"}
    for (split, model), row in result.table().iterrows():
        shown = "CroMELRegressor" if model == result.model_name else model
        error = f"{row['mae']:.1f} ± {row['mae_std']:.1f}"
        r2 = f"{row['r2']:.2f} ± {row['r2_std']:.2f}"
        lines.append(f"| {names[split]} | {shown} | {error} | {r2} |")
    return "\n".join([*lines, "", *(f"> {sentence}" for sentence in result.summary), ""])


def main() -> None:
    """Measure, write and print."""
    result = measure()
    scores = result.folds.drop(columns="seconds").round(6).to_dict("records")
    words = {"gap": result.gap, "verdict": result.verdict}
    write_json(RESULT, {"environment": environment(), "words": words, "folds": scores})
    text = as_markdown(result)
    if PAGE.exists():
        start, end = (re.escape(mark) for mark in MARKS)
        page = PAGE.read_text(encoding="utf-8")
        inside = f"{MARKS[0]}\n{text}\n{MARKS[1]}"
        write_file(PAGE, re.sub(f"{start}.*?{end}", lambda _: inside, page, flags=re.S))
    print(text)


if __name__ == "__main__":
    main()
