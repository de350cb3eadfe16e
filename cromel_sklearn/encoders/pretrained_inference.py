"""How an encoder that was trained beside a structure encoder computes, in double precision."""

import numpy as np

from ..data.composition import CompositionBatch
from ..device import use_one_thread_after_fork
from ..exceptions import CheckpointError
from ..storage.tensors import require_tensors
from .description import EncoderDescription
from .encoded_batch import EncodedBatch


class PretrainedInference:
    """Inference of an encoder that was trained beside a structure encoder; double precision.

    Parameters
    ----------
    description : EncoderDescription
    tensors : dict of str to ndarray
        ``composition_encoder.*`` and ``property_heads.*``.

    Raises
    ------
    CheckpointError
        If tensors and description do not belong together.
    """

    #: Of the names of tensors: weights of the network, and statistics of the properties.
    NETWORK, STATISTICS = "", "property_heads."

    def __init__(self, description: EncoderDescription, tensors: dict[str, np.ndarray]):
        self.description = description
        self.tensors = tensors
        self._require_layers()
        self.module = self.new_module().double().eval()
        self._on_devices = {"cpu": self.module}

    def _require_layers(self) -> None:
        """Compare the number of layers with the tensors, before any is built."""
        n_named = self.description.network.get("n_layers", 0)
        if n_named > len(self.tensors):
            raise CheckpointError(
                f"The header names {n_named} layers, the file has {len(self.tensors)} tensors."
            )

    def network_inputs(self, batch: CompositionBatch) -> tuple[np.ndarray, np.ndarray]:
        """Inputs of the network: atomic numbers and fractions of the elements of each row."""
        return batch.atomic_numbers, batch.atomic_fractions

    def encode(self, batch: CompositionBatch, device, batch_size: int) -> EncodedBatch:
        """Encode compositions, batch by batch."""
        import torch

        use_one_thread_after_fork()
        if str(device) not in self._on_devices:
            self._on_devices[str(device)] = self.new_module().double().eval().to(device)
        module = self._on_devices[str(device)]
        names = self.description.properties
        embedding = np.empty((len(batch), module.embedding_dim), dtype=np.float32)
        properties = np.empty((len(batch), len(names)), dtype=np.float32)
        with torch.inference_mode():
            for start in range(0, len(batch), batch_size):
                rows = slice(start, start + batch_size)
                inputs = self.network_inputs(batch[rows])
                found = module(*(torch.from_numpy(array).to(device) for array in inputs))
                embedding[rows] = found.embedding.cpu().numpy()
                properties[rows] = module.property_heads.to_units(found.properties).cpu().numpy()
        return EncodedBatch(embedding, properties, np.empty((len(batch), 0), dtype=np.float32))

    def new_module(self):
        """Build a network of these weights, which shares nothing with them.

        Returns
        -------
        EncoderWithHeads
        """
        import torch

        from ..nn.composition_encoder import (
            CompositionEncoder,
            CompositionEncoderConfig,
            EncoderWithHeads,
            PropertyHeads,
        )

        tensors, description = self.tensors, self.description
        try:
            config = CompositionEncoderConfig(**description.network)
            table = torch.from_numpy(tensors["composition_encoder.element_features"].copy())
            means, scales = (tensors[f"{self.STATISTICS}{key}"] for key in ("means", "scales"))
            with torch.device("meta"):
                encoder = CompositionEncoder(config, table)
                heads = PropertyHeads(
                    config.embedding_dim, means, scales, description.head_activation
                )
            module = EncoderWithHeads(encoder, heads)
        except (TypeError, KeyError, ValueError) as error:
            raise CheckpointError(f"The checkpoint's header is inconsistent: {error}") from error
        state = module.state_dict()
        require_tensors(tensors, ((key, tuple(array.shape), "f") for key, array in state.items()))
        if len(means) != len(description.properties):
            raise CheckpointError("The header names other properties than the weights predict.")
        # Weights are about to be replaced: leave the caller's random state alone.
        with torch.random.fork_rng(devices=[]):
            encoder = CompositionEncoder(config, table)
            heads = PropertyHeads(config.embedding_dim, means, scales, description.head_activation)
        module = EncoderWithHeads(encoder, heads)
        module.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in tensors.items()})
        return module.float()
