"""Whatever happens to a file: it is read as it was written, or refused in one line."""

import contextlib
import resource
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from damaged_files import EXAMPLES, flipped_bits, made_up, truncated, written_example

from cromel_sklearn import CheckpointError, CroMELError

N_FLIPS, N_TRUNCATIONS = 100, 20
#: Made-up files of each kind; a model is slower to use.
N_MADE_UP = {"regressor": 12, "classifier": 12}
#: Bytes that a made-up file may take beside what the tests have taken.
MEMORY = 500 * 2**20


@pytest.fixture(scope="module", params=EXAMPLES)
def written(request, checkpoint, tmp_path_factory):
    """A file of every kind that the package writes and reads."""
    return written_example(request.param, tmp_path_factory.mktemp("written"), checkpoint)


@pytest.fixture
def example(written, tmp_path):
    """A copy of the file that may be damaged."""
    return replace(written, path=Path(shutil.copy(written.path, tmp_path)))


@contextlib.contextmanager
def _little_memory():
    before = resource.getrlimit(resource.RLIMIT_AS)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def test_what_was_written_is_read(example):
    example.use(example.read(example.path))


@pytest.mark.parametrize("damage", [flipped_bits, truncated])
def test_damage_is_refused(example, damage):
    content = example.path.read_bytes()
    for damaged in damage(content, N_FLIPS if damage is flipped_bits else N_TRUNCATIONS):
        example.path.write_bytes(damaged)
        with pytest.raises(CheckpointError) as caught:
            example.read(example.path)
        assert "\n" not in str(caught.value)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux")
def test_what_is_made_up_is_refused_or_does_no_harm(example):
    """Under a right digest, as its author can make it; and without much memory."""
    harm = []
    with _little_memory():
        for what in made_up(example.path, N_MADE_UP.get(example.path.stem, 60)):
            try:
                example.use(example.read(example.path))
            except CroMELError as error:
                harm += [f"{what}: {error}"] if "\n" in str(error) else []
            except Exception as error:
                harm.append(f"{what}: {error!r}")
    assert not harm, "\n".join(harm)
