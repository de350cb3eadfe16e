"""What tells one state of an input from another, without reading it."""

import hashlib
import json
from pathlib import Path

from .table_format import STREAM


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
