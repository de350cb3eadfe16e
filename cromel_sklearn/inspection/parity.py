"""Plot of predicted against measured values."""

import numpy as np
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.utils.validation import check_consistent_length

from .colors import ACCENT, INK, MUTED, POINTS
from .optional_packages import new_axes
from .stated_predictions import stated_predictions

_KINDS = ("parity", "residuals")


class ParityDisplay:
    """Predicted against measured values, in the manner of scikit-learn's displays.

    Make one by `from_estimator` or `from_predictions`, which draw it.

    Parameters
    ----------
    y_true, y_pred : ndarray of shape (n_samples,)
        Measured and predicted values, in one unit.
    y_std : ndarray of shape (n_samples,), optional
        Stated standard deviations, for error bars.
    labels : sequence of n_samples str, optional
        Formulas, to name the worst rows by.
    target_name : str, default="target"
        With its unit, for the axes.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    scatter_ : matplotlib PathCollection

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from cromel_sklearn import ParityDisplay
    >>> display = ParityDisplay.from_predictions([1.0, 2.0, 4.0], [1.1, 2.2, 3.5])
    >>> round(display.mae, 3)
    0.267
    """

    def __init__(self, y_true, y_pred, *, y_std=None, labels=None, target_name="target"):
        self.y_true = np.asarray(y_true, dtype=float)
        self.y_pred = np.asarray(y_pred, dtype=float)
        self.y_std = None if y_std is None else np.asarray(y_std, dtype=float)
        self.labels = None if labels is None else [str(label) for label in labels]
        self.target_name = target_name
        check_consistent_length(self.y_true, self.y_pred, self.y_std, self.labels)

    @classmethod
    def from_estimator(cls, model, X, y, *, labels=None, target_name=None, ax=None, **plot_options):
        """Draw the predictions of a fitted regressor.

        Parameters
        ----------
        model : fitted regressor
        X : n_samples rows, as the model takes them
            Not those that it was fitted to.
        y : array-like of shape (n_samples,)
        labels : sequence of n_samples str, optional
        target_name : str, optional
            By default the name of `y`, if it has one.
        ax : matplotlib Axes, optional
        **plot_options
            As of `plot`.

        Returns
        -------
        ParityDisplay
        """
        stated = stated_predictions(model, X)
        name = target_name or str(getattr(y, "name", None) or "target")
        display = cls(y, stated.mean, y_std=stated.std, labels=labels, target_name=name)
        return display.plot(ax, **plot_options)

    @classmethod
    def from_predictions(
        cls, y_true, y_pred, *, y_std=None, labels=None, target_name="target", ax=None,
        **plot_options,
    ):  # fmt: skip
        """Draw predictions made before.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n_samples,)
        y_std : array-like of shape (n_samples,), optional
        labels : sequence of n_samples str, optional
        target_name : str, default="target"
        ax : matplotlib Axes, optional
        **plot_options
            As of `plot`.

        Returns
        -------
        ParityDisplay
        """
        display = cls(y_true, y_pred, y_std=y_std, labels=labels, target_name=target_name)
        return display.plot(ax, **plot_options)

    @property
    def mae(self) -> float:
        """Mean absolute error, in the unit of the target."""
        return float(mean_absolute_error(self.y_true, self.y_pred))

    @property
    def r2(self) -> float:
        """Coefficient of determination; NaN for a single row."""
        return float(r2_score(self.y_true, self.y_pred)) if len(self.y_true) > 1 else np.nan

    def __repr__(self) -> str:
        figures = f"MAE {self.mae:.3g}, R2 {self.r2:.3g}"
        return f"ParityDisplay({len(self.y_true):,} rows of {self.target_name}: {figures})"

    def plot(self, ax=None, *, kind="parity", error_bars=False, n_labels=0):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            New ones by default.
        kind : {"parity", "residuals"}, default="parity"
            Predicted against measured values, or error against predicted values.
        error_bars : bool, default=False
            One stated standard deviation to either side.
        n_labels : int, default=0
            Name so many rows with the largest errors.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If `kind` is neither, or error bars or labels are asked for that are not there.
        ImportError
            If matplotlib is not installed.
        """
        if kind not in _KINDS:
            raise ValueError(f"kind must be one of {_KINDS}, got {kind!r}.")
        if error_bars and self.y_std is None:
            raise ValueError("No error bars to draw: the model states no standard deviations.")
        if n_labels and self.labels is None:
            raise ValueError("No labels to write: pass labels, such as the formulas of the rows.")
        (axes,) = new_axes(ax)
        is_parity = kind == "parity"
        x = self.y_true if is_parity else self.y_pred
        y = self.y_pred if is_parity else self.y_pred - self.y_true
        if error_bars:
            axes.errorbar(x, y, self.y_std, fmt="none", ecolor=MUTED, elinewidth=0.6, alpha=0.6)
        alpha = float(np.clip(40 / np.sqrt(max(len(x), 1)), 0.15, 0.8))
        self.scatter_ = axes.scatter(
            x, y, s=14, color=POINTS, alpha=alpha, linewidths=0, rasterized=len(x) > 2000
        )
        if is_parity:
            ends = [min(x.min(), y.min()), max(x.max(), y.max())]
            axes.plot(ends, ends, color=INK, linewidth=0.8, zorder=0)
            _scale_alike(axes)
            axes.set(xlabel=f"measured {self.target_name}", ylabel=f"predicted {self.target_name}")
        else:
            axes.axhline(0, color=INK, linewidth=0.8, zorder=0)
            axes.set(xlabel=f"predicted {self.target_name}", ylabel="predicted − measured")  # noqa: RUF001
        axes.set_title(f"MAE {self.mae:.3g}, R2 {self.r2:.3g}, {len(x):,} rows", fontsize="medium")
        labels, middle = self.labels or [], (x.min() + x.max()) / 2
        for row in np.argsort(-np.abs(self.y_pred - self.y_true))[:n_labels]:
            is_left = x[row] < middle  # the text stays inside
            axes.annotate(
                labels[row], (x[row], y[row]), xytext=(4 if is_left else -4, 4),
                textcoords="offset points", ha="left" if is_left else "right",
                fontsize="x-small", color=ACCENT,
            )  # fmt: skip
        axes.spines[["top", "right"]].set_visible(False)
        self.ax_, self.figure_ = axes, axes.figure
        return self


def _scale_alike(axes) -> None:
    """Same limits and ticks on both axes, whatever was drawn."""
    from matplotlib.ticker import MaxNLocator

    limits = [*axes.get_xlim(), *axes.get_ylim()]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axes.set(xlim=(min(limits), max(limits)), ylim=(min(limits), max(limits)))
    axes.set_aspect("equal", adjustable="box")
