"""Model card of an encoder: how to use it, where it came from, how wrong it is."""

from ..encoders.checkpoint import Checkpoint

_CROMEL = "doi:10.1038/s41524-025-01723-1"
_HASH = 16  # characters of a SHA-256 that a card shows


def key_figures(checkpoint: Checkpoint) -> str:
    """One line: kind, width of the embedding, elements, test errors of the first properties.

    Parameters
    ----------
    checkpoint : Checkpoint

    Returns
    -------
    str
    """
    shown = ("formation_energy_per_atom", "band_gap")
    errors = [f"{name} {checkpoint.test_errors[name]}" for name in shown if name in
              checkpoint.test_errors]  # fmt: skip
    return (
        f"{checkpoint.description.kind}, {checkpoint.embedding_dim} dimensions, "
        f"{len(checkpoint.properties)} properties, {len(checkpoint.known_elements)} elements; "
        f"test MAE: {', '.join(errors)}"
    )


def model_card(checkpoint: Checkpoint, encoder: str = "path/to/folder") -> str:
    """Write the card: use, data, settings, seed, device, time, errors with units, attribution.

    Parameters
    ----------
    checkpoint : Checkpoint
    encoder : str, default="path/to/folder"
        What `CroMELTransformer` is given to use it.

    Returns
    -------
    str
        Markdown.
    """
    is_distilled = checkpoint.description.kind == "distilled"
    parts = _distilled_lines(checkpoint) if is_distilled else _pretrained_lines(checkpoint)
    return "\n".join(
        [
            f"# Composition encoder, {checkpoint.embedding_dim} dimensions",
            "",
            *parts,
            "",
            "```python",
            "from cromel_sklearn import CroMELTransformer",
            "",
            f'CroMELTransformer("{encoder}").transform(["Fe2O3", "Ba0.4K0.6Fe2As2"])',
            "```",
            "",
            f"Attribution: {checkpoint.provenance.get('attribution', 'none given')}",
            "",
        ]
    )


def _distilled_lines(checkpoint: Checkpoint) -> list[str]:
    provenance = checkpoint.provenance
    settings = provenance["settings"]
    network = checkpoint.description.network
    data = [f"{name} (SHA-256 `{digest[:_HASH]}`)" for name, digest in provenance["data"].items()]
    teachers = [
        f"{name} (`{digest[:_HASH]}`)"
        for name, digest in zip(provenance["teacher_names"], provenance["teachers"], strict=True)
    ]
    rows = {
        "data": ", ".join(data),
        "teachers": ", ".join(teachers),
        "known compositions": f"{provenance['n_known_compositions']:,} with "
        f"{provenance['n_labels']:,} calculated labels; {provenance['n_structures']:,} paired with "
        f"features of their crystal structures",
        "remembered": f"{provenance['n_remembered_compositions']:,} compositions: "
        + ", ".join(checkpoint.description.remembered),
        "synthetic compositions": f"{settings['n_synthetic']:,}",
        "split": "one known composition in fifty held out, by a hash of the composition",
        "network": f"element vectors of {network['element_dim']}, {network['n_layers']} residual "
        f"layers of {network['width']}",
        "training": f"{settings['n_steps']:,} steps of {settings['batch_size']:,} compositions, "
        f"peak rate {settings['lr']:g}, weight decay {settings['weight_decay']:g}",
        "kept": f"components {100 * provenance['components_kept']:.1f} % of the teachers' "
        f"variance, embedding {100 * provenance['embedding_keeps']:.1f} % of the student's",
        **_common_rows(checkpoint, settings["seed"]),
    }
    errors = checkpoint.description.errors
    kinds = [f"| {kind} | {distance:.3f} |" for kind, distance in errors["teachers"].items()]
    measured = errors["test"]["composition"]
    labels = [
        f"| {name} | {unit} | {f'{measured[name]:.3g}' if name in measured else '-'} |"
        for name, unit in checkpoint.properties.items()
    ]
    return [
        "Distilled (arXiv:1503.02531) from encoders that were paired with crystal structures by "
        f"CroMEL ({_CROMEL}), from calculated labels and from features of structures: compositions "
        "in, embeddings out.",
        "",
        *_table(rows),
        "",
        "Mean absolute errors on compositions that were held out of this training, none of them "
        "remembered; the teachers may have seen some. A composition's value is that of its most "
        "stable calculated structure.",
        "",
        "| property | unit | error |",
        "|---|---|---|",
        *labels,
        "",
        "Distance from the teachers, in standard deviations of their components:",
        "",
        "| compositions | root mean square |",
        "|---|---|",
        *kinds,
    ]


def _pretrained_lines(checkpoint: Checkpoint) -> list[str]:
    provenance = checkpoint.provenance
    settings = provenance["settings"]
    digest = provenance["source_checksum"][:_HASH]
    table = checkpoint.description.element_table
    rows = {
        "data": f"{provenance['source']} (SHA-256 `{digest}`)",
        "training part": f"{provenance['n_train_structures']:,} structures, "
        f"{provenance['n_train_compositions']:,} compositions with labels",
        "split": "by composition: training, validation, test",
        "epochs": f"{provenance['n_epochs']}, weights of epoch {provenance['best_epoch']}",
        "speed": f"{provenance['structures_per_second']:.0f} structures/s",
        "element features": table.get("source", "none"),
        **_common_rows(checkpoint, settings["random_state"]),
    }
    if settings.get("structure_run"):
        rows["structure encoder"] = f"held fixed, weights `{settings['structure_run'][:_HASH]}`"
    return [
        f"Pretrained with the criterion `{settings['criterion']}` of CroMEL ({_CROMEL}): "
        "compositions in, embeddings out.",
        "",
        *_table(rows),
        "",
        "Mean absolute errors on held-out compositions:",
        "",
        "| property | unit | structure, validation | structure, test "
        "| composition, validation | composition, test |",
        "|---|---|---|---|---|---|",
        *_error_rows(checkpoint),
        "",
        "A composition's value is that of its most stable calculated structure.",
    ]


def _common_rows(checkpoint: Checkpoint, seed) -> dict[str, str]:
    provenance = checkpoint.provenance
    return {
        "elements": str(len(checkpoint.known_elements)),
        "command": f"`{provenance.get('command', 'from Python')}`",
        "seed": str(seed),
        "device, time": f"{provenance['device']}, {provenance['seconds'] / 60:.0f} min",
        "versions": f"cromel-sklearn {provenance['cromel_sklearn']}, torch {provenance['torch']}",
        "date": provenance["date"],
    }


def _table(rows: dict[str, str]) -> list[str]:
    return ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())]


def _error_rows(checkpoint: Checkpoint) -> list[str]:
    errors = checkpoint.description.errors
    parts = [(kind, split) for kind in ("structure", "composition") for split in errors]
    rows = []
    for name, unit in checkpoint.properties.items():
        figures = [errors[split][kind].get(name) for kind, split in parts]
        shown = ["-" if figure is None else f"{figure:.3g}" for figure in figures]
        rows.append(f"| {name} | {unit} | {' | '.join(shown)} |")
    ranks = [f"{errors[split][f'{kind}_rank']:.1f}" for kind, split in parts]
    rows.append(f"| effective rank of the embedding | | {' | '.join(ranks)} |")
    return rows
