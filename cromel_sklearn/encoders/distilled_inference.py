"""How a distilled encoder computes: NumPy on a CPU, PyTorch on a GPU, one row like another."""

import numpy as np

from ..data.composition import CompositionBatch
from ..data.elements import MAX_ATOMIC_NUMBER
from ..exceptions import CheckpointError
from ..nn.distilled_network import (
    DistilledEncoderConfig,
    outputs,
    real_weights,
    rounded_weights,
)
from ..nn.filled_blocks import filled_up
from ..storage.tensors import require_tensors, without_prefix
from .calculated_values import CalculatedValues
from .description import EncoderDescription
from .encoded_batch import EncodedBatch

#: Rows of every block on a CPU.
_BLOCK = 384


class DistilledInference:
    """Inference of a distilled encoder: NumPy on a CPU, PyTorch on a GPU.

    Parameters
    ----------
    description : EncoderDescription
    tensors : dict of str to ndarray
        ``network.*``, ``property_means``, ``property_scales``, ``calculated_values.*``.

    Raises
    ------
    CheckpointError
        If tensors and description do not belong together.
    """

    #: Of the names of tensors: weights of the network, and statistics of the properties.
    NETWORK, STATISTICS = "network.", "property_"

    def __init__(self, description: EncoderDescription, tensors: dict[str, np.ndarray]):
        self.description = description
        try:
            self.config = DistilledEncoderConfig(**description.network)
        except TypeError as error:
            raise CheckpointError(f"The header's network is not known: {error}.") from error
        self._require_sizes()
        shapes = ((name, shape, "f") for name, shape in self.config.shapes().items())
        require_tensors(tensors, shapes, prefix=self.NETWORK)
        statistics = ((name, (self.config.n_properties,), "f") for name in ("means", "scales"))
        require_tensors(tensors, statistics, prefix=self.STATISTICS)
        network = without_prefix(tensors, self.NETWORK)
        # Columns one after the other: what a product with the transposed reads in its order.
        self.weights = rounded_weights(
            np, {key: np.asfortranarray(array, np.float32) for key, array in network.items()}
        )
        self.means, self.scales = (
            tensors[f"{self.STATISTICS}{name}"].astype(np.float32) for name in ("means", "scales")
        )
        if not all(np.isfinite(array).all() for array in (*self.weights.values(), self.scales)):
            raise CheckpointError("The weights of the network are not finite.")
        self.known_values = self._read_known_values(tensors)
        names = list(description.properties)
        self._remembered = [names.index(name) for name in description.remembered]
        self._spread_of = [names.index(name) for name in description.spread_of]
        self._on_devices: dict = {}

    def _require_sizes(self) -> None:
        """Compare the outputs that the header names with the network's sizes."""
        named = {
            "n_properties": self.description.properties,
            "n_spreads": self.description.spread_of,
            "n_remembered": self.description.remembered,
        }
        for size, names in named.items():
            if getattr(self.config, size) != len(names):
                raise CheckpointError(
                    f"The header names {len(names)} of what the network has "
                    f"{getattr(self.config, size)} of ({size})."
                )
        both = {*self.description.spread_of, *self.description.remembered}
        if unknown := both - self.description.properties.keys():
            raise CheckpointError(f"{', '.join(sorted(unknown))} are not among the properties.")

    def _read_known_values(self, tensors) -> CalculatedValues | None:
        if not self.description.remembered:
            return None
        stored = without_prefix(tensors, "calculated_values.")
        try:
            return CalculatedValues.from_tensors(stored).checked(self.config.n_remembered)
        except (KeyError, ValueError) as error:
            raise CheckpointError(f"The calculated values are damaged: {error}.") from error

    def network_inputs(self, batch: CompositionBatch) -> tuple[np.ndarray, np.ndarray]:
        """Inputs of the network: fractions by atomic number, calculated values that are known."""
        return self._inputs(batch, self._look_up(batch))

    def _look_up(self, batch: CompositionBatch) -> np.ndarray:
        if self.known_values is None:
            return np.empty((len(batch), 0), dtype=np.float32)
        return self.known_values.look_up(batch)

    def _inputs(self, batch: CompositionBatch, known) -> tuple[np.ndarray, np.ndarray]:
        fractions = np.zeros((len(batch), MAX_ATOMIC_NUMBER + 1), dtype=np.float32)
        np.put_along_axis(
            fractions, batch.atomic_numbers, batch.atomic_fractions.astype(np.float32), axis=1
        )
        fractions[:, 0] = 0
        standardised = (known - self.means[self._remembered]) / self.scales[self._remembered]
        is_known = np.isfinite(standardised)
        values = np.where(is_known, standardised, 0).clip(-6, 6)
        return fractions, np.concatenate([values, is_known], axis=1, dtype=np.float32)

    def encode(self, batch: CompositionBatch, device, batch_size: int) -> EncodedBatch:
        """Encode compositions, block by block."""
        if str(device) == "cpu":
            return self._encode(batch, _BLOCK, self._numpy_outputs)
        return self._encode(batch, batch_size, self._torch_outputs(device))

    def _encode(self, batch: CompositionBatch, size: int, compute) -> EncodedBatch:
        n = len(batch)
        config = self.config
        embedding = np.empty((n, config.embedding_dim), dtype=np.float32)
        properties = np.empty((n, config.n_properties), dtype=np.float32)
        spread = np.empty((n, config.n_spreads), dtype=np.float32)
        for start in range(0, n, size):
            rows = slice(start, start + size)
            block = batch[rows]
            known = self._look_up(block)
            embedded, standardised, log_spread = compute(*self._inputs(block, known))
            embedding[rows] = embedded
            in_units = standardised * self.scales + self.means
            in_units[:, self._remembered] = np.where(
                np.isfinite(known), known, in_units[:, self._remembered]
            )
            properties[rows] = in_units
            spread[rows] = np.exp(log_spread) * self.scales[self._spread_of]
        return EncodedBatch(embedding, properties, spread)

    def _numpy_outputs(self, *inputs):
        n = len(inputs[0])
        filled = filled_up(_BLOCK, *inputs)
        return tuple(part[:n] for part in outputs(np, self.weights, *filled))

    def new_module(self):
        """Build a network of these weights, which shares nothing with them.

        Returns
        -------
        DistilledEncoder
        """
        import torch

        from ..nn.distilled_encoder import DistilledEncoder

        with torch.random.fork_rng(devices=[]):
            module = DistilledEncoder(self.config)
        weights = real_weights(self.weights)
        module.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in weights.items()})
        return module

    def _torch_outputs(self, device):
        """The same computation on a GPU: a function of two arrays."""
        import torch

        if str(device) not in self._on_devices:
            self._on_devices[str(device)] = {
                key: torch.from_numpy(array).to(device) for key, array in self.weights.items()
            }
        weights = self._on_devices[str(device)]

        def compute(*inputs):
            with torch.inference_mode():
                on_device = (torch.from_numpy(array).to(device) for array in inputs)
                return tuple(part.cpu().numpy() for part in outputs(torch, weights, *on_device))

        return compute
