"""`cromel distill`: from files to a folder with an encoder, its card and the run's state."""

from pathlib import Path

import pandas as pd

from ..data.material_shards import MaterialShards
from ..data.readers import file_checksum, read_labels, read_materials
from ..encoders.checkpoint import Checkpoint
from ..encoders.registry import load_encoder
from ..exceptions import SourceDataError
from .distillation import STATE, distill
from .distillation_settings import DistillationSettings
from .known_compounds import gather_known_compounds
from .run_folder import held_run_folder, write_encoder
from .structure_features import ATTRIBUTION, chgnet_features


def distill_to_folder(
    teachers,
    labels,
    out,
    *,
    structures=None,
    chgnet_sites: int = 0,
    settings: DistillationSettings | None = None,
    device="cpu",
    resume: bool = False,
    attribution: str | None = None,
    command: str | None = None,
    report=None,
) -> Path:
    """Distil teachers, labels and structures from files, and write everything the run yields.

    Parameters
    ----------
    teachers : list of str or path-like
        Ids, files or folders, as `load_encoder` takes them.
    labels : list of path-like
        Tables, as `read_labels` reads them.
    out : path-like
        Folder: ``weights.safetensors``, ``card.md`` and ``history.json``; the state of the run and
        the teachers' answers lie beside them and may be deleted afterwards.
    structures : path-like, optional
        As `read_materials` reads them: their targets are labels.
    chgnet_sites : int, default=0
        Pair with CHGNet's features of structures of at most so many sites; 0 for none.
    settings : DistillationSettings, optional
        Default properties that are not labelled, or that no teacher predicts, are left out.
    device : str or torch.device, default="cpu"
    resume : bool, default=False
        Go on with the run in `out`.
    attribution, command : str, optional
        For the card.
    report : callable, optional
        Called as ``report(title, n_done, n_in_all)``.

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
    report = report or (lambda title, n_done, n_in_all: None)
    out = Path(out)
    with held_run_folder(out, out / STATE, resume=resume):
        checkpoints = [_loaded(teacher) for teacher in teachers]
        known_elements = frozenset.intersection(*(c.known_elements for c in checkpoints))
        materials = None if structures is None else read_materials(structures)
        if isinstance(materials, MaterialShards):
            raise SourceDataError(
                f"{structures} is a folder of parquet files; distillation reads one file."
            )
        features = None
        if chgnet_sites:
            if materials is None:
                raise SourceDataError("CHGNet's features need structures; pass them too.")
            features = chgnet_features(
                materials, out / "structure_features", most_sites=chgnet_sites,
                report=lambda done, total: report("structures through CHGNet", done, total),
            )  # fmt: skip
        table = pd.concat([read_labels(path) for path in labels], ignore_index=True)
        known = gather_known_compounds(table, materials, features, known_elements=known_elements)
        predicted = {name for checkpoint in checkpoints for name in checkpoint.properties}
        settings = (settings or DistillationSettings()).suited_to(known.properties, predicted)
        files = [*labels, *([] if structures is None else [structures])]
        sources = [attribution, ATTRIBUTION if features is not None else None]
        provenance = {
            "command": command,
            "attribution": "; ".join(filter(None, sources)) or None,
            "data": {Path(path).name: file_checksum(path) for path in files},
            "teacher_names": [Path(str(teacher)).name for teacher in teachers],
            "teacher_provenance": [checkpoint.provenance for checkpoint in checkpoints],
        }
        checkpoint = distill(
            checkpoints, known, out, settings, device=device, resume=resume,
            provenance={k: v for k, v in provenance.items() if v},
            report=lambda step, n_steps, losses: report("steps of the student", step, n_steps),
        )  # fmt: skip
        write_encoder(out, checkpoint)
        return out


def _loaded(teacher) -> Checkpoint:
    path = Path(teacher)
    return load_encoder(path if path.exists() else str(teacher))
