"""Digest of an artifact in its header: SHA-256 of the file, with zeros in the digest's place."""

import hashlib
import json
import re
from pathlib import Path

from ..exceptions import CheckpointError

#: Stands in the place of the digest where it is taken; first in the header, under "sha256".
NO_DIGEST = "0" * 64


def with_digest(content: bytes, kind: str) -> bytes:
    """Put the digest of an artifact in its place, where `NO_DIGEST` stands.

    Parameters
    ----------
    content : bytes
        Of the file.
    kind : str
        Of the artifact, under which its header stands.

    Returns
    -------
    bytes
    """
    place = _place(kind)
    digest = hashlib.sha256(content).hexdigest().encode()
    return content[: place.start] + digest + content[place.stop :]


def require_digest(path: Path | str, kind: str, content, digest) -> None:
    """Check that the content of an artifact is that of its digest.

    Parameters
    ----------
    path : Path or str
        What errors call the file.
    kind : str
    content : bytes or mmap
    digest : object
        What the header says it is; None where it says nothing.

    Raises
    ------
    CheckpointError
    """
    if digest is None:
        raise CheckpointError(
            f"{path} is damaged or was written by a version before 0.6: it carries no digest of "
            f"its content. Write it again with this version."
        )
    place = _place(kind)
    view = memoryview(content)
    is_here = isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest) is not None
    is_here = is_here and content[8 : place.stop] == _before_digest(kind) + digest.encode()
    found = hashlib.sha256(view[: place.start])
    for part in (NO_DIGEST.encode(), view[place.stop :]):
        found.update(part)
    if not is_here or found.hexdigest() != digest:
        raise CheckpointError(
            f"{path} is truncated or damaged: its content is not that of its digest. Write or "
            f"fetch it again."
        )


def _place(kind: str) -> slice:
    """Bytes of the digest in every file of a kind; the length of the header comes first."""
    start = 8 + len(_before_digest(kind))
    return slice(start, start + len(NO_DIGEST))


def _before_digest(kind: str) -> bytes:
    """What stands between the length of the header and the digest, in every file of a kind."""
    start = json.dumps({"__metadata__": {kind: '{"sha256":"'}}, separators=(",", ":"))
    return start[: -len('"}}')].encode()
