"""Files of fitted estimators: arrays and a JSON header, no pickle and nothing of scikit-learn."""

import contextlib
import warnings

import numpy as np
import pandas as pd

from ..data.elements import SYMBOLS
from ..data.table_layout import TableLayout
from ..data.target_scale import TargetScale
from ..encoders.checkpoint import Checkpoint
from ..encoders.registry import find_entry, load_release
from ..exceptions import CalibrationError, CheckpointError
from ..storage.artifact import read_artifact, write_artifact
from ..storage.damage import damage_named, one_line
from ..storage.tensors import with_prefix, without_prefix
from .applicability import TrainingDomain
from .kernel_models import (
    ColumnScale,
    GaussianProcess,
    SupportVectorClassifier,
    SupportVectorRegressor,
)
from .member_weights import ClassWeights, MemberWeights
from .members import StockMember
from .model_card import ModelCard
from .network_member import NetworkMember
from .stack import Stack
from .trees import BoostedTrees, Forest
from .uncertainty import ErrorModel, Uncertainty

FORMAT_VERSION = 4
_KIND = "cromel_model"
_KERNEL_MODELS = {
    kind.__name__: kind
    for kind in (GaussianProcess, SupportVectorClassifier, SupportVectorRegressor)
}
_TREES = {kind.__name__: kind for kind in (BoostedTrees, Forest)}


def save_model(estimator, path) -> None:
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

    check_is_fitted(estimator, "stack_")
    tensors: dict[str, np.ndarray] = {}
    encoder = estimator.encoder_
    parameters = estimator.get_params(deep=False)
    named = parameters.pop("encoder")
    if encoder.release is None:
        tensors["encoder"] = np.frombuffer(encoder.to_bytes(), dtype=np.uint8)
    if isinstance(parameters.get("class_weight"), dict):
        parameters["class_weight"] = [list(item) for item in parameters["class_weight"].items()]
    for name in ("members", "feature_columns"):
        if parameters[name] is not None and not isinstance(parameters[name], str):
            parameters[name] = _listed(np.asarray(parameters[name], dtype=object))
    header = {
        "estimator": type(estimator).__name__,
        "encoder": {"release": encoder.release, "named": str(named) if encoder.release else None},
        "parameters": parameters,
        "layout": [
            estimator.layout_.formula_column, list(estimator.layout_.feature_columns),
            list(estimator.layout_.all_columns),
        ],
        "n_features_in": estimator.n_features_in_,
        "feature_names_in": _listed(getattr(estimator, "feature_names_in_", None)),
        "cross_validated_error": estimator.cross_validated_error_,
        "stack": _stack_header(estimator.stack_, encoder, tensors),
        "domain": _domain_header(estimator._domain, tensors),
        "card": estimator.card_.as_dict(),
    }  # fmt: skip
    if hasattr(estimator, "classes_"):
        header["classes"] = _listed(estimator.classes_)
        header["classes_type"] = estimator.classes_.dtype.str
    else:
        header["target_scale"] = _scale_header(estimator.target_scale_, tensors)
        header["errors"] = [
            _error_header(number, error, tensors)
            for number, error in enumerate(estimator.uncertainty_.errors)
        ]
    try:
        write_artifact(path, _KIND, FORMAT_VERSION, header, tensors)
    except TypeError as error:
        raise CheckpointError(
            f"Only numbers, texts and lists can be written to {path}: {error}. Pass random_state "
            f"as an int, and classes and columns as texts or numbers; or use joblib.dump."
        ) from error


def load_model(cls, path):
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
    header, tensors = read_artifact(path, _KIND, FORMAT_VERSION)
    name = header.get("estimator")
    if name != cls.__name__:
        raise CheckpointError(f"{path} holds a {name}; read it with {name}.load.")
    with damage_named(path):
        estimator = _read(cls, header, tensors)
        _require_usable(estimator)
    return estimator


def _require_usable(estimator) -> None:
    """Predict one row: parts that do not fit together are told here, not in `predict`."""
    layout = estimator.layout_
    formula = SYMBOLS[min(estimator.encoder_.known_elements) - 1]
    X: list | pd.DataFrame = [formula]
    if layout.formula_column is not None:
        row = {name: [formula if name == layout.formula_column else 0.0] for name in
               layout.all_columns}  # fmt: skip
        X = pd.DataFrame(row)
    device, estimator.device = estimator.device, "cpu"  # the file may come from another machine
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            predicted = estimator.predict(X)
            if hasattr(estimator, "predict_interval"):
                with contextlib.suppress(CalibrationError):
                    estimator.predict_interval(X)
    finally:
        estimator.device = device
    if len(predicted) != 1:
        raise CheckpointError(f"it predicts {len(predicted)} values for one row")
    repr(estimator)


def _read(cls, header: dict, tensors: dict):
    release, named = header["encoder"]["release"], header["encoder"]["named"]
    encoder = (
        Checkpoint.load(tensors["encoder"].tobytes()) if release is None else load_release(*release)
    )
    if named is not None and find_entry(named) is None:  # a path would be read at the next fit
        raise CheckpointError(f"it names the encoder {one_line(named)!r}, no id of the registry")
    parameters = header["parameters"]
    if isinstance(parameters.get("class_weight"), list):
        parameters["class_weight"] = {key: weight for key, weight in parameters["class_weight"]}
    estimator = cls(encoder if named is None else named, **parameters)
    estimator.encoder_ = encoder
    formula_column, feature_columns, all_columns = header["layout"]
    estimator.layout_ = TableLayout(formula_column, tuple(feature_columns), tuple(all_columns))
    estimator.n_features_in_ = header["n_features_in"]
    if header["feature_names_in"] is not None:
        estimator.feature_names_in_ = np.array(header["feature_names_in"], dtype=object)
    estimator.cross_validated_error_ = header["cross_validated_error"]
    estimator.card_ = ModelCard(**header["card"])
    estimator.stack_ = _stack(header["stack"], tensors, encoder)
    estimator.left_out_ = estimator.stack_.left_out
    domain = _domain(header["domain"], tensors)
    if "classes" in header:
        estimator.classes_ = np.array(header["classes"], dtype=header["classes_type"])
        estimator.domain_ = domain
    else:
        estimator.target_scale_ = _scale(header["target_scale"], tensors)
        errors = [_error(number, entry, tensors) for number, entry in enumerate(header["errors"])]
        estimator.uncertainty_ = Uncertainty(domain, errors)
    return estimator


def _stack_header(stack: Stack, encoder: Checkpoint, tensors: dict) -> dict:
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


def _stack(header: dict, tensors: dict, encoder) -> Stack:
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


def _network(encoder: Checkpoint, arrays: dict) -> NetworkMember:
    trained = without_prefix(arrays, "encoder.")
    for key, array in trained.items():
        expected = encoder.tensors.get(key)
        if expected is None or expected.shape != array.shape:
            raise CheckpointError(f"the fine-tuned weights {key!r} are not those of the encoder")
    head = without_prefix(arrays, "head.")
    checkpoint = Checkpoint(encoder.description, {**encoder.tensors, **trained})
    return NetworkMember(checkpoint, {key: head[key] for key in NetworkMember.HEAD})


def _kernel_arrays(model) -> dict[str, np.ndarray]:
    """Fitted arrays and parameters of a kernel model, all as arrays."""
    arrays = {"scale.mean": model.scale_.mean, "scale.scale": model.scale_.scale}
    for name, value in vars(model).items():
        if name.endswith("_") and name != "scale_":
            arrays[name] = np.asarray(value)
    for name, value in model.get_params().items():
        if name != "random_state":
            arrays[f"parameter.{name}"] = np.asarray(float(value))
    return arrays


def _kernel_model(kind: str, arrays: dict[str, np.ndarray]):
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


def _domain_header(domain: TrainingDomain, tensors: dict) -> dict:
    arrays = {name: value for name, value in vars(domain).items() if isinstance(value, np.ndarray)}
    tensors |= with_prefix(arrays, "domain.")
    tensors |= {"domain.scale.mean": domain.scale.mean, "domain.scale.scale": domain.scale.scale}
    return {"usual_distance": domain.usual_distance}


def _domain(header: dict, tensors: dict) -> TrainingDomain:
    arrays = without_prefix(tensors, "domain.")
    scale = ColumnScale(arrays.pop("scale.mean"), arrays.pop("scale.scale"))
    return TrainingDomain(scale=scale, usual_distance=header["usual_distance"], **arrays)


_SCALE_ARRAYS = ("mean", "scale", "lowest", "highest")


def _scale_header(scale: TargetScale, tensors: dict) -> dict:
    tensors |= {f"target.{name}": getattr(scale, name) for name in _SCALE_ARRAYS}
    tensors["target.bounds"] = np.array([scale.minimum, scale.maximum])
    return {"transform": scale.transform, "is_single": scale.is_single}


def _scale(header: dict, tensors: dict) -> TargetScale:
    arrays = {name: tensors[f"target.{name}"] for name in _SCALE_ARRAYS}
    minimum, maximum = tensors["target.bounds"].tolist()
    return TargetScale(**arrays, **header, minimum=minimum, maximum=maximum)


_ERROR_NUMBERS = (
    "usual", "floor", "ceiling", "factor", "new_system_ratio", "cross_validated_coverage",
)  # fmt: skip


def _error_header(number: int, error: ErrorModel, tensors: dict) -> dict:
    tensors[f"scores.{number}"] = error.scores
    if error.forest is not None:
        tensors |= with_prefix(error.forest.arrays(), f"error.{number}.")
    return {name: getattr(error, name) for name in _ERROR_NUMBERS}


def _error(number: int, header: dict, tensors: dict) -> ErrorModel:
    arrays = without_prefix(tensors, f"error.{number}.")
    forest = Forest.from_arrays(arrays) if arrays else None
    return ErrorModel(forest=forest, scores=tensors[f"scores.{number}"], **header)


def _listed(array) -> list | None:
    return None if array is None else array.tolist()
