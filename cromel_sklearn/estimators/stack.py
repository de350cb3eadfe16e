"""Stack: fitted members, their weights, and what they predict together."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .member_weights import ClassWeights
from .members import VIEW_OF
from .views import EncodedTable

#: Rows that are predicted at once.
CHUNK = 8_192


@dataclass(repr=False)
class Stack:
    """Fitted members with their weights.

    Attributes
    ----------
    members : dict of str to StockMember or NetworkMember
        Those that have a weight in some output.
    weights : list of MemberWeights, or ClassWeights
        Of each output; of classes.
    fitted : list of str
        All members that were fitted, in the order of the weights.
    left_out : dict of str to str
        Members that were not, and why.
    """

    members: dict = field(default_factory=dict)
    weights: Any = None
    fitted: list = field(default_factory=list)
    left_out: dict = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Stack(members={list(self.members)}, left_out={list(self.left_out)})"

    def predict(self, table: EncodedTable):
        """Predictions of each member.

        Parameters
        ----------
        table : EncodedTable

        Returns
        -------
        predicted : ndarray of shape (n_samples, n_members, n_outputs)
            In the order of `fitted`; zero for members without any weight.
        deviation : ndarray of shape (n_samples, n_outputs)
            Of the trees, zero without them.
        """
        n_outputs = self.n_outputs
        predicted = np.zeros((len(table), len(self.fitted), n_outputs))
        deviation = np.zeros((len(table), n_outputs))
        matrices: dict[str, np.ndarray] = {}
        for place, name in enumerate(self.fitted):
            if name not in self.members:
                continue
            view = VIEW_OF.get(name)
            if view is not None and view not in matrices:
                matrices[view] = table.view(view)
            X = None if view is None else matrices[view]
            predicted[:, place], spread = self.members[name].predict(table, X=X)
            if spread is not None and not deviation.any():
                deviation = spread
        return predicted, deviation

    @property
    def n_outputs(self) -> int:
        """Targets, or classes."""
        if isinstance(self.weights, ClassWeights):
            return len(self.weights.constants)
        return len(self.weights)

    def constant_outputs(self) -> list[int]:
        """Targets of which no member knows more than a constant does."""
        if isinstance(self.weights, ClassWeights):
            return []
        return [output for output, one in enumerate(self.weights) if not one.weights.any()]

    def combine(self, predicted: np.ndarray) -> np.ndarray:
        """Standardised targets of shape (n_samples, n_outputs), or probabilities."""
        if isinstance(self.weights, ClassWeights):
            return self.weights.probabilities(predicted)
        columns = [w.combine(predicted[:, :, output]) for output, w in enumerate(self.weights)]
        return np.column_stack(columns)


@dataclass
class OutOfFold:
    """What the members predicted for rows that they had not seen.

    Attributes
    ----------
    folds : list of (train, test) row numbers
    predicted : ndarray of shape (n_samples, n_members, n_outputs)
    deviation : ndarray of shape (n_samples, n_outputs)
        Of the trees, zero without them.
    """

    folds: list
    predicted: np.ndarray
    deviation: np.ndarray
