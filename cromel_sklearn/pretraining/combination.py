"""Encoders of several runs side by side as one: `cromel combine`."""

from pathlib import Path

from .._files import write_file
from ..data.crystal_graph import build_crystal_graphs
from ..data.materials import geometry_targets
from ..data.readers import file_checksum, read_materials
from ..encoders.checkpoint import Checkpoint
from ..encoders.registry import CARD, WEIGHTS, load_encoder
from ..exceptions import CheckpointError
from .card import model_card
from .data import PretrainingData, assemble
from .evaluation import mean_absolute_errors
from .provenance import command_without_paths


def combine_to_folder(runs, structures, out, *, command: str | None = None, n_jobs=-1) -> Path:
    """Put the encoders of several runs side by side, in half precision, and measure them together.

    Parameters
    ----------
    runs : sequence of path-like
        Folders written by `cromel pretrain`, or ids of shipped encoders.
    structures : path-like
        The structures that they were pretrained on, with their split; the errors of the mean of
        the predicted properties are measured on its held-out parts.
    out : path-like
        Folder: ``weights.safetensors`` and ``card.md``.
    command : str, optional
        For the card.
    n_jobs : int, default=-1
        Processes that build crystal graphs.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    CheckpointError
        If a run was pretrained on other structures, or predicts in other units, or the
        structures have no split.
    """
    members = [load_encoder(str(run)) for run in runs]
    _require_same_source(runs, members, file_checksum(structures))
    combined = Checkpoint.combined(members).in_half_precision()
    materials = read_materials(structures)
    if materials.split is None:
        raise CheckpointError(
            f"{structures} has no column split, so that each run held out other compositions and "
            f"none can measure them together; add the column before pretraining."
        )
    graphs = build_crystal_graphs(materials, n_jobs=n_jobs)
    materials = materials.with_targets(geometry_targets(materials, graphs))
    data = assemble(materials, graphs)
    errors = {split: _errors(combined, data, split) for split in ("validation", "test")}
    combined = Checkpoint({**combined.header, "errors": errors}, combined.tensors)
    combined = combined.with_provenance(
        command=None if command is None else command_without_paths(command)
    )
    out = Path(out)
    combined.save(out / WEIGHTS)
    write_file(out / CARD, model_card(combined))
    return out


def _require_same_source(runs, members, checksum: str) -> None:
    for run, member in zip(runs, members, strict=True):
        found = member.members[0].header["provenance"]["source_checksum"]
        if found != checksum:
            raise CheckpointError(
                f"{run} was pretrained on a file with SHA-256 {found}, not on this one "
                f"({checksum}); its errors here would not be those of held-out materials."
            )


def _errors(combined: Checkpoint, data: PretrainingData, split: str) -> dict:
    rows = data.composition_rows(split)
    predicted = combined.embed(data.compositions[rows])[1]
    columns = [data.properties.index(name) for name in combined.properties]
    return {
        "structure": combined.members[0].header["errors"][split]["structure"],
        "composition": mean_absolute_errors(
            predicted, data.composition_targets[rows][:, columns], tuple(combined.properties)
        ),
    }
