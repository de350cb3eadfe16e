"""Run of a pretraining from files into a folder: `cromel pretrain`."""

import contextlib
from pathlib import Path

from ..data.readers import read_labels, read_materials
from ..exceptions import SourceDataError
from .paper import PAPER_SETTINGS
from .pretrainer import CroMELPretrainer
from .processes import Processes
from .provenance import command_without_paths
from .run_folder import held_run_folder, write_encoder, write_history
from .run_state import RUN_STATE


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
    is_first = Processes.launched().is_first
    with held_run_folder(out, state_path, resume=resume) if is_first else contextlib.nullcontext():
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
        write_encoder(out, checkpoint)
        write_history(out, pretrainer.history_)
        return out
