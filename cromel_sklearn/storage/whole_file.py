"""The one way in which this package writes a file: whole, or not at all.

Content goes to a temporary file with a name of its own in the target's folder, which takes the
target's place when it is complete and on the disk. Two writers of one target never mix, a reader
sees the old file or the new one, and a failure leaves the old one as it was and nothing beside it.
What a killed writer has left is removed by the next one that writes to the same target.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .temporary_files import sweep, temporary_path

_IS_POSIX = os.name == "posix"
# Folders of some file systems cannot be synchronised, or opened without permission to list them.
_UNSYNCED = {errno.EACCES, errno.EBADF, errno.EINVAL, errno.ENOTSUP}


@contextlib.contextmanager
def replacing(path) -> Iterator[BinaryIO]:
    """Open a binary file that takes the place of `path` when the block ends without an error.

    The mode of a file that is replaced is kept. A symbolic link is replaced, not followed.

    Parameters
    ----------
    path : path-like
        In a folder that exists.

    Yields
    ------
    binary file, open for writing

    Raises
    ------
    OSError
        If the folder does not exist, `path` is no regular file, or the content cannot be written;
        whatever was at `path` is still there.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from cromel_sklearn.storage.whole_file import replacing
    >>> with TemporaryDirectory() as folder:
    ...     with replacing(Path(folder) / "note.txt") as file:
    ...         _ = file.write(b"whole")
    ...     [(path.name, path.read_text()) for path in Path(folder).iterdir()]
    [('note.txt', 'whole')]
    """
    path = Path(path)
    require_target(path)
    sweep(path)
    temporary = temporary_path(path)
    mode = _mode(path)
    descriptor = os.open(
        temporary,
        os.O_WRONLY | os.O_CREAT | os.O_EXCL
        | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0),
        0o666 if mode is None else 0o600,
    )  # fmt: skip
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            if mode is not None and _IS_POSIX:
                os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(path.parent)


def write_file(path, content: bytes | str) -> None:
    """Write a whole file; text as UTF-8.

    Parameters
    ----------
    path : path-like
        In a folder that exists.
    content : bytes or str

    Raises
    ------
    OSError
        As from `replacing`.
    """
    with replacing(path) as file:
        file.write(content.encode("utf-8") if isinstance(content, str) else content)


def require_target(path) -> None:
    """Check that a file can be written to `path`, before the work whose result goes there.

    Parameters
    ----------
    path : path-like

    Raises
    ------
    OSError
        If the folder does not exist or refuses new files, or `path` is no regular file.
    """
    path = Path(path)
    folder = path.parent
    if not folder.is_dir():
        raise FileNotFoundError(f"Cannot write {path}: there is no folder {folder}; make it first.")
    if path.exists() and not path.is_file():
        kind = "a folder" if path.is_dir() else "no regular file"
        raise OSError(f"Cannot write {path}: it is {kind}; expected the name of a file.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"Cannot write {path}: no permission to make files in {folder}.")


def _mode(path: Path) -> int | None:
    """Permissions of the regular file at `path`; None where there is none."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    return stat.S_IMODE(found.st_mode) & 0o777 if stat.S_ISREG(found.st_mode) else None


def _sync_folder(folder: Path) -> None:
    """Make the new name as lasting as the content."""
    if not _IS_POSIX:
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _UNSYNCED:
            raise
