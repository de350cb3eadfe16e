"""State of a pretraining on disk: what a stopped run goes on from, and a later run starts from."""

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from .._files import write_file
from ..encoders.registry import load_encoder
from ..exceptions import CheckpointError

#: File of a run's folder that holds its state.
RUN_STATE = "run_state.pt"
_KIND = b"cromel run state"
_VERSION = b"2"

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
        Weights that are kept in the end, of the best epoch or of the last one.
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
        content = io.BytesIO()
        stored = {
            **vars(self),
            "settings": json.dumps(self.settings),
            "history": json.dumps(self.history),
        }
        torch.save(stored, content)
        digest = hashlib.sha256(content.getbuffer()).hexdigest().encode()
        head = b" ".join([_KIND, _VERSION, digest]) + b"\n"
        write_file(path, head + content.getvalue())

    @classmethod
    def load(cls, path, device="cpu") -> "RunState":
        """Read a state; nothing in the file is run.

        Parameters
        ----------
        path : path-like
        device : str or torch.device, default="cpu"
            Where the tensors go.

        Returns
        -------
        RunState

        Raises
        ------
        CheckpointError
            If the file is missing, damaged or of another format.
        """
        try:
            head, _, content = Path(path).read_bytes().partition(b"\n")
        except FileNotFoundError as error:
            raise CheckpointError(f"No run at {path}; expected a {RUN_STATE}.") from error
        kind, _, version = head.rpartition(b" ")[0].rpartition(b" ")
        if kind == _KIND and version != _VERSION:
            raise CheckpointError(
                f"{path} has format {version.decode(errors='replace')}, expected "
                f"{_VERSION.decode()}. Start a new run."
            )
        digest = hashlib.sha256(content).hexdigest().encode()
        if head != b" ".join([_KIND, _VERSION, digest]):
            raise CheckpointError(
                f"{path} is damaged or no state of a run: its content does not have the digest "
                f"that it states. Start a new run."
            )
        try:
            stored = torch.load(io.BytesIO(content), map_location=device, weights_only=True)
            for name in ("settings", "history"):
                stored[name] = json.loads(stored[name])
            return cls(**stored)
        except Exception as error:
            raise CheckpointError(f"{path} is damaged: {error}. Start a new run.") from error

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
                    f"{path} was written with {name}={written!r}, this run has {given!r}. Resume "
                    f"with the same settings and data, or start in another folder."
                )


@dataclass(frozen=True)
class FixedStructureEncoder:
    """Structure encoder and property heads of a finished run, to be used as they are.

    Attributes
    ----------
    folder : Path
        Of the finished run.
    encoder, heads : dict of str to Tensor
        Their weights.
    properties : list of str
        That the heads predict, in their order.
    """

    folder: Path
    encoder: Weights
    heads: Weights
    properties: list[str]

    @classmethod
    def of_run(cls, folder) -> "FixedStructureEncoder":
        """Read them from the folder of a run.

        Raises
        ------
        CheckpointError
            If there is no such run.
        """
        folder = Path(folder)
        weights = RunState.load(folder / RUN_STATE).best_weights
        return cls(
            folder,
            weights["structure_encoder_"],
            weights["structure_heads_"],
            list(load_encoder(folder).properties),
        )

    @property
    def checksum(self) -> str:
        """SHA-256 of the weights of the structure encoder."""
        digest = hashlib.sha256()
        for name in sorted(self.encoder):
            digest.update(self.encoder[name].cpu().numpy().tobytes())
        return digest.hexdigest()

    def load_into(self, encoder: nn.Module, heads: nn.Module, properties) -> None:
        """Load the weights into modules of another run, and hold them fixed.

        Parameters
        ----------
        encoder : StructureEncoder
        heads : PropertyHeads
        properties : sequence of str
            Of that run, in the order of its heads; this one may predict more.

        Raises
        ------
        CheckpointError
            If the modules are of another architecture, or a property is missing.
        """
        missing = [name for name in properties if name not in self.properties]
        if missing:
            raise CheckpointError(
                f"The structure encoder in {self.folder} does not predict {', '.join(missing)}; it "
                f"predicts {', '.join(self.properties)}."
            )
        rows = [self.properties.index(name) for name in properties]
        try:
            encoder.load_state_dict(self.encoder)
            heads.load_state_dict({key: tensor[rows] for key, tensor in self.heads.items()})
        except RuntimeError as error:
            raise CheckpointError(
                f"The structure encoder in {self.folder} does not fit this run: {error}"
            ) from error
        encoder.requires_grad_(False)
        heads.requires_grad_(False)
