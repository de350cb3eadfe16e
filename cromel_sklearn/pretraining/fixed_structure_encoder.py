"""Structure encoder of an earlier run, used as it is: others are paired with its embeddings."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..encoders.registry import load_encoder
from ..exceptions import CheckpointError
from ..nn.structure_encoder import embed_structures
from .data import PretrainingData
from .modules import Modules
from .processes import Processes
from .run_state import RUN_STATE, RunState, Weights


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

    def embedded(
        self, data: PretrainingData, modules: Modules, processes: Processes
    ) -> PretrainingData:
        """Load the weights into the modules of a run, hold them fixed, and embed every structure.

        Parameters
        ----------
        data : PretrainingData
            With the same structures; the earlier run may predict more properties.
        modules : Modules
        processes : Processes
            Each embeds its part.

        Returns
        -------
        PretrainingData
            With `structure_embeddings`.

        Raises
        ------
        CheckpointError
            If the modules are of another architecture, or a property is missing.
        """
        encoder, heads = modules.structure_encoder, modules.structure_heads
        missing = [name for name in data.properties if name not in self.properties]
        if missing:
            raise CheckpointError(
                f"The structure encoder in {self.folder} does not predict {', '.join(missing)}; it "
                f"predicts {', '.join(self.properties)}."
            )
        rows = [self.properties.index(name) for name in data.properties]
        try:
            encoder.load_state_dict(self.encoder)
            heads.load_state_dict({key: tensor[rows] for key, tensor in self.heads.items()})
        except RuntimeError as error:
            raise CheckpointError(
                f"The structure encoder in {self.folder} does not fit this run: {error}"
            ) from error
        encoder.requires_grad_(False)
        heads.requires_grad_(False)
        here = np.arange(data.n_structures)[processes.part(data.n_structures)]
        part = embed_structures(encoder, data.graphs, here)
        embeddings = processes.whole(part, data.n_structures)
        return data.with_structure_embeddings(embeddings.cpu().numpy())
