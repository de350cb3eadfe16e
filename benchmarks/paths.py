"""Where the benchmarks read and write, and how they write into documents."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results"
#: The tables of ``load_task`` and the calculated structures.
DATA_HOME = Path(os.environ.get("CROMEL_DATA", REPOSITORY.parent / "shared" / "data"))


def write_section(page: Path, name: str, text: str) -> None:
    """Put text between ``<!-- name -->`` and ``<!-- end of name -->``."""
    before, start, rest = page.read_text(encoding="utf-8").partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- end of {name} -->\n")
    if not start or not end:
        raise ValueError(f"{page} has no markers <!-- {name} --> and <!-- end of {name} -->.")
    page.write_text(f"{before}{start}{text}\n{end}{after}", encoding="utf-8")
