"""Progress of a fit: one bar a member, on a terminal and nowhere else."""

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)


class FitProgress:
    """Bars on standard error, which are removed when the fit is over.

    Parameters
    ----------
    verbose : int
        0 shows nothing; 1 shows bars where standard error is a terminal.

    Examples
    --------
    >>> from cromel_sklearn.estimators.progress import FitProgress
    >>> with FitProgress(verbose=0) as progress:
    ...     progress.start(["trees"], 2)
    ...     progress.advance("trees")
    """

    def __init__(self, verbose: int):
        console = Console(stderr=True)
        self._bars: dict[str, TaskID] = {}
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
            TimeRemainingColumn(), console=console, transient=True,
            disable=not (verbose and console.is_terminal),
        )  # fmt: skip

    def __enter__(self) -> "FitProgress":
        self._progress.start()
        return self

    def __exit__(self, *error) -> None:
        self._progress.stop()

    def start(self, names, n_steps: int) -> None:
        """Show a bar for each name."""
        self._bars = {name: self._progress.add_task(name, total=n_steps) for name in names}

    def expect(self, name: str, n_steps: int) -> None:
        """Change the number of steps of a bar."""
        self._progress.update(self._bars[name], total=n_steps)

    def advance(self, name: str) -> None:
        """One step is done."""
        self._progress.advance(self._bars[name])

    def finish(self, name: str) -> None:
        """All steps are done, or will not be."""
        task = self._progress.tasks[self._bars[name]]
        self._progress.update(self._bars[name], completed=task.total)
