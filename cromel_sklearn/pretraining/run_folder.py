"""The folder of a run: held while it runs; encoder, card and history are written at its end."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from ..encoders.checkpoint import Checkpoint
from ..encoders.registry import CARD, WEIGHTS
from ..exceptions import CheckpointError
from ..storage.held_folder import held_alone
from ..storage.whole_file import require_target, write_file
from .card import model_card

HISTORY = "history.json"


@contextlib.contextmanager
def held_run_folder(folder: Path, state_path: Path, *, resume: bool) -> Iterator[None]:
    """Make the folder of a run and hold it, for this process alone, until the block ends.

    Parameters
    ----------
    folder : Path
    state_path : Path
        Of the state of a run in it, which need not be there.
    resume : bool
        Whether the run that may be there is to go on.

    Raises
    ------
    CheckpointError
        If the folder holds a run and `resume` is not set.
    OSError
        If another process is at work on the folder, or it cannot be written to.
    """
    require_new_or_resumed(state_path, resume=resume)
    folder.mkdir(parents=True, exist_ok=True)
    require_target(state_path)
    with held_alone(folder):
        yield


def require_new_or_resumed(state_path: Path, *, resume: bool) -> None:
    """Refuse to overwrite the state of a run that is not to go on.

    Raises
    ------
    CheckpointError
    """
    if state_path.exists() and not resume:
        raise CheckpointError(
            f"{state_path.parent} holds a run. Pass resume=True (--resume) to go on with it, or "
            f"choose another folder."
        )


def write_encoder(folder: Path, checkpoint: Checkpoint) -> None:
    """Write the weights and their card."""
    checkpoint.save(folder / WEIGHTS)
    write_file(folder / CARD, model_card(checkpoint))


def write_history(folder: Path, history: list[dict]) -> None:
    """Write mean losses and errors, one entry an epoch."""
    write_file(folder / HISTORY, json.dumps(history, indent=1))
