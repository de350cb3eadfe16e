"""Content of a regular file: no pipe, no device, nothing that never ends or never begins."""

import mmap
import os
import stat
from pathlib import Path

from ..exceptions import CheckpointError
from .damage import one_line

#: Bytes of the largest file that is read.
LARGEST_FILE = 8 * 2**30


def read_regular_file(path: Path, *, mapped: bool = False) -> bytes | mmap.mmap:
    """Read, or map into memory, a whole file.

    Parameters
    ----------
    path : Path
    mapped : bool, default=False

    Returns
    -------
    bytes; mmap, read-only, of a file that is mapped and not empty

    Raises
    ------
    CheckpointError
        If it cannot be read, is no regular file, or is larger than `LARGEST_FILE`.
    """
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise OSError("it is no regular file")
            if status.st_size > LARGEST_FILE:
                raise OSError(f"it has {status.st_size} bytes, at most {LARGEST_FILE} are read")
            if mapped and status.st_size:
                return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            return file.read(status.st_size)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        raise CheckpointError(f"Could not read the checkpoint {path}: {one_line(error)}") from error


def _without_waiting(path, flags: int) -> int:
    """Open a pipe that nobody writes to at once, instead of waiting for its writer."""
    return os.open(path, flags=flags | getattr(os, "O_NONBLOCK", 0))
