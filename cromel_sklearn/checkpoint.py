"""Weights with their provenance: one safetensors file that inference needs and nothing else."""

import hashlib
import json
import threading
from pathlib import Path

import numpy as np

from .composition import CompositionBatch
from .device import use_one_thread_after_fork
from .exceptions import CheckpointError

FORMAT_VERSION = 1
_HEADER_KEY = "cromel"
_MODULES = ("composition_encoder", "property_heads")
_REQUIRED = (
    "composition_encoder", "head_activation", "properties", "known_elements", "element_table",
    "errors", "provenance",
)  # fmt: skip
_PICKLE_STARTS = (b"\x80", b"PK\x03\x04")


class Checkpoint:
    """A pretrained composition encoder.

    Parameters
    ----------
    header : dict
        Configuration, properties with units, elements, errors and provenance.
    tensors : dict of str to ndarray
        Weights of the composition encoder (with its element table) and of the property heads.
    release : (str, str), optional
        Id `name@version` and checksum, of an encoder that ships with the package. Such a checkpoint
        pickles as these two, any other with its weights.

    Examples
    --------
    >>> from cromel_sklearn import load_encoder
    >>> load_encoder("mp-multi").properties["formation_energy_per_atom"]
    'eV/atom'
    """

    def __init__(
        self,
        header: dict,
        tensors: dict[str, np.ndarray],
        release: tuple[str, str] | None = None,
    ):
        missing = [key for key in _REQUIRED if key not in header]
        if missing:
            raise CheckpointError(f"The checkpoint's header lacks {', '.join(missing)}.")
        self.header = header
        self.tensors = tensors
        self.release = release
        self._modules: dict = {}
        self._lock = threading.Lock()

    @classmethod
    def from_modules(cls, header: dict, composition_encoder, property_heads) -> "Checkpoint":
        """Take the weights of trained modules."""
        modules = zip(_MODULES, (composition_encoder, property_heads), strict=True)
        tensors = {
            f"{prefix}.{key}": tensor.detach().cpu().numpy().copy()
            for prefix, module in modules
            for key, tensor in module.state_dict().items()
        }
        return cls(header, tensors)

    @property
    def embedding_dim(self) -> int:
        """Width of the embedding, the standardised predicted properties at its end included."""
        return self.header["composition_encoder"]["embedding_dim"] + len(self.properties)

    @property
    def properties(self) -> dict[str, str]:
        """Calculated properties that the encoder predicts, with their units."""
        return self.header["properties"]

    @property
    def known_elements(self) -> frozenset[int]:
        """Atomic numbers the encoder has been trained on."""
        return frozenset(self.header["known_elements"])

    @property
    def checksum(self) -> str:
        """SHA-256 of header and weights."""
        return hashlib.sha256(self._to_bytes()).hexdigest()

    @property
    def test_errors(self) -> dict[str, str]:
        """Mean absolute errors on held-out compositions, with their units."""
        errors = self.header["errors"].get("test", {}).get("composition", {})
        return {
            name: f"{error:.3g} {self.properties[name]}".strip() for name, error in errors.items()
        }

    def __reduce__(self):
        from .registry import load_release

        if self.release is not None:
            return load_release, self.release
        return Checkpoint, (self.header, self.tensors)

    def __sklearn_clone__(self) -> "Checkpoint":
        return self  # never changes: clones of an estimator share it

    def __repr__(self) -> str:
        name = f"{self.release[0]!r}, " if self.release else ""
        n_structures = self.header["provenance"].get("n_train_structures")
        return (
            f"Checkpoint({name}embedding_dim={self.embedding_dim}, "
            f"n_train_structures={n_structures}, test_errors={self.test_errors})"
        )

    def _repr_html_(self) -> str:
        from .card import html_card

        return html_card(self)

    def with_provenance(self, **entries) -> "Checkpoint":
        """Return the checkpoint with more entries in its provenance."""
        provenance = {**self.header["provenance"], **entries}
        return Checkpoint({**self.header, "provenance": provenance}, self.tensors)

    def save(self, path) -> None:
        """Write a safetensors file in one step.

        Parameters
        ----------
        path : path-like
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".partial")
        temporary.write_bytes(self._to_bytes())
        temporary.replace(path)

    @classmethod
    def load(cls, path, *, checksum: str | None = None, release: str | None = None) -> "Checkpoint":
        """Read a checkpoint.

        Parameters
        ----------
        path : path-like
        checksum : str, optional
            SHA-256 that the file must have.
        release : str, optional
            Id of a shipped encoder, whose file this is.

        Returns
        -------
        Checkpoint

        Raises
        ------
        CheckpointError
            If the file is missing, damaged, a pickle, of another format version, or not the one
            of that checksum.
        """
        path = Path(path)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise CheckpointError(f"Could not read the checkpoint {path}: {error}") from error
        if content.startswith(_PICKLE_STARTS):
            raise CheckpointError(
                f"{path} is a pickle (torch.save), which can run code when read; it is refused. "
                f"Expected a safetensors file written by `cromel pretrain`."
            )
        found = hashlib.sha256(content).hexdigest()
        if checksum is not None and found != checksum:
            raise CheckpointError(
                f"{path} is damaged: its SHA-256 is {found}, expected {checksum}. "
                f"Reinstall the package or fetch the file again."
            )
        checkpoint = cls._from_bytes(content, path)
        checkpoint.release = None if release is None else (release, found)
        return checkpoint

    @classmethod
    def _from_bytes(cls, content: bytes, path: Path) -> "Checkpoint":
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            tensors = load(content)
            length = int.from_bytes(content[:8], "little")
            metadata = json.loads(content[8 : 8 + length]).get("__metadata__", {})
        except (SafetensorError, ValueError) as error:
            raise CheckpointError(
                f"{path} is truncated, damaged or not a safetensors file: {error}"
            ) from error
        if _HEADER_KEY not in metadata:
            raise CheckpointError(f"{path} is a safetensors file, but not of cromel-sklearn.")
        header = json.loads(metadata[_HEADER_KEY])
        version = header.pop("format_version", None)
        if version != FORMAT_VERSION:
            raise CheckpointError(
                f"{path} has format version {version}, this package reads {FORMAT_VERSION}. "
                f"Install a version of cromel-sklearn that matches the file."
            )
        checkpoint = cls(header, tensors)
        checkpoint._modules_on("cpu")  # strict: every tensor is there, fits and is finite
        return checkpoint

    def _to_bytes(self) -> bytes:
        from safetensors.numpy import save

        header = json.dumps({"format_version": FORMAT_VERSION, **self.header})
        return save(self.tensors, metadata={_HEADER_KEY: header})

    def embed(self, batch: CompositionBatch, *, device="cpu", batch_size: int = 4096):
        """Embed compositions and predict their calculated properties.

        Computed in double precision, so that the float32 results do not depend on the batch.

        Parameters
        ----------
        batch : CompositionBatch of n_samples compositions
        device : str or torch.device, default="cpu"
        batch_size : int, default=4096

        Returns
        -------
        embedding : ndarray of shape (n_samples, embedding_dim), float32
            The encoder's embedding and the standardised properties that it predicts, which trees
            read more easily than the directions they are spread over.
        properties : ndarray of shape (n_samples, n_properties), float32
            In the units of `properties`.
        """
        import torch

        use_one_thread_after_fork()
        encoder, heads = self._modules_on(device)
        embedding = np.empty((len(batch), self.embedding_dim), dtype=np.float32)
        properties = np.empty((len(batch), len(self.properties)), dtype=np.float32)
        with torch.inference_mode():
            for start in range(0, len(batch), batch_size):
                rows = slice(start, start + batch_size)
                numbers = torch.from_numpy(batch.atomic_numbers[rows]).to(device)
                fractions = torch.from_numpy(batch.atomic_fractions[rows]).to(device)
                embedded = encoder(numbers, fractions).embedding
                predicted = heads(embedded)
                embedding[rows] = torch.cat([embedded, predicted], dim=1).cpu().numpy()
                properties[rows] = heads.to_units(predicted).cpu().numpy()
        return embedding, properties

    def _modules_on(self, device):
        """Modules on a device, built once and shared by all threads."""
        with self._lock:
            if str(device) not in self._modules:
                self._modules[str(device)] = self._build(device)
            return self._modules[str(device)]

    def _build(self, device):
        import torch

        encoder, heads = self._new_modules()
        for prefix, module in zip(_MODULES, (encoder, heads), strict=True):
            weights = {
                key.removeprefix(f"{prefix}."): torch.from_numpy(array.copy())
                for key, array in self.tensors.items()
                if key.startswith(f"{prefix}.")
            }
            try:
                module.load_state_dict(weights, strict=True)
            except RuntimeError as error:
                raise CheckpointError(f"The weights do not fit the header: {error}") from error
            if not all(torch.isfinite(tensor).all() for tensor in weights.values()):
                raise CheckpointError(f"The weights of the {prefix} are not finite.")
        return tuple(module.double().eval().to(device) for module in (encoder, heads))

    def _new_modules(self):
        import torch

        from .composition_encoder import (
            CompositionEncoder,
            CompositionEncoderConfig,
            PropertyHeads,
        )

        try:
            config = CompositionEncoderConfig(**self.header["composition_encoder"])
            table = torch.from_numpy(self.tensors["composition_encoder.element_features"].copy())
            means, scales = (self.tensors[f"property_heads.{key}"] for key in ("means", "scales"))
            # Weights are about to be replaced: leave the caller's random state alone.
            with torch.random.fork_rng(devices=[]):
                encoder = CompositionEncoder(config, table)
                heads = PropertyHeads(
                    config.embedding_dim, means, scales, self.header["head_activation"]
                )
        except (TypeError, KeyError, ValueError) as error:
            raise CheckpointError(f"The checkpoint's header is inconsistent: {error}") from error
        return encoder, heads

    def untrained(self, random_state=0) -> "Checkpoint":
        """Return the same architecture with random weights, the baseline of every comparison.

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
        with torch.random.fork_rng(devices=[]):
            torch.random.manual_seed(seed)
            encoder, heads = self._new_modules()
        return Checkpoint.from_modules(self.header, encoder, heads)
