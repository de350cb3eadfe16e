"""A folder that one process at a time writes to."""

import contextlib
import errno
import os
from collections.abc import Iterator

# File systems without locks.
_UNLOCKED = {errno.EINVAL, errno.ENOLCK, errno.ENOTSUP}


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
