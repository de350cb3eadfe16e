"""Plot of what a model states of its doubt against the errors that it makes."""

import numpy as np
from scipy.stats import norm
from sklearn.utils.validation import check_consistent_length

from .colors import ACCENT, INK, MUTED, POINTS
from .optional_packages import new_axes
from .scores import rank_correlation
from .stated_predictions import stated_interval, stated_predictions, states_deviation

#: Nominal coverages that `from_estimator` asks the model for.
COVERAGES = (0.5, 0.7, 0.8, 0.9, 0.95)
_PANELS = ("deviation", "retention", "coverage")
_MOST_BINS = 10


class UncertaintyDisplay:
    r"""Errors against stated deviations, retention and coverage, in scikit-learn's manner.

    Three questions, a panel each. *deviation*: are errors as large as the deviations stated? Points
    are rows; the line joins root mean squares of tenths of the rows, and should follow the
    diagonal. *retention*: does leaving out what the model doubts leave better rows? The mean
    absolute error of the most certain share of the rows, between random order (flat) and the order
    of the errors themselves. *coverage*: how many measured values lie in an interval of a given
    nominal coverage?

    Make one by `from_estimator` or `from_predictions`, which draw it.

    Parameters
    ----------
    error : ndarray of shape (n_samples,)
        Predicted minus measured values.
    y_std : ndarray of shape (n_samples,)
        Stated standard deviations, in the same unit.
    coverage : dict of float to float, optional
        Nominal coverage -> share of the measured values inside the model's own intervals.
    target_name : str, default="target"

    Attributes
    ----------
    axes_ : list of matplotlib Axes
        One a panel.
    ax_ : matplotlib Axes
        The first of them.
    figure_ : matplotlib Figure

    References
    ----------
    Retention: Malinin et al., arXiv:2107.07455. Calibration of regression: Levi et al., Sensors 22,
    5540 (2022), doi:10.3390/s22155540.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from cromel_sklearn import UncertaintyDisplay
    >>> display = UncertaintyDisplay.from_predictions([0.0, 0.0, 0.0], [0.1, -0.2, 0.4], [1, 2, 3])
    >>> display.spearman, display.retention
    (1.0, 1.0)
    """

    def __init__(self, error, y_std, *, coverage=None, target_name="target"):
        self.error = np.asarray(error, dtype=float)
        self.y_std = np.asarray(y_std, dtype=float)
        check_consistent_length(self.error, self.y_std)
        self.coverage = dict(coverage or {})
        self.target_name = target_name

    @classmethod
    def from_estimator(cls, model, X, y, *, target_name=None, ax=None, **plot_options):
        """Draw the doubt of a fitted regressor over rows that it has not seen.

        Parameters
        ----------
        model : fitted regressor
            Whose `predict` takes `return_std`.
        X : n_samples rows, as the model takes them
        y : array-like of shape (n_samples,)
        target_name : str, optional
            By default the name of `y`, if it has one.
        ax : matplotlib Axes, or sequence of them, optional
        **plot_options
            As of `plot`.

        Returns
        -------
        UncertaintyDisplay

        Raises
        ------
        ValueError
            If the model states no standard deviations.
        """
        if not states_deviation(model):
            raise ValueError(
                f"{type(model).__name__} states no standard deviations: its predict takes no "
                f"return_std. Use CroMELRegressor or a Gaussian process."
            )
        stated = stated_predictions(model, X)
        target = np.asarray(y, dtype=float)
        observed = {}
        if hasattr(model, "predict_interval"):
            for coverage in COVERAGES:
                ends = stated_interval(model, X, coverage)
                if ends is not None:
                    observed[coverage] = float(((ends[0] <= target) & (target <= ends[1])).mean())
        name = target_name or str(getattr(y, "name", None) or "target")
        display = cls(stated.mean - target, stated.std, coverage=observed, target_name=name)
        return display.plot(ax, **plot_options)

    @classmethod
    def from_predictions(
        cls, y_true, y_pred, y_std, *, coverage=None, target_name="target", ax=None, **plot_options
    ):
        """Draw predictions made before.

        Parameters
        ----------
        y_true, y_pred, y_std : array-like of shape (n_samples,)
            Measured and predicted values and stated standard deviations.
        coverage : dict of float to float, optional
            Nominal coverage -> share of the measured values inside the model's own intervals.
        target_name : str, default="target"
        ax : matplotlib Axes, or sequence of them, optional
        **plot_options
            As of `plot`.

        Returns
        -------
        UncertaintyDisplay
        """
        error = np.asarray(y_pred, dtype=float) - np.asarray(y_true, dtype=float)
        display = cls(error, y_std, coverage=coverage, target_name=target_name)
        return display.plot(ax, **plot_options)

    @property
    def spearman(self) -> float:
        """Rank correlation of absolute error and stated deviation; 1 at best."""
        return rank_correlation(np.abs(self.error), self.y_std)

    @property
    def retention(self) -> float:
        """Area between random order and the stated one, as a share of what is possible.

        1 where rows are ordered as by their errors, 0 where the order is as good as random.
        """
        stated, ideal = self._kept(self.y_std).mean(), self._kept(np.abs(self.error)).mean()
        random = np.abs(self.error).mean()
        return float((random - stated) / (random - ideal)) if random > ideal else 0.0

    def __repr__(self) -> str:
        return (
            f"UncertaintyDisplay({len(self.error):,} rows of {self.target_name}: rank correlation "
            f"{self.spearman:.2f}, {self.retention:.0%} of the possible gain)"
        )

    def _kept(self, doubt: np.ndarray) -> np.ndarray:
        """Mean absolute error of the first 1, 2, ... rows when ordered by a doubt."""
        ordered = np.abs(self.error)[np.argsort(doubt, kind="stable")]
        return ordered.cumsum() / np.arange(1, len(ordered) + 1)

    def plot(self, ax=None, *, kind="all"):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, or three of them where `kind` is "all", optional
            New ones by default.
        kind : {"all", "deviation", "retention", "coverage"}, default="all"

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If `kind` is none of these, or the axes are not as many as the panels.
        ImportError
            If matplotlib is not installed.
        """
        if kind not in ("all", *_PANELS):
            raise ValueError(f"kind must be one of {('all', *_PANELS)}, got {kind!r}.")
        panels = _PANELS if kind == "all" else (kind,)
        self.axes_ = new_axes(ax, len(panels))
        for axes, panel in zip(self.axes_, panels, strict=True):
            getattr(self, f"_draw_{panel}")(axes)
            axes.spines[["top", "right"]].set_visible(False)
        self.ax_, self.figure_ = self.axes_[0], self.axes_[0].figure
        return self

    def _draw_deviation(self, axes) -> None:
        error = np.abs(self.error)
        alpha = float(np.clip(40 / np.sqrt(max(len(error), 1)), 0.15, 0.8))
        axes.scatter(
            self.y_std, error, s=12, color=POINTS, alpha=alpha, linewidths=0,
            rasterized=len(error) > 2000,
        )  # fmt: skip
        n_bins = min(_MOST_BINS, max(1, len(error) // 5))
        bins = np.array_split(np.argsort(self.y_std, kind="stable"), n_bins)
        stated = [np.sqrt((self.y_std[rows] ** 2).mean()) for rows in bins]
        made = [np.sqrt((error[rows] ** 2).mean()) for rows in bins]
        axes.plot(stated, made, "o-", color=ACCENT, markersize=5, label="root mean square, tenths")
        right = 1.05 * max(np.quantile(self.y_std, 0.99), max(stated)) or 1.0
        top = 1.05 * max(np.quantile(error, 0.98), max(made)) or 1.0
        end = min(right, top)
        axes.plot([0, end], [0, end], color=INK, linewidth=0.8, label="error = deviation")
        axes.set(xlim=(0, right), ylim=(0, top))
        axes.set(xlabel="stated standard deviation", ylabel=f"|error| of {self.target_name}")
        axes.set_title(f"rank correlation {self.spearman:.2f}", fontsize="medium")
        axes.legend(fontsize="small", frameon=False)

    def _draw_retention(self, axes) -> None:
        share = np.arange(1, len(self.error) + 1) / len(self.error)
        random = np.abs(self.error).mean()
        axes.plot(share, self._kept(self.y_std), color=ACCENT, label="surest first")
        axes.axhline(random, color=MUTED, label="random order")
        axes.plot(share, self._kept(np.abs(self.error)), "--", color=MUTED, label="best possible")
        axes.set(xlabel="share of rows kept", ylabel="mean |error| of rows kept")
        axes.set(xlim=(0, 1), ylim=(0, None))
        axes.set_title(f"{self.retention:.0%} of the possible gain", fontsize="medium")
        axes.legend(fontsize="small", frameon=False)

    def _draw_coverage(self, axes) -> None:
        nominal = np.linspace(0.02, 0.98, 49)
        half = norm.ppf((1 + nominal) / 2)[:, None] * self.y_std
        observed = (np.abs(self.error) <= half).mean(axis=1)
        axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8)
        axes.plot(nominal, observed, color=MUTED, label="deviations, taken as normal")
        if self.coverage:
            names = sorted(self.coverage)
            axes.plot(
                names, [self.coverage[name] for name in names], "o", color=ACCENT,
                label="intervals of the model",
            )  # fmt: skip
        axes.set(
            xlabel="nominal coverage", ylabel="measured values inside", xlim=(0, 1), ylim=(0, 1)
        )
        shown = [f"{self.coverage[name]:.0%} inside {name:.0%}" for name in sorted(self.coverage)]
        title = shown[-1] if len(shown) == 1 else "coverage of intervals"
        axes.set_title(title, fontsize="medium")
        axes.legend(fontsize="small", frameon=False, loc="upper left")
