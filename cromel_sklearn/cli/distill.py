"""`cromel distill`: many teachers, labels and structures into one small encoder."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import TaskID


def distill(
    teachers: Annotated[
        list[str], typer.Argument(help="Encoders: ids, files or folders of `cromel pretrain`.")
    ],
    labels: Annotated[
        list[Path], typer.Option(help="Table of formula, property, value, unit (repeat).")
    ],
    out: Annotated[Path, typer.Option(help="Folder for weights, card, history and run state.")],
    structures: Annotated[
        Path | None, typer.Option(help="Parquet of structures; their targets are labels too.")
    ] = None,
    chgnet_sites: Annotated[
        int, typer.Option(help="Pair with CHGNet's features up to so many sites; 0 for none.")
    ] = 0,
    width: Annotated[int, typer.Option(help="Width of the student's layers.")] = 384,
    embedding_dim: Annotated[int, typer.Option(help="Columns of the embedding.")] = 96,
    n_steps: Annotated[int, typer.Option(help="Training steps.")] = 60_000,
    n_synthetic: Annotated[int, typer.Option(help="Synthetic compositions.")] = 2_000_000,
    seed: Annotated[int, typer.Option(help="Seed of weights and compositions.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:<index>.")] = "auto",
    attribution: Annotated[
        str | None, typer.Option(help="Source and licence of the data, for the card.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on with the run in --out.")] = False,
) -> None:
    """Distil encoders into one small encoder; stopped at any moment, it goes on with --resume."""
    from ..device import find_device
    from ..nn.distilled_network import DistilledEncoderConfig
    from ..pretraining.distillation_run import distill_to_folder
    from ..pretraining.distillation_settings import DistillationSettings
    from ..pretraining.provenance import command_without_paths
    from .progress import step_progress

    settings = DistillationSettings(
        network=DistilledEncoderConfig(width=width, embedding_dim=embedding_dim),
        n_steps=n_steps, n_synthetic=n_synthetic, seed=seed,
        chunk_size=min(DistillationSettings.chunk_size, max(n_synthetic, 1)),
    )  # fmt: skip
    command = command_without_paths(shlex.join(["cromel", *sys.argv[1:]]))
    console = Console(stderr=True)
    bars: dict[str, TaskID] = {}
    try:
        with step_progress(console) as progress:

            def report(title: str, n_done: int, n_in_all: int) -> None:
                if title not in bars:
                    bars[title] = progress.add_task(title, total=n_in_all)
                progress.update(bars[title], completed=n_done)

            distill_to_folder(
                teachers, labels, out, structures=structures, chgnet_sites=chgnet_sites,
                settings=settings, device=find_device(device), resume=resume,
                attribution=attribution, command=command, report=report,
            )  # fmt: skip
    except KeyboardInterrupt:
        console.print(f"Stopped. Go on with --resume --out {out}.", highlight=False)
        raise typer.Exit(130) from None
    console.print(f"Encoder and card are in {out}.", highlight=False)
