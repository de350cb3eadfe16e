"""What a model was trained on, as a file beside it: columns, elements, measured values, errors."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from ..data.composition import parse_composition, read_compositions
from ..data.elements import SYMBOLS
from ..data.measured_rows import MeasuredRows
from ..data.readers import file_checksum
from ..exceptions import CheckpointError
from ..storage.whole_file import write_file

_VERSION = 2
_MOST_EXAMPLES = 5000


@dataclass(frozen=True)
class TrainingSummary:
    """Training rows of a model in short.

    Attributes
    ----------
    task, target, formula_column : str
    feature_columns : list of str
    source : dict
        Name of the table, its SHA-256 where it is one file, the number of its rows.
    n_rows, n_compositions, n_repeated, n_left_out : int
        Rows in use, distinct compositions, rows beyond the first of their composition, rows that
        could not be used.
    elements : dict of str to int
        Rows that each element is in.
    measured : dict
        "smallest", "largest" and "quantiles" (0 to 1 in hundredths) of a target of numbers; the
        number of rows of each class.
    examples : list of [formula, value]
        Distinct compositions with their mean value or most frequent class, at most 5,000.
    scores : dict of str to dict
        Errors in cross-validation, for each way of holding out.
    version : str
        Of this package.
    """

    task: str
    target: str
    formula_column: str
    feature_columns: list[str]
    source: dict
    n_rows: int
    n_compositions: int
    n_repeated: int
    n_left_out: int
    elements: dict[str, int]
    measured: dict
    examples: list
    version: str
    scores: dict = field(default_factory=dict)

    @classmethod
    def of(cls, rows: MeasuredRows, source: dict, version: str) -> "TrainingSummary":
        """Summarise the rows of a table."""
        formulas = rows.X[rows.formula_column].tolist()
        batch, inverse, _ = read_compositions(formulas)
        values = rows.y.to_numpy()
        first = np.unique(inverse, return_index=True)[1]
        if rows.task == "regression":
            sums = np.bincount(inverse, weights=values.astype(float))
            typical = (sums / np.bincount(inverse)).tolist()
            measured = {
                "smallest": float(values.min()),
                "largest": float(values.max()),
                "quantiles": np.quantile(values.astype(float), np.linspace(0, 1, 101)).tolist(),
            }
        else:
            classes, counts = np.unique(values.astype(str), return_counts=True)
            measured = dict(zip(classes.tolist(), counts.tolist(), strict=True))
            typical = [str(values[row]) for row in first]
        examples = [[formulas[row], typical[number]] for number, row in enumerate(first)]
        return cls(
            task=rows.task,
            target=rows.target,
            formula_column=rows.formula_column,
            feature_columns=rows.feature_columns,
            source=source,
            n_rows=len(rows),
            n_compositions=len(batch),
            n_repeated=len(rows) - len(batch),
            n_left_out=len(rows.left_out),
            elements=_element_counts(formulas),
            measured=measured,
            examples=examples[:_MOST_EXAMPLES],
            version=version,
        )

    def save(self, model) -> None:
        """Write as JSON beside the model, with a digest and the checksum of the model.

        Parameters
        ----------
        model : path-like
            Already written.
        """
        content = {**asdict(self), "model": file_checksum(model)}
        whole = {"format": _VERSION, "sha256": _digest(content), **content}
        write_file(summary_path(model), json.dumps(whole, indent=1))

    @classmethod
    def of_model(cls, model) -> "TrainingSummary | None":
        """Read what lies beside a model; None where there is nothing.

        Parameters
        ----------
        model : path-like

        Returns
        -------
        TrainingSummary or None

        Raises
        ------
        CheckpointError
            If the file is damaged, of another version, or was written for another model.
        """
        path = summary_path(model)
        if not path.exists():
            return None
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content.pop("format") != _VERSION:
                raise ValueError("another version of the format")
            if content.pop("sha256") != _digest(content):
                raise ValueError("its content is not that of its digest")
            checksum = content.pop("model")
            summary = cls(**content)
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise CheckpointError(
                f"{path} is no summary of a training ({error}); write it again with `cromel train`."
            ) from error
        if checksum != file_checksum(model):
            raise CheckpointError(
                f"{path} was written for another model than {model}. Put the one that belongs to "
                f"it beside it, remove it, or train again."
            )
        return summary

    def best(self, objective: str) -> float:
        """Best measured value of a target of numbers."""
        return self.measured["largest" if objective == "max" else "smallest"]


def summary_path(model) -> Path:
    """Where the summary of a model lies: beside it, `MODEL.json`."""
    return Path(f"{model}.json")


def _digest(content: dict) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _element_counts(formulas) -> dict[str, int]:
    counts = np.zeros(120, dtype=int)
    for formula in formulas:
        counts[list(parse_composition(formula)[0])] += 1
    return {SYMBOLS[z - 1]: int(counts[z]) for z in np.flatnonzero(counts).tolist()}
