"""Fewer properties and half the bytes change nothing else."""

import numpy as np
import pytest

from cromel_sklearn.data.composition import read_compositions
from cromel_sklearn.encoders.smaller_checkpoints import in_half_precision, only_properties

BATCH = read_compositions(["NaCl", "KBr", "LiF"])[0]


def test_fewer_properties(distilled):
    only = only_properties(distilled, ["band_gap", "formation_energy_per_atom"])
    assert list(only.properties) == ["band_gap", "formation_energy_per_atom"]
    some, every = only.encode(BATCH), distilled.encode(BATCH)
    for name in ("embedding", "properties", "spread"):
        assert np.array_equal(getattr(some, name), getattr(every, name))


@pytest.mark.parametrize("kind", ["checkpoint", "distilled"])
def test_half_precision_is_close(kind, request):
    encoder = request.getfixturevalue(kind)
    half = in_half_precision(encoder)
    matrices = [t for t in half.tensors.values() if t.ndim == 2 and t.dtype.kind == "f"]
    assert np.dtype(np.float16) in {matrix.dtype for matrix in matrices}
    difference = np.abs(half.encode(BATCH).embedding - encoder.encode(BATCH).embedding).max()
    assert difference < 0.05
