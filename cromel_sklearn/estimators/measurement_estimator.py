"""What regressor and classifier share: parameters, tables, fits, chunks of predictions, files."""

import warnings
from collections.abc import Iterator
from numbers import Integral
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from .._sklearn_compat import POSITIVE, StrOptions
from ..device import find_device, inference_device
from ..documentation import DocumentationLink
from ..encoders.checkpoint import Checkpoint
from ..encoders.registry import load_encoder
from ..exceptions import InvalidTableError

#: What `on_invalid` accepts.
ON_INVALID = {"raise", "drop", "nan"}


class MeasurementEstimator(DocumentationLink, BaseEstimator):
    """Estimator of one column of compositions, with or without numeric columns beside it."""

    _member_names: tuple[str, ...]
    _parameter_constraints = {  # noqa: RUF012 (scikit-learn reads it from the class)
        "encoder": [str, Path, Checkpoint],
        "members": [StrOptions({"auto"}), "array-like"],
        "formula_column": [str, Integral, None],
        "feature_columns": [None, "array-like"],
        "on_invalid": [StrOptions(ON_INVALID)],
        "time_limit": [POSITIVE, None],
        "n_jobs": [None, Integral],
        "device": "no_validation",  # find_device says what is expected
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    encoder_: Checkpoint

    def domain_score(self, X) -> np.ndarray:
        """Tell how far rows are from the training rows.

        The largest of: the distance to the nearest training compositions in the standardised
        embedding, over the one that 97.5 % of the rows keep to in cross-validation; 2, if an
        element was never trained on; and for a numeric column out of its range, 1 and by how much
        of the range.

        Parameters
        ----------
        X : as in `fit`, of n_samples rows

        Returns
        -------
        ndarray of shape (n_samples,)
            At most 1 in the domain; NaN for rows left out by `on_invalid`.
        """
        check_is_fitted(self, "stack_")
        table = self._read(X)
        domain = self._domain
        scores = [domain.score(part, domain.neighborhood(part)) for part in self._encoded(table)]
        return in_place(np.concatenate(scores)[: len(table)], table.valid)

    def in_domain(self, X) -> np.ndarray:
        """Tell which rows are like the training rows.

        Parameters
        ----------
        X : as in `fit`, of n_samples rows

        Returns
        -------
        ndarray of shape (n_samples,), bool
            Where `domain_score` is at most 1.
        """
        return self.domain_score(X) <= 1.0

    def card(self) -> str:
        """Write the model card.

        Returns
        -------
        str
            Markdown: the data with their checksum, the elements, cross-validated errors and
            coverage, members and versions. `card_` holds the same as a dataclass.
        """
        check_is_fitted(self, "stack_")
        return self.card_.markdown()

    def save(self, path) -> None:
        """Write the fitted estimator, with its model card, to one file.

        Parameters
        ----------
        path : path-like

        Raises
        ------
        CheckpointError
            If a parameter or a class cannot be written.
        """
        from .persistence import save_model

        save_model(self, path)

    @classmethod
    def load(cls, path):
        """Read a fitted estimator; no code in the file is run.

        Parameters
        ----------
        path : path-like
            Written by `save`.

        Returns
        -------
        estimator
            Of this class.

        Raises
        ------
        CheckpointError
            If the file is missing, damaged, or holds another estimator or what is not known.
        """
        from .persistence import load_model

        return load_model(path, (cls,))

    @property
    def checkpoint_(self) -> Checkpoint:
        """The fine-tuned encoder, for `CroMELTransformer(encoder=...)`.

        The mean of the networks; the properties that it predicts have drifted with it.
        """
        check_is_fitted(self, "stack_")
        if "networks" not in self.stack_.members:
            raise AttributeError(
                "No network has a weight in this model; fit with members=['networks'] for a "
                "fine-tuned encoder."
            )
        return self.stack_.members["networks"].checkpoint

    @property
    def member_weights_(self) -> dict[str, float]:
        """Weight of each member, the mean over outputs; the rest is a constant."""
        check_is_fitted(self, "stack_")
        weights = self.stack_.weights
        each = weights.weights if hasattr(weights, "weights") else None
        if each is None:
            each = np.mean([one.weights for one in weights], axis=0)
        return {name: float(w) for name, w in zip(self.stack_.fitted, each, strict=True)}

    def _start_fit(self, X):
        """Read the table that the fit is for."""
        from ..data.measurements import read_table
        from ..data.table_layout import find_layout

        self.encoder_ = load_encoder(self.encoder)
        find_device(self.device)
        self._wanted_members()
        self.layout_ = find_layout(X, self.formula_column, self.feature_columns)
        on_invalid = "drop" if self.on_invalid == "drop" else "raise"
        table = read_table(X, self.layout_, self.encoder_.known_elements, on_invalid)
        self._set_names(X)
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 100))
        return table

    def _wanted_members(self) -> list[str]:
        if isinstance(self.members, str):
            return list(self._member_names)
        wanted = list(self.members)
        unknown = [name for name in wanted if name not in self._member_names]
        if unknown or not wanted:
            raise ValueError(
                f"members must be 'auto' or some of {list(self._member_names)}, got {wanted!r}."
            )
        return [name for name in self._member_names if name in wanted]

    def _set_names(self, X) -> None:
        from ..data.table_layout import as_frame

        names = self.layout_.used_columns
        frame = None if self.layout_.formula_column is None else as_frame(X)
        used = X if frame is None else frame[list(names)]
        validate_data(self, used, reset=True, skip_check_array=True, ensure_2d=False)
        self.n_features_in_ = 1 + len(self.layout_.feature_columns)

    def _encoded_for_fit(self, table):
        """Encode the rows of a fit, all at once."""
        from .views import encode_table

        return encode_table(self.encoder_, table, find_device(self.device))

    def _fit_stack(self, encoded, target, weight, *, n_classes=0, class_weight=None):
        """Fit the members and their weights; the predictions of unseen rows come back."""
        from .progress import FitProgress
        from .stack_fit import StackFit

        with FitProgress(self.verbose) as progress:
            fit = StackFit(
                self.encoder_, encoded, target, weight, n_classes=n_classes, seed=self._seed,
                n_jobs=self.n_jobs, device=find_device(self.device), time_limit=self.time_limit,
                progress=progress,
            )  # fmt: skip
            fit.class_weight = class_weight
            self.stack_, out_of_fold = fit.fit(self._wanted_members())
        self.left_out_ = self.stack_.left_out
        self._warn_of_constants(target)
        return out_of_fold

    def _warn_of_constants(self, target: np.ndarray) -> None:
        for output in self.stack_.constant_outputs():
            column = target[:, output]
            if np.nanmax(column) > np.nanmin(column):
                name = f"Output {output}: no" if target.shape[1] > 1 else "No"
                warnings.warn(
                    f"{name} member predicts rows that it has not seen better than a constant, "
                    f"which is what this model predicts. Check the targets, or measure more.",
                    UserWarning,
                    stacklevel=4,
                )

    def _read(self, X):
        """Read a table for predictions."""
        from ..data.measurements import read_table
        from ..data.table_layout import select_columns

        selected = select_columns(X, self.layout_)
        named = selected if hasattr(X, "columns") else X
        validate_data(self, named, reset=False, skip_check_array=True, ensure_2d=False)
        on_invalid = "raise" if self.on_invalid == "raise" else "nan"
        table = read_table(selected, self.layout_, self.encoder_.known_elements, on_invalid)
        if not len(table.valid):
            raise InvalidTableError("X has no rows (n_samples=0); expected at least one.")
        return table

    def _encoded(self, table) -> Iterator:
        """Encode the rows of a table, a chunk at a time; of an empty one, a row in their stead."""
        from .stack import CHUNK
        from .views import encode_table

        device = inference_device(self.device)
        if not len(table):
            yield encode_table(self.encoder_, self._one_row(), device)
            return
        for start in range(0, len(table), CHUNK):
            yield encode_table(self.encoder_, table[start : start + CHUNK], device)

    def _one_row(self):
        """Table of one row that the encoder knows, for the shapes of what is predicted."""
        from ..data.composition import CompositionBatch
        from ..data.measurements import MeasurementTable

        element = min(self.encoder_.known_elements)
        batch = CompositionBatch.from_amounts([((element,), (1.0,))])
        features = np.zeros((1, len(self.layout_.feature_columns)))
        return MeasurementTable(batch, np.zeros(1, dtype=np.int64), features, np.ones(1, bool))

    def _warn_of_far_rows(self, score: np.ndarray) -> None:
        from .applicability import FAR

        n_far = int((score >= FAR).sum())
        if n_far:
            warnings.warn(
                f"{n_far} of {len(score)} rows are far outside what the model was fitted to "
                f"(domain_score of {FAR:g} or more): their predictions are guesses.",
                UserWarning,
                stacklevel=3,
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.non_deterministic = False
        return tags


def usable_rows(table, y, weight):
    """Leave out what `on_invalid` left out of the table, and rows of zero weight.

    Parameters
    ----------
    table : MeasurementTable of n_valid rows
    y : ndarray of n_samples rows
    weight : ndarray of shape (n_samples,)

    Returns
    -------
    (table, y, weight)
        The weights with a mean of 1.
    """
    check_consistent_length(table.valid, y, weight)
    y, weight = y[table.valid], weight[table.valid]
    used = weight > 0
    if not used.all():
        table, y, weight = table[used], y[used], weight[used]
    return table, y, weight / (weight.mean() if len(weight) else 1.0)


def in_place(values: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Put the values of valid rows in their place, NaN in that of the others."""
    if valid.all():
        return values
    placed = np.full((len(valid), *values.shape[1:]), np.nan)
    placed[valid] = values
    return placed
