"""How close a distilled encoder comes to its teachers, and to labels it was not shown."""

from dataclasses import replace

import numpy as np
import torch

from ..encoders.checkpoint import Checkpoint
from ..encoders.smaller_checkpoints import only_properties
from .distillation_net import DistillationNet
from .known_compounds import KnownCompounds
from .synthetic_compositions import dense_fractions, sparse_batch
from .teachers import Teachers


def evaluate_student(
    checkpoint: Checkpoint,
    net: DistillationNet,
    known: KnownCompounds,
    synthetic: dict[str, np.ndarray],
    teachers: Teachers,
    smallest_skill: float,
) -> Checkpoint:
    """Measure a distilled encoder, and leave out what it cannot predict.

    Parameters
    ----------
    checkpoint : Checkpoint
    net : DistillationNet
        The network that it was compressed from.
    known : KnownCompounds
    synthetic : dict of str to ndarray of shape (n_of_kind, 104)
        Held-out synthetic compositions of each kind.
    teachers : Teachers
    smallest_skill : float
        Properties whose error on held-out compositions is not smaller by this share than that of
        their median are left out, unless they are remembered or their spread is predicted.

    Returns
    -------
    Checkpoint
        ``errors["test"]["composition"]``: mean absolute error of each property on held-out
        compositions, none of them remembered, in units. ``errors["teachers"]``: root mean square
        difference from the teachers' components, in their standard deviations, on each kind of
        synthetic composition and on held-out known ones.
    """
    held_out = known.compositions[known.is_held_out]
    labels = known.labels[known.is_held_out]
    predicted = checkpoint.without_calculated_values().encode(held_out).properties
    description = checkpoint.description
    errors, kept = {}, []
    for column, name in enumerate(known.properties):
        measured = np.isfinite(labels[:, column])
        needed = name in (*description.remembered, *description.spread_of)
        if measured.any():
            values = labels[measured, column]
            error = float(np.abs(predicted[measured, column] - values).mean())
            by_median = float(np.abs(values - np.median(values)).mean())
            if error <= (1 - smallest_skill) * by_median or needed:
                errors[name] = error
                kept.append(name)
        elif needed:
            kept.append(name)
    first = [*description.remembered, *description.spread_of]  # what people look for
    kept = list(dict.fromkeys([*first, *kept]))
    checkpoint = only_properties(checkpoint, kept)
    parts = {**synthetic, "held-out known": dense_fractions(held_out)}
    distances = {
        kind: _distance(net, net.components, rows, teachers)
        for kind, rows in parts.items()
        if len(rows) and net.components is not None
    }
    description = replace(
        checkpoint.description,
        errors={"test": {"composition": errors}, "teachers": distances},
    )
    return Checkpoint(description, checkpoint.tensors)


@torch.no_grad()
def _distance(net: DistillationNet, head, rows: np.ndarray, teachers: Teachers) -> float:
    """Root mean square difference of the student's components from the teachers'."""
    wanted = teachers.targets(sparse_batch(rows)).components.astype(np.float32)
    config = net.encoder.config
    device = net.encoder.element_vectors.device
    fractions = torch.from_numpy(rows).to(device)
    nothing = torch.zeros(len(rows), 2 * config.n_remembered, device=device)
    found = head(net.encoder.hidden(fractions, nothing)).float().cpu().numpy()
    return float(np.sqrt(np.mean((found - wanted) ** 2)))
