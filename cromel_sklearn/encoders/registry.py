"""Encoder id in, verified `Checkpoint` out: the encoders that ship with the package."""

import json
import threading
from functools import lru_cache
from pathlib import Path

from .._files import write_file
from ..exceptions import CheckpointError, EncoderNotFoundError
from .checkpoint import Checkpoint

#: Folder of the shipped encoders: manifest.json and <name>/<version>/{weights.safetensors, card.md}
PRETRAINED = Path(__file__).parent / "pretrained"
WEIGHTS = "weights.safetensors"
CARD = "card.md"
_loading = threading.Lock()


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
    manifest = _read_manifest()
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
    path = _weights_path(encoder)
    if not path.exists():
        raise EncoderNotFoundError(
            f"No encoder {str(encoder)!r}: not in the registry ({', '.join(list_encoders())}) and "
            f"no such file."
        )
    status = path.stat()
    return _load_file(path.resolve(), None, None, status.st_mtime_ns, status.st_size)


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
    path = _weights_path(encoder)
    if not path.exists():
        return None
    status = path.stat()
    return status.st_mtime_ns, status.st_size


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
    versions = _read_manifest().get(name)
    if versions is None:
        return None
    version = version or list(versions)[-1]
    if version not in versions:
        raise EncoderNotFoundError(
            f"No version {version!r} of the encoder {name!r}; there is {', '.join(versions)}."
        )
    path = PRETRAINED / name / version / WEIGHTS
    return path, versions[version]["sha256"], f"{name}@{version}"


def register(folder, encoder: str) -> Path:
    """Add a checkpoint with its card to the encoders that ship with the package.

    Parameters
    ----------
    folder : path-like
        Written by `cromel pretrain`.
    encoder : str
        `name@version`; a version is written once and never replaced.

    Returns
    -------
    Path
        Folder of the new version.

    Raises
    ------
    CheckpointError
        If the version exists, the id is incomplete, or the checkpoint cannot be loaded.
    """
    import hashlib

    name, _, version = encoder.partition("@")
    if not name or not version:
        raise CheckpointError(f"Expected an id name@version, got {encoder!r}.")
    manifest = _read_manifest()
    if version in manifest.get(name, {}):
        raise CheckpointError(f"{encoder} exists and is immutable; choose the next version.")
    source = Path(folder)
    Checkpoint.load(source / WEIGHTS)
    target = PRETRAINED / name / version
    target.mkdir(parents=True)
    for file in (WEIGHTS, CARD):
        write_file(target / file, (source / file).read_bytes())
    digest = hashlib.sha256((target / WEIGHTS).read_bytes()).hexdigest()
    manifest.setdefault(name, {})[version] = {"sha256": digest}
    write_file(PRETRAINED / "manifest.json", json.dumps(manifest, indent=2) + "\n")
    _read_manifest.cache_clear()
    return target


def _weights_path(encoder) -> Path:
    path = Path(encoder)
    return path / WEIGHTS if path.is_dir() else path


@lru_cache(maxsize=1)
def _read_manifest() -> dict:
    """Names, their versions from oldest to newest, and the checksum of each."""
    path = PRETRAINED / "manifest.json"
    return json.loads(path.read_text()) if path.exists() else {}


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
