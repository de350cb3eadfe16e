"""One part of a table as bytes: in the folder of its parts, or handed back to who puts it there."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from .finished_parts import write_part
from .table_cells import header_of, text_of
from .table_format import TableFormat


@dataclass(frozen=True)
class WrittenPart:
    """A part of a table.

    Attributes
    ----------
    n_bytes : int
    name : str or None
        Of its file in the folder of the parts, where it has one.
    content : bytes or pyarrow.Buffer or None
        Where it has none.
    """

    n_bytes: int
    name: str | None = None
    content: bytes | pa.Buffer | None = None


@dataclass(frozen=True)
class PartWriter:
    """Writes parts in any order; small to send to another process.

    Attributes
    ----------
    form : TableFormat
        Of the table. Parts of a text are text, the first with the names of the columns; those of a
        folder are parquet, all others Arrow.
    float_format : str or None
        As in `text_of`.
    folder : Path or None
        Of the parts; None to hand their content back.
    """

    form: TableFormat
    float_format: str | None = None
    folder: Path | None = None

    @property
    def suffix(self) -> str:
        """Of the names of the files."""
        return ".parquet" if self.form.kind == "folder" else ".part"

    def write(self, batch: pa.RecordBatch, number: int) -> WrittenPart:
        """Write a part, whole.

        Parameters
        ----------
        batch : pyarrow.RecordBatch
        number : int
            Of the part, counted from 0.
        """
        content = self._content(batch, number)
        if self.folder is None:
            return WrittenPart(len(content), content=bytes(content))
        name = write_part(self.folder, number, content, self.suffix)
        return WrittenPart(len(content), name=name)

    def _content(self, batch: pa.RecordBatch, number: int) -> bytes | pa.Buffer:
        if self.form.kind == "text":
            names = header_of(batch.schema.names, self.form) if number == 0 else b""
            return names + text_of(batch, self.form, self.float_format)
        file = pa.BufferOutputStream()
        open_writer = parquet_writer if self.form.kind == "folder" else pa.ipc.new_file
        with open_writer(file, batch.schema) as writer:
            writer.write_batch(batch)
        return file.getvalue()


def parquet_writer(file, schema: pa.Schema):
    """Open a writer of parquet."""
    import pyarrow.parquet as pq

    # A dictionary of embedding values would be as long as the column.
    repeated = [field.name for field in schema if not pa.types.is_floating(field.type)]
    return pq.ParquetWriter(file, schema, use_dictionary=repeated, compression="snappy")
