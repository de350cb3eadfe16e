"""Progress of a pretraining on the screen: a bar over batches, a line after each epoch."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from skorch.callbacks import Callback

from ..data.materials import PROPERTY_UNITS
from .callbacks import epoch_losses


class ProgressReport(Callback):
    """A progress bar over the epoch's batches, and a line with losses and errors after it."""

    def __init__(self, steps_per_epoch: int, max_epochs: int):
        self.steps_per_epoch = steps_per_epoch
        self.max_epochs = max_epochs

    def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        """Open the bar."""
        self.console_ = Console()
        columns = (
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
            TimeRemainingColumn(), TextColumn("{task.fields[losses]}"),
        )  # fmt: skip
        self.progress_ = Progress(*columns, console=self.console_, transient=True)
        title = f"epoch {len(net.history)}/{self.max_epochs}"
        self.task_ = self.progress_.add_task(title, total=self.steps_per_epoch, losses="")
        self.progress_.start()

    def on_batch_end(self, net, batch=None, training=None, **kwargs):
        """Advance the bar."""
        losses = net.history[-1]["batches"][-1]
        shown = [f"{name} {value:.3f}" for name, value in losses.items() if name.endswith("loss")]
        self.progress_.update(self.task_, advance=1, losses=" ".join(shown))

    def on_epoch_end(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        """Close the bar and print the epoch's line."""
        self.progress_.stop()
        last = net.history[-1]
        errors = last["validation"]
        described = []
        for kind in ("structure", "composition"):
            listed = ", ".join(
                f"{name} {error:.3g} {PROPERTY_UNITS.get(name, '')}".strip()
                for name, error in errors[kind].items()
            )
            described.append(f"  {kind}: {listed}; effective rank {errors[f'{kind}_rank']:.1f}")
        losses = ", ".join(f"{name} {value:.4f}" for name, value in epoch_losses(last).items())
        self.console_.print(
            f"epoch {last['epoch']}/{self.max_epochs}: {losses}; validation score "
            f"{errors['score']:.4f}; {last['dur']:.0f} s\n" + "\n".join(described),
            highlight=False,
        )

    def on_train_end(self, net, X=None, y=None, **kwargs):
        """Never leave a bar behind."""
        if hasattr(self, "progress_"):  # a resumed run may have no epoch left
            self.progress_.stop()
