"""Arrays of a file are those that its header promises."""

import numpy as np
import pytest

from cromel_sklearn import CheckpointError
from cromel_sklearn.storage.tensors import require_tensors


def _layers(n_layers: int, width: int):
    for number in range(n_layers):
        yield f"layers.{number}.weight", (width, width), "f"


def test_tensors_are_compared_with_what_the_header_promises():
    tensors = {f"net.layers.{n}.weight": np.zeros((4, 4), np.float32) for n in range(3)}
    require_tensors(tensors, _layers(3, 4), prefix="net.")
    for expected, message in (
        (_layers(10**18, 4), "do not fit the header: there is no 'net.layers.3.weight'"),
        (_layers(2, 4), "do not fit the header: 'net.layers.2.weight' is not in it"),
        (_layers(3, 10**18), r"'net.layers.0.weight' is float32 of shape \(4, 4\), expected kind"),
        (_layers(3, -1), "do not fit the header"),
        ([("layers.0.weight", (4, 4), "f")] * 2, "there is no 'net.layers.0.weight'"),
        ([("layers.0.weight", (4, 4), "i")], "is float32 of shape .*, expected kind 'i'"),
        ([("layers.0.weight", (4, 4, 1), "f")], r"expected kind 'f' of shape \(4, 4, 1\)"),
    ):
        with pytest.raises(CheckpointError, match=message):
            require_tensors(tensors, expected, prefix="net.")
    require_tensors({"a": np.zeros((7, 2))}, [("a", (None, 2), "f")])
    with pytest.raises(CheckpointError, match="The weights are not finite: 'a'"):
        require_tensors({"a": np.array(np.nan)}, [("a", (), "f")])
