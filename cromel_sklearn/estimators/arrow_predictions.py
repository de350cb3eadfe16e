"""Arrow batches with formulas, predicted: mean, deviation, interval and domain of each row."""

from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ..data.table_numbers import numbers_of
from ..exceptions import CalibrationError, CheckpointError, InvalidTableError
from .arrow_batches import BatchColumns, for_valid_rows, known_symbol, settled
from .saved_models import columns_of, load_model


def predict_batch(
    batch, model, *, formula_column=None, coverage=0.9, on_invalid="raise", prefix="",
):  # fmt: skip
    """Append predictions to an Arrow batch.

    For engines that hand out batches: Dask, Ray Data, Spark. A model in a file is read once a
    process.

    Parameters
    ----------
    batch : pyarrow.RecordBatch or pyarrow.Table
        Of n_rows rows.
    model : path-like, or fitted CroMELRegressor or CroMELClassifier
        Its numeric columns are taken from the batch by name.
    formula_column : str, optional
        Name of the column of formulas; by default that of the table that the model was fitted to.
    coverage : float, default=0.9
        Of the intervals of a regressor.
    on_invalid : {"raise", "nan"}, default="raise"
        What to do with rows that are not a composition or lack a number.
    prefix : str, default=""
        Before the names of the new columns.

    Returns
    -------
    pyarrow.RecordBatch or pyarrow.Table, as `batch`
        All its columns and rows, and of a regressor `mean`, `std`, `lower`, `upper`; of a
        classifier `predicted` and `probability_<class>`; of both `in_domain`.

    Raises
    ------
    InvalidTableError
        If a column is missing, or one of the new columns is there.
    InvalidCompositionError
        If a row is invalid and `on_invalid="raise"`.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from cromel_sklearn import CroMELRegressor, load_standard_enthalpies, predict_batch
    >>> sample = load_standard_enthalpies()
    >>> model = CroMELRegressor(random_state=0)
    >>> model = model.fit(sample.formulas[:60], sample.target[:60])
    >>> batch = pa.table({"formula": ["MgO", "CaO"]})
    >>> predict_batch(batch, model, formula_column="formula").column_names[:3]
    ['formula', 'mean', 'std']
    """
    if not hasattr(model, "predict"):
        model = load_model(model)
    known, features = columns_of(model)
    prediction = BatchPrediction(
        model, formula_column or known or "formula", tuple(features), coverage, prefix
    )
    return settled(prediction(batch), on_invalid)


@dataclass(frozen=True)
class BatchPrediction(BatchColumns):
    """Function of a batch that appends predictions.

    Attributes
    ----------
    model : fitted CroMELRegressor or CroMELClassifier
    formula_column : str
        Of the batch.
    feature_columns : tuple of str
        Numeric columns of the batch, and of the model.
    coverage : float
        Of the intervals.
    prefix : str
        Before the names of the new columns.
    decimal : {".", ","}
        Decimal mark of numbers in texts.
    """

    model: Any
    formula_column: str
    feature_columns: tuple[str, ...] = ()
    coverage: float = 0.9
    prefix: str = ""
    decimal: str = "."
    other_names = (
        "rename it, or put something before the names of the new columns: --prefix new_ in the "
        "shell, prefix='new_' in Python"
    )

    def __post_init__(self):
        if not 0 < self.coverage < 1:
            raise InvalidTableError(f"coverage is between 0 and 1, got {self.coverage!r}.")
        n_outputs = 1 if self._is_classifier else len(self.model.target_scale_.mean)
        if n_outputs > 1:
            raise CheckpointError(
                f"The model predicts {n_outputs} targets at once; here it must be one."
            )
        if self.model.on_invalid != "raise":  # invalid rows are found, and named, by the error
            strict = copy(self.model)
            object.__setattr__(self, "model", strict.set_params(on_invalid="raise"))

    def columns(self, batch) -> tuple[list[pa.Array], list[tuple[int, Any, str]]]:
        """Predictions; those of rows that lack a number are missing as well."""
        features, feature_problems = self._features(batch)
        formulas = batch[self.formula_column].to_pylist()
        good = [row for row in range(len(formulas)) if row not in feature_problems]
        values, problems = for_valid_rows(
            self._predicted,
            [(formulas[row], *features[row]) for row in good],
            (known_symbol(self.model.encoder_), *np.zeros(len(self.feature_columns))),
        )
        found = np.full((len(formulas), values.shape[1]), np.nan)
        found[good] = values
        reasons = {good[place]: reason for place, _, reason in problems} | feature_problems
        problems = [(row, formulas[row], reasons[row]) for row in sorted(reasons)]
        return self._arrow_columns(found), problems

    def names(self) -> list[str]:
        """Names of the columns that are appended."""
        names = ["mean", "std", "lower", "upper"]
        if self._is_classifier:
            names = ["predicted", *(f"probability_{one}" for one in self.model.classes_)]
        return [self.prefix + name for name in (*names, "in_domain")]

    def require_columns(self, schema: pa.Schema) -> None:
        """Check that the columns of the model are in a table, and those of predictions are not."""
        super().require_columns(schema)
        missing = [name for name in self.feature_columns if name not in schema.names]
        if missing:
            raise InvalidTableError(
                f"The model needs the column {missing[0]!r}, which the table lacks; it has "
                f"{', '.join(map(repr, schema.names))}."
            )

    @property
    def _is_classifier(self) -> bool:
        return hasattr(self.model, "classes_")

    def _features(self, batch) -> tuple[np.ndarray, dict[int, str]]:
        """Numeric columns, of shape (n_rows, n_columns), and the rows that lack a number."""
        values = np.empty((batch.num_rows, len(self.feature_columns)))
        reasons: dict[int, str] = {}
        for place, name in enumerate(self.feature_columns):
            values[:, place], problems = numbers_of(batch[name], self.decimal)
            for one in problems:
                reasons.setdefault(one.row, f"column {name!r}: {one.reason}")
        return values, reasons

    def _predicted(self, rows: list[tuple]) -> np.ndarray:
        """Numbers of each row, in the order of `names`; a class as its number."""
        X = self._model_input(rows)
        if self._is_classifier:
            probability, in_domain = self.model._predict_all(X)
            columns = [probability.argmax(axis=1), *probability.T, in_domain]
        else:
            mean, std, interval, in_domain = self._numbers(X)
            columns = [mean, std, *interval.T, in_domain]
        return np.column_stack([np.asarray(column, dtype=float).ravel() for column in columns])

    def _numbers(self, X) -> tuple[np.ndarray, ...]:
        try:
            return self.model._predict_all(X, self.coverage)
        except CalibrationError:  # too few rows were held out: no interval is no promise
            mean, std = self.model.predict(X, return_std=True)
            return mean, std, np.full((len(X), 2), np.nan), self.model.in_domain(X)

    def _model_input(self, rows: list[tuple]):
        """Build the rows in the form that the model was fitted to."""
        formulas, *features = zip(*rows, strict=True)
        layout = self.model.layout_
        if layout.formula_column is None:
            name, _ = columns_of(self.model)
            return list(formulas) if name is None else pd.DataFrame({name: formulas}, dtype=object)
        columns = {layout.formula_column: pd.Series(formulas, dtype=object)}
        columns |= zip(layout.feature_columns, features, strict=True)
        return pd.DataFrame(columns)[list(layout.used_columns)]

    def _arrow_columns(self, found: np.ndarray) -> list[pa.Array]:
        is_missing = np.isnan(found[:, 0])
        columns = [pa.array(column) for column in np.ascontiguousarray(found.T)]
        if self._is_classifier:
            classes = self.model.classes_
            chosen = classes[np.where(is_missing, 0, found[:, 0]).astype(int)]
            columns[0] = pa.array(chosen.tolist(), mask=is_missing)
        columns[-1] = pa.array(found[:, -1] == 1, mask=is_missing)
        return columns
