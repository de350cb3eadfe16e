"""Fuzz the readers of files (atheris): whatever a file holds, it is used or refused in one line.

Command, from the repository root::

    nox -s fuzz -- -max_total_time=600

Half of the inputs are bytes, half are entries of headers and tensors changed under a right digest,
as the author of a file can make it. Anything but a `CroMELError` is a finding, and memory or time
beyond the limits of libFuzzer (``-rss_limit_mb``, ``-timeout``).
"""

import copy
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "contract"))

#: Models, which take a hundred times as long to read as the others.
SLOW = ("regressor", "classifier")


def main() -> None:
    """Write one file of every kind, then change them until told to stop."""
    import atheris

    with atheris.instrument_imports(include=["cromel_sklearn"]):
        from damaged_files import EXAMPLES, kind_of, small_checkpoint, written_example

        from cromel_sklearn import CheckpointError, CroMELError
        from cromel_sklearn.estimators import classifier, regressor  # noqa: F401
        from cromel_sklearn.storage.artifact import artifact_bytes, read_artifact

    folder = Path(tempfile.mkdtemp())
    checkpoint = small_checkpoint()
    examples = [written_example(name, folder, checkpoint) for name in EXAMPLES]
    contents = [example.path.read_bytes() for example in examples]
    parts = [
        (kind_of(example.path), *read_artifact(example.path, *kind_of(example.path)))
        for example in examples
    ]
    target = folder / "fuzzed"
    order = [*range(len(examples)), *(n for n, name in enumerate(EXAMPLES) if name not in SLOW)]

    def try_one(data: bytes) -> None:
        provider = atheris.FuzzedDataProvider(data)
        number = order[provider.ConsumeIntInRange(0, len(order) - 1)]
        if provider.ConsumeBool():
            content = bytearray(contents[number])
            place = provider.ConsumeIntInRange(0, len(content))
            changed = provider.ConsumeBytes(provider.ConsumeIntInRange(1, 200))
            content[place : place + len(changed)] = changed
            target.write_bytes(content)
        else:
            kind, header, tensors = parts[number]
            header, tensors = copy.deepcopy(header), dict(tensors)
            for _ in range(provider.ConsumeIntInRange(1, 4)):
                change_one(provider, header, tensors)
            try:
                target.write_bytes(artifact_bytes(*kind, header, tensors))
            except (TypeError, UnicodeEncodeError):
                return  # what JSON or the format cannot say
        try:
            examples[number].use(examples[number].read(target))
        except CroMELError as error:
            if isinstance(error, CheckpointError) and "\n" in str(error):
                raise

    atheris.Setup(sys.argv, try_one)
    atheris.Fuzz()


def change_one(provider, header: dict, tensors: dict) -> None:
    """Change one entry of a header, or one tensor, as the input says."""
    if tensors and provider.ConsumeBool():
        name = sorted(tensors)[provider.ConsumeIntInRange(0, len(tensors) - 1)]
        shape = tuple(
            provider.ConsumeIntInRange(0, 9) for _ in range(provider.ConsumeIntInRange(0, 3))
        )
        dtype = ("f8", "f4", "f2", "i8", "i4", "u1", "b1")[provider.ConsumeIntInRange(0, 6)]
        if provider.ConsumeBool():  # the same shape with other values
            shape = tensors[name].shape
        with np.errstate(all="ignore"):
            filled = np.full(shape, provider.ConsumeFloat())
            tensors[name] = np.nan_to_num(filled).clip(-1e9, 1e9).astype(dtype)
        return
    place: dict | list = header
    while place:
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        key = keys[provider.ConsumeIntInRange(0, len(keys) - 1)]
        inner = place[key]
        if isinstance(inner, dict | list) and inner and provider.ConsumeBool():
            place = inner
            continue
        if provider.ConsumeBool() and isinstance(place, dict):
            del place[key]
        else:
            place[key] = made_up_value(provider)
        return


def made_up_value(provider):
    """Value of any kind that JSON knows."""
    kind = provider.ConsumeIntInRange(0, 7)
    if kind == 0:
        return provider.ConsumeInt(8)
    if kind == 1:
        return provider.ConsumeFloat()
    if kind == 2:
        return provider.ConsumeUnicodeNoSurrogates(20)
    if kind == 3:
        return provider.ConsumeIntInRange(-2, 300)
    if kind == 4:
        try:
            return json.loads(provider.ConsumeUnicodeNoSurrogates(40))
        except (ValueError, RecursionError):
            return None
    return (None, True, [])[kind - 5]


if __name__ == "__main__":
    main()
