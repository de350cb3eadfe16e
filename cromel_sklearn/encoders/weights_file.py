"""Tensors with a JSON header in, one safetensors file out, and back; nothing in it is code."""

import hashlib
import json
from pathlib import Path

import numpy as np

from .._files import write_file
from ..exceptions import CheckpointError

_PICKLE_STARTS = (b"\x80", b"PK\x03\x04")


def weights_bytes(key: str, header: dict, tensors: dict[str, np.ndarray]) -> bytes:
    """Content of the file: tensors, and the header as JSON below `key` of the metadata."""
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    return save(arrays, metadata={key: json.dumps(header)})


def write_weights(path, key: str, header: dict, tensors: dict[str, np.ndarray]) -> None:
    """Write the file in one step; its folder is made where there is none.

    Raises
    ------
    TypeError
        If the header cannot be written as JSON.
    """
    content = weights_bytes(key, header, tensors)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, content)


def read_weights(path, key: str, format_version: int, *, checksum: str | None = None):
    """Read the file.

    Parameters
    ----------
    path : path-like
    key : str
        Where the header is.
    format_version : int
        That the header must have.
    checksum : str, optional
        SHA-256 that the file must have.

    Returns
    -------
    header : dict
    tensors : dict of str to ndarray

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, a pickle, of another kind or format version, or not the
        one of that checksum.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"Could not read the checkpoint {path}: {error}") from error
    # The length of a safetensors header may begin with the same byte; its JSON tells it apart.
    if content.startswith(_PICKLE_STARTS) and content[8:9] != b"{":
        raise CheckpointError(
            f"{path} is a pickle (torch.save), which can run code when read; it is refused. "
            f"Expected a safetensors file written by `cromel pretrain` or by `save`."
        )
    found = hashlib.sha256(content).hexdigest()
    if checksum is not None and found != checksum:
        raise CheckpointError(
            f"{path} is damaged: its SHA-256 is {found}, expected {checksum}. "
            f"Reinstall the package or fetch the file again."
        )
    try:
        tensors = load(content)
        length = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + length]).get("__metadata__", {})
    except (SafetensorError, ValueError) as error:
        raise CheckpointError(
            f"{path} is truncated, damaged or not a safetensors file: {error}"
        ) from error
    if key not in metadata:
        raise CheckpointError(
            f"{path} is a safetensors file, but not of cromel-sklearn or not of this kind: it has "
            f"no header {key!r}."
        )
    header = json.loads(metadata[key])
    version = header.pop("format_version", None)
    if version != format_version:
        raise CheckpointError(
            f"{path} has format version {version}, this package reads {format_version}. "
            f"Install a version of cromel-sklearn that matches the file."
        )
    return header, tensors


def with_prefix(tensors: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """Tensors with a prefix before their names."""
    return {f"{prefix}{key}": tensor for key, tensor in tensors.items()}


def without_prefix(tensors: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """Tensors whose names start with a prefix, without it."""
    return {
        key.removeprefix(prefix): tensor
        for key, tensor in tensors.items()
        if key.startswith(prefix)
    }
