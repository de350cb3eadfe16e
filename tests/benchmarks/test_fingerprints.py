"""Fingerprints see the rows that are read, whatever file they come from."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
from fingerprints import estimator_key, is_like, rows_digest


def table(formulas=("NaCl", "KCl", "LiF"), targets=(1.0, 2.0, 3.0)):
    frame = pd.DataFrame({"formula": list(formulas)})
    return SimpleNamespace(X=frame, target=np.array(targets))


def test_rows_digest_sees_formulas_targets_and_folds():
    train, test = np.array([0, 1]), np.array([2])
    found = rows_digest(table(), train, test)
    assert found == rows_digest(table(), train, test)
    assert found != rows_digest(table(formulas=("NaCl", "KCl", "LiCl")), train, test)
    assert found != rows_digest(table(targets=(1.0, 2.5, 3.0)), train, test)
    assert found != rows_digest(table(), test, train)
    assert found != rows_digest(table(), train[::-1], test)


def test_values_are_alike_within_rounding_and_where_both_are_known():
    stored = np.random.default_rng(0).normal(size=(20, 5))
    assert is_like(stored + 1e-6, stored)
    refused = stored.copy()
    refused[3] = np.nan  # a formula that is not read any more
    assert is_like(refused, stored)
    other = stored.copy()
    other[7, 2] += 1e-3
    assert not is_like(other, stored)
    assert not is_like(np.full_like(stored, np.nan), stored)


def test_new_code_is_the_old_state_if_constants_and_a_small_fit_are_the_same():
    entry = {"codes": ["a"], "constants": "c", "columns": "e", "values": [1.0, 2.0]}
    same, other = (lambda: np.array([1.0, 2.0])), (lambda: np.array([1.0, 2.001]))
    entries = {"key": entry}

    def never():
        raise AssertionError("fitted without need")

    assert estimator_key(entries, "a", "c", "e", never) == "key"
    assert estimator_key(entries, "b", "c", "e", same) == "key"
    assert estimator_key(entries, "b", "c", "e", other) is None
    assert estimator_key(entries, "b", "d", "e", never) is None  # another constant
    assert estimator_key(entries, "a", "c", "f", never) is None  # another encoder
