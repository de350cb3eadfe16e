"""Encoder id in, verified `Checkpoint` out: the encoders that ship with the package."""

import json
import os
import re
import stat
import threading
from functools import lru_cache
from pathlib import Path

from ..exceptions import CheckpointError, EncoderNotFoundError
from ..storage.damage import damage_named, one_line
from .checkpoint import Checkpoint

#: Folder of the shipped encoders: manifest.json and <name>/<version>/{weights.safetensors, card.md}
PRETRAINED = Path(__file__).parent / "pretrained"
MANIFEST = "manifest.json"
WEIGHTS = "weights.safetensors"
CARD = "card.md"
#: Name or version of an encoder: letters, digits and single marks between them, which is a folder's
#: name on every system, and no path.
ID_PART = re.compile(r"[A-Za-z0-9]+(?:[._+-][A-Za-z0-9]+)*")
_loading = threading.Lock()


def _open_lock_after_fork() -> None:
    """Give a forked child a lock of its own: the thread that held the old one is not in it."""
    global _loading
    _loading = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_open_lock_after_fork)


class ReleasedCheckpoint(Checkpoint):
    """An encoder that ships with the package: pickles as its id and checksum, without weights."""

    def __reduce__(self):
        return load_release, self.release


def list_encoders() -> list[str]:
    """Ids of the shipped encoders, as `name@version`.

    Returns
    -------
    list of str

    Examples
    --------
    >>> from cromel_sklearn import list_encoders
    >>> sorted({encoder.split("@")[0] for encoder in list_encoders()})
    ['mp-formation-energy-wasserstein', 'mp-multi']
    """
    manifest = read_manifest()
    return [f"{name}@{version}" for name in sorted(manifest) for version in manifest[name]]


def load_encoder(encoder) -> Checkpoint:
    """Load an encoder; the same id or unchanged file is read once a process.

    Parameters
    ----------
    encoder : str, path-like or Checkpoint
        Registry id, `name` (newest version) or `name@version`; path of a checkpoint file or of a
        folder written by `cromel pretrain`; or a `Checkpoint`, returned as it is.

    Returns
    -------
    Checkpoint

    Raises
    ------
    EncoderNotFoundError
        If it is neither a registry id nor a path that exists.
    CheckpointError
        If the file is damaged.
    """
    if isinstance(encoder, Checkpoint):
        return encoder
    if not isinstance(encoder, str | Path):
        raise EncoderNotFoundError(
            f"encoder must be a registry id, a path or a Checkpoint, got {encoder!r}"
        )
    if isinstance(encoder, str):
        entry = find_entry(encoder)
        if entry is not None:
            return _load_file(*entry)
    path, status = _weights_path(encoder)
    if status is None:
        raise EncoderNotFoundError(
            f"No encoder {one_line(encoder)!r}: not in the registry ({', '.join(list_encoders())}) "
            f"and no such file."
        )
    return _load_file(path.resolve(), None, None, status.st_mtime_ns, status.st_size)


def load_registered(encoder) -> Checkpoint:
    """Load an encoder by its registry id alone: what a file names is never taken for a path.

    Parameters
    ----------
    encoder : str
        `name` (newest version) or `name@version`.

    Returns
    -------
    Checkpoint

    Raises
    ------
    EncoderNotFoundError
        If it is not in the registry.
    CheckpointError
        If the file is damaged.

    Examples
    --------
    >>> from cromel_sklearn.encoders.registry import list_encoders, load_registered
    >>> load_registered("mp-multi") is load_registered(list_encoders()[-1])
    True
    """
    entry = find_entry(encoder) if isinstance(encoder, str) else None
    if entry is None:
        raise EncoderNotFoundError(
            f"The encoder {one_line(encoder)!r} is not in the registry "
            f"({', '.join(list_encoders())}). Install the version of cromel-sklearn that ships it."
        )
    return _load_file(*entry)


def encoder_identity(encoder) -> tuple | None:
    """Tell an encoder from another one of the same name or path, without loading it.

    Parameters
    ----------
    encoder : as in `load_encoder`

    Returns
    -------
    tuple or None
        Checksum and id of a registry id; time of writing and size of a file; None elsewhere.
    """
    if not isinstance(encoder, str | Path):
        return None
    try:
        entry = find_entry(encoder) if isinstance(encoder, str) else None
    except EncoderNotFoundError:
        return None
    if entry is not None:
        return entry[1:]
    _, status = _weights_path(encoder)
    return None if status is None else (status.st_mtime_ns, status.st_size)


def load_release(encoder: str, checksum: str) -> Checkpoint:
    """Load exactly the shipped encoder that a pickle was made with.

    Parameters
    ----------
    encoder : str
        Id, `name@version`.
    checksum : str
        SHA-256 of its file.

    Returns
    -------
    Checkpoint

    Raises
    ------
    EncoderNotFoundError
        If this version of the package does not ship it.
    CheckpointError
        If it ships another one under that id.
    """
    entry = find_entry(encoder)
    if entry is None:
        raise EncoderNotFoundError(
            f"The pickle needs the encoder {encoder!r}; in the registry is "
            f"{', '.join(list_encoders())}. Install the version of cromel-sklearn it was made with."
        )
    if entry[1] != checksum:
        raise CheckpointError(
            f"The pickle was made with another {encoder}: its SHA-256 is {checksum}, that of this "
            f"package {entry[1]}. Install the version of cromel-sklearn it was made with."
        )
    return _load_file(*entry)


def find_entry(encoder: str) -> tuple[Path, str, str] | None:
    """Path, checksum and full id of a registry id; None when the name is not in the registry.

    Raises
    ------
    EncoderNotFoundError
        If the name is there, but not that version.
    """
    name, _, version = encoder.partition("@")
    versions = read_manifest().get(name)
    if versions is None:
        return None
    version = version or list(versions)[-1]
    if version not in versions:
        raise EncoderNotFoundError(
            f"No version {one_line(version)!r} of the encoder {name!r}; there is "
            f"{', '.join(versions)}."
        )
    path = PRETRAINED / name / version / WEIGHTS
    return path, versions[version]["sha256"], f"{name}@{version}"


def _weights_path(encoder) -> tuple[Path, os.stat_result | None]:
    """Path of the weights, and what the system knows of it; None where there is no such file."""
    path = Path(encoder)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            path = path / WEIGHTS
            status = path.stat()
    except (OSError, ValueError):  # ValueError: a zero byte
        return path, None
    return path, status


@lru_cache(maxsize=1)
def read_manifest() -> dict[str, dict[str, dict[str, str]]]:
    """Names, their versions from oldest to newest, and the checksum of each."""
    path = PRETRAINED / MANIFEST
    with damage_named(path):
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise CheckpointError(f"Could not read {path}: {one_line(error)}") from error
        for name, versions in manifest.items():
            if not versions or not all(map(ID_PART.fullmatch, (name, *versions))):
                raise ValueError(f"{name!r} is no name of an encoder with versions")
            for version, entry in versions.items():
                if entry.keys() != {"sha256"} or not re.fullmatch("[0-9a-f]{64}", entry["sha256"]):
                    raise ValueError(f"{name}@{version} has no SHA-256")
    return manifest


def _load_file(
    path: Path, checksum: str | None, release: str | None, modified: int = 0, size: int = 0
) -> Checkpoint:
    """Load a file once, also from many threads; `modified` and `size` tell a rewritten one."""
    with _loading:
        return _load_once(path, checksum, release, modified, size)


@lru_cache(maxsize=16)
def _load_once(
    path: Path, checksum: str | None, release: str | None, modified: int, size: int
) -> Checkpoint:
    if release is None or checksum is None:
        return Checkpoint.load(path, checksum=checksum)
    checkpoint = ReleasedCheckpoint.load(path, checksum=checksum)
    checkpoint.release = release, checksum
    return checkpoint
