"""Layout of a safetensors file: length of its header, header, tensors one after the other."""

import math
import mmap
from typing import Any

import numpy as np

from .bounded_json import read_bounded_json
from .damage import one_line
from .tensors import Tensors

#: Types of tensors that are written and read: their names here, and NumPy's.
_DTYPES = {
    "F64": "f8", "F32": "f4", "F16": "f2", "I64": "i8", "I32": "i4", "I16": "i2", "I8": "i1",
    "U8": "u1", "BOOL": "b1",
}  # fmt: skip


def stored_array(name: str, tensor) -> np.ndarray:
    """Array as a file holds it: row after row, in little-endian order of bytes.

    Parameters
    ----------
    name : str
    tensor : array-like

    Returns
    -------
    ndarray

    Raises
    ------
    TypeError
        If it is of a type that no file can hold.
    """
    array = np.asarray(tensor, order="C")
    if array.dtype.str[1:] not in _DTYPES.values():
        raise TypeError(f"the tensor {name!r} is of type {array.dtype}, which no file can hold")
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def read_header(content) -> dict[str, Any]:
    """Metadata of a file under "__metadata__", and type and place of each tensor.

    Parameters
    ----------
    content : bytes or mmap

    Returns
    -------
    dict

    Raises
    ------
    ValueError, RecursionError
        If there is no such header.
    """
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > len(content) - 8:
        raise ValueError("it ends within its header")
    entries = read_bounded_json(content[8 : 8 + length])
    if not isinstance(entries, dict):
        raise ValueError("its header is no dictionary")
    return entries


def read_tensors(content, entries: dict[str, Any]) -> Tensors:
    """Tensors of a file.

    Parameters
    ----------
    content : bytes
    entries : dict
        Its header without the metadata.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    ValueError
        If the entries are not those of the content; entries of other kinds raise any of `DAMAGE`.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    _require_moderate(entries, len(content))
    try:
        return load(content)
    except SafetensorError as error:
        raise ValueError(
            f"truncated, damaged or not a safetensors file: {one_line(error)}"
        ) from error


def mapped_tensors(content, entries: dict[str, Any]) -> Tensors:
    """Views of the tensors where they lie in the file.

    Parameters
    ----------
    content : bytes or mmap
    entries : dict
        As in `read_tensors`.

    Returns
    -------
    dict of str to ndarray, read-only

    Raises
    ------
    ValueError
        As from `read_tensors`.
    """
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


def _require_moderate(entries: dict[str, Any], n_bytes: int) -> None:
    """Check types and sizes that a file names for its tensors."""
    for name, entry in entries.items():
        if entry["dtype"] not in _DTYPES:
            raise ValueError(
                f"the tensor {one_line(name)!r} is of type {one_line(entry['dtype'])}, expected "
                f"one of {', '.join(_DTYPES)}"
            )
        if math.prod(entry["shape"]) > n_bytes:
            raise ValueError(f"the tensor {one_line(name)!r} is larger than the file")
