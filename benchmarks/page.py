"""A table in, the documentation page with that table between its markers out."""

from paths import REPOSITORY

PAGE = REPOSITORY / "docs" / "scikit-learn.md"


def write_table(name: str, header: list, rows: list[list]) -> None:
    """Put a table between ``<!-- name -->`` and ``<!-- end of name -->``."""
    lines = [header, ["---"] * len(header), *rows]
    table = "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(f"<!-- {name} -->\n")
    _, _, after = rest.partition(f"<!-- end of {name} -->\n")
    page = f"{before}<!-- {name} -->\n{table}\n<!-- end of {name} -->\n{after}"
    PAGE.write_text(page, encoding="utf-8")
