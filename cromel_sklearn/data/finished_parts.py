"""Parts of a table that is not whole yet, in a folder beside it, so that a killed run goes on."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import warnings
from pathlib import Path

from ..exceptions import InvalidTableError
from ..storage.held_folder import held_alone
from ..storage.temporary_files import remove_left_over
from ..storage.whole_file import write_file

# Readers of folders of parquet pass over names that begin so.
_JOB = "_job.json"
_JOINING = "_joining"
_PART = re.compile(r"part-([0-9]{6,})-([0-9a-f]{16})\.(?:part|parquet)")
#: Job of a table that is in memory: what is left of it is of no use, and is written again.
WHOLE_TABLE = {"is_whole": True}


class FinishedParts:
    """The finished parts of a table, each under a digest of its content.

    Parameters
    ----------
    target : Path
        Of the table; the parts lie in a folder of that name and ``.unfinished``.
    job : dict
        What the parts depend on, as JSON: only the same work goes on.
    overwrite : bool
        Begin again where a run is unfinished.
    resume : bool
        Go on after the parts of an unfinished run. A damaged part is told by a warning; it and
        those after it are left to be made again.

    Attributes
    ----------
    folder : Path
    n_parts, n_bytes : int

    Raises
    ------
    InvalidTableError
        If an unfinished run is of other work or nobody said what to do with it, or another process
        is at work on it.
    """

    def __init__(self, target: Path, job: dict, *, overwrite: bool, resume: bool):
        self.folder = folder_of(target)
        self.n_bytes = 0
        self._job = json.loads(json.dumps(job))
        self._names: list[str] = []
        if self.folder.is_symlink() or (self.folder.exists() and not self.folder.is_dir()):
            raise InvalidTableError(f"{self.folder} is in the way; remove it.")
        self.folder.mkdir(exist_ok=True)
        with contextlib.ExitStack() as hold:
            try:
                hold.enter_context(held_alone(self.folder))
            except BlockingIOError as error:
                raise InvalidTableError(str(error)) from error
            self._begin(overwrite, resume)
            self._hold = hold.pop_all()

    def _begin(self, overwrite: bool, resume: bool) -> None:
        """Take over what an earlier run has finished, or begin with nothing."""
        parts = _parts_in(self.folder)
        is_begun = bool(parts) or (self.folder / _JOB).exists()
        begins_again = overwrite or self._stored_job() == self._job == WHOLE_TABLE
        if is_begun and not (resume or begins_again):
            raise InvalidTableError(
                f"{self.folder} holds an unfinished run (finished parts: {len(parts)}). Pass "
                f"--resume to go on with it, or --overwrite to begin again."
            )
        remove_left_over(self.folder)
        if resume and is_begun:
            self._take_over()
            return
        (self.folder / _JOINING).unlink(missing_ok=True)
        self._remove_files()
        write_file(self.folder / _JOB, json.dumps(self._job, indent=1))

    @property
    def n_parts(self) -> int:
        """Parts that are finished, one after the other from the first."""
        return len(self._names)

    def add(self, name: str, n_bytes: int) -> None:
        """Count the next part, which `write_part` has written; those after it may be there."""
        self._names.append(name)
        self.n_bytes += n_bytes

    def paths(self) -> list[Path]:
        """Files of the finished parts, in order."""
        return [self.folder / name for name in self._names]

    def begin_joining(self) -> None:
        """Note that all parts are there and the table takes its place now."""
        self._remove_later_parts()
        write_file(self.folder / _JOINING, str(self.n_parts))

    def become(self, target: Path) -> None:
        """Put the folder in the place of the table, which is a folder of parquet files."""
        replaced = _replaced(target)
        if target.exists():
            os.replace(target, replaced)
        os.replace(self.folder, target)
        self.release()
        tidy(target)

    def release(self) -> None:
        """Leave the folder, with the parts that are finished, to another process."""
        self._remove_later_parts()
        self._hold.close()

    def remove(self) -> None:
        """Remove the folder and the parts."""
        self._remove_files()
        (self.folder / _JOINING).unlink(missing_ok=True)
        self.release()
        with contextlib.suppress(OSError):  # something of the user's is in it
            self.folder.rmdir()

    def _remove_later_parts(self) -> None:
        """Remove what other processes wrote ahead, or have written for an earlier run."""
        names = set(self._names)
        for path in _parts_in(self.folder):
            if path.name not in names:
                path.unlink()

    def _remove_files(self) -> None:
        for path in [*reversed(_parts_in(self.folder)), self.folder / _JOB]:
            path.unlink(missing_ok=True)

    def _stored_job(self):
        with contextlib.suppress(OSError, ValueError):
            return json.loads((self.folder / _JOB).read_text(encoding="utf-8"))
        return None

    def _take_over(self) -> None:
        job = self._stored_job()
        if not isinstance(job, dict):
            raise InvalidTableError(
                f"{self.folder} cannot be gone on with (its {_JOB} is missing or damaged); pass "
                f"--overwrite to begin again."
            )
        if job != self._job:
            other = [key for key in self._job if job.get(key) != self._job[key]]
            raise InvalidTableError(
                f"{self.folder} is of other work: {', '.join(other) or 'its job'} differ"
                f"{'s' if len(other) == 1 else ''}. Give the same table and options as before, or "
                f"pass --overwrite to begin again."
            )
        paths = _parts_in(self.folder)
        for path in paths:
            if _number(path) != self.n_parts:
                break
            if _digest_of_file(path) != path.stem[-16:]:
                warnings.warn(
                    f"{path} is damaged; it and what comes after it are made again.",
                    UserWarning, stacklevel=6,
                )  # fmt: skip
                break
            self.add(path.name, path.stat().st_size)
        for path in paths[self.n_parts :]:
            path.unlink()


def write_part(folder: Path, number: int, content, suffix: str) -> str:
    """Write a part, whole, into the folder of the parts.

    Parameters
    ----------
    folder : Path
    number : int
        Of the part, counted from 0.
    content : bytes or buffer
    suffix : {".part", ".parquet"}

    Returns
    -------
    str
        Name of its file.
    """
    name = f"part-{number:06d}-{_digest(content)}{suffix}"
    write_file(folder / name, content)
    return name


def folder_of(target: Path) -> Path:
    """Where the parts of a table lie."""
    return target.with_name(f"{target.name}.unfinished")


def is_being_joined(target: Path) -> bool:
    """Whether a run was killed while its table, all of whose parts are there, took its place."""
    return (folder_of(target) / _JOINING).exists()


def tidy(target: Path) -> bool:
    """Remove what a run that was killed after its table took its place has left.

    Parameters
    ----------
    target : Path
        Of the table.

    Returns
    -------
    bool
        Whether there was such a run.
    """
    if (target / _JOINING).exists():  # of a folder of parquet files
        (target / _JOB).unlink(missing_ok=True)
        shutil.rmtree(_replaced(target), ignore_errors=True)
        (target / _JOINING).unlink(missing_ok=True)
        return True
    folder = folder_of(target)
    marker = folder / _JOINING
    n_parts = marker.read_bytes() if marker.exists() else b""
    if not n_parts.isdigit() or len(_parts_in(folder)) >= int(n_parts):
        return False
    for path in [*_parts_in(folder), folder / _JOB, marker]:
        path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()
    return True


def _replaced(target: Path) -> Path:
    return target.with_name(f"{target.name}.replaced")


def _parts_in(folder: Path) -> list[Path]:
    found = [path for path in folder.glob("part-*") if _PART.fullmatch(path.name)]
    return sorted(found, key=lambda path: (_number(path), path.name))


def _number(path: Path) -> int:
    return int(path.name.split("-")[1])


def _digest(content) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _digest_of_file(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()[:16]
