"""Temporary files beside their targets: their names, and which of them nobody writes to any more.

A name tells the target, the machine and the process of the writer.
"""

import contextlib
import hashlib
import os
import platform
import secrets
import time
from pathlib import Path

_SUFFIX = ".partial"
_STALE_AFTER = 24 * 3600.0  # seconds since the last write


def temporary_path(target: Path) -> Path:
    """Path of a new temporary file of this process, beside its target.

    Parameters
    ----------
    target : Path

    Returns
    -------
    Path
    """
    name = f"{_prefix(target)}{os.getpid()}-{secrets.token_hex(8)}{_SUFFIX}"
    return target.with_name(name)


def sweep(target: Path) -> None:
    """Remove temporary files of a target that no living writer is at work on.

    Parameters
    ----------
    target : Path
    """
    here = _prefix(target)
    anywhere = here[: -len(_machine()) - 1]
    with contextlib.suppress(OSError), os.scandir(target.parent) as entries:
        for entry in entries:
            name = entry.name
            if not (name.startswith(anywhere) and name.endswith(_SUFFIX)):
                continue
            with contextlib.suppress(OSError):  # another writer may have been faster
                age = time.time() - entry.stat(follow_symlinks=False).st_mtime
                is_orphan = name.startswith(here) and not _is_alive(name[len(here) :])
                if is_orphan or age > _STALE_AFTER:
                    os.unlink(entry.path)


def remove_left_over(folder) -> None:
    """Remove what killed writers have left in a folder that nobody else writes to.

    Parameters
    ----------
    folder : path-like
    """
    for path in Path(folder).glob(f".cromel-*{_SUFFIX}"):
        path.unlink(missing_ok=True)


def _prefix(target: Path) -> str:
    """Start of the names of temporary files: of this target, written on this machine.

    A digest of the target's name, which is as long as the target's may be, and whole.
    """
    digest = hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]
    return f".cromel-{digest}-{_machine()}-"


def _machine() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _is_alive(rest: str) -> bool:
    """Whether the writer whose process id begins `rest` of a temporary name may still be at work.

    Process ids are given anew: one that lives may be another's, and then age decides.
    """
    writer = rest.partition("-")[0]
    if os.name != "posix" or not writer.isdecimal():
        return True
    try:
        os.kill(int(writer), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
