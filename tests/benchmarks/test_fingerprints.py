"""Fingerprints see the rows that are read, whatever file they come from."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
from fingerprints import rows_digest


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
