"""Options that several commands share, and how a command fails."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from ..exceptions import CroMELError

Encoder = Annotated[
    str, typer.Option(help="Registry id (name or name@version) or path of a checkpoint.")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:<index>.")]
TableIn = Annotated[
    str,
    typer.Argument(
        help="csv, tsv, txt (also .gz, .zst), xlsx, parquet, a folder of parquet, or - for "
        "standard input."
    ),
]
TableOut = Annotated[
    str,
    typer.Argument(
        help="As for the input; a name without a suffix is a folder of parquet, - is standard "
        "output."
    ),
]
FormulaColumn = Annotated[
    str | None,
    typer.Option("--formula-column", "--column", help="Column of formulas; found if not given."),
]
Separator = Annotated[
    str | None, typer.Option("--sep", help="Between the cells of a text: a character, or tab.")
]
Decimal = Annotated[str, typer.Option(help="Decimal mark of a text, . or ,")]
Sheet = Annotated[str | None, typer.Option(help="Of a workbook; the first by default.")]
OnInvalid = Annotated[
    str, typer.Option(help="raise: stop and name bad rows; nan: leave them empty, name them.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace OUT if it exists.")]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on after the last finished part of a stopped run.")
]
ChunkRows = Annotated[int, typer.Option(min=1, help="Rows that are read and written at once.")]
FloatFormat = Annotated[
    str | None, typer.Option(help="Of new numbers in a text, such as .4g; all digits by default.")
]
NJobs = Annotated[int, typer.Option(help="Processes on this machine; -1 is one a core.")]
Cluster = Annotated[
    str | None, typer.Option(help="Dask scheduler, tcp://host:port, or local:N for N processes.")
]


def shown_target(target: str) -> str:
    """Name of a table that is written, for messages."""
    return "standard output" if target == "-" else target


def error_console() -> Console:
    """Console of standard error, where all but results goes."""
    return Console(stderr=True)


@contextmanager
def goes_on(writer) -> Iterator[None]:
    """Tell how to go on when a long command is stopped or fails."""
    try:
        yield
    except BaseException as error:
        if writer.abandon() and isinstance(error, KeyboardInterrupt | CroMELError | OSError):
            n_parts = writer.n_parts
            kept = "1 finished part is" if n_parts == 1 else f"{n_parts} finished parts are"
            message = f"{kept} kept. Go on with --resume."
            error_console().print(message, highlight=False, soft_wrap=True)
        if isinstance(error, KeyboardInterrupt):
            raise typer.Exit(130) from None
        raise


def fail(error: Exception) -> None:
    """End the command with the message of an error alone."""
    error_console().print(
        f"[red]Error:[/red] {escape(str(error))}", highlight=False, soft_wrap=True
    )
    sys.exit(1)


def leave_quietly() -> None:
    """End the command when nobody reads its output any more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(141)  # as a shell tells a process that a closed pipe has ended
