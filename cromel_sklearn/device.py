"""Devices: the one that a parameter names, and how torch computes there."""

import os
import sys
import threading
from contextlib import contextmanager
from functools import lru_cache

from .exceptions import DeviceError

_imported_by = os.getpid()
# One of them is there where Linux has a driver of a GPU: NVIDIA's (of servers, in containers, of
# small boards), AMD's, and that of Windows beneath Linux.
_DRIVERS = (
    "/proc/driver/nvidia", "/dev/nvidiactl", "/dev/nvmap", "/dev/kfd", "/dev/dxg",
)  # fmt: skip


def find_device(device="auto"):
    """Return the torch device that `device` names.

    Parameters
    ----------
    device : str or torch.device, default="auto"
        "auto" is a CUDA GPU where there is one, the CPU elsewhere.

    Returns
    -------
    torch.device

    Raises
    ------
    DeviceError
        If the device is unknown or not on this machine.

    Examples
    --------
    >>> from cromel_sklearn.device import find_device
    >>> find_device("cpu")
    device(type='cpu')
    """
    import torch

    use_one_thread_after_fork()
    if isinstance(device, str) and device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise DeviceError(
            f"Unknown device {device!r}; expected 'auto', 'cpu', 'cuda' or 'cuda:<index>'."
        ) from error
    if found.type == "cpu":
        return found
    if found.type != "cuda":
        raise DeviceError(f"Device {device!r} is not supported; pass 'auto', 'cpu' or 'cuda'.")
    n_devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if (found.index or 0) >= n_devices:
        raise DeviceError(
            f"Device {device!r} is not on this machine ({n_devices} CUDA devices found); "
            f"pass device='cpu' or device='auto'."
        )
    return found


def inference_device(device="auto"):
    """Return what `find_device` does, but "cpu" without PyTorch where it could only be that.

    To import PyTorch takes seconds and 200 MB, and a CPU computes without it.

    Parameters
    ----------
    device : str or torch.device, default="auto"

    Returns
    -------
    torch.device or "cpu"

    Raises
    ------
    DeviceError
        As from `find_device`.
    """
    is_auto = isinstance(device, str) and device == "auto" and "torch" not in sys.modules
    if device == "cpu" or (is_auto and not _may_have_gpu()):
        return "cpu"
    return find_device(device)


def _may_have_gpu() -> bool:
    """Tell whether to ask PyTorch: a Mac has none that it could use, Linux shows its drivers."""
    if sys.platform.startswith("linux"):
        return any(map(os.path.exists, _DRIVERS))
    return sys.platform != "darwin"


def use_one_thread_after_fork() -> None:
    """Let torch compute in one thread where this process is a fork of the one that imported this.

    OpenMP's threads do not survive a fork: a child that asks for them again waits forever. One
    thread needs none of them, and is what a pool of workers should use anyway.
    """
    global _imported_by
    if os.getpid() == _imported_by:
        return
    import torch

    torch.set_num_threads(1)
    _imported_by = os.getpid()


class _SharedSetting:
    """A setting of the process that several threads change at once: the last one restores it."""

    def __init__(self, read, write, value):
        self._read, self._write, self._value = read, write, value
        self._n_inside = 0
        self._before = None
        self._renew_lock()
        os.register_at_fork(after_in_child=self._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

    @contextmanager
    def changed(self):
        """Hold the setting at its value."""
        with self._lock:
            if self._n_inside == 0:
                self._before = self._read()
            self._n_inside += 1
            self._write(self._value)
        try:
            yield
        finally:
            with self._lock:
                self._n_inside -= 1
                if self._n_inside == 0:
                    self._write(self._before)


@lru_cache(maxsize=1)
def _settings() -> tuple[_SharedSetting, _SharedSetting]:
    """Precision of torch's matrix products, and its threads."""
    import torch

    return (
        _SharedSetting(
            torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "medium"
        ),
        _SharedSetting(torch.get_num_threads, torch.set_num_threads, 1),
    )


def fast_matrix_products():
    """Let torch round the factors of float32 matrix products, sums and weights staying float32.

    To bfloat16 on CPUs that multiply it (half the time of pretraining there), to TensorFloat-32 on
    GPUs; elsewhere nothing changes. Training only.

    Returns
    -------
    context manager
    """
    return _settings()[0].changed()


def one_thread():
    """Let torch use one thread.

    Small networks gain nothing from more, and sums come out the same on every machine.

    Returns
    -------
    context manager
    """
    return _settings()[1].changed()
