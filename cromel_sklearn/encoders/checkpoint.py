"""Weights with their provenance: one safetensors file that inference needs and nothing else."""

import hashlib
import threading
from html import escape

import numpy as np

from ..data.composition import CompositionBatch
from ..device import use_one_thread_after_fork
from ..exceptions import CheckpointError
from .weights_file import (
    read_weights,
    weights_bytes,
    with_prefix,
    without_prefix,
    write_weights,
)

FORMAT_VERSION = 1
_HEADER_KEY = "cromel"
_MODULES = ("composition_encoder", "property_heads")
_REQUIRED = (
    "composition_encoder", "head_activation", "properties", "known_elements", "element_table",
    "errors", "provenance",
)  # fmt: skip


class Checkpoint:
    """A pretrained composition encoder, or several side by side.

    Parameters
    ----------
    header : dict
        Configuration, properties with units, elements, errors and provenance; of several encoders,
        "members" holds the header of each, and "embedded_properties" tells whether the properties
        in the embedding are those that "each" of them predicts, or (where it is missing) their
        mean.
    tensors : dict of str to ndarray
        Weights of the composition encoder (with its element table) and of the property heads; of
        several encoders, behind the number of each.

    Attributes
    ----------
    members : tuple of Checkpoint
        The encoders that stand side by side; itself alone where it is one.
    release : (str, str) or None
        Id `name@version` and checksum of an encoder that ships with the package.

    Examples
    --------
    >>> from cromel_sklearn import load_encoder
    >>> load_encoder("mp-multi").properties["formation_energy_per_atom"]
    'eV/atom'
    """

    def __init__(self, header: dict, tensors: dict[str, np.ndarray]):
        missing = [key for key in _REQUIRED if key not in header]
        if missing:
            raise CheckpointError(f"The checkpoint's header lacks {', '.join(missing)}.")
        self.header = header
        self.tensors = tensors
        self.release: tuple[str, str] | None = None
        self.members: tuple[Checkpoint, ...] = tuple(
            Checkpoint(member, without_prefix(tensors, f"{number}."))
            for number, member in enumerate(header.get("members", ()))
        ) or (self,)
        self._modules: dict = {}
        self._lock = threading.Lock()

    @classmethod
    def from_modules(cls, header: dict, composition_encoder, property_heads) -> "Checkpoint":
        """Take the weights of trained modules.

        Parameters
        ----------
        header : dict
            As for `Checkpoint`.
        composition_encoder : CompositionEncoder
        property_heads : PropertyHeads

        Returns
        -------
        Checkpoint
        """
        modules = zip(_MODULES, (composition_encoder, property_heads), strict=True)
        tensors = {
            f"{prefix}.{key}": tensor.detach().cpu().numpy().copy()
            for prefix, module in modules
            for key, tensor in module.state_dict().items()
        }
        return cls(header, tensors)

    @classmethod
    def combined(cls, checkpoints) -> "Checkpoint":
        """Put encoders side by side: the embedding of each with the properties that it predicts.

        Parameters
        ----------
        checkpoints : iterable of Checkpoint
            Each may itself be several. Where they predict different properties, the predictions of
            each property are the mean over those that do.

        Returns
        -------
        Checkpoint
            Knows the elements that all of them know; a single encoder is returned as it is.

        Raises
        ------
        CheckpointError
            If there is none, or they predict a property in different units.
        """
        checkpoints = list(checkpoints)
        if not checkpoints:
            raise CheckpointError("Expected at least one checkpoint to combine, got none.")
        if len(checkpoints) == 1:
            return checkpoints[0]
        members = [member for checkpoint in checkpoints for member in checkpoint.members]
        properties: dict[str, str] = {}
        for member in members:
            for name, unit in member.properties.items():
                if properties.setdefault(name, unit) != unit:
                    raise CheckpointError(
                        f"Encoders can stand side by side when they predict in the same units; got "
                        f"{name} in {properties[name]!r} and {unit!r}."
                    )
        known = frozenset.intersection(*(member.known_elements for member in members))
        header = {
            **members[0].header,
            "properties": properties,
            "known_elements": sorted(known),
            "errors": {},
            "embedded_properties": "each",
            "members": [member.header for member in members],
        }
        tensors: dict[str, np.ndarray] = {}
        for number, member in enumerate(members):
            tensors |= with_prefix(member.tensors, f"{number}.")
        return cls(header, tensors)

    @property
    def embedding_dim(self) -> int:
        """Width of the embedding, the standardised predicted properties in it included."""
        width = sum(m.header["composition_encoder"]["embedding_dim"] for m in self.members)
        predicting = self.members if self._embeds_each else [self]
        return width + sum(len(encoder.properties) for encoder in predicting)

    @property
    def _embeds_each(self) -> bool:
        return self.header.get("embedded_properties") == "each"

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
        content = weights_bytes(_HEADER_KEY, self._versioned_header(), self.tensors)
        return hashlib.sha256(content).hexdigest()

    @property
    def test_errors(self) -> dict[str, str]:
        """Mean absolute errors on held-out compositions, with their units."""
        errors = self.header["errors"].get("test", {}).get("composition", {})
        return {
            name: f"{error:.3g} {self.properties[name]}".strip() for name, error in errors.items()
        }

    def __reduce__(self):
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
        n_structures = self.header["provenance"].get("n_train_structures")
        rows = {
            "width of the embedding": self.embedding_dim,
            "training structures": "unknown" if n_structures is None else f"{n_structures:,}",
            "elements": len(self.known_elements),
            **{f"test error of {name}": error for name, error in self.test_errors.items()},
        }
        title = self.release[0] if self.release else "Checkpoint"
        cells = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>"
            for name, value in rows.items()
        )
        return f"<table><caption>{escape(title)}</caption>{cells}</table>"

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
        provenance = {**self.header["provenance"], **entries}
        return Checkpoint({**self.header, "provenance": provenance}, self.tensors)

    def in_half_precision(self) -> "Checkpoint":
        """Return the checkpoint with its weight matrices rounded to half precision.

        Half the size; embeddings change by about a thousandth of their spread.

        Returns
        -------
        Checkpoint
        """
        tensors = {
            key: tensor.astype(np.float16) if _is_weight_matrix(key, tensor) else tensor
            for key, tensor in self.tensors.items()
        }
        return Checkpoint(self.header, tensors)

    def save(self, path) -> None:
        """Write a safetensors file in one step.

        Parameters
        ----------
        path : path-like
        """
        write_weights(path, _HEADER_KEY, self._versioned_header(), self.tensors)

    @classmethod
    def load(cls, path, *, checksum: str | None = None) -> "Checkpoint":
        """Read a checkpoint.

        Parameters
        ----------
        path : path-like
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
        header, tensors = read_weights(path, _HEADER_KEY, FORMAT_VERSION, checksum=checksum)
        checkpoint = cls(header, tensors)
        for member in checkpoint.members:
            member._modules_on("cpu")  # strict: every tensor is there, fits and is finite
        return checkpoint

    def _versioned_header(self) -> dict:
        return {"format_version": FORMAT_VERSION, **self.header}

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
            read more easily than the directions they are spread over; of several encoders side by
            side, those of each.
        properties : ndarray of shape (n_samples, n_properties), float32
            In the units of `properties`; of several encoders, the mean.
        """
        import torch

        use_one_thread_after_fork()
        modules = [member._modules_on(device) for member in self.members]
        names = list(self.properties)
        places = [[names.index(name) for name in member.properties] for member in self.members]
        n_predicting = torch.tensor([sum(i in p for p in places) for i in range(len(names))])
        embedding = np.empty((len(batch), self.embedding_dim), dtype=np.float32)
        properties = np.empty((len(batch), len(self.properties)), dtype=np.float32)
        with torch.inference_mode():
            for start in range(0, len(batch), batch_size):
                rows = slice(start, start + batch_size)
                numbers = torch.from_numpy(batch.atomic_numbers[rows]).to(device)
                fractions = torch.from_numpy(batch.atomic_fractions[rows]).to(device)
                embedded = [encoder(numbers, fractions).embedding for encoder, _ in modules]
                all_heads = [heads for _, heads in modules]
                each = [heads(e) for heads, e in zip(all_heads, embedded, strict=True)]
                predicted = torch.zeros(len(numbers), len(self.properties)).to(each[0])
                for heads, values, columns in zip(all_heads, each, places, strict=True):
                    predicted[:, columns] += heads.to_units(values)
                predicted /= n_predicting.to(device)
                beside = each if self._embeds_each else [all_heads[0].standardised(predicted)]
                embedding[rows] = torch.cat([*embedded, *beside], dim=1).cpu().numpy()
                properties[rows] = predicted.cpu().numpy()
        return embedding, properties

    def copied_modules(self) -> list:
        """Build new (composition encoder, property heads) of each member, in single precision.

        Returns
        -------
        list of (CompositionEncoder, PropertyHeads)
            They share nothing with the checkpoint: training them leaves it as it is.
        """
        return [tuple(module.float() for module in member._build("cpu")) for member in self.members]

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
                key: torch.from_numpy(array.copy())
                for key, array in without_prefix(self.tensors, f"{prefix}.").items()
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

        from ..nn.composition_encoder import (
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
            modules = []
            for number, member in enumerate(self.members):
                torch.random.manual_seed(seed + number)
                modules.append(member._new_modules())
        tensors = Checkpoint.combined(
            Checkpoint.from_modules(member.header, *pair)
            for member, pair in zip(self.members, modules, strict=True)
        ).tensors
        return Checkpoint(self.header, tensors)


def _is_weight_matrix(key: str, tensor: np.ndarray) -> bool:
    return tensor.ndim == 2 and not key.endswith("element_features")
