"""Run of a pretraining from files into a folder: `cromel pretrain`."""

import contextlib
import json
from pathlib import Path

from ..data.readers import read_labels, read_materials
from ..encoders.registry import CARD, WEIGHTS
from ..exceptions import CheckpointError, SourceDataError
from ..storage.held_folder import held_alone
from ..storage.whole_file import require_target, write_file
from .card import model_card
from .paper import PAPER_SETTINGS
from .pretrainer import CroMELPretrainer
from .processes import Processes
from .provenance import command_without_paths
from .run_state import RUN_STATE

HISTORY = "history.json"


def pretrain_to_folder(
    structures,
    out,
    *,
    labels_path=None,
    targets=None,
    paper: bool = False,
    resume: bool = False,
    attribution: str | None = None,
    command: str | None = None,
    **settings,
) -> Path:
    """Pretrain from files and write everything the run yields.

    Parameters
    ----------
    structures : path-like
        As in `read_materials`. Several processes (`torchrun`) share the work, and the first writes.
    out : path-like
        Folder: ``weights.safetensors``, ``card.md``, ``history.json`` and
        ``run_state.safetensors``, which is rewritten after each epoch.
    labels_path : path-like, optional
        As in `read_labels`.
    targets : list of str, optional
        Properties to use, of structures and labels; all by default.
    paper : bool, default=False
        Start from `PAPER_SETTINGS`.
    resume : bool, default=False
        Go on with the run in `out`.
    attribution, command : str, optional
        For the card.
    **settings
        Parameters of `CroMELPretrainer`.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    CheckpointError
        If `out` holds a run and `resume` is not set, or one that does not fit.
    SourceDataError
        If the data cannot be used.
    OSError
        If another process is at work on `out`.
    """
    out = Path(out)
    state_path = out / RUN_STATE
    if state_path.exists() and not resume:
        raise CheckpointError(
            f"{out} holds a run. Pass --resume to go on with it, or choose another folder."
        )
    out.mkdir(parents=True, exist_ok=True)
    require_target(state_path)
    is_first = Processes.launched().is_first
    with held_alone(out) if is_first else contextlib.nullcontext():
        materials = read_materials(structures)
        if targets:
            unknown = [name for name in targets if name not in materials.target_names]
            if unknown:
                raise SourceDataError(
                    f"No target {', '.join(unknown)}; there is {', '.join(materials.target_names)}."
                )
            materials = materials.only_targets(targets)
        labels = None if labels_path is None else read_labels(labels_path)
        if targets and labels is not None:
            labels = labels[labels["property"].isin(targets)]
        settings = {**(PAPER_SETTINGS if paper else {}), **settings}
        # A run that was stopped before its first epoch ended has no state yet: it starts again.
        pretrainer = CroMELPretrainer(
            **settings, state_path=state_path, resume=resume and state_path.exists()
        )
        checkpoint = pretrainer.fit(materials, labels=labels).checkpoint_
        if not is_first:
            return out
        command = None if command is None else command_without_paths(command)
        provenance = {"command": command, "attribution": attribution}
        checkpoint = checkpoint.with_provenance(**{k: v for k, v in provenance.items() if v})
        checkpoint.save(out / WEIGHTS)
        write_file(out / CARD, model_card(checkpoint))
        write_file(out / HISTORY, json.dumps(pretrainer.history_, indent=1))
        return out
