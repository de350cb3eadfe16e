"""A table that is written in parts, goes on after a kill, and is whole or absent in the end."""

import contextlib
import gzip
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from ..exceptions import InvalidTableError
from ..storage.whole_file import replacing, require_target
from .finished_parts import WHOLE_TABLE, FinishedParts, is_being_joined, tidy, write_part
from .part_writer import PartWriter, WrittenPart, parquet_writer
from .sheet_writer import write_sheet
from .table_format import STREAM, TableFormat, table_format

_SPARE_BYTES = 64 << 20


class TableWriter:
    """A table that grows part by part in a folder beside its target.

    Each part is written whole (as `replacing` does), so that a killed run goes on after the last
    one; `finish` joins them and puts the table in its place in one step. Standard output has no
    parts.

    Parameters
    ----------
    target : path-like or "-"
        As in `table_format`; a name without a suffix becomes a folder of parquet files.
    job : dict
        What the parts depend on (input, options, versions), as JSON: only the same work goes on.
    overwrite : bool, default=False
        Replace `target`, or an unfinished run, if it exists.
    resume : bool, default=False
        Go on after the parts of an unfinished run.
    separator, decimal : as in `table_format`
    float_format : as in `text_of`

    Attributes
    ----------
    form : TableFormat
    n_parts : int
        Parts that are finished.

    Raises
    ------
    InvalidTableError
        If `target` exists, an unfinished run lies beside it or is of other work, another process is
        at work on it, or the disk is full.
    OSError
        If the folder does not exist or refuses new files.
    """

    def __init__(
        self, target, job: dict, *, overwrite=False, resume=False, separator=None, decimal=".",
        float_format=None,
    ):  # fmt: skip
        self.is_stream = str(target) == STREAM
        self.form: TableFormat = table_format(target, separator=separator, decimal=decimal)
        self.target = Path(target)
        self._float_format = float_format
        self._n_streamed = 0
        if self.is_stream:
            if resume:
                raise InvalidTableError("A stream cannot be resumed; write to a file.")
            return
        _require_place(self.target, self.form, overwrite, resume)
        self._parts = FinishedParts(self.target, job, overwrite=overwrite, resume=resume)
        try:
            _require_place(self.target, self.form, overwrite, resume)
        except (InvalidTableError, OSError):  # another process was faster
            self.abandon()
            raise

    @property
    def n_parts(self) -> int:
        """Parts that are finished."""
        return self._n_streamed if self.is_stream else self._parts.n_parts

    def part_writer(self, *, is_here: bool = True) -> PartWriter:
        """Give what writes parts for `take`, here or in another process.

        Parameters
        ----------
        is_here : bool, default=True
            Whether that process is on this machine, and writes to the folder of the parts itself.
        """
        is_file = is_here and not self.is_stream
        return PartWriter(self.form, self._float_format, self._parts.folder if is_file else None)

    def take(self, part: WrittenPart) -> None:
        """Take the next part."""
        if self.is_stream:
            sys.stdout.buffer.write(part.content or b"")
            self._n_streamed += 1
            return
        name = part.name
        if name is None:
            suffix = self.part_writer().suffix
            name = write_part(self._parts.folder, self.n_parts, part.content, suffix)
        self._parts.add(name, part.n_bytes)

    def write(self, batch: pa.RecordBatch) -> None:
        """Write the next part.

        Parameters
        ----------
        batch : pyarrow.RecordBatch
            Of the same schema as the parts before it.
        """
        self.take(self.part_writer().write(batch, self.n_parts))

    def require_space(self, read_fraction: float | None) -> None:
        """Check that the disk holds the whole table, judged by the parts so far.

        Raises
        ------
        InvalidTableError
            If it does not.
        """
        if self.is_stream:
            return
        n_bytes = self._parts.n_bytes
        whole = n_bytes / read_fraction if read_fraction else n_bytes
        copies = 1 if self.form.kind == "folder" else 2  # the parts, and the table made of them
        needed = int(whole * copies - n_bytes) + _SPARE_BYTES
        free = shutil.disk_usage(self.target.parent).free
        if needed > free:
            raise InvalidTableError(
                f"The disk of {self.target} has {free / 1e9:.1f} GB free; about "
                f"{needed / 1e9:.1f} GB are needed. Free some, write to another disk, ask for "
                f"--dtype float16, or for a folder of parquet (a name without a suffix)."
            )

    def finish(self) -> None:
        """Join the parts to the table, put it in its place and remove them."""
        if self.is_stream:
            sys.stdout.buffer.flush()
            return
        self._parts.begin_joining()
        if self.form.kind == "folder":
            self._parts.become(self.target)
            return
        paths = self._parts.paths()
        with replacing(self.target) as file:
            if self.form.kind == "text":
                self._join_text(paths, file)
            elif self.form.kind == "parquet":
                _join_parquet(paths, file)
            else:
                write_sheet(_batches(paths), file)
        self._parts.remove()

    def abandon(self, *, keep: bool = True) -> bool:
        """Stop before the end: keep finished parts for --resume, remove a folder without any.

        Parameters
        ----------
        keep : bool, default=True
            Finished parts.

        Returns
        -------
        bool
            Whether there is something to go on with.
        """
        if self.is_stream:
            return False
        if self.n_parts == 0 or not keep:
            self._parts.remove()
            return False
        self._parts.release()
        return True

    def _join_text(self, paths: list[Path], file) -> None:
        for path in paths:  # each a member of a gzip file, a frame of a zstd file
            content = path.read_bytes()
            if self.form.compression == "gzip":
                content = gzip.compress(content, 6, mtime=0)
            elif self.form.compression == "zstd":
                content = pa.compress(content, "zstd", asbytes=True)
            file.write(content)


def write_table(target, table: pa.Table, *, overwrite=False, **options) -> None:
    """Write a table that is in memory, whole.

    Parameters
    ----------
    target : path-like or "-"
        As in `TableWriter`.
    table : pyarrow.Table
    overwrite : bool, default=False
    **options
        separator, decimal and float_format as in `TableWriter`.
    """
    writer = TableWriter(target, WHOLE_TABLE, overwrite=overwrite, **options)
    try:
        batches = table.combine_chunks().to_batches()
        for batch in batches or [pa.RecordBatch.from_pylist([], schema=table.schema)]:
            writer.write(batch)
        writer.finish()
    except BaseException:
        writer.abandon(keep=False)
        raise


def _require_place(target: Path, form: TableFormat, overwrite: bool, resume: bool) -> None:
    if tidy(target) and resume:
        raise InvalidTableError(f"{target} is whole: there is nothing left to resume.")
    goes_on = resume and is_being_joined(target)
    if target.exists() and not (overwrite or goes_on):
        raise InvalidTableError(f"{target} exists; pass --overwrite to replace it.")
    is_folder = form.kind == "folder"
    require_target(target.with_name(f"{target.name}.part") if is_folder else target)
    if is_folder and target.exists():
        others = [path for path in target.iterdir() if path.suffix != ".parquet"]
        if others:
            raise InvalidTableError(
                f"{target} holds more than parquet files ({others[0].name}); it is not replaced."
            )


def _join_parquet(paths: list[Path], file) -> None:
    with contextlib.ExitStack() as stack:
        writer = None
        for batch in _batches(paths):
            if writer is None:
                writer = stack.enter_context(parquet_writer(file, batch.schema))
            writer.write_batch(batch)


def _batches(parts: list[Path]) -> Iterator[pa.RecordBatch]:
    for part in parts:
        with pa.memory_map(str(part)) as source, pa.ipc.open_file(source) as content:
            for number in range(content.num_record_batches):
                yield content.get_batch(number)
