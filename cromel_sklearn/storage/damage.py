"""Damage of a file, told in one line whatever it does to those who read it."""

import contextlib
from collections.abc import Iterator

from ..exceptions import CheckpointError, EncoderNotFoundError

#: What a header that does not say what it should raises on the way to what it describes.
DAMAGE = (
    ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, RuntimeError,
    TypeError, ValueError,
)  # fmt: skip


@contextlib.contextmanager
def damage_named(path) -> Iterator[None]:
    """Tell whatever goes wrong with the content of a file as damage of that file, in one line.

    Parameters
    ----------
    path : path-like

    Raises
    ------
    CheckpointError
    """
    try:
        yield
    except CheckpointError as error:
        if str(path) in str(error):
            raise
        raise CheckpointError(f"{path}: {one_line(error)}") from error
    except EncoderNotFoundError:
        raise
    except DAMAGE as error:
        raise CheckpointError(
            f"{path} is damaged: {type(error).__name__}, {one_line(error)}"
        ) from error


def one_line(value) -> str:
    """Say a value or an error in one line of at most 300 characters."""
    text = " ".join(str(value).split())
    return text if len(text) <= 300 else f"{text[:297]}..."
