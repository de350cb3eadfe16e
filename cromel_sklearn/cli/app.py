"""The `cromel` command: its commands, each from the file of its group."""

from typing import Annotated

import typer

from ..exceptions import CroMELError
from . import (
    candidates,
    distill,
    embed,
    encoders,
    evaluate,
    options,
    predict,
    pretrain,
    train,
)

app = typer.Typer(
    help="Composition embeddings that know calculated crystal structures.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
for _command in (
    train.train, evaluate.evaluate, predict.predict, predict.screen, candidates.candidates,
    embed.embed, encoders.encoders, encoders.demo, pretrain.pretrain, distill.distill,
):  # fmt: skip
    app.command()(_command)


def main() -> None:
    """Run the command; errors of this package end it with their message alone."""
    try:
        app()
    except BrokenPipeError:  # `cromel ... | head` has seen enough
        options.leave_quietly()
    except (CroMELError, ValueError, OSError) as error:
        options.fail(error)


def _print_version(asked: bool) -> None:
    if asked:
        from .. import __version__

        typer.echo(f"cromel-sklearn {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version, and end."
        ),
    ] = False,
) -> None:
    pass
