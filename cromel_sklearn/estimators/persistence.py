"""Files of fitted estimators: arrays and a JSON header, no pickle and nothing of scikit-learn."""

import contextlib
import warnings

import numpy as np
import pandas as pd

from ..data.elements import SYMBOLS
from ..data.table_layout import TableLayout
from ..encoders.checkpoint import Checkpoint
from ..encoders.registry import find_entry, load_release
from ..exceptions import CalibrationError, CheckpointError
from ..storage.artifact import read_artifact, write_artifact
from ..storage.damage import damage_named, one_line
from .model_card import ModelCard
from .stored_stack import stack_header, stored_stack
from .stored_uncertainty import (
    domain_header,
    error_header,
    scale_header,
    stored_domain,
    stored_error,
    stored_scale,
)
from .uncertainty import Uncertainty

FORMAT_VERSION = 5
#: Versions that are read: 4 knows no square roots.
_READ_VERSIONS = (4, FORMAT_VERSION)
_KIND = "cromel_model"


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
        "stack": stack_header(estimator.stack_, encoder, tensors),
        "card": estimator.card_.as_dict(),
    }  # fmt: skip
    if hasattr(estimator, "classes_"):
        header["classes"] = _listed(estimator.classes_)
        header["classes_type"] = estimator.classes_.dtype.str
        header["domain"] = domain_header(estimator.domain_, tensors)
    else:
        header["target_scale"] = scale_header(estimator.target_scale_, tensors)
        header["domain"] = domain_header(estimator.uncertainty_.domain, tensors)
        header["errors"] = [
            error_header(number, error, tensors)
            for number, error in enumerate(estimator.uncertainty_.errors)
        ]
    try:
        write_artifact(path, _KIND, FORMAT_VERSION, header, tensors)
    except TypeError as error:
        raise CheckpointError(
            f"Only numbers, texts and lists can be written to {path}: {error}. Pass random_state "
            f"as an int, and classes and columns as texts or numbers; or use joblib.dump."
        ) from error


def load_model(path, classes: tuple[type, ...]):
    """Read a fitted estimator.

    Parameters
    ----------
    path : path-like
    classes : tuple of type
        Of estimators that the file may hold.

    Returns
    -------
    instance of one of the classes

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, or holds another estimator.
    """
    header, tensors = read_artifact(path, _KIND, _READ_VERSIONS)
    name = one_line(header.get("estimator"))
    known = {cls.__name__: cls for cls in classes}
    if name not in known:
        raise CheckpointError(f"{path} holds a {name}; read it with {name}.load.")
    with damage_named(path):
        estimator = _read(known[name], header, tensors)
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
    estimator.stack_ = stored_stack(header["stack"], tensors, encoder)
    estimator.left_out_ = estimator.stack_.left_out
    domain = stored_domain(header["domain"], tensors)
    if "classes" in header:
        estimator.classes_ = np.array(header["classes"], dtype=header["classes_type"])
        estimator.domain_ = domain
    else:
        estimator.target_scale_ = stored_scale(header["target_scale"], tensors)
        errors = [
            stored_error(number, entry, tensors) for number, entry in enumerate(header["errors"])
        ]
        estimator.uncertainty_ = Uncertainty(domain, errors)
    return estimator


def _listed(array) -> list | None:
    return None if array is None else array.tolist()
