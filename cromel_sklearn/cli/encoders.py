"""`cromel encoders` and `cromel demo`: what ships with the package, and what it is worth."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table


def encoders() -> None:
    """List the encoders that ship with the package, with their key figures."""
    from ..encoders.registry import list_encoders, load_encoder
    from ..pretraining.card import key_figures

    table = Table()
    table.add_column("encoder", no_wrap=True)  # to be copied
    table.add_column("key figures", overflow="fold")
    for encoder in list_encoders():
        table.add_row(encoder, key_figures(load_encoder(encoder)))
    Console().print(table)


def demo(
    plot: Annotated[Path, typer.Option(help="Where the parity plot is written.")] = Path(
        "cromel-demo.png"
    ),
) -> None:
    """Compare featurizers on the bundled sample of standard enthalpies (under a minute)."""
    from .demo import run_demo

    run_demo(plot, Console())
