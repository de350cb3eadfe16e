"""What estimators that are fitted to measurements share: how they read a table of them."""

from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from .checkpoint import Checkpoint
from .documentation import DocumentationLink
from .exceptions import InvalidTableError


class MeasurementEstimator(DocumentationLink, BaseEstimator):
    """Estimator of one column of compositions, with or without numeric columns beside it."""

    encoder_: Checkpoint
    feature_columns: list | None

    def _require_target(self, y) -> None:
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )

    def _read(self, X, reset: bool):
        from .finetuning_data import read_table

        validate_data(self, X, reset=reset, skip_check_array=True, ensure_2d=False)
        table = read_table(X, self.feature_columns, self.encoder_.known_elements)
        n_columns = 1 + table.features.shape[1]
        if reset:
            self.n_features_in_ = n_columns
        elif n_columns != self.n_features_in_:
            raise InvalidTableError(
                f"X has {n_columns} columns, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} columns as in fit."
            )
        return table

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.non_deterministic = False
        return tags
