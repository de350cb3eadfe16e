"""Where the benchmarks read and write."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results"
#: The tables of ``load_task`` and the calculated structures.
DATA_HOME = Path(os.environ.get("CROMEL_DATA", REPOSITORY.parent / "shared" / "data"))
