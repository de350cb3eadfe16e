"""What estimators that are fitted to measurements share: how they read a table of them."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d, validate_data

from ..documentation import DocumentationLink
from ..encoders.checkpoint import Checkpoint
from ..exceptions import InvalidTableError


class MeasurementEstimator(DocumentationLink, BaseEstimator):
    """Estimator of one column of compositions, with or without numeric columns beside it."""

    encoder_: Checkpoint
    feature_columns: list | None

    def _require_target(self, y) -> None:
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )

    def _checked_classes(self, y) -> np.ndarray:
        """Classes of each row, of shape (n_samples,), none of them missing."""
        self._require_target(y)
        y = column_or_1d(y, warn=True)
        assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        return y

    def _read(self, X, reset: bool):
        from ..data.measurements import read_table

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
