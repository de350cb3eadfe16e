"""Domain, scale and errors of a fitted estimator as its file holds them: arrays and header."""

from typing import Any

import numpy as np

from ..data.target_scale import TargetScale
from ..storage.tensors import Tensors, with_prefix, without_prefix
from .applicability import TrainingDomain
from .kernel_models import ColumnScale
from .trees import Forest
from .uncertainty import ErrorModel

_SCALE_ARRAYS = ("mean", "scale", "lowest", "highest")
_ERROR_NUMBERS = (
    "usual", "floor", "ceiling", "factor", "new_system_ratio", "cross_validated_coverage",
)  # fmt: skip


def domain_header(domain: TrainingDomain, tensors: Tensors) -> dict[str, Any]:
    """What the header says of a training domain, whose arrays are added to `tensors`."""
    arrays = {name: value for name, value in vars(domain).items() if isinstance(value, np.ndarray)}
    tensors |= with_prefix(arrays, "domain.")
    tensors |= {"domain.scale.mean": domain.scale.mean, "domain.scale.scale": domain.scale.scale}
    return {"usual_distance": domain.usual_distance}


def stored_domain(header: dict[str, Any], tensors: Tensors) -> TrainingDomain:
    """Read a training domain."""
    arrays = without_prefix(tensors, "domain.")
    scale = ColumnScale(arrays.pop("scale.mean"), arrays.pop("scale.scale"))
    return TrainingDomain(scale=scale, usual_distance=header["usual_distance"], **arrays)


def scale_header(scale: TargetScale, tensors: Tensors) -> dict[str, Any]:
    """What the header says of the scale of targets, whose arrays are added to `tensors`."""
    tensors |= {f"target.{name}": getattr(scale, name) for name in _SCALE_ARRAYS}
    tensors["target.bounds"] = np.array([scale.minimum, scale.maximum])
    return {"transform": scale.transform, "is_single": scale.is_single}


def stored_scale(header: dict[str, Any], tensors: Tensors) -> TargetScale:
    """Read the scale of targets."""
    arrays: dict[str, Any] = {name: tensors[f"target.{name}"] for name in _SCALE_ARRAYS}
    minimum, maximum = tensors["target.bounds"].tolist()
    return TargetScale(**arrays, **header, minimum=minimum, maximum=maximum)


def error_header(number: int, error: ErrorModel, tensors: Tensors) -> dict[str, Any]:
    """What the header says of the errors of one output; their arrays go to `tensors`."""
    tensors[f"scores.{number}"] = error.scores
    if error.forest is not None:
        tensors |= with_prefix(error.forest.arrays(), f"error.{number}.")
    return {name: getattr(error, name) for name in _ERROR_NUMBERS}


def stored_error(number: int, header: dict[str, Any], tensors: Tensors) -> ErrorModel:
    """Read the errors of one output."""
    arrays = without_prefix(tensors, f"error.{number}.")
    forest = Forest.from_arrays(arrays) if arrays else None
    return ErrorModel(forest=forest, scores=tensors[f"scores.{number}"], **header)
