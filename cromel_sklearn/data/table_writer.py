"""A table that is written in parts, goes on after a kill, and is whole or absent in the end."""

import contextlib
import gzip
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from .._files import replacing, require_target, write_file
from ..exceptions import InvalidTableError
from .sheet_writer import write_sheet
from .table_cells import header_of, text_of
from .table_format import STREAM, TableFormat, table_format

# Readers of folders of parquet pass over names that begin so.
_JOB = "_job.json"
_LOCK = "_lock"
_SPARE_BYTES = 64 << 20


class TableWriter:
    """A table that grows part by part in a folder beside its target.

    Each part is written whole (as `cromel_sklearn._files.replacing` does), so that a killed run
    goes on after the last one; `finish` joins them and puts the table in its place in one step.
    Standard output has no parts.

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
        self.n_parts = 0
        self.n_bytes = 0
        self._float_format = float_format
        self._schema: pa.Schema | None = None
        self._job = json.loads(json.dumps(job))
        self._lock = None
        if self.is_stream:
            if resume:
                raise InvalidTableError("A stream cannot be resumed; write to a file.")
            return
        _require_place(self.target, self.form, overwrite)
        self.folder = self.target.with_name(f"{self.target.name}.unfinished")
        self._begin(overwrite, resume)

    def _begin(self, overwrite: bool, resume: bool) -> None:
        """Make or take over the folder of parts."""
        if resume and not self.folder.exists():
            resume = False  # killed before the first part, or never begun
        if self.folder.is_symlink() or (self.folder.exists() and not self.folder.is_dir()):
            raise InvalidTableError(f"{self.folder} is in the way; remove it.")
        if self.folder.exists() and not (resume or overwrite):
            raise InvalidTableError(
                f"{self.folder} holds an unfinished run ({len(self._parts())} parts). Pass "
                f"--resume to go on with it, or --overwrite to begin again."
            )
        self.folder.mkdir(exist_ok=True)
        self._lock = _locked(self.folder)
        if resume:
            try:
                self._take_over()
            except InvalidTableError:
                _unlocked(self._lock)
                raise
        else:
            for path in [*self._parts(), self.folder / _JOB]:
                path.unlink(missing_ok=True)
            write_file(self.folder / _JOB, json.dumps(self._job, indent=1))

    def _take_over(self) -> None:
        try:
            job = json.loads((self.folder / _JOB).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InvalidTableError(
                f"{self.folder} cannot be gone on with ({error}); pass --overwrite to begin again."
            ) from error
        if job != self._job:
            job = job if isinstance(job, dict) else {}
            other = [key for key in self._job if job.get(key) != self._job[key]]
            raise InvalidTableError(
                f"{self.folder} is of other work: {', '.join(other) or 'its job'} differ"
                f"{'s' if len(other) == 1 else ''}. Give the same table and options as before, or "
                f"pass --overwrite to begin again."
            )
        for number, path in enumerate(self._parts()):
            if path.name != self._part_name(number):
                break
            self.n_parts = number + 1
            self.n_bytes += path.stat().st_size
        for path in self._parts()[self.n_parts :]:
            path.unlink()

    def write(self, batch: pa.RecordBatch) -> None:
        """Write the next part.

        Parameters
        ----------
        batch : pyarrow.RecordBatch
            Of the same schema as the parts before it.
        """
        if self.is_stream:
            self._write_stream(batch)
            return
        path = self.folder / self._part_name(self.n_parts)
        with replacing(path) as file:
            if self.form.kind == "text":
                if self.n_parts == 0:
                    file.write(header_of(batch.schema.names, self.form))
                file.write(text_of(batch, self.form, self._float_format))
            elif self.form.kind == "folder":
                with _parquet_writer(file, batch.schema) as writer:
                    writer.write_batch(batch)
            else:
                with pa.ipc.new_file(file, batch.schema) as writer:
                    writer.write_batch(batch)
        self.n_parts += 1
        self.n_bytes += path.stat().st_size

    def require_space(self, read_fraction: float | None) -> None:
        """Check that the disk holds the whole table, judged by the parts so far.

        Raises
        ------
        InvalidTableError
            If it does not.
        """
        if self.is_stream:
            return
        whole = self.n_bytes / read_fraction if read_fraction else self.n_bytes
        copies = 1 if self.form.kind == "folder" else 2  # the parts, and the table made of them
        needed = int(whole * copies - self.n_bytes) + _SPARE_BYTES
        free = shutil.disk_usage(self.folder).free
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
        if self.form.kind == "folder":
            self._finish_folder()
            return
        parts = self._parts()
        with replacing(self.target) as file:
            if self.form.kind == "text":
                self._join_text(parts, file)
            elif self.form.kind == "parquet":
                self._join_parquet(parts, file)
            else:
                write_sheet(_batches(parts), file)
        self._remove()

    def abandon(self) -> bool:
        """Stop before the end: keep finished parts for --resume, remove a folder without any.

        Returns
        -------
        bool
            Whether there is something to go on with.
        """
        if self.is_stream:
            return False
        if self.n_parts == 0:
            self._remove()
            return False
        _unlocked(self._lock)
        return True

    def _finish_folder(self) -> None:
        replaced = self.target.with_name(f"{self.target.name}.replaced")
        if self.target.exists():
            os.replace(self.target, replaced)
        os.replace(self.folder, self.target)
        _unlocked(self._lock)
        for name in (_JOB, _LOCK):
            (self.target / name).unlink(missing_ok=True)
        if replaced.exists():
            shutil.rmtree(replaced)

    def _join_text(self, parts: list[Path], file) -> None:
        for part in parts:  # each a member of a gzip file, a frame of a zstd file
            content = part.read_bytes()
            if self.form.compression == "gzip":
                content = gzip.compress(content, 6, mtime=0)
            elif self.form.compression == "zstd":
                content = pa.compress(content, "zstd", asbytes=True)
            file.write(content)

    def _join_parquet(self, parts: list[Path], file) -> None:
        with contextlib.ExitStack() as stack:
            writer = None
            for batch in _batches(parts):
                if writer is None:
                    writer = stack.enter_context(_parquet_writer(file, batch.schema))
                writer.write_batch(batch)

    def _write_stream(self, batch: pa.RecordBatch) -> None:
        if self.n_parts == 0:
            sys.stdout.buffer.write(header_of(batch.schema.names, self.form))
        sys.stdout.buffer.write(text_of(batch, self.form, self._float_format))
        self.n_parts += 1

    def _parts(self) -> list[Path]:
        return [*sorted(self.folder.glob("*.part")), *sorted(self.folder.glob("part-*.parquet"))]

    def _part_name(self, number: int) -> str:
        is_folder = self.form.kind == "folder"
        return f"part-{number:06d}.parquet" if is_folder else f"{number:06d}.part"

    def _remove(self) -> None:
        _unlocked(self._lock)
        for path in [*self._parts(), self.folder / _JOB, self.folder / _LOCK]:
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # something of the user's is in it
            self.folder.rmdir()


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
    writer = TableWriter(target, {}, overwrite=overwrite, **options)
    try:
        batches = table.combine_chunks().to_batches()
        for batch in batches or [pa.RecordBatch.from_pylist([], schema=table.schema)]:
            writer.write(batch)
        writer.finish()
    except BaseException:
        writer.n_parts = 0
        writer.abandon()
        raise


def source_identity(path) -> dict:
    """Tell one state of an input from another: names, sizes and times of its files.

    Parameters
    ----------
    path : path-like or "-"

    Returns
    -------
    dict
    """
    path = Path(path)
    if str(path) == STREAM:
        return {"path": STREAM}
    files = [path] if path.is_file() else sorted(path.rglob("*.parquet"))
    states = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    digest = hashlib.sha256(json.dumps(states).encode()).hexdigest()
    return {"path": str(path.resolve()), "files": len(files), "digest": digest}


def _require_place(target: Path, form: TableFormat, overwrite: bool) -> None:
    if target.exists() and not overwrite:
        raise InvalidTableError(f"{target} exists; pass --overwrite to replace it.")
    if form.kind != "folder":
        require_target(target)
        return
    require_target(target.with_name(f"{target.name}.unfinished.part"))
    if target.exists():
        others = [path for path in target.iterdir() if path.suffix != ".parquet"]
        if others:
            raise InvalidTableError(
                f"{target} holds more than parquet files ({others[0].name}); it is not replaced."
            )


def _batches(parts: list[Path]) -> Iterator[pa.RecordBatch]:
    for part in parts:
        with pa.memory_map(str(part)) as source, pa.ipc.open_file(source) as content:
            for number in range(content.num_record_batches):
                yield content.get_batch(number)


def _parquet_writer(file, schema: pa.Schema):
    import pyarrow.parquet as pq

    # A dictionary of embedding values would be as long as the column.
    repeated = [field.name for field in schema if not pa.types.is_floating(field.type)]
    return pq.ParquetWriter(file, schema, use_dictionary=repeated, compression="snappy")


def _locked(folder: Path):
    """Hold the folder of parts for this process; freed when the process ends."""
    try:
        import fcntl
    except ImportError:  # Windows: two writers of one target are not told apart
        return None
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    file = os.fdopen(os.open(folder / _LOCK, flags, 0o666), "wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise InvalidTableError(f"Another process is at work on {folder}; wait for it.") from error
    return file


def _unlocked(file) -> None:
    if file is not None:
        file.close()
