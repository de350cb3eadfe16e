"""The stack of a fitted estimator as its file holds it: arrays and header."""

from typing import Any

import numpy as np

from ..encoders.checkpoint import Checkpoint
from ..exceptions import CheckpointError
from ..storage.tensors import Tensors, with_prefix, without_prefix
from .kernel_models import (
    ColumnScale,
    GaussianProcess,
    SupportVectorClassifier,
    SupportVectorRegressor,
)
from .member_weights import ClassWeights, MemberWeights
from .members import StockMember
from .network_member import NetworkMember
from .stack import Stack
from .trees import BoostedTrees, Forest

_KERNEL_MODELS = {
    kind.__name__: kind
    for kind in (GaussianProcess, SupportVectorClassifier, SupportVectorRegressor)
}
_TREES = {kind.__name__: kind for kind in (BoostedTrees, Forest)}


def stack_header(stack: Stack, encoder: Checkpoint, tensors: Tensors) -> dict[str, Any]:
    """What the header says of a stack.

    Parameters
    ----------
    stack : Stack
    encoder : Checkpoint
        That its networks were fine-tuned from: of their weights, those are stored that differ.
    tensors : dict of str to ndarray
        The arrays of the stack are added to it.

    Returns
    -------
    dict
        For `stored_stack`.
    """
    members: dict = {}
    for name, member in stack.members.items():
        if isinstance(member, NetworkMember):
            trained = {
                key: array
                for key, array in member.checkpoint.tensors.items()
                if array is not encoder.tensors.get(key)
            }
            tensors |= with_prefix(trained, f"network.{name}.encoder.")
            tensors |= with_prefix(member.head, f"network.{name}.head.")
            members[name] = {"is_network": True}
            continue
        tensors[f"member.{name}.columns"] = member.columns.astype(np.int64)
        kinds = []
        for number, model in enumerate(member.models):
            kinds.append(type(model).__name__)
            arrays = model.arrays() if kinds[-1] in _TREES else _kernel_arrays(model)
            tensors |= with_prefix(arrays, f"model.{name}.{number}.")
        members[name] = {"view": member.view, "kinds": kinds, "n_classes": member.n_classes}
    if isinstance(stack.weights, ClassWeights):
        tensors["weights"] = stack.weights.weights
        tensors["constants"] = stack.weights.constants
    else:
        tensors["weights"] = np.array([one.weights for one in stack.weights])
        tensors["constants"] = np.array([one.constant for one in stack.weights])
    return {"members": members, "fitted": stack.fitted, "left_out": stack.left_out}


def stored_stack(header: dict[str, Any], tensors: Tensors, encoder: Checkpoint) -> Stack:
    """Read a stack.

    Parameters
    ----------
    header : dict
        As from `stack_header`.
    tensors : dict of str to ndarray
    encoder : Checkpoint

    Returns
    -------
    Stack

    Raises
    ------
    CheckpointError
        If weights of a network are not those of the encoder. What does not fit together otherwise
        raises any of `DAMAGE`.
    """
    members: dict = {}
    for name, entry in header["members"].items():
        if "is_network" in entry:
            members[name] = _network(encoder, without_prefix(tensors, f"network.{name}."))
            continue
        found = []
        for number, kind in enumerate(entry["kinds"]):
            arrays = without_prefix(tensors, f"model.{name}.{number}.")
            is_trees = kind in _TREES
            found.append(
                _TREES[kind].from_arrays(arrays) if is_trees else _kernel_model(kind, arrays)
            )
        columns = tensors[f"member.{name}.columns"]
        members[name] = StockMember(entry["view"], found, columns, entry["n_classes"])
    weights, constants = tensors["weights"], tensors["constants"]
    if weights.ndim == 1:
        combined: object = ClassWeights(weights, constants)
    else:
        pairs = zip(weights, constants, strict=True)
        combined = [MemberWeights(one, float(constant)) for one, constant in pairs]
    return Stack(members, combined, header["fitted"], header["left_out"])


def _network(encoder: Checkpoint, arrays: Tensors) -> NetworkMember:
    trained = without_prefix(arrays, "encoder.")
    for key, array in trained.items():
        expected = encoder.tensors.get(key)
        if expected is None or expected.shape != array.shape:
            raise CheckpointError(f"the fine-tuned weights {key!r} are not those of the encoder")
    head = without_prefix(arrays, "head.")
    checkpoint = Checkpoint(encoder.description, {**encoder.tensors, **trained})
    return NetworkMember(checkpoint, {key: head[key] for key in NetworkMember.HEAD})


def _kernel_arrays(model) -> Tensors:
    """Fitted arrays and parameters of a kernel model, all as arrays."""
    arrays = {"scale.mean": model.scale_.mean, "scale.scale": model.scale_.scale}
    for name, value in vars(model).items():
        if name.endswith("_") and name != "scale_":
            arrays[name] = np.asarray(value)
    for name, value in model.get_params().items():
        if name != "random_state":
            arrays[f"parameter.{name}"] = np.asarray(float(value))
    return arrays


def _kernel_model(kind: str, arrays: Tensors):
    whole = {"n_numeric", "n_search"}
    parameters = {
        name: int(value) if name in whole else float(value)
        for name, value in without_prefix(arrays, "parameter.").items()
    }
    model = _KERNEL_MODELS[kind](**parameters)
    model.scale_ = ColumnScale(arrays["scale.mean"], arrays["scale.scale"])
    for name, array in arrays.items():
        if name.endswith("_"):
            setattr(model, name, float(array) if array.ndim == 0 else array)
    return model
