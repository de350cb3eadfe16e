"""Ship a pretrained encoder with the package (for its maintainers).

Command, from the repository root::

    python tools/register_encoder.py run name@version

In: the folder of a run of `cromel pretrain`. Out: its weights and card below
``cromel_sklearn/encoders/pretrained``, and their checksum in the manifest there.
"""

import argparse
import hashlib
import json
from pathlib import Path

from cromel_sklearn import Checkpoint, CheckpointError
from cromel_sklearn.encoders import registry
from cromel_sklearn.encoders.registry import CARD, WEIGHTS
from cromel_sklearn.storage.damage import one_line
from cromel_sklearn.storage.whole_file import write_file


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
        If the version exists, the id is none, or checkpoint or card are missing or damaged.
    """
    parts = encoder.split("@")
    if len(parts) != 2 or not all(map(registry.ID_PART.fullmatch, parts)):
        raise CheckpointError(
            f"Expected an id name@version, both of letters, digits and single . _ + - between "
            f"them, got {one_line(encoder)!r}."
        )
    name, version = parts
    registry.read_manifest.cache_clear()  # another process may have registered one
    manifest = {other: dict(versions) for other, versions in registry.read_manifest().items()}
    if version in manifest.get(name, {}):
        raise CheckpointError(f"{encoder} exists and is immutable; choose the next version.")
    source = Path(folder)
    Checkpoint.load(source / WEIGHTS)
    try:
        files = {file: (source / file).read_bytes() for file in (WEIGHTS, CARD)}
    except OSError as error:
        raise CheckpointError(
            f"{source} is no folder of a finished run: {one_line(error)}. An encoder ships with "
            f"its card."
        ) from error
    target = registry.PRETRAINED / name / version
    target.mkdir(parents=True, exist_ok=True)  # what a killed call has left is not in the manifest
    for file, content in files.items():
        write_file(target / file, content)
    digest = hashlib.sha256(files[WEIGHTS]).hexdigest()
    manifest.setdefault(name, {})[version] = {"sha256": digest}
    write_file(registry.PRETRAINED / registry.MANIFEST, json.dumps(manifest, indent=2) + "\n")
    registry.read_manifest.cache_clear()
    return target


def main() -> None:
    """Register one encoder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="written by `cromel pretrain`")
    parser.add_argument("encoder", help="name@version, a new version")
    arguments = parser.parse_args()
    print(f"{arguments.encoder} is in {register(arguments.folder, arguments.encoder)}")


if __name__ == "__main__":
    main()
