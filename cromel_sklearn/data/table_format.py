"""What the name of a table says: its kind, its compression and its separator."""

from dataclasses import dataclass
from pathlib import Path

from ..exceptions import InvalidTableError

#: Standard input or output.
STREAM = "-"
_SEPARATORS = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
_SPELLED = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "space": " "}
_KNOWN = (
    ".csv, .tsv, .txt (each also with .gz or .zst), .xlsx, .parquet, a folder of parquet files, "
    "or - for a stream of csv"
)


@dataclass(frozen=True)
class TableFormat:
    """How a table is stored.

    Attributes
    ----------
    kind : {"text", "parquet", "folder", "xlsx"}
        "folder" is one of parquet files.
    separator : str
        Between the cells of a text.
    decimal : str
        Decimal mark of the numbers of a text, "." or ",".
    compression : {"gzip", "zstd"} or None
        Of a text.
    """

    kind: str
    separator: str = ","
    decimal: str = "."
    compression: str | None = None


def table_format(path, *, separator=None, decimal=".") -> TableFormat:
    """Tell how a table is stored from its name.

    Parameters
    ----------
    path : path-like or "-"
        A name without a suffix, or the name of a folder, stands for a folder of parquet files.
    separator : str, optional
        Between the cells of a text: one character, or "tab"; a comma by default, a tab in `.tsv`
        and `.txt`, a semicolon where `decimal` is a comma.
    decimal : {".", ","}, default="."

    Returns
    -------
    TableFormat

    Raises
    ------
    InvalidTableError
        If the suffix, separator or decimal mark is none of those.

    Examples
    --------
    >>> from cromel_sklearn.data.table_format import table_format
    >>> table_format("measured.csv.gz", decimal=",")
    TableFormat(kind='text', separator=';', decimal=',', compression='gzip')
    """
    if decimal not in (".", ","):
        raise InvalidTableError(f"The decimal mark is '.' or ',', got {decimal!r}.")
    if separator is not None:
        separator = _SPELLED.get(separator, separator)
        if len(separator) != 1 or separator in '"\r\n\0' or separator == decimal:
            raise InvalidTableError(
                f"The separator is one character, or 'tab', and not the decimal mark {decimal!r}; "
                f"got {separator!r}."
            )
    if str(path) == STREAM:
        return TableFormat("text", separator or _separator(".csv", decimal), decimal)
    path = Path(path)
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    compression = _COMPRESSIONS.get(suffixes[-1]) if suffixes else None
    suffix = suffixes[-2] if compression and len(suffixes) > 1 else suffixes[-1] if suffixes else ""
    if path.is_dir() or not suffix:
        return TableFormat("folder")
    if suffix in _SEPARATORS:
        return TableFormat("text", separator or _separator(suffix, decimal), decimal, compression)
    if suffix in (".parquet", ".xlsx") and compression is None:
        return TableFormat(suffix[1:])
    raise InvalidTableError(f"{path} is no table that is known here; expected {_KNOWN}.")


def _separator(suffix: str, decimal: str) -> str:
    separator = _SEPARATORS[suffix]
    return ";" if separator == decimal else separator
