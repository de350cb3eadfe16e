"""A trained encoder: what is stored of it, what it computes, how it presents itself."""

import hashlib
from dataclasses import replace

import numpy as np

from ..data.composition import CompositionBatch
from ..exceptions import CheckpointError
from ..storage.artifact import artifact_bytes, read_artifact, write_artifact
from ..storage.damage import damage_named
from .checkpoint_table import checkpoint_html
from .description import EncoderDescription
from .distilled_inference import DistilledInference
from .encoded_batch import EncodedBatch
from .pretrained_inference import PretrainedInference

FORMAT_VERSION = 2
_KIND = "cromel"
_INFERENCE: dict[str, type[DistilledInference] | type[PretrainedInference]] = {
    "distilled": DistilledInference,
    "pretrained": PretrainedInference,
}


class Checkpoint:
    """A trained composition encoder with its provenance.

    Parameters
    ----------
    description : EncoderDescription
    tensors : dict of str to ndarray
        Weights, as the kind of encoder names them.

    Attributes
    ----------
    release : (str, str) or None
        Id `name@version` and checksum of an encoder that ships with the package. Such a checkpoint
        pickles as these two, any other with its weights.

    Examples
    --------
    >>> from cromel_sklearn import load_encoder
    >>> load_encoder("mp-multi").properties["formation_energy_per_atom"]
    'eV/atom'
    """

    def __init__(self, description: EncoderDescription, tensors: dict[str, np.ndarray]):
        self.description = description
        self.tensors = tensors
        self.release: tuple[str, str] | None = None
        self._built: DistilledInference | PretrainedInference | None = None

    @classmethod
    def from_modules(
        cls, description: EncoderDescription, composition_encoder, property_heads
    ) -> "Checkpoint":
        """Take the weights of modules that were trained beside a structure encoder.

        Parameters
        ----------
        description : EncoderDescription
        composition_encoder : CompositionEncoder
        property_heads : PropertyHeads

        Returns
        -------
        Checkpoint
        """
        modules = {"composition_encoder": composition_encoder, "property_heads": property_heads}
        tensors = {
            f"{prefix}.{key}": tensor.detach().cpu().numpy().copy()
            for prefix, module in modules.items()
            for key, tensor in module.state_dict().items()
        }
        return cls(description, tensors)

    @property
    def embedding_dim(self) -> int:
        """Columns of the embedding."""
        return self.description.network["embedding_dim"]

    @property
    def properties(self) -> dict[str, str]:
        """Calculated properties that the encoder predicts, with their units."""
        return self.description.properties

    @property
    def known_elements(self) -> frozenset[int]:
        """Atomic numbers the encoder has been trained on."""
        return frozenset(self.description.known_elements)

    @property
    def provenance(self) -> dict:
        """Data, settings, seed, time, device, versions."""
        return self.description.provenance

    @property
    def checksum(self) -> str:
        """SHA-256 of header and weights."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @property
    def test_errors(self) -> dict[str, str]:
        """Mean absolute errors on held-out compositions, with their units."""
        errors = self.description.errors.get("test", {}).get("composition", {})
        return {
            name: f"{error:.3g} {self.properties[name]}".strip() for name, error in errors.items()
        }

    @property
    def property_statistics(self) -> tuple[np.ndarray, np.ndarray]:
        """Scale and mean that give standardised properties their units back."""
        prefix = _INFERENCE[self.description.kind].STATISTICS
        return self.tensors[f"{prefix}scales"], self.tensors[f"{prefix}means"]

    def encode(
        self, batch: CompositionBatch, *, device="cpu", batch_size: int = 4096
    ) -> EncodedBatch:
        """Embed compositions and predict their calculated properties.

        A row comes out the same, bit for bit, whatever stands beside it.

        Parameters
        ----------
        batch : CompositionBatch of n_samples compositions
        device : str or torch.device, default="cpu"
        batch_size : int, default=4096
            Compositions at once on a GPU, and of a pretrained encoder.

        Returns
        -------
        EncodedBatch
        """
        return self._inference.encode(batch, device, batch_size)

    def network_inputs(self, batch: CompositionBatch) -> tuple[np.ndarray, ...]:
        """Give the inputs of the network, as its `forward` takes them.

        Parameters
        ----------
        batch : CompositionBatch of n_samples compositions

        Returns
        -------
        tuple of ndarray of n_samples rows
        """
        return self._inference.network_inputs(batch)

    def new_network(self):
        """Build a network of these weights that shares nothing with the checkpoint.

        Returns
        -------
        torch.nn.Module
            Called with tensors of `network_inputs`; what it returns has an `embedding` and
            standardised `properties`. Training it leaves the checkpoint as it is.
        """
        return self._inference.new_module()

    def with_network(self, network, **provenance) -> "Checkpoint":
        """Return a checkpoint with the weights of a network that was built by `new_network`.

        Parameters
        ----------
        network : torch.nn.Module
        **provenance
            Further entries of the provenance.

        Returns
        -------
        Checkpoint
        """
        prefix = _INFERENCE[self.description.kind].NETWORK
        trained = {
            f"{prefix}{key}": tensor.detach().cpu().numpy().copy()
            for key, tensor in network.state_dict().items()
        }
        return Checkpoint(self.description, {**self.tensors, **trained}).with_provenance(
            **provenance
        )

    def with_provenance(self, **entries) -> "Checkpoint":
        """Return the checkpoint with more entries in its provenance.

        Parameters
        ----------
        **entries
            Texts and numbers.

        Returns
        -------
        Checkpoint
        """
        provenance = {**self.provenance, **entries}
        return Checkpoint(replace(self.description, provenance=provenance), self.tensors)

    def untrained(self, random_state=0) -> "Checkpoint":
        """Return the same architecture with random weights, the baseline of every comparison.

        Nothing is remembered by it.

        Parameters
        ----------
        random_state : int, RandomState or None, default=0

        Returns
        -------
        Checkpoint
        """
        import torch
        from sklearn.utils import check_random_state

        seed = int(check_random_state(random_state).randint(2**31))
        network = self.new_network()
        with torch.random.fork_rng(devices=[]):
            torch.random.manual_seed(seed)
            for module in network.modules():
                if module is not network and hasattr(module, "reset_parameters"):
                    module.reset_parameters()
            if hasattr(network, "reset_element_vectors"):
                network.reset_element_vectors()
        return self.with_network(network).without_calculated_values()

    def without_calculated_values(self) -> "Checkpoint":
        """Return the encoder without the calculated values that it remembers.

        Every property is then predicted by the network.

        Returns
        -------
        Checkpoint
        """
        emptied = {
            key: array[:0] if key != "calculated_values.present" else array[:, :0]
            for key, array in self.tensors.items()
            if key.startswith("calculated_values.")
        }
        return Checkpoint(self.description, {**self.tensors, **emptied})

    def save(self, path) -> None:
        """Write a safetensors file in one step.

        Parameters
        ----------
        path : path-like
        """
        header = self.description.as_dict()
        write_artifact(path, _KIND, FORMAT_VERSION, header, self.tensors)

    def to_bytes(self) -> bytes:
        """Give the content of the file that `save` writes.

        Returns
        -------
        bytes
        """
        header = self.description.as_dict()
        return artifact_bytes(_KIND, FORMAT_VERSION, header, self.tensors)

    @classmethod
    def load(cls, path, *, checksum: str | None = None) -> "Checkpoint":
        """Read a checkpoint, and encode one composition with it.

        Parameters
        ----------
        path : path-like or bytes
            File, or its content.
        checksum : str, optional
            SHA-256 that the file must have.

        Returns
        -------
        Checkpoint

        Raises
        ------
        CheckpointError
            If the file is missing, damaged, a pickle, of another format version, or not the one
            of that checksum.
        """
        header, tensors = read_artifact(path, _KIND, FORMAT_VERSION, checksum=checksum)
        with damage_named("The embedded encoder" if isinstance(path, bytes) else path):
            checkpoint = cls(EncoderDescription.from_dict(header), tensors)
            checkpoint._require_usable()
        return checkpoint

    def _require_usable(self) -> None:
        """Use everything once: what does not fit together is told here, not in `transform`."""
        batch = CompositionBatch.from_amounts([((min(self.known_elements),), (1.0,))])
        with np.errstate(all="ignore"):
            encoded = self.encode(batch)
        for values, width in (
            (encoded.embedding, self.embedding_dim),
            (encoded.properties, len(self.properties)),
        ):
            if values.shape != (1, width) or not np.isfinite(values).all():
                raise CheckpointError("The weights do not give numbers of the widths they name.")
        self._repr_html_()

    @property
    def _inference(self):
        """Built at first use; without a lock, since two threads would build the same."""
        if self._built is None:
            self._built = _INFERENCE[self.description.kind](self.description, self.tensors)
        return self._built

    def __reduce__(self):
        return Checkpoint, (self.description, self.tensors)

    def __sklearn_clone__(self) -> "Checkpoint":
        return self  # never changes: clones of an estimator share it

    def __repr__(self) -> str:
        name = f"{self.release[0]!r}, " if self.release else ""
        return (
            f"Checkpoint({name}kind={self.description.kind!r}, "
            f"embedding_dim={self.embedding_dim}, n_properties={len(self.properties)}, "
            f"n_elements={len(self.known_elements)})"
        )

    def _repr_html_(self) -> str:
        return checkpoint_html(self)
