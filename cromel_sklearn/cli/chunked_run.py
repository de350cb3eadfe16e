"""A function of batches over a whole table: chunks in, parts out, bad rows named by their line."""

from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape

from ..data.composition import parse_composition
from ..data.table_reader import TableReader
from ..data.table_writer import TableWriter
from ..exceptions import InvalidCompositionError
from .executors import ChunkMap
from .progress import RowProgress

#: What `--on-invalid` accepts.
ON_INVALID = ("raise", "nan")
_SHOWN = 20


@dataclass
class InvalidRows:
    """Rows of a table that are no compositions, by their places in the file.

    Attributes
    ----------
    source : str
        Name of the table.
    on_invalid : {"raise", "nan"}
    lines : list of str
        The first ones, such as ``line 4: 'M2O3': M is a placeholder, not an element``.
    n_rows : int
        All of them.
    advice : str
        What to do.
    """

    source: str
    on_invalid: str = "raise"
    lines: list[str] = field(default_factory=list)
    n_rows: int = 0
    advice: str = "Correct them, or pass --on-invalid nan to leave their new columns empty."

    def __post_init__(self):
        if self.on_invalid not in ON_INVALID:
            raise ValueError(f"--on-invalid is raise or nan, got {self.on_invalid!r}")

    def add(self, chunk, problems) -> None:
        """Take in the problems of a chunk.

        Raises
        ------
        InvalidCompositionError
            If there are any and `on_invalid="raise"`; names those of the chunk.
        """
        self.n_rows += len(problems)
        for index, value, reason in problems[: max(0, _SHOWN - len(self.lines))]:
            self.lines.append(f"{chunk.place_of(index)}: {value!r}: {reason}")
        if problems and self.on_invalid == "raise":
            more = [f"and {self.n_rows - len(self.lines)} more"] if self.n_rows > _SHOWN else []
            shown = "\n  ".join([*self.lines, *more])
            raise InvalidCompositionError(
                f"Could not read {self.n_rows} of the rows of {self.source} up to "
                f"{chunk.place_of(-1)}:\n  {shown}\n"
                f"{self.advice}",
                problems,
            )

    def report(self, console: Console) -> None:
        """Print the first ones, and how many there are."""
        for line in self.lines:
            console.print(escape(line), highlight=False, soft_wrap=True)
        if self.n_rows > len(self.lines):
            console.print(f"and {self.n_rows - len(self.lines):,} more", highlight=False)


def invalid_formulas(cells: list) -> list[tuple[int, object, str]]:
    """Find the cells that are no compositions: (index, value, reason) of each."""
    problems = []
    for index, cell in enumerate(cells):
        try:
            parse_composition(cell)
        except ValueError as error:
            problems.append((index, cell, str(error)))
    return problems


def run_to_table(
    reader: TableReader, writer: TableWriter, chunks_through: ChunkMap, invalid: InvalidRows,
    progress: RowProgress, empty_batch,
) -> int:  # fmt: skip
    """Send every chunk of a table through a function and write what comes back.

    Parameters
    ----------
    reader : TableReader
    writer : TableWriter
        Finished parts of an earlier run are not computed again.
    chunks_through : callable
        As from `chunk_map`, of a `PartOfChunk`.
    invalid : InvalidRows
    progress : RowProgress
    empty_batch : callable
        Gives the batch that is written for a table without rows.

    Returns
    -------
    int
        Rows of the table.
    """
    checked = False
    for chunk, result in chunks_through(reader.chunks(first=writer.n_parts)):
        invalid.add(chunk, result.problems)
        writer.take(result.part)
        progress.advance(len(chunk), chunk.read_fraction)
        if not checked:
            writer.require_space(chunk.read_fraction)
            checked = True
    if writer.n_parts == 0:
        writer.write(empty_batch())
    writer.finish()
    return reader.n_rows or 0
