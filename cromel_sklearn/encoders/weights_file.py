"""Weights under the names that their callers still use; `_artifacts` is the format."""

from .._artifacts import (
    artifact_bytes,
    read_artifact,
    with_prefix,
    without_prefix,
    write_artifact,
)

__all__ = [
    "artifact_bytes", "read_artifact", "read_weights", "weights_bytes", "with_prefix",
    "without_prefix", "write_artifact", "write_weights",
]  # fmt: skip


def weights_bytes(key: str, header: dict, tensors) -> bytes:
    """Content of the file, its header with `format_version` in it."""
    rest = {name: value for name, value in header.items() if name != "format_version"}
    return artifact_bytes(key, header["format_version"], rest, tensors)


def write_weights(path, key: str, header: dict, tensors) -> None:
    """Write the file, its header with `format_version` in it."""
    rest = {name: value for name, value in header.items() if name != "format_version"}
    write_artifact(path, key, header["format_version"], rest, tensors)


def read_weights(path, key: str, format_version: int, *, checksum: str | None = None):
    """Read the file, verified."""
    return read_artifact(path, key, format_version, checksum=checksum)
