"""The `cromel` command: arguments in, files and tables out."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ..exceptions import CroMELError

app = typer.Typer(
    help="Composition embeddings that know calculated crystal structures.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
_ENCODER = typer.Option(help="Registry id (name or name@version) or path of a checkpoint.")
_DEVICE = typer.Option(help="auto, cpu, cuda or cuda:<index>.")


def main() -> None:
    """Run the command; errors of this package end it with their message alone."""
    try:
        app()
    except (CroMELError, ValueError, OSError) as error:
        Console(stderr=True).print(f"[red]Error:[/red] {_escaped(error)}", highlight=False)
        sys.exit(1)


@app.command()
def demo(
    plot: Annotated[Path, typer.Option(help="Where the parity plot is written.")] = Path(
        "cromel-demo.png"
    ),
) -> None:
    """Compare featurizers on the bundled sample of standard enthalpies (under a minute)."""
    from .demo import run_demo

    run_demo(plot, Console())


@app.command()
def encoders() -> None:
    """List the encoders that ship with the package, with their key figures."""
    from ..encoders.registry import list_encoders, load_encoder
    from ..pretraining.card import key_figures

    table = Table()
    table.add_column("encoder", no_wrap=True)  # to be copied
    table.add_column("key figures", overflow="fold")
    for encoder in list_encoders():
        checkpoint = load_encoder(encoder)
        provenance = checkpoint.header["provenance"]
        table.add_row(
            encoder,
            f"{provenance['settings']['criterion']}, "
            f"{provenance['n_train_structures']:,} structures, {key_figures(checkpoint)}",
        )
    Console().print(table)


@app.command()
def embed(
    source: Annotated[Path, typer.Argument(metavar="IN", help="CSV or parquet file.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="CSV or parquet file.")],
    column: Annotated[str, typer.Option(help="Column of formulas.")] = "formula",
    encoder: Annotated[str, _ENCODER] = "mp-multi",
    output: Annotated[str, typer.Option(help="embedding, properties or both.")] = "embedding",
    on_invalid: Annotated[
        str, typer.Option(help="raise: stop and name bad rows; nan: leave them empty, name them.")
    ] = "raise",
    device: Annotated[str, _DEVICE] = "auto",
    overwrite: Annotated[bool, typer.Option(help="Replace OUT if it exists.")] = False,
) -> None:
    """Append embedding columns to a table; the other columns stay as they are."""
    from .table_embedding import embed_table

    n_rows, problems = embed_table(
        source, target, column=column, encoder=encoder, output=output, on_invalid=on_invalid,
        device=device, overwrite=overwrite,
    )  # fmt: skip
    console = Console(stderr=True)
    for index, value, reason in problems:
        console.print(f"row {index}: {_escaped(repr(value))}: {_escaped(reason)}", highlight=False)
    console.print(
        f"{n_rows} rows written to {target}, {len(problems)} of them without embedding",
        highlight=False, soft_wrap=True,
    )  # fmt: skip


@app.command()
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
    device: Annotated[str, _DEVICE] = "auto",
    n_jobs: Annotated[int, typer.Option(help="Processes that build crystal graphs.")] = -1,
    attribution: Annotated[
        str | None, typer.Option(help="Source and licence of the data, for the card.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on with the run in --out.")] = False,
) -> None:
    """Pretrain an encoder; stopped at any moment, it goes on with --resume."""
    from ..pretraining.runs import pretrain_to_folder

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
        Console(stderr=True).print(f"Stopped. Go on with --resume --out {out}.", highlight=False)
        raise typer.Exit(130) from None


@app.command()
def combine(
    runs: Annotated[list[str], typer.Argument(help="Folders of runs, or ids of encoders.")],
    structures: Annotated[Path, typer.Option(help="The structures they were pretrained on.")],
    out: Annotated[Path, typer.Option(help="Folder for weights and card.")],
    n_jobs: Annotated[int, typer.Option(help="Processes that build crystal graphs.")] = -1,
) -> None:
    """Put encoders of several runs side by side as one encoder."""
    from ..pretraining.combination import combine_to_folder

    command = shlex.join(["cromel", *sys.argv[1:]])
    combine_to_folder(runs, structures, out, command=command, n_jobs=n_jobs)
    Console().print(f"Combined {len(runs)} encoders in {out}")


@app.command()
def register(
    folder: Annotated[Path, typer.Argument(help="Written by `cromel pretrain`.")],
    encoder: Annotated[str, typer.Argument(help="name@version, a new version.")],
) -> None:
    """Ship a pretrained encoder with this installation (for maintainers of the package)."""
    from ..encoders.registry import register as register_encoder

    Console().print(f"Registered {encoder} in {register_encoder(folder, encoder)}")


def _escaped(text) -> str:
    from rich.markup import escape

    return escape(str(text))
