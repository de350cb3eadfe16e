"""Named arrays of a file: their prefixes, and whether they are what a header promises."""

from collections.abc import Iterable, Mapping

import numpy as np

from ..exceptions import CheckpointError
from .damage import one_line

Tensors = dict[str, np.ndarray]


def require_tensors(
    tensors: Mapping[str, np.ndarray],
    expected: Iterable[tuple[str, tuple[int | None, ...], str]],
    *,
    prefix: str = "",
) -> None:
    """Compare tensors with what a header promises, one by one, up to the first that differs.

    `expected` may be a generator over sizes that a header made up: it is left at the first tensor
    that the file lacks, so a promise of 10^18 layers costs no more than the layers that are there.

    Parameters
    ----------
    tensors : mapping of str to ndarray
    expected : iterable of (name, shape, kind)
        Shape with None where any size will do; kind of the numbers as in `ndarray.dtype.kind`,
        "f" (floating, all finite), "i" or "b".
    prefix : str
        Of the names; tensors without it are left to others.

    Raises
    ------
    CheckpointError
        Names the first tensor that is missing, too many, or of another shape or kind.

    Examples
    --------
    >>> import numpy as np
    >>> from cromel_sklearn.storage.tensors import require_tensors
    >>> require_tensors({"bias": np.zeros(3)}, [("bias", (3,), "f")])
    """
    seen = set()
    for name, shape, kind in expected:
        name = prefix + name
        found = tensors.get(name)
        if found is None or name in seen:
            raise CheckpointError(f"The weights do not fit the header: there is no {name!r}.")
        seen.add(name)
        fits = len(shape) == found.ndim and all(
            wanted in (None, size) for wanted, size in zip(shape, found.shape, strict=True)
        )
        if not fits or found.dtype.kind != kind:
            raise CheckpointError(
                f"The weights do not fit the header: {name!r} is {found.dtype} of shape "
                f"{found.shape}, expected kind {kind!r} of shape {one_line(shape)}."
            )
        if kind == "f" and not np.isfinite(found).all():
            raise CheckpointError(f"The weights are not finite: {name!r}.")
    more = [name for name in tensors if name.startswith(prefix) and name not in seen]
    if more:
        raise CheckpointError(
            f"The weights do not fit the header: {one_line(more[0])!r} is not in it."
        )


def with_prefix(tensors: Tensors, prefix: str) -> Tensors:
    """Tensors with a prefix before their names."""
    return {f"{prefix}{key}": tensor for key, tensor in tensors.items()}


def without_prefix(tensors: Tensors, prefix: str) -> Tensors:
    """Tensors whose names start with a prefix, without it."""
    return {
        key.removeprefix(prefix): tensor
        for key, tensor in tensors.items()
        if key.startswith(prefix)
    }
