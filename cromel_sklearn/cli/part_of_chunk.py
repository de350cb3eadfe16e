"""What becomes of a chunk of a table: its part of the new one, written where it is computed."""

from collections.abc import Callable
from dataclasses import dataclass

from ..data.part_writer import PartWriter, WrittenPart
from ..data.table_chunk import TableChunk


@dataclass(frozen=True)
class PartResult:
    """A part of the new table.

    Attributes
    ----------
    part : WrittenPart or None
        None where the problems end the run.
    problems : list of (index, value, reason)
        As in `BatchResult`.
    """

    part: WrittenPart | None
    problems: list


@dataclass(frozen=True)
class PartOfChunk:
    """Function of a chunk, as `chunk_map` takes it.

    Attributes
    ----------
    function : callable
        Of a batch, to a `BatchResult`.
    writer : PartWriter
    raises : bool
        Whether rows that cannot be read end the run: then their part is not written.
    """

    function: Callable
    writer: PartWriter
    raises: bool

    def __call__(self, chunk: TableChunk) -> PartResult:
        """Compute and write the part."""
        result = self.function(chunk.batch)
        if result.problems and self.raises:
            return PartResult(None, result.problems)
        return PartResult(self.writer.write(result.batch, chunk.number), result.problems)
