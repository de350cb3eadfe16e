"""What a result depends on: nothing that can change without changing the result.

A fingerprint joins

* the rows: formulas, features and targets of the training and the test rows, as they are read;
* the featurizer: not its code but its values, for 200 formulas of the ten tables, within rounding
  (``benchmarks/results/probes.json``);
* stock models: their parameters, and the version of scikit-learn;
* our estimators: their parameters, the weights of the encoder, the values of its columns, and a
  digest of the code that fits and predicts (`code_digest.py`), or what it fits in its place;
* peers: a digest of their runner and its settings;
* a digest of the code that scores.

Names, documents, comments, error texts and the package's version take no part.
"""

import hashlib
import warnings
from functools import lru_cache
from importlib.metadata import version

import numpy as np
import pandas as pd
from code_digest import constants_digest, digest
from models import OURS, featurizers
from paths import DATA_HOME, RESULTS
from results_store import add_json, read_json
from tasks import TASKS

from cromel_sklearn import (
    CroMELClassifier,
    CroMELRegressor,
    load_encoder,
    load_standard_enthalpies,
)
from cromel_sklearn.data.composition import find_compositions

PROBES = RESULTS / "probes.json"
_PER_TABLE = 20
_TOLERANCE = 1e-4
#: Modules that a digest of our estimators does not follow. Their values are compared (formulas,
#: columns), or they take no part in what is fitted and predicted (files, cards, errors, progress).
BEYOND = tuple(
    f"cromel_sklearn.{name}"
    for name in (
        "data.composition", "data.element", "data.formula", "data.plain_formulas",
        "data.reduced_formula", "documentation", "encoders", "exceptions",
        "estimators.model_card", "estimators.persistence", "estimators.progress",
        "estimators.saved_models", "estimators.stored_",
    )
)  # fmt: skip


def _hash(*parts: str | bytes) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(part.encode() if isinstance(part, str) else part)
        found.update(b"|")
    return found.hexdigest()[:12]


def rows_digest(data, train: np.ndarray, test: np.ndarray) -> str:
    """Digest of the training and test rows, in their order."""
    parts = [data.X.iloc[rows].to_csv(index=False) for rows in (train, test)]
    return _hash(*parts, *(np.round(data.target[r], 9).tobytes() for r in (train, test)))


@lru_cache(maxsize=1)
def encoder_digest() -> str:
    """Digest of the default encoder's weights, whatever is written about them."""
    tensors = load_encoder("mp-multi").tensors
    return _hash(*(part for name in sorted(tensors) for part in (name, tensors[name].tobytes())))


@lru_cache(maxsize=1)
def probe_formulas() -> list[str]:
    """Formulas of every table, with dopings, alloys and all kinds of notation among them.

    Drawn once and kept: a formula that is refused from some day on changes no fingerprint.
    """
    found = read_json(PROBES).get("formulas", [])
    if not found:
        known = load_encoder("mp-multi").known_elements
        for file in sorted({task.file for task in TASKS.values()}):
            column = pd.read_csv(DATA_HOME / "target" / file, keep_default_na=False)["formula"]
            column = column.drop_duplicates()
            _, _, is_valid, _ = find_compositions(column, known)
            found += list(column[is_valid].sample(_PER_TABLE, random_state=0))
        add_json(PROBES, ("formulas",), found)
    return found


def probe_values(featurizer) -> np.ndarray:
    """Five mixtures of a featurizer's columns, (n_formulas, 5); NaN for what it cannot read."""
    formulas = np.array(probe_formulas(), dtype=object)
    _, _, is_valid, _ = find_compositions(formulas, load_encoder("mp-multi").known_elements)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = np.asarray(featurizer.fit_transform(list(formulas[is_valid])), dtype=float)
    values = np.sign(values) * np.log1p(np.abs(values))
    mixing = np.random.default_rng(0).choice([-1.0, 1.0], size=(values.shape[1], 4))
    mixed = np.full((len(formulas), 5), np.nan)
    mixed[is_valid] = np.column_stack([values.sum(axis=1), values @ mixing])
    return mixed


def is_like(values: np.ndarray, stored: np.ndarray) -> bool:
    """Whether a featurizer gives these values still, for the formulas that it read and reads."""
    both = np.isfinite(values) & np.isfinite(stored)
    return 2 * both.sum() > both.size and np.allclose(values[both], stored[both], 0, _TOLERANCE)


@lru_cache(maxsize=32)
def probe(name: str) -> str:
    """Name of the values that a featurizer gives now; a new one where none is like them."""
    values = probe_values(featurizers()[name])
    entries = read_json(PROBES).get("featurizers", {}).get(name, {})
    for key, stored in entries.items():
        if is_like(values, np.array(stored, dtype=float)):
            return key
    key = _hash(name, np.round(values, 3).tobytes())
    shown = [[None if np.isnan(v) else round(v, 6) for v in row] for row in values.tolist()]
    add_json(PROBES, ("featurizers", name, key), shown)
    return key


def fitted_values(is_classification: bool) -> np.ndarray:
    """Predictions of a small fit with default settings, and their stated deviations."""
    sample = load_standard_enthalpies()
    X = pd.DataFrame({"formula": sample.formulas, "number": np.arange(len(sample.formulas)) % 7.0})
    train, test = slice(0, 120), slice(120, 180)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if is_classification:
            model = CroMELClassifier(random_state=0, verbose=0)
            target = sample.target > np.median(sample.target)
            return model.fit(X[train], target[train]).predict_proba(X[test])[:, 1]
        regressor = CroMELRegressor(random_state=0, verbose=0).fit(X[train], sample.target[train])
        return np.concatenate(regressor.predict(X[test], return_std=True))


def estimator_key(entries: dict, code: str, constants: str, columns: str, values) -> str | None:
    """Which state of an estimator this is: one of the same code, or one that fits alike.

    Parameters
    ----------
    entries : dict
        Key -> "codes" that were it, "constants", "columns" and "values".
    code, constants, columns : str
        Digests of today.
    values : callable
        Gives the values of a small fit; called only if the code is not known.
    """
    for key, entry in entries.items():
        if code in entry["codes"] and columns == entry["columns"]:
            return key
    for key, entry in entries.items():
        is_same = (constants, columns) == (entry["constants"], entry["columns"])
        if is_same and np.allclose(values(), entry["values"], 1e-5, 1e-6):
            return key
    return None


@lru_cache(maxsize=2)
def estimator_digest(is_classification: bool) -> str:
    """Name of the state of our regressor or classifier: weights, columns, code.

    Code that nobody has seen is the old state if all constants are the same and a small fit gives
    the same values, as after a new check of the input; it is noted there.
    """
    ours = CroMELClassifier if is_classification else CroMELRegressor
    code, constants = digest(ours, beyond=BEYOND), constants_digest(ours, beyond=BEYOND)
    columns = f"{encoder_digest()}-{probe('cromel')}"
    values = lru_cache(maxsize=1)(lambda: fitted_values(is_classification))
    entries = read_json(PROBES).get("estimators", {}).get(ours.__name__, {})
    key = estimator_key(entries, code, constants, columns, values)
    if key is None:
        key = _hash(columns, code)
        shown = np.round(values(), 8).tolist()
        entry = {"codes": [code], "constants": constants, "columns": columns, "values": shown}
        add_json(PROBES, ("estimators", ours.__name__, key), entry)
    elif code not in entries[key]["codes"]:
        codes = [*entries[key]["codes"], code]
        add_json(PROBES, ("estimators", ours.__name__, key, "codes"), codes)
    return key


def model_digest(name: str, model, is_classification: bool) -> str:
    """Digest of a model of `models.py`."""
    parts = [version("scikit-learn"), _scoring()]
    featurizer = name.partition("+")[0]
    if "+" in name:
        parts.append(probe(featurizer))
    if featurizer == "model":
        parts.append(estimator_digest(is_classification))
    parameters = sorted(model.get_params().items())
    for key, value in [("model", model), *parameters]:
        if hasattr(value, "source_checksum") and "+" not in name:
            parts.append(value.source_checksum())
        if isinstance(value, str | int | float | bool | dict | None):
            parts.append(f"{key}={value!r}")
        elif not hasattr(value, "get_params"):
            parts.append(f"{key}:{type(value).__name__}")
        else:
            parts.append(type(value).__name__)
    return _hash(*parts)


@lru_cache(maxsize=1)
def _scoring() -> str:
    from cells import decided, scores

    return digest(decided, scores)


def encoder_mark(name: str) -> str | None:
    """Digest of the encoder that a model depends on, None for those of others."""
    return encoder_digest() if name.partition("+")[0] in OURS else None
