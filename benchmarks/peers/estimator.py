"""Peers as scikit-learn estimators; each trains in an environment of its own."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from code_digest import file_digest
from peers.install import element_table, installed_interpreter
from pymatgen.core import Element
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from cromel_sklearn.data.composition import parse_composition

#: Name -> environment, which also names the runner, and what the runner is told.
PEERS: dict[str, tuple[str, dict]] = {
    "crabnet": ("crabnet", {"epochs": 40, "validation_fraction": 0.0}),
    "roost": ("roost", {}),
    "modnet": ("modnet", {}),
}


class _Peer(BaseEstimator):
    """A model that learns from formulas alone; any other column is refused.

    Parameters
    ----------
    peer : str
        One of `PEERS`.
    random_state : int
        Seed of the peer's weights, batches and validation part.

    Attributes
    ----------
    versions_ : dict
        Versions in the peer's environment, known after a prediction.
    """

    def __init__(self, peer="crabnet", random_state=0):
        self.peer = peer
        self.random_state = random_state

    def fit(self, X, y):
        """Keep the training rows: the peer trains when it is asked to predict."""
        if list(X.columns) != ["formula"]:
            raise ValueError(f"{self.peer} reads formulas only, got {list(X.columns)}.")
        self.formulas_ = _plain_formulas(X["formula"])
        self.target_ = np.asarray(y)
        return self

    def source_checksum(self) -> str:
        """Digest of the code that runs the peer, and what it is told."""
        environment, settings = PEERS[self.peer]
        return file_digest(_runner(environment)) + (repr(settings) if settings else "")

    def _run(self, X, is_classification: bool) -> np.ndarray:
        environment, settings = PEERS[self.peer]
        request = {
            **settings,
            "train_formulas": self.formulas_,
            "train_target": self.target_.tolist(),
            "test_formulas": _plain_formulas(X["formula"]),
            "is_classification": is_classification,
            "seed": self.random_state,
            "mat2vec": str(element_table("mat2vec.csv")),
        }
        # What a user's own settings of Python would add to the peer's environment stays outside.
        variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        with tempfile.TemporaryDirectory() as folder:
            asked, answered = Path(folder) / "request.json", Path(folder) / "response.json"
            asked.write_text(json.dumps(request))
            command = [installed_interpreter(environment), _runner(environment), asked, answered]
            with (Path(folder) / "log.txt").open("w+") as log:
                done = subprocess.run(command, cwd=folder, env=variables, stdout=log, stderr=log)
                log.seek(0)
                if done.returncode:
                    raise RuntimeError(f"{self.peer} failed:\n{log.read()[-3000:]}")
            response = json.loads(answered.read_text())
        self.versions_ = response["versions"]
        return np.array(response["predicted"])


class PeerRegressor(RegressorMixin, _Peer):
    """A peer for measured values."""

    def predict(self, X):
        """Train, then predict."""
        return self._run(X, is_classification=False)


class PeerClassifier(ClassifierMixin, _Peer):
    """A peer for two classes, 0 and 1."""

    def predict_proba(self, X):
        """Train, then predict the probability of each class."""
        probability = self._run(X, is_classification=True)
        return np.column_stack([1 - probability, probability])

    def predict(self, X):
        """Train, then predict the class."""
        return (self.predict_proba(X)[:, 1] > 0.5).astype(int)


def _runner(environment: str) -> Path:
    return Path(__file__).with_name(f"{environment}_runner.py")


def _plain_formulas(formulas) -> list[str]:
    """Write each composition as element symbols with atomic fractions, which every peer reads."""
    plain = []
    for formula in formulas:
        numbers, fractions = parse_composition(formula)
        parts = zip(numbers, fractions, strict=True)
        plain.append("".join(f"{Element.from_Z(z).symbol}{fraction:.8f}" for z, fraction in parts))
    return plain
