"""The best candidates of a batch: by predicted value, or by expected improvement."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import norm

from ..data.composition import parse_composition
from ..exceptions import InvalidTableError
from .arrow_batches import BatchResult
from .arrow_predictions import BatchPrediction

#: What `objective` accepts.
OBJECTIVES = ("max", "min")


def expected_improvement(mean, std, best: float, objective: str = "max") -> np.ndarray:
    r"""By how much candidates are expected to surpass the best measured value.

    :math:`E[\max(y - b, 0)] = (\mu - b) \Phi(z) + \sigma \phi(z)`, :math:`z = (\mu - b) / \sigma`
    (Jones et al., J. Glob. Optim. 13, 455 (1998), doi:10.1023/A:1008306431147).

    Parameters
    ----------
    mean, std : ndarray of shape (n_samples,)
        Prediction and its standard deviation.
    best : float
    objective : {"max", "min"}, default="max"

    Returns
    -------
    ndarray of shape (n_samples,)
        In the unit of the target, zero or more.

    Examples
    --------
    >>> import numpy as np
    >>> from cromel_sklearn.estimators.shortlist import expected_improvement
    >>> expected_improvement(np.array([1.0, 1.0]), np.array([0.0, 1.0]), 1.0).round(3)
    array([0.   , 0.399])
    """
    gain = np.asarray(mean) - best if objective == "max" else best - np.asarray(mean)
    std = np.maximum(std, 1e-300)
    z = np.clip(gain / std, -100, 100)  # far beyond what matters, far below overflow
    return np.maximum(gain * norm.cdf(z) + std * norm.pdf(z), 0.0)


@dataclass(frozen=True)
class BatchShortlist:
    """Function of a batch that leaves its best candidates, each composition once.

    Attributes
    ----------
    prediction : BatchPrediction
    n_top : int
        Candidates that are left, at most.
    objective : {"max", "min"}
    ranked_by : str
        Column of the prediction that is the objective: `mean`, or a probability.
    within : (float, float) or None
        Range that the objective must be in.
    in_domain : bool
        Whether candidates outside the domain are left out.
    best_measured : float or None
        Rank by the expected improvement over it instead; `expected_improvement` is appended.
    """

    prediction: BatchPrediction
    n_top: int
    objective: str = "max"
    ranked_by: str = "mean"
    within: tuple[float, float] | None = None
    in_domain: bool = False
    best_measured: float | None = None

    def __post_init__(self):
        if self.objective not in OBJECTIVES:
            raise InvalidTableError(f"objective is max or min, got {self.objective!r}.")
        if self.within is not None and not self.within[0] < self.within[1]:
            raise InvalidTableError(
                f"The range is lower:upper with lower below upper, got {self.within!r}."
            )
        names = self.prediction.names()
        if self.ranked_by not in names:
            raise InvalidTableError(
                f"The model gives no {self.ranked_by!r}; it gives {', '.join(names)}."
            )

    def __call__(self, batch) -> BatchResult:
        """Predict, and leave the best candidates, the best first."""
        result = self.prediction(batch)
        table = pa.Table.from_batches([result.batch])
        score = table[self.ranked_by].to_numpy().astype(float)
        wanted = np.isfinite(score)
        if self.within is not None:
            wanted &= (self.within[0] <= score) & (score <= self.within[1])
        if self.in_domain:
            wanted &= pc.fill_null(table[self._named("in_domain")], False).to_numpy()
        if self.best_measured is not None:
            std = table[self._named("std")].to_numpy()
            gain = expected_improvement(score, std, self.best_measured, self.objective)
            table = table.append_column(self._named("expected_improvement"), pa.array(gain))
        return BatchResult(self.best_of(table.filter(pa.array(wanted))), result.problems)

    def best_of(self, table: pa.Table) -> pa.Table:
        """Leave the best rows of a table of candidates; of equal ones, the first.

        Parameters
        ----------
        table : pyarrow.Table
            With the columns that a call appends.

        Returns
        -------
        pyarrow.Table of at most n_top rows
            The best first, each composition (with its numeric columns) once.
        """
        by_gain = self.best_measured is not None
        name = self._named("expected_improvement") if by_gain else self.ranked_by
        score = table[name].to_numpy().astype(float)
        if by_gain or self.objective == "max":
            score = -score
        formulas = table[self.prediction.formula_column]
        others = [table[column] for column in self.prediction.feature_columns]
        seen, kept = set(), []
        for row in np.argsort(score, kind="stable"):
            key = (
                parse_composition(formulas[int(row)].as_py()),
                *(column[int(row)].as_py() for column in others),
            )
            if key not in seen:
                seen.add(key)
                kept.append(int(row))
                if len(kept) == self.n_top:
                    break
        return table.take(pa.array(kept, pa.int64()))

    def _named(self, name: str) -> str:
        return self.prediction.prefix + name
