"""What is stored of an encoder beside its weights, and how it is checked when read."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from numbers import Integral
from typing import Any

from ..data.elements import MAX_ATOMIC_NUMBER
from ..exceptions import CheckpointError

#: How an encoder came to be: distilled from others, or trained beside a structure encoder.
KINDS = ("distilled", "pretrained")
#: Largest size that a network may have in any direction.
_LARGEST = 2**16
_MOST_LAYERS = 64


@dataclass(frozen=True)
class EncoderDescription:
    """Configuration, outputs, errors and provenance of an encoder.

    Attributes
    ----------
    kind : {"distilled", "pretrained"}
    network : dict
        Sizes, as `DistilledEncoderConfig` or `CompositionEncoderConfig` names them.
    properties : dict of str to str
        Calculated properties that are predicted, with their units.
    known_elements : tuple of int
        Atomic numbers it was trained on.
    spread_of : tuple of str
        Properties of which the disagreement of the teachers is predicted, in their units.
    remembered : tuple of str
        Properties of which calculated values are looked up.
    head_activation : bool
        Whether the property heads of a pretrained encoder read the embedding through SiLU.
    element_table : dict
        Names, source and checksum of the element features, where the network reads any.
    errors : dict
        Mean absolute errors in the properties' units, as split -> input -> property -> error.
    provenance : dict
        Data, settings, seed, time, device, versions.
    """

    kind: str
    network: dict[str, Any]
    properties: dict[str, str]
    known_elements: tuple[int, ...]
    spread_of: tuple[str, ...] = ()
    remembered: tuple[str, ...] = ()
    head_activation: bool = True
    element_table: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        for name in ("known_elements", "spread_of", "remembered"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    def as_dict(self) -> dict[str, Any]:
        """Return what is written to the file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, header) -> "EncoderDescription":
        """Check what a file says of its encoder.

        Raises
        ------
        CheckpointError
            If an entry is missing, unknown or of the wrong form.
        """
        names = {entry.name for entry in fields(cls)}
        if not isinstance(header, Mapping):
            raise CheckpointError(f"The header is a {type(header).__name__}, expected an object.")
        required = ("kind", "network", "properties", "known_elements")
        missing = [name for name in required if name not in header]
        unknown = sorted(set(map(str, header)) - names)
        if missing or unknown:
            lacks = f"lacks {', '.join(missing)}" if missing else ""
            has = f"has the unknown {', '.join(unknown)[:80]}" if unknown else ""
            raise CheckpointError(f"The header {' and '.join(filter(None, (lacks, has)))}.")
        for name, check in _FORMS.items():
            if name in header and not check(header[name]):
                raise CheckpointError(f"The header's {name} is not what it should be.")
        return cls(**header)


def _is_texts(value) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)


def _is_elements(value) -> bool:
    return isinstance(value, list | tuple) and all(
        isinstance(z, Integral) and not isinstance(z, bool) and 1 <= int(z) <= MAX_ATOMIC_NUMBER
        for z in value
    )


def _is_units(value) -> bool:
    return isinstance(value, Mapping) and _is_texts([*value.keys(), *value.values()])


def _is_network(value) -> bool:
    """Whether every size is one that a network can have."""
    if not isinstance(value, Mapping):
        return False
    sizes = {name: size for name, size in value.items() if not isinstance(size, str)}
    return all(
        isinstance(size, Integral)
        and not isinstance(size, bool)
        and (0 if name.startswith("n_") and name != "n_heads" else 1) <= int(size) <= _LARGEST
        for name, size in sizes.items()
    ) and (value.get("n_layers", 0) <= _MOST_LAYERS)


def _is_object(value) -> bool:
    return isinstance(value, Mapping)


_FORMS = {
    "kind": lambda value: value in KINDS,
    "network": _is_network,
    "properties": _is_units,
    "known_elements": _is_elements,
    "spread_of": _is_texts,
    "remembered": _is_texts,
    "head_activation": lambda value: isinstance(value, bool),
    "element_table": _is_object,
    "errors": _is_object,
    "provenance": _is_object,
}
