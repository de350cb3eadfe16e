"""Regressor of measurements: a stack of members with calibrated uncertainty."""

from numbers import Real

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted

from .._sklearn_compat import StrOptions, check_parameters
from ..data.target_scale import TARGET_TRANSFORMS, TargetScale
from ..data.targets import checked_targets, checked_weights
from .measurement_estimator import (
    MeasurementEstimator,
    in_place,
    usable_rows,
)
from .members import REGRESSOR_MEMBERS


class CroMELRegressor(RegressorMixin, MeasurementEstimator):
    r"""Regression of measurements, with uncertainty and a domain of applicability.

    Members of three kinds predict the target: stock models on the pretrained embedding (a support
    vector machine, a Gaussian process), stock models on the elements (extremely randomized trees
    and boosting on the calculated properties that the encoder predicts beside the fractions of the
    elements, trees on the bare fractions), and networks that train the encoder further. Numeric
    columns stand beside each. In five folds that keep the rows of a composition together, each
    member predicts rows that it has not seen; these predictions give the weights of the members,
    and their errors the uncertainty.

    Parameters
    ----------
    encoder : str, path-like or Checkpoint, default="mp-multi"
        Registry id, `name` (newest version) or `name@version`; path of a checkpoint; or a
        `Checkpoint` from `CroMELPretrainer`.
    members : "auto" or list of str, default="auto"
        Names of the members to use: "element_trees", "fraction_trees", "support_vectors" (up to
        8,000 rows), "gaussian_process" (up to 2,000), "boosting", "networks". All by default.
    formula_column : column name, optional
        Of a table; by default the one column that is not numeric.
    feature_columns : list of column names, optional
        Numeric columns beside the compositions (temperature, load, ...); all numeric columns of `X`
        by default. Other columns are then ignored.
    target_transform : {"auto", None, "sqrt", "log10", "log1p"}, default="auto"
        Learn the target as it was measured (None), its square root or its logarithm; predictions
        are transformed back. "auto" takes the square root of a target that is never negative and
        skewed (above 1), if trees that learn it predict unseen compositions better, and else None.
    target_min, target_max : float, optional
        Bounds of the target, which predictions and intervals keep to.
    on_invalid : {"raise", "drop", "nan"}, default="raise"
        Rows that are no composition or lack a number: raise an error that names them; "drop" leaves
        them out of `fit`, with one warning, and predicts NaN for them; "nan" does so in predictions
        alone.
    time_limit : float, optional
        Seconds that a fit may take. Members that would take longer are left out, with a warning.
    n_jobs : int, optional
        Folds fitted in parallel threads, as in joblib.
    device : str, default="cpu"
        "cpu", "cuda", "cuda:<index>", or "auto" (a CUDA GPU where there is one): for the encoder
        and the networks.
    random_state : int, RandomState or None, default=None
        Of folds, trees, heads and order; an int makes fits on a CPU equal.
    verbose : int, default=1
        1 shows progress on a terminal, 0 nothing.

    Attributes
    ----------
    encoder_ : Checkpoint
        The pretrained encoder, unchanged.
    member_weights_ : dict of str to float
        Weight of each member in a prediction.
    left_out_ : dict of str to str
        Members that were not fitted, and why.
    cross_validated_error_ : list of float
        Mean absolute error of each output on rows that the members had not seen.
    card_ : ModelCard
        What `card()` writes.
    target_scale_ : TargetScale
        Whose `transform` says how the target was learned.
    stack_ : Stack
        The fitted members.
    uncertainty_ : Uncertainty
        The model of the errors and the domain.
    n_features_in_ : int
        Columns in use: that of compositions, and numeric ones.
    feature_names_in_ : ndarray of object
        Names of the columns in use, where the table has names.

    References
    ----------
    Na, npj Comput. Mater. 11 (2025), doi:10.1038/s41524-025-01723-1. Stacks: Breiman, Machine
    Learning 24, 49 (1996), doi:10.1007/BF00117832. Intervals: Papadopoulos et al., J. Artif.
    Intell. Res. 40, 815 (2011), doi:10.1613/jair.3198.

    Examples
    --------
    >>> from cromel_sklearn import CroMELRegressor, load_standard_enthalpies
    >>> sample = load_standard_enthalpies()
    >>> model = CroMELRegressor(members=["element_trees", "support_vectors"], random_state=0)
    >>> model = model.fit(sample.formulas[::4], sample.target[::4])
    >>> mean, std = model.predict(["MgO", "NaCl"], return_std=True)
    >>> model.predict_interval(["MgO", "NaCl"], coverage=0.8).shape
    (2, 2)
    """

    _member_names = REGRESSOR_MEMBERS
    _parameter_constraints = {  # noqa: RUF012
        **MeasurementEstimator._parameter_constraints,
        "target_transform": [StrOptions({"auto", *TARGET_TRANSFORMS}), None],
        "target_min": [Real, None],
        "target_max": [Real, None],
    }

    def __init__(
        self,
        encoder="mp-multi",
        *,
        members="auto",
        formula_column=None,
        feature_columns=None,
        target_transform="auto",
        target_min=None,
        target_max=None,
        on_invalid="raise",
        time_limit=None,
        n_jobs=None,
        device="cpu",
        random_state=None,
        verbose=1,
    ):
        self.encoder = encoder
        self.members = members
        self.formula_column = formula_column
        self.feature_columns = feature_columns
        self.target_transform = target_transform
        self.target_min = target_min
        self.target_max = target_max
        self.on_invalid = on_invalid
        self.time_limit = time_limit
        self.n_jobs = n_jobs
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y, sample_weight=None):
        """Fit the members, their weights and the model of their errors.

        Parameters
        ----------
        X : compositions, or table with one column of them beside numeric columns
            As in `CroMELTransformer.fit`; a DataFrame or array of shape (n_samples, n_columns).
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            With several outputs, NaN where not measured.
        sample_weight : array-like of shape (n_samples,), optional
            Rows of weight zero change nothing.

        Returns
        -------
        self

        Raises
        ------
        InvalidCompositionError, InvalidTableError
            Names the row, the value and what was expected.
        EncoderNotFoundError, CheckpointError, DeviceError
            If the encoder or the device cannot be used.
        """
        from ..data.measurements import require_no_target
        from .target_choice import chosen_transform
        from .uncertainty import learn_uncertainty

        check_parameters(self)
        if y is None:
            raise ValueError("CroMELRegressor requires y to be passed, but the target y is None.")
        y = checked_targets(y)
        weight = checked_weights(sample_weight, len(y))
        table = self._start_fit(X)
        table, y, weight = usable_rows(table, y, weight)
        require_no_target(table, self.layout_, y.reshape(len(y), -1))
        encoded = self._encoded_for_fit(table)
        bounds = self.target_min, self.target_max
        transform = self.target_transform
        if transform == "auto":
            transform = chosen_transform(encoded, y, weight, bounds, self._seed)
        self.target_scale_ = TargetScale.of(y, transform, *bounds)
        target = self.target_scale_.standardise(y)
        unseen = self._fit_stack(encoded, self.target_scale_.bounded(target), weight)
        self.uncertainty_ = learn_uncertainty(self.stack_, encoded, target, unseen, self._seed)
        self._write_card(table, y, unseen)
        return self

    def predict(self, X, return_std=False):
        """Predict.

        Warns of rows far outside the domain.

        Parameters
        ----------
        X : as in `fit`, of n_samples rows
            A table may have more columns, in any order.
        return_std : bool, default=False

        Returns
        -------
        mean : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            In the unit of `y`, of a target that was transformed rather the median; NaN for rows
            left out by `on_invalid`.
        std : the same, if `return_std`
            Standard deviation of the error, as learned from rows that the members had not seen;
            grows outside the domain.
        """
        center, expected, score, valid = self._predicted(X, with_errors=return_std)
        self._warn_of_far_rows(score)
        scale = self.target_scale_
        mean = in_place(scale.restore(center), valid)
        if not return_std:
            return mean
        return mean, self._deviation(center, expected, score, valid)

    def predict_interval(self, X, coverage=0.9):
        """Predict intervals that hold the measured value with a given probability.

        Normalised conformal prediction: the expected error times the quantile of its misses on rows
        that the members had not seen.

        Parameters
        ----------
        X : as in `fit`, of n_samples rows
        coverage : float, default=0.9
            Between 0 and 1.

        Returns
        -------
        ndarray of shape (n_samples, 2) or (n_samples, n_outputs, 2)
            Lower and upper end, in the unit of `y`.

        Raises
        ------
        CalibrationError
            If there were too few rows in `fit` for that coverage.
        """
        if not isinstance(coverage, float | int | np.floating) or not 0 < coverage < 1:
            raise ValueError(f"coverage must be between 0 and 1, got {coverage!r}")
        center, expected, score, valid = self._predicted(X, with_errors=True)
        self._warn_of_far_rows(score)
        return self._interval(center, expected, valid, float(coverage))

    def _predict_all(self, X, coverage):
        """Mean, deviation, interval and domain of each row, for the price of one of them."""
        center, expected, score, valid = self._predicted(X, with_errors=True)
        return (
            in_place(self.target_scale_.restore(center), valid),
            self._deviation(center, expected, score, valid),
            self._interval(center, expected, valid, coverage),
            in_place(score, valid) <= 1.0,
        )

    def _deviation(self, center, expected, score, valid) -> np.ndarray:
        std = expected * [error.factor for error in self.uncertainty_.errors]
        # Of a root or a logarithm, small predictions have small deviations; outside the domain, no
        # prediction is known to be small: it counts as the mean of the training rows.
        outside = np.clip(score - 1.0, 0.0, 1.0)[:, None]
        at = center + outside * np.maximum(-center, 0.0)
        return in_place(self.target_scale_.restore_deviation(at, std), valid)

    def _interval(self, center, expected, valid, coverage: float) -> np.ndarray:
        intervals = np.stack(
            [
                error.interval(center[:, output], expected[:, output], coverage)
                for output, error in enumerate(self.uncertainty_.errors)
            ],
            axis=1,
        )
        ends = [self.target_scale_.restore(intervals[:, :, end]) for end in (0, 1)]
        return in_place(np.stack(ends, axis=-1), valid)

    @property
    def _domain(self):
        return self.uncertainty_.domain

    def _predicted(self, X, *, with_errors: bool):
        """Standardised predictions, expected errors, domain scores, and which rows are valid."""
        check_is_fitted(self, "uncertainty_")
        table = self._read(X)
        centers, expected, scores = [], [], []
        for part in self._encoded(table):
            predicted, deviation = self.stack_.predict(part)
            centers.append(self.stack_.combine(predicted))
            if with_errors:
                errors, score = self.uncertainty_.expected_errors(
                    self.stack_, part, predicted, deviation
                )
                expected.append(errors)
            else:
                score = self._domain.score(part, self._domain.neighborhood(part))
            scores.append(score)
        n_rows = len(table)
        joined = np.concatenate(expected)[:n_rows] if with_errors else None
        return (
            np.concatenate(centers)[:n_rows],
            joined,
            np.concatenate(scores)[:n_rows],
            table.valid,
        )

    def _write_card(self, table, y, unseen) -> None:
        """Keep errors of rows that the members had not seen, and what else a card tells."""
        from .model_card import ModelCard, target_entries

        scale = self.target_scale_
        targets = target_entries(
            y, scale.restore(self.stack_.combine(unseen.predicted)), scale.transform
        )
        self.cross_validated_error_ = [target["mae"] for target in targets]
        coverage = [error.cross_validated_coverage for error in self.uncertainty_.errors]
        self.card_ = ModelCard.of(self, table, y, targets, coverage)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.two_d_labels = False
        return tags
