"""Processes that pretrain together: each encodes its part of a batch, and all see the whole.

`torchrun` and `accelerate launch` start them and say by environment variables which is which. The
encoders, which are the work, run on parts; embeddings are exchanged, and losses, heads, critic and
normalisation are computed from the whole batch by every process. So the training is that of one
process, whatever their number: batches, random numbers and statistics are the same, and the sums of
gradients differ by rounding alone.
"""

import atexit
import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn

from ..exceptions import SourceDataError

#: The first process builds crystal graphs while the others wait.
_PATIENCE = timedelta(days=2)
_VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class Processes:
    """One of the processes that pretrain together, and how many there are.

    Attributes
    ----------
    rank : int
        Number of this process, from 0.
    count : int
        How many there are.
    local_rank : int
        Number of this process among those on its machine.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0

    @classmethod
    def launched(cls) -> "Processes":
        """What the launcher of this process says; a process of its own without one."""
        if any(name not in os.environ for name in _VARIABLES):
            return cls()
        rank, count = (int(os.environ[name]) for name in _VARIABLES[:2])
        return cls(rank, count, int(os.environ.get("LOCAL_RANK", rank)))

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and shows progress."""
        return self.rank == 0

    def device(self, device: torch.device) -> torch.device:
        """Give each process of a machine a GPU of its own, where no number is asked for."""
        if self.count > 1 and device.type == "cuda" and device.index is None:
            return torch.device("cuda", self.local_rank)
        return device

    def connect(self, device: torch.device) -> None:
        """Connect with the others until this process ends: Gloo between CPUs, NCCL between GPUs."""
        if self.count == 1 or dist.is_initialized():
            return
        if device.type == "cuda":
            torch.cuda.set_device(device)
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_PATIENCE)
        atexit.register(dist.destroy_process_group)

    @contextlib.contextmanager
    def first_of_each_machine_first(self) -> Iterator[None]:
        """Let one process a machine do something, such as write a cache, before the others do."""
        if self.count > 1 and self.local_rank > 0:
            dist.barrier()
        yield
        if self.count > 1 and self.local_rank == 0:
            dist.barrier()

    def part(self, n_rows: int) -> slice:
        """Rows of a batch that this process encodes."""
        return slice(n_rows * self.rank // self.count, n_rows * (self.rank + 1) // self.count)

    def whole(self, part: Tensor, n_rows: int) -> Tensor:
        """Join the parts of all processes; gradients flow into the part of this one.

        Parameters
        ----------
        part : Tensor of shape (n_rows of this process, n_columns)
        n_rows : int
            Of all processes.

        Returns
        -------
        Tensor of shape (n_rows, n_columns)
        """
        if self.count == 1:
            return part
        here = self.part(n_rows)
        rows = part.new_zeros(n_rows, part.shape[1])
        rows[here] = part.detach()
        dist.all_reduce(rows)
        return torch.cat([rows[: here.start], part, rows[here.stop :]])

    def join_gradients(
        self, parts: Iterable[nn.Parameter], wholes: Iterable[nn.Parameter] = ()
    ) -> None:
        """Give every process the gradients of the whole batch.

        Parameters
        ----------
        parts : iterable of Parameter
            Of encoders: the gradients of the parts are added up.
        wholes : iterable of Parameter
            Of what each process computed from the whole batch: the mean, which all have but for
            rounding.
        """
        if self.count == 1:
            return
        shares = [(parameter, 1.0) for parameter in parts]
        shares += [(parameter, 1.0 / self.count) for parameter in wholes]
        used = torch.tensor([float(p.grad is not None) for p, _ in shares])
        gradients = [
            (torch.zeros_like(p) if p.grad is None else p.grad * share).flatten()
            for p, share in shares
        ]
        joined = torch.cat([*gradients, used.to(gradients[0])])
        dist.all_reduce(joined)
        sizes = [parameter.numel() for parameter, _ in shares]
        *whole, used = joined.split([*sizes, len(shares)])
        for (parameter, _), gradient, n_used in zip(shares, whole, used.tolist(), strict=True):
            if n_used:  # without a gradient anywhere, an optimizer leaves a parameter alone
                parameter.grad = gradient.view_as(parameter).clone()

    def of_first(self, number: float, device: torch.device) -> float:
        """The first one's number, to every process: what they decide by must be the same."""
        if self.count == 1:
            return number
        found = torch.tensor([number], dtype=torch.float64, device=device)
        dist.broadcast(found, 0)
        return float(found[0])

    def share_weights(self, modules: Iterable[nn.Module]) -> None:
        """Give every process the weights of the first."""
        if self.count > 1:
            for module in modules:
                for tensor in module.state_dict().values():
                    dist.broadcast(tensor, 0)

    def require_same(self, settings: dict, device: torch.device) -> None:
        """Check that all processes train with the same settings on the same data.

        Raises
        ------
        SourceDataError
        """
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).digest()
        number = float(int.from_bytes(digest[:6], "little"))
        if self.of_first(number, device) != number:
            raise SourceDataError(
                f"Process {self.rank} has other settings, or reads other structures or labels, "
                f"than process 0; give all machines the same command and the same files."
            )


#: A process of its own.
ALONE = Processes()
