"""The one file format of this package: tensors and a JSON header, under a digest of both.

A safetensors file, so nothing in it is code. Its header begins with the SHA-256 of the whole file,
taken with zeros in the digest's own place: whatever bit changes, the file is refused. The digest
tells damage, not forgery; for a file of known origin compare its own SHA-256 (`checksum`).
"""

import hashlib
import json
import math
import mmap
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ._damage import DAMAGE, damage_named, one_line
from ._files import replacing
from ._tensors import Tensors
from .exceptions import CheckpointError

Header = dict[str, Any]

#: Bytes of the largest file that is read.
LARGEST_FILE = 8 * 2**30
#: Bytes of the longest header, and how deep its lists and dictionaries may lie in each other.
_LONGEST_HEADER = 32 * 2**20
_DEEPEST_HEADER = 32
_PICKLE_STARTS = (b"\x80", b"PK\x03\x04")
_DTYPES = {
    "F64": "f8", "F32": "f4", "F16": "f2", "I64": "i8", "I32": "i4", "I16": "i2", "I8": "i1",
    "U8": "u1", "BOOL": "b1",
}  # fmt: skip
_NO_DIGEST = "0" * 64
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
    arrays = {name: _little_endian(name, tensor) for name, tensor in tensors.items()}
    whole = {"sha256": _NO_DIGEST, "format_version": format_version, **header}
    content = save(arrays, metadata={kind: json.dumps(whole, separators=(",", ":"))})
    place = 8 + len(_before_digest(kind))
    digest = hashlib.sha256(content).hexdigest().encode()
    return content[:place] + digest + content[place + len(digest) :]


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
    format_version: int,
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
    format_version : int
        That the header must have.
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
    >>> from cromel_sklearn._artifacts import read_artifact, write_artifact
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "example.safetensors"
    ...     write_artifact(path, "example", 1, {"unit": "eV"}, {"gap": np.ones(2)})
    ...     read_artifact(path, "example", 1)
    ({'unit': 'eV'}, {'gap': array([1., 1.])})
    """
    content = path if isinstance(path, bytes) else _regular_file(Path(path), mapped)
    path = "The embedded file" if isinstance(path, bytes) else Path(path)
    # The length of a safetensors header may begin with the same byte; its JSON tells it apart.
    if content[:4].startswith(_PICKLE_STARTS) and content[8:9] != b"{":
        raise CheckpointError(
            f"{path} is a pickle (torch.save), which can run code when read; it is refused. "
            f"Expected a safetensors file written by `cromel pretrain` or by `save`."
        )
    if checksum is not None and (found := hashlib.sha256(content).hexdigest()) != checksum:
        raise CheckpointError(
            f"{path} is damaged: its SHA-256 is {found}, expected {checksum}. "
            f"Reinstall the package or fetch the file again."
        )
    try:
        entries = _file_header(content)
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
        header = _bounded_json(metadata[kind])
        if not isinstance(header, dict):
            raise ValueError(f"its header is {one_line(header)}, expected names and values")
        version = header.pop("format_version", None)
        if version != format_version or isinstance(version, bool):
            raise CheckpointError(
                f"{path} has format version {one_line(version)}, this package reads "
                f"{format_version}. Install a version of cromel-sklearn that matches the file."
            )
        _require_digest(path, kind, content, header.pop("sha256", None))
        tensors = _mapped_tensors(content, entries) if mapped else _tensors(content, entries)
        if check is not None:
            check(header, tensors)
    return header, tensors


def _little_endian(name: str, tensor) -> np.ndarray:
    array = np.asarray(tensor, order="C")
    if array.dtype.str[1:] not in _DTYPES.values():
        raise TypeError(f"the tensor {name!r} is of type {array.dtype}, which no file can hold")
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def _before_digest(kind: str) -> bytes:
    """What stands between the length of the header and the digest, in every file of a kind."""
    start = json.dumps({"__metadata__": {kind: '{"sha256":"'}}, separators=(",", ":"))
    return start[: -len('"}}')].encode()


def _regular_file(path: Path, mapped: bool = False):
    """Read, or map, a whole file without waiting for one that never ends, or never begins."""
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


def _file_header(content: bytes) -> dict:
    """Header of a safetensors file: its metadata, and type and place of each tensor."""
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > len(content) - 8:
        raise ValueError("it ends within its header")
    entries = _bounded_json(content[8 : 8 + length])
    if not isinstance(entries, dict):
        raise ValueError("its header is no dictionary")
    return entries


def _bounded_json(text: bytes | str):
    """Read JSON that is neither longer nor deeper than any header of this package."""
    if len(text) > _LONGEST_HEADER:
        raise ValueError(f"its header has {len(text)} bytes, at most {_LONGEST_HEADER} are read")
    value = json.loads(text, object_pairs_hook=_without_repetition)
    level = [value]
    for _ in range(_DEEPEST_HEADER):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return value
    raise ValueError(f"its header is nested more than {_DEEPEST_HEADER} deep")


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        raise ValueError("its header names something twice")
    return entries


def _require_digest(path: Path | str, kind: str, content: bytes, digest) -> None:
    if digest is None:
        raise CheckpointError(
            f"{path} is damaged or was written by a version before 0.6: it carries no digest of "
            f"its content. Write it again with this version."
        )
    before = _before_digest(kind)
    start = 8 + len(before)
    end = start + len(_NO_DIGEST)
    view = memoryview(content)
    is_here = isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest) is not None
    is_here = is_here and content[8:end] == before + digest.encode()
    found = hashlib.sha256(view[:start])
    for part in (_NO_DIGEST.encode(), view[end:]):
        found.update(part)
    if not is_here or found.hexdigest() != digest:
        raise CheckpointError(
            f"{path} is truncated or damaged: its content is not that of its digest. Write or "
            f"fetch it again."
        )


def _require_moderate(entries: dict, n_bytes: int) -> None:
    """Check types and sizes that a file names for its tensors."""
    for name, entry in entries.items():
        if entry["dtype"] not in _DTYPES:
            raise ValueError(
                f"the tensor {one_line(name)!r} is of type {one_line(entry['dtype'])}, expected "
                f"one of {', '.join(_DTYPES)}"
            )
        if math.prod(entry["shape"]) > n_bytes:
            raise ValueError(f"the tensor {one_line(name)!r} is larger than the file")


def _tensors(content: bytes, entries: dict) -> Tensors:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    _require_moderate(entries, len(content))
    try:
        return load(content)
    except SafetensorError as error:
        raise ValueError(
            f"truncated, damaged or not a safetensors file: {one_line(error)}"
        ) from error


def _mapped_tensors(content, entries: dict) -> Tensors:
    """Views of the tensors where they lie in the file."""
    _require_moderate(entries, len(content))
    start = 8 + int.from_bytes(content[:8], "little")
    if hasattr(content, "madvise"):  # its digest has read all of it
        content.madvise(mmap.MADV_DONTNEED)
    found = {}
    for name, entry in entries.items():
        (begin, end), shape = entry["data_offsets"], tuple(entry["shape"])
        dtype = np.dtype(_DTYPES[entry["dtype"]]).newbyteorder("<")
        if not 0 <= begin <= end or end - begin != math.prod(shape) * dtype.itemsize:
            raise ValueError(f"the tensor {one_line(name)!r} has another size than it says")
        array = np.frombuffer(content, dtype, math.prod(shape), start + begin)
        found[name] = array.reshape(shape)
    return found
