"""Progress of long commands: a bar on a terminal, one line at the end in a pipe."""

import time

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

_STEPS = 10_000  # of a bar whose end is known as a fraction


class RowProgress:
    """Bar with the rows done, their rate and the time left; only on a terminal.

    Parameters
    ----------
    title : str
    console : rich.console.Console
        Of standard error.

    Attributes
    ----------
    n_rows : int
        Done in this run.
    """

    def __init__(self, title: str, console: Console):
        self.console = console
        self.n_rows = 0
        self._started = time.perf_counter()
        self._bar = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
            TextColumn("{task.fields[rows]} rows, {task.fields[rate]} rows/s"),
            TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
            console=console, transient=True, disable=not console.is_terminal,
        )  # fmt: skip
        self._task = self._bar.add_task(escape(title), total=None, rows="0", rate="0")

    def __enter__(self):
        self._bar.start()
        return self

    def __exit__(self, *exception):
        self._bar.stop()

    def advance(self, n_rows: int, read_fraction: float | None) -> None:
        """Count rows that are done.

        Parameters
        ----------
        n_rows : int
        read_fraction : float or None
            How much of the whole is done now.
        """
        self.n_rows += n_rows
        total = None if read_fraction is None else _STEPS
        completed = 0 if read_fraction is None else int(_STEPS * read_fraction)
        self._bar.update(
            self._task, total=total, completed=completed, rows=f"{self.n_rows:,}",
            rate=f"{self.rate:,.0f}",
        )  # fmt: skip

    @property
    def seconds(self) -> float:
        """Time since the beginning."""
        return time.perf_counter() - self._started

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.n_rows / max(self.seconds, 1e-9)

    def summary(self) -> str:
        """Tell the time and the rate, for the line at the end."""
        return f"{self.seconds:.1f} s, {self.rate:,.0f} rows/s"


def step_progress(console: Console) -> Progress:
    """Bar that counts steps; only on a terminal."""
    return Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TimeElapsedColumn(), console=console, transient=True, disable=not console.is_terminal,
    )  # fmt: skip
