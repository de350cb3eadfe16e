"""Text or a table in, the document with it between its markers out."""

from pathlib import Path

from paths import REPOSITORY

PAGE = REPOSITORY / "docs" / "scikit-learn.md"


def write_section(page: Path, name: str, text: str) -> None:
    """Put text between ``<!-- name -->`` and ``<!-- end of name -->``."""
    before, start, rest = page.read_text(encoding="utf-8").partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- end of {name} -->\n")
    if not start or not end:
        raise ValueError(f"{page} has no markers <!-- {name} --> and <!-- end of {name} -->.")
    page.write_text(f"{before}{start}{text}\n{end}{after}", encoding="utf-8")


def write_table(name: str, header: list, rows: list[list]) -> None:
    """Put a table into the page on scikit-learn."""
    lines = [header, ["---"] * len(header), *rows]
    write_section(PAGE, name, "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines))
