"""The one way in which this package writes a file: whole, or not at all.

Content goes to a temporary file with a name of its own in the target's folder, which takes the
target's place when it is complete and on the disk. Two writers of one target never mix, a reader
sees the old file or the new one, and a failure leaves the old one as it was and nothing beside it.
What a killed writer has left is removed by the next one that writes to the same target.
"""

import contextlib
import errno
import hashlib
import os
import platform
import secrets
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_SUFFIX = ".partial"
_STALE_AFTER = 24 * 3600.0  # seconds since the last write
_IS_POSIX = os.name == "posix"
# Folders of some file systems cannot be synchronised, or opened without permission to list them.
_UNSYNCED = {errno.EACCES, errno.EBADF, errno.EINVAL, errno.ENOTSUP}
# File systems without locks.
_UNLOCKED = {errno.EINVAL, errno.ENOLCK, errno.ENOTSUP}


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
    >>> from cromel_sklearn._files import replacing
    >>> with TemporaryDirectory() as folder:
    ...     with replacing(Path(folder) / "note.txt") as file:
    ...         _ = file.write(b"whole")
    ...     [(path.name, path.read_text()) for path in Path(folder).iterdir()]
    [('note.txt', 'whole')]
    """
    path = Path(path)
    require_target(path)
    _sweep(path)
    temporary = path.with_name(f"{_prefix(path)}{os.getpid()}-{secrets.token_hex(8)}{_SUFFIX}")
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


@contextlib.contextmanager
def held_alone(folder) -> Iterator[None]:
    """Hold a folder for the files of this process, until the block or the process ends.

    Parameters
    ----------
    folder : path-like
        That exists. Nothing is written to it. On Windows, two processes are not told apart.

    Raises
    ------
    OSError
        If another process, or another block of this one, holds the folder.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EWOULDBLOCK):
                message = f"Another process is at work on {folder}; wait for it."
                raise BlockingIOError(message) from error
            if error.errno not in _UNLOCKED:
                raise
        yield
    finally:
        os.close(descriptor)


def remove_left_over(folder) -> None:
    """Remove what killed writers have left in a folder that nobody else writes to.

    Parameters
    ----------
    folder : path-like
    """
    for path in Path(folder).glob(f".cromel-*{_SUFFIX}"):
        path.unlink(missing_ok=True)


def _prefix(path: Path) -> str:
    """Start of the names of temporary files: of this target, written on this machine.

    A digest of the target's name, which is as long as the target's may be, and whole.
    """
    target = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]
    return f".cromel-{target}-{_machine()}-"


def _machine() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _mode(path: Path) -> int | None:
    """Permissions of the regular file at `path`; None where there is none."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    return stat.S_IMODE(found.st_mode) & 0o777 if stat.S_ISREG(found.st_mode) else None


def _sweep(path: Path) -> None:
    """Remove temporary files of this target that no living writer is at work on."""
    here = _prefix(path)
    anywhere = here[: -len(_machine()) - 1]
    with contextlib.suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            name = entry.name
            if not (name.startswith(anywhere) and name.endswith(_SUFFIX)):
                continue
            with contextlib.suppress(OSError):  # another writer may have been faster
                age = time.time() - entry.stat(follow_symlinks=False).st_mtime
                is_orphan = name.startswith(here) and not _is_alive(name[len(here) :])
                if is_orphan or age > _STALE_AFTER:
                    os.unlink(entry.path)


def _is_alive(rest: str) -> bool:
    """Whether the writer whose process id begins `rest` of a temporary name may still be at work.

    Process ids are given anew: one that lives may be another's, and then age decides.
    """
    writer = rest.partition("-")[0]
    if not _IS_POSIX or not writer.isdecimal():
        return True
    try:
        os.kill(int(writer), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


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
