"""CSV or parquet file with a column of formulas in, the same file with embedding columns out."""

import warnings
from pathlib import Path

import pandas as pd

from .._files import replacing, require_target
from ..estimators.transformer import CroMELTransformer
from ..exceptions import InvalidCompositionWarning

_SUFFIXES = (".csv", ".parquet")
_EXPECTED_CSV = "Expected commas between columns, a line of column names, and UTF-8."


def embed_table(
    source, target, *, column="formula", encoder="mp-multi", output="embedding",
    on_invalid="raise", device="auto", overwrite=False,
):  # fmt: skip
    """Append embedding columns to a table.

    Parameters
    ----------
    source, target : path-like
        CSV or parquet files; every column of `source` is kept, CSV cells as they are written.
    column : str, default="formula"
    encoder, output, on_invalid, device
        As in `CroMELTransformer`.
    overwrite : bool, default=False
        Replace `target` if it exists.

    Returns
    -------
    n_rows : int
    problems : list of (index, value, reason)
        Rows left without embedding (`on_invalid="nan"`).

    Raises
    ------
    ValueError
        If a file or column is missing, of another type, or would be overwritten; or a row is
        invalid and `on_invalid="raise"`.
    """
    source, target = Path(source), Path(target)
    for path in (source, target):
        if path.suffix not in _SUFFIXES:
            raise ValueError(f"{path} is neither a .csv nor a .parquet file.")
    if target.exists() and not overwrite:
        raise ValueError(f"{target} exists; pass --overwrite to replace it.")
    require_target(target)
    frame = _read(source)
    if column not in frame:
        raise ValueError(
            f"{source} has no column {column!r}; it has {', '.join(map(repr, frame.columns))}. "
            f"Name the column of formulas with --column."
        )
    transformer = CroMELTransformer(encoder, output=output, on_invalid=on_invalid, device=device)
    names = transformer.get_feature_names_out()
    taken = [name for name in names if name in frame]
    if taken:
        raise ValueError(f"{source} already has the column {taken[0]!r}; rename it first.")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", InvalidCompositionWarning)
        embedding = transformer.transform(frame[column])
    problems = [row for warning in caught for row in getattr(warning.message, "problems", ())]
    columns = pd.DataFrame(embedding, columns=names, index=frame.index)
    _write(pd.concat([frame, columns], axis=1), target)
    return len(frame), problems


def _read(path: Path) -> pd.DataFrame:
    if not path.exists():
        raise ValueError(f"No such file: {path}")
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    # Text as written: sodium nitride (NaN) stays a formula, 0.10 stays 0.10.
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path} cannot be read as a table: {str(error).strip()}. {_EXPECTED_CSV}"
        ) from error
    if len(frame.columns) == 1 and any(mark in frame.columns[0] for mark in ";\t"):
        raise ValueError(f"{path} has one column, {frame.columns[0]!r}. {_EXPECTED_CSV}")
    return frame


def _write(frame: pd.DataFrame, path: Path) -> None:
    with replacing(path) as file:
        if path.suffix == ".parquet":
            frame.to_parquet(file)
        else:
            frame.to_csv(file, index=False, mode="wb")
