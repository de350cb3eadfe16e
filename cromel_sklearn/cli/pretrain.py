"""`cromel pretrain`: from calculated structures to an encoder."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from . import options


def pretrain(
    structures: Annotated[
        Path, typer.Option(help="Parquet of structures, or folder of CIF files with targets.csv.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for weights, card, history and run state.")],
    labels: Annotated[Path | None, typer.Option(help="Table of labels without structures.")] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(help="Property to use, of structures and labels (repeat); all by default."),
    ] = None,
    criterion: Annotated[
        str | None, typer.Option(help="paired (default), joint, wasserstein or none.")
    ] = None,
    geometry: Annotated[
        bool, typer.Option(help="Predict volume, distances and neighbors as well.")
    ] = True,
    mixing_weight: Annotated[
        float | None, typer.Option(help="Share of the loss at mixtures (default 0.2; 0 for none).")
    ] = None,
    structure_run: Annotated[
        Path | None, typer.Option(help="Folder of a run whose structure encoder is used as it is.")
    ] = None,
    paper: Annotated[bool, typer.Option(help="The published method's settings.")] = False,
    max_epochs: Annotated[int, typer.Option(help="Passes over the training data.")] = 30,
    seed: Annotated[int, typer.Option(help="Seed of weights and batches.")] = 0,
    device: options.Device = "auto",
    n_jobs: Annotated[int, typer.Option(help="Processes that build crystal graphs.")] = -1,
    attribution: Annotated[
        str | None, typer.Option(help="Source and licence of the data, for the card.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on with the run in --out.")] = False,
) -> None:
    """Pretrain an encoder; stopped at any moment, it goes on with --resume."""
    from ..pretraining.pretraining_run import pretrain_to_folder

    chosen: dict = {"criterion": criterion} if criterion else {}
    if not geometry:
        chosen["geometry"] = False
    if mixing_weight is not None:
        chosen["mixing_weight"] = mixing_weight
    try:
        pretrain_to_folder(
            structures, out, labels_path=labels, targets=target, paper=paper, resume=resume,
            structure_run=structure_run, attribution=attribution,
            command=shlex.join(["cromel", *sys.argv[1:]]),
            max_epochs=max_epochs, random_state=seed, device=device, n_jobs=n_jobs, **chosen,
        )  # fmt: skip
    except KeyboardInterrupt:
        options.error_console().print(f"Stopped. Go on with --resume --out {out}.", highlight=False)
        raise typer.Exit(130) from None
