"""The best rows of a table of any size, kept while its chunks go by."""

import pyarrow as pa

from ..data.table_reader import TableReader
from ..estimators.shortlist import BatchShortlist
from .chunked_run import InvalidRows
from .executors import ChunkMap
from .progress import RowProgress


def shortlisted(
    reader: TableReader, shortlist: BatchShortlist, chunks_through: ChunkMap,
    invalid: InvalidRows, progress: RowProgress,
) -> pa.Table:  # fmt: skip
    """Send every chunk of a table through a shortlist and keep the best of all.

    Parameters
    ----------
    reader : TableReader
    shortlist : BatchShortlist
    chunks_through : callable
        As from `chunk_map`, of the batches through `shortlist`.
    invalid : InvalidRows
    progress : RowProgress

    Returns
    -------
    pyarrow.Table
        The best first, at most `shortlist.n_top` rows; they do not depend on the size of chunks.
    """
    best = None
    for chunk, result in chunks_through(reader.chunks()):
        invalid.add(chunk, result.problems)
        both = result.batch if best is None else pa.concat_tables([best, result.batch])
        best = shortlist.best_of(both).combine_chunks()
        progress.advance(len(chunk), chunk.read_fraction)
    return shortlist(reader.empty_batch()).batch if best is None else best
