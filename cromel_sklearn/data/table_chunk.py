"""Some rows of a table, with their places in its file."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from ..exceptions import InvalidTableError


@dataclass(frozen=True)
class TableChunk:
    """Consecutive rows of a table.

    Attributes
    ----------
    number : int
        Of the chunk, counted from 0.
    batch : pyarrow.RecordBatch of n_rows rows
        Cells of a text or a sheet as they are written.
    place : str
        What the numbers count: "line" of a text, "row" of a sheet or of a parquet file.
    places : sequence of int of length n_rows
        Counted from 1, as an editor or a spreadsheet shows them.
    read_fraction : float or None
        How much of the table has been read after this chunk; None where that cannot be told.
    """

    number: int
    batch: pa.RecordBatch
    place: str
    places: Sequence[int]
    read_fraction: float | None

    def __len__(self) -> int:
        return self.batch.num_rows

    def place_of(self, row: int) -> str:
        """Where a row of the chunk is in the file, such as ``line 17``."""
        return f"{self.place} {self.places[row]}"


def require_columns(names: Sequence[str], source: str) -> list[str]:
    """Check the names of columns.

    Raises
    ------
    InvalidTableError
        If a name is missing or stands twice.
    """
    names = list(names)
    for number, name in enumerate(names):
        if not name.strip():
            raise InvalidTableError(
                f"Column {number + 1} of {source} has no name; give it one in the first line, or "
                f"remove a title or comment that stands above the names."
            )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        places = [str(number + 1) for number, name in enumerate(names) if name == twice[0]]
        raise InvalidTableError(
            f"{source} has the column {twice[0]!r} more than once (columns {', '.join(places)}); "
            f"rename or remove all but one."
        )
    return names
