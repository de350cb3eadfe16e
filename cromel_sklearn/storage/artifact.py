"""The one file format of this package: tensors and a JSON header, under a digest of both.

A safetensors file, so nothing in it is code. Its header begins with the SHA-256 of the whole file,
taken with zeros in the digest's own place: whatever bit changes, the file is refused. The digest
tells damage, not forgery; for a file of known origin compare its own SHA-256 (`checksum`).
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..exceptions import CheckpointError
from .artifact_digest import NO_DIGEST, require_digest, with_digest
from .bounded_json import read_bounded_json
from .damage import DAMAGE, damage_named, one_line
from .regular_file import read_regular_file
from .safetensors_file import mapped_tensors, read_header, read_tensors, stored_array
from .tensors import Tensors
from .whole_file import replacing

Header = dict[str, Any]

_PICKLE_STARTS = (b"\x80", b"PK\x03\x04")
_RESERVED = ("sha256", "format_version")


def artifact_bytes(kind: str, format_version: int, header: Header, tensors: Tensors) -> bytes:
    """Content of the file, the same for the same header and tensors.

    Parameters
    ----------
    kind : str
        What the file holds, such as "cromel_encoder".
    format_version : int
    header : dict
        Of what JSON can say.
    tensors : dict of str to ndarray
        Real numbers or booleans, of any shape.

    Returns
    -------
    bytes

    Raises
    ------
    TypeError
        If the header or a tensor cannot be written.
    """
    from safetensors.numpy import save

    taken = [key for key in _RESERVED if key in header]
    if taken:
        raise TypeError(f"{', '.join(taken)} in the header is written by this package alone")
    arrays = {name: stored_array(name, tensor) for name, tensor in tensors.items()}
    whole = {"sha256": NO_DIGEST, "format_version": format_version, **header}
    content = save(arrays, metadata={kind: json.dumps(whole, separators=(",", ":"))})
    return with_digest(content, kind)


def write_artifact(path, kind: str, format_version: int, header: Header, tensors: Tensors) -> None:
    """Write the file in one step; its folder is made where there is none.

    Parameters
    ----------
    path : path-like
    kind, format_version, header, tensors : as in `artifact_bytes`

    Raises
    ------
    TypeError
        If the header or a tensor cannot be written.
    OSError
        As from `replacing`.
    """
    content = artifact_bytes(kind, format_version, header, tensors)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(content)


def read_artifact(
    path,
    kind: str,
    format_version: int | tuple[int, ...],
    *,
    check: Callable[[Header, Tensors], object] | None = None,
    checksum: str | None = None,
    mapped: bool = False,
) -> tuple[Header, Tensors]:
    """Read the file, and verify its digest.

    Parameters
    ----------
    path : path-like or bytes
        Of a regular file; or its content.
    kind : str
        That the file must be of.
    format_version : int or tuple of int
        That the header must have, or may have.
    check : callable(header, tensors), optional
        Compares the sizes that the header names with the tensors, before the caller builds
        anything from them (`require_tensors`). What it raises is told as damage.
    checksum : str, optional
        SHA-256 that the file must have.
    mapped : bool, default=False
        Leave the tensors in the file, mapped into memory and read-only: processes share what they
        read of it, and the system takes it back where memory is short.

    Returns
    -------
    header : dict
    tensors : dict of str to ndarray

    Raises
    ------
    CheckpointError
        If the file is missing, no regular file, damaged, a pickle, of another kind or format
        version, or not the one of that checksum. One line; the cause is kept.

    Examples
    --------
    >>> import numpy as np
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from cromel_sklearn.storage.artifact import read_artifact, write_artifact
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "example.safetensors"
    ...     write_artifact(path, "example", 1, {"unit": "eV"}, {"gap": np.ones(2)})
    ...     read_artifact(path, "example", 1)
    ({'unit': 'eV'}, {'gap': array([1., 1.])})
    """
    content = path if isinstance(path, bytes) else read_regular_file(Path(path), mapped=mapped)
    path = "The embedded file" if isinstance(path, bytes) else Path(path)
    _require_no_pickle(path, content)
    if checksum is not None and (found := hashlib.sha256(content).hexdigest()) != checksum:
        raise CheckpointError(
            f"{path} is damaged: its SHA-256 is {found}, expected {checksum}. "
            f"Reinstall the package or fetch the file again."
        )
    try:
        entries = read_header(content)
    except DAMAGE as error:
        raise CheckpointError(
            f"{path} is truncated, damaged or not a safetensors file: {one_line(error)}"
        ) from error
    metadata = entries.pop("__metadata__", None)
    if not isinstance(metadata, dict) or not isinstance(metadata.get(kind), str):
        raise CheckpointError(
            f"{path} is a safetensors file, but not of cromel-sklearn or not of this kind: it has "
            f"no header {kind!r}."
        )
    with damage_named(path):
        header = read_bounded_json(metadata[kind])
        if not isinstance(header, dict):
            raise ValueError(f"its header is {one_line(header)}, expected names and values")
        version = header.pop("format_version", None)
        known = format_version if isinstance(format_version, tuple) else (format_version,)
        if version not in known or isinstance(version, bool):
            raise CheckpointError(
                f"{path} has format version {one_line(version)}, this package reads "
                f"{' and '.join(map(str, known))}. Install a version of cromel-sklearn that "
                f"matches the file."
            )
        require_digest(path, kind, content, header.pop("sha256", None))
        tensors = mapped_tensors(content, entries) if mapped else read_tensors(content, entries)
        if check is not None:
            check(header, tensors)
    return header, tensors


def _require_no_pickle(path: Path | str, content) -> None:
    # The length of a safetensors header may begin with the same byte; its JSON tells it apart.
    if content[:4].startswith(_PICKLE_STARTS) and content[8:9] != b"{":
        raise CheckpointError(
            f"{path} is a pickle (torch.save), which can run code when read; it is refused. "
            f"Expected a safetensors file written by `cromel pretrain` or by `save`."
        )
