"""Epochs in, a progress bar out: what `verbose=1` shows of fine-tuning."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from skorch.callbacks import Callback


class NetworkProgress(Callback):
    """Progress bar of one network, on standard error."""

    def __init__(self, title: str, max_epochs: int):
        self.title = title
        self.max_epochs = max_epochs

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        """Open the bar."""
        self.progress_ = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
            TimeRemainingColumn(), TextColumn("{task.fields[loss]}"),
            console=Console(stderr=True),
        )  # fmt: skip
        self.bar_ = self.progress_.add_task(self.title, total=self.max_epochs, loss="")
        self.progress_.start()

    def on_epoch_end(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        """Advance."""
        epoch = net.history[-1]
        name = "valid_loss" if "valid_loss" in epoch else "train_loss"
        self.progress_.update(self.bar_, advance=1, loss=f"{name} {epoch[name]:.4f}")

    def on_train_end(self, net, X=None, y=None, **kwargs):
        """Close the bar."""
        self.progress_.stop()
