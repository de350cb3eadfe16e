"""State of a run on disk: what a stopped pretraining or distillation goes on from."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..exceptions import CheckpointError
from ..storage.artifact import read_artifact, write_artifact
from ..storage.damage import damage_named, one_line

#: File of a run's folder that holds its state.
RUN_STATE = "run_state.safetensors"
_KIND = "cromel_run_state"
_FORMAT_VERSION = 3

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class RunState:
    """Everything that a run needs to go on after an epoch.

    Attributes
    ----------
    settings : dict
        Parameters, seed and checksum of the data: what must agree between a run and the one that
        goes on with it.
    modules : dict of str to dict of str to Tensor
        Weights of each module, by its name in the net.
    optimizers : dict of str to dict
        State of each optimizer, by its name in the net.
    best_weights : dict of str to dict of str to Tensor
        Weights that are kept in the end, of the best epoch or of the last one; empty where they
        are those of `modules`.
    history : list of dict
        One entry an epoch.
    """

    settings: dict
    modules: dict[str, Weights]
    optimizers: dict[str, dict]
    best_weights: dict[str, Weights]
    history: list[dict]

    def save(self, path) -> None:
        """Write the state in one step, with a digest of its content.

        Parameters
        ----------
        path : path-like
        """
        groups, moments = {}, {}
        for name, optimizer in self.optimizers.items():
            groups[name] = optimizer["param_groups"]
            moments[name] = {
                f"{parameter}.{key}": value
                for parameter, entries in optimizer["state"].items()
                for key, value in entries.items()
            }
        parts = {
            "modules": self.modules, "best_weights": self.best_weights, "optimizers": moments,
        }  # fmt: skip
        tensors = {
            f"{part}.{name}.{key}": value.cpu().numpy()
            for part, named in parts.items()
            for name, values in named.items()
            for key, value in values.items()
        }
        header = {"settings": self.settings, "history": self.history, "optimizers": groups}
        write_artifact(path, _KIND, _FORMAT_VERSION, header, tensors)

    @classmethod
    def load(cls, path, device="cpu", *, measured: str = "validation_score") -> "RunState":
        """Read a state; nothing in the file is run.

        Parameters
        ----------
        path : path-like
        device : str or torch.device, default="cpu"
            Where the tensors go.
        measured : str, default="validation_score"
            Number that every epoch of the history must have.

        Returns
        -------
        RunState

        Raises
        ------
        CheckpointError
            If the file is missing, damaged or of another format.
        """
        if not Path(path).exists():
            raise CheckpointError(f"No run at {path}; expected a {RUN_STATE}.")
        header, tensors = read_artifact(path, _KIND, _FORMAT_VERSION)
        with damage_named(path):
            parts = _by_part(tensors, device)
            optimizers = {
                name: {"param_groups": groups, "state": _moments(parts["optimizers"].get(name, {}))}
                for name, groups in header.pop("optimizers").items()
            }
            state = cls(
                modules=parts["modules"], best_weights=parts["best_weights"],
                optimizers=optimizers, **header,
            )  # fmt: skip
            state._require_forms(measured)
        return state

    def _require_forms(self, measured: str) -> None:
        """Check what a file holds before a run goes on with it."""
        if not isinstance(self.settings, dict) or not isinstance(self.history, list):
            raise ValueError("its settings or its history are none")
        for number, epoch in enumerate(self.history):
            if not isinstance(epoch, dict) or not isinstance(epoch[measured], float):
                raise ValueError(f"epoch {number + 1} of its history is none")
        if self.best_weights and self.modules.keys() != self.best_weights.keys():
            raise ValueError("its best weights are those of other modules")

    def require_settings(self, settings: dict, path) -> None:
        """Check that a run with these settings may go on from here.

        Raises
        ------
        CheckpointError
            Names the first setting that differs.
        """
        for name in sorted(settings.keys() | self.settings.keys()):
            written, given = self.settings.get(name), settings.get(name)
            if json.dumps(written) != json.dumps(given):
                raise CheckpointError(
                    f"{path} was written with {name}={one_line(repr(written))}, this run has "
                    f"{one_line(repr(given))}. Resume with the same settings and data, or start in "
                    f"another folder."
                )


def _by_part(tensors: dict[str, np.ndarray], device) -> dict[str, dict[str, Weights]]:
    """Sort tensors by the first two parts of their names."""
    parts: dict[str, dict[str, Weights]] = {"modules": {}, "best_weights": {}, "optimizers": {}}
    for name, array in tensors.items():
        part, owner, key = name.split(".", 2)
        parts[part].setdefault(owner, {})[key] = torch.from_numpy(array).to(device)
    return parts


def _moments(tensors: Weights) -> dict[int, Weights]:
    """State of each parameter of an optimizer, by its number."""
    moments: dict[int, Weights] = {}
    for name, tensor in tensors.items():
        parameter, key = name.split(".", 1)
        moments.setdefault(int(parameter), {})[key] = tensor
    return moments
