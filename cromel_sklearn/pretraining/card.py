"""Model card of a checkpoint, in Markdown."""

from ..encoders.checkpoint import Checkpoint


def key_figures(checkpoint: Checkpoint) -> str:
    """One line: width of the embedding and test errors of the properties, from the composition.

    Parameters
    ----------
    checkpoint : Checkpoint

    Returns
    -------
    str
    """
    listed = [f"{name} {error}" for name, error in list(checkpoint.test_errors.items())[:3]]
    return f"{checkpoint.embedding_dim} dimensions; test MAE: {', '.join(listed)}"


def model_card(checkpoint: Checkpoint) -> str:
    """Write the card: data, split, command, seed, device, time, errors with units, attribution.

    Parameters
    ----------
    checkpoint : Checkpoint

    Returns
    -------
    str
        Markdown.
    """
    members = checkpoint.members
    criteria = sorted({m.header["provenance"]["settings"]["criterion"] for m in members})
    lines = [
        f"# Composition encoder, {checkpoint.embedding_dim} dimensions",
        "",
        f"Pretrained with the criterion `{'`, `'.join(criteria)}` of CroMEL "
        "(doi:10.1038/s41524-025-01723-1): compositions in, embeddings out.",
        "",
    ]
    if len(members) > 1:
        lines += [
            f"{len(members)} encoders side by side; the predicted properties are their mean. Made "
            f"by `{checkpoint.header['provenance'].get('command')}`.",
            "",
        ]
    for number, member in enumerate(members, start=1):
        lines += [f"## Encoder {number}", ""] if len(members) > 1 else []
        lines += _provenance_lines(member)
    lines += [
        "Mean absolute errors on held-out compositions:",
        "",
        "| property | unit | structure, validation | structure, test "
        "| composition, validation | composition, test |",
        "|---|---|---|---|---|---|",
        *_error_rows(checkpoint),
        "",
        "A composition's value is that of its most stable calculated structure.",
        "",
        f"Attribution: {members[0].header['provenance'].get('attribution', 'none given')}",
        "",
    ]
    return "\n".join(lines)


def _provenance_lines(checkpoint: Checkpoint) -> list[str]:
    provenance = checkpoint.header["provenance"]
    settings = provenance["settings"]
    lines = [
        "| | |",
        "|---|---|",
        f"| data | {provenance['source']} (SHA-256 `{provenance['source_checksum'][:16]}`) |",
        f"| training part | {provenance['n_train_structures']:,} structures, "
        f"{provenance['n_train_compositions']:,} compositions with labels |",
        "| split | by composition: training, validation, test |",
        f"| command | `{provenance.get('command', 'CroMELPretrainer.fit')}` |",
        f"| seed | {settings['random_state']} |",
        f"| epochs | {provenance['n_epochs']}, weights of epoch {provenance['best_epoch']} |",
        f"| device, training time | {provenance['device']}, {provenance['seconds'] / 60:.0f} min, "
        f"{provenance['structures_per_second']:.0f} structures/s |",
        f"| versions | cromel-sklearn {provenance['cromel_sklearn']}, torch {provenance['torch']}, "
        f"element table from {checkpoint.header['element_table']['source']} |",
        f"| date | {provenance['date']} |",
        f"| elements | {len(checkpoint.known_elements)} |",
        "",
    ]
    if settings.get("structure_run"):
        fixed = f"| structure encoder | held fixed, weights `{settings['structure_run'][:16]}` |"
        lines.insert(-1, fixed)
    return lines


def _error_rows(checkpoint: Checkpoint) -> list[str]:
    errors = checkpoint.header["errors"]
    parts = [(kind, split) for kind in ("structure", "composition") for split in errors]
    rows = []
    for name, unit in checkpoint.properties.items():
        figures = [errors[split][kind].get(name) for kind, split in parts]
        shown = ["-" if figure is None else f"{figure:.3g}" for figure in figures]
        rows.append(f"| {name} | {unit} | {' | '.join(shown)} |")
    if len(checkpoint.members) == 1:
        ranks = [f"{errors[split][f'{kind}_rank']:.1f}" for kind, split in parts]
        rows.append(f"| effective rank of the embedding | | {' | '.join(ranks)} |")
    return rows
