"""Fitted `CroMELRegressor` or `CroMELClassifier` in, one safetensors file out, and back."""

import numpy as np
import torch

from ..data.target_scale import TargetScale
from ..encoders.checkpoint import Checkpoint
from ..encoders.registry import find_entry, load_encoder
from ..encoders.weights_file import read_weights, with_prefix, without_prefix, write_weights
from ..exceptions import CheckpointError
from .ensemble import new_networks
from .kernel_blend import KernelBlend
from .kernel_machine import KernelMachine
from .networks import FineTunedNetwork

FORMAT_VERSION = 2
_HEADER_KEY = "cromel_finetuned"
_ENCODER = "encoder."


def save_finetuned(estimator, path) -> None:
    """Write a fitted estimator in one step; nothing in the file is code.

    Parameters
    ----------
    estimator : CroMELRegressor or CroMELClassifier
    path : path-like

    Raises
    ------
    CheckpointError
        If a parameter or a class cannot be written as JSON.
    """
    from sklearn.utils.validation import check_is_fitted

    check_is_fitted(estimator, "networks_")
    parameters = estimator.get_params()
    encoder = parameters.pop("encoder")
    is_registered = isinstance(encoder, str) and find_entry(encoder) is not None
    tensors = {} if is_registered else with_prefix(estimator.encoder_.tensors, _ENCODER)
    for number, network in enumerate(estimator.networks_):
        arrays = {key: tensor.cpu().numpy() for key, tensor in network.state_dict().items()}
        tensors |= with_prefix(arrays, f"networks.{number}.")
    for number, machine in enumerate(estimator.blend_.machines):
        tensors |= with_prefix(vars(machine), f"kernel_machines.{number}.")
    header = {
        "estimator": type(estimator).__name__,
        "encoder": encoder if is_registered else None,
        "encoder_header": None if is_registered else estimator.encoder_.header,
        "parameters": parameters,
        "n_features_in": estimator.n_features_in_,
        "feature_names_in": _listed(getattr(estimator, "feature_names_in_", None)),
        "n_measurements": estimator.n_measurements_,
        "loss_curve": estimator.loss_curve_,
        "best_epoch": estimator.best_epoch_,
        "kernel_share": estimator.blend_.share,
    }
    if hasattr(estimator, "classes_"):
        header["classes"] = _listed(estimator.classes_)
        header["classes_type"] = estimator.classes_.dtype.str
        header["temperature"] = estimator.temperature_
    else:
        scale = estimator.target_scale_
        tensors |= {"target.mean": scale.mean, "target.scale": scale.scale}
        tensors["held_out_scores"] = estimator.held_out_scores_
        header["target_transform"] = scale.transform
        header["target_is_single"] = scale.is_single
    try:
        write_weights(path, _HEADER_KEY, {"format_version": FORMAT_VERSION, **header}, tensors)
    except TypeError as error:
        raise CheckpointError(
            f"Only numbers, texts and lists can be written to {path}: {error}. Pass random_state "
            f"as an int, and classes and columns as texts or numbers; or use joblib.dump."
        ) from error


def load_finetuned(cls, path):
    """Read a fitted estimator of class `cls`.

    Parameters
    ----------
    cls : type
        CroMELRegressor or CroMELClassifier.
    path : path-like

    Returns
    -------
    instance of cls

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, or holds another estimator.
    """
    header, tensors = read_weights(path, _HEADER_KEY, FORMAT_VERSION)
    if header["estimator"] != cls.__name__:
        raise CheckpointError(
            f"{path} holds a {header['estimator']}; read it with {header['estimator']}.load."
        )
    encoder = header["encoder"]
    if encoder is None:
        encoder = Checkpoint(header["encoder_header"], without_prefix(tensors, _ENCODER))
    parameters = header["parameters"]
    parameters["hidden_layer_sizes"] = tuple(parameters["hidden_layer_sizes"])
    estimator = cls(encoder, **parameters)
    estimator.encoder_ = load_encoder(encoder)
    estimator.n_features_in_ = header["n_features_in"]
    if header["feature_names_in"] is not None:
        estimator.feature_names_in_ = np.array(header["feature_names_in"], dtype=object)
    estimator.n_measurements_ = header["n_measurements"]
    estimator.loss_curve_ = header["loss_curve"]
    estimator.best_epoch_ = header["best_epoch"]
    if "classes" in header:
        estimator.classes_ = np.array(header["classes"], dtype=header["classes_type"])
        estimator.temperature_ = header["temperature"]
    else:
        estimator.target_scale_ = TargetScale(
            tensors["target.mean"], tensors["target.scale"], header["target_transform"],
            header["target_is_single"],
        )  # fmt: skip
        estimator.held_out_scores_ = tensors["held_out_scores"]
    estimator.networks_ = _networks(estimator, tensors)
    estimator.blend_ = KernelBlend(header["kernel_share"], _kernel_machines(tensors))
    return estimator


def _kernel_machines(tensors: dict[str, np.ndarray]) -> list[KernelMachine]:
    arrays = without_prefix(tensors, "kernel_machines.")
    n_machines = len({key.split(".")[0] for key in arrays})
    return [KernelMachine(**without_prefix(arrays, f"{number}.")) for number in range(n_machines)]


def _networks(estimator, tensors: dict[str, np.ndarray]) -> list[FineTunedNetwork]:
    has_classes = hasattr(estimator, "classes_")
    n_networks = len(estimator.best_epoch_)
    networks = new_networks(
        estimator.encoder_,
        [0] * n_networks,
        hidden_layer_sizes=estimator.hidden_layer_sizes,
        n_features=estimator.n_features_in_ - 1,
        n_outputs=len(estimator.classes_ if has_classes else estimator.target_scale_.mean),
        has_noise=not has_classes,
        freeze_encoder=estimator.freeze_encoder,
    )
    for number, network in enumerate(networks):
        state = without_prefix(tensors, f"networks.{number}.")
        try:
            network.load_state_dict({key: torch.tensor(array) for key, array in state.items()})
        except RuntimeError as error:
            raise CheckpointError(f"The weights do not fit the encoder: {error}") from error
        network.eval()
    return networks


def _listed(array) -> list | None:
    return None if array is None else array.tolist()
