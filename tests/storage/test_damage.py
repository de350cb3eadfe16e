"""Damage is told in one line, and its cause is kept."""

import pytest

from cromel_sklearn import CheckpointError
from cromel_sklearn.storage.damage import damage_named


def _raise_inside(error):
    with damage_named("here"):
        raise error


@pytest.mark.parametrize(
    "error", [KeyError("a"), AttributeError("a\nb"), RecursionError("a"), OverflowError("a")]
)
def test_damage_is_named_in_one_line_with_its_cause(error):
    with pytest.raises(CheckpointError, match="here is damaged: .*Error, .*a") as caught:
        _raise_inside(error)
    assert caught.value.__cause__ is error
    assert "\n" not in str(caught.value)
