"""What came out of an evaluation: figures, and what they mean in words."""

from dataclasses import dataclass, field
from html import escape

import pandas as pd

from .evaluation_words import doubt_in_words, gap_in_words, verdict_in_words
from .held_out_splits import SPLITS
from .score_tables import curve_table, score_table, shown_table

_VALUE_SCORES = ("mae", "rmse", "r2")
_LOGARITHMIC_SCORES = ("mae_log10", "r2_log10", *_VALUE_SCORES)
_CLASS_SCORES = ("balanced_accuracy", "roc_auc", "accuracy")


@dataclass(frozen=True, eq=False, repr=False)
class EvaluationResult:
    """Scores and held-out predictions of a model beside its baselines, from `evaluate`.

    Parameters
    ----------
    model_name, target_name : str
    n_rows, n_compositions, n_systems : int
        Of the table; compositions as distinct atomic fractions, systems as sets of elements.
    coverage : float
        That intervals were asked for.
    folds : DataFrame
        One row a fit: `split`, `model`, `share` of the training compositions, `fold`, `n_train`,
        `n_test`, `seconds`, and the scores of its test rows.
    predictions : DataFrame
        One row a held-out row of the model: `split`, `fold`, `row`, `formula`, `target`,
        `prediction`, and `std`, `lower`, `upper`, `in_domain` or `probability_<class>` where the
        model states them.
    elements : dict
        Atomic number -> rows of the table that contain the element.
    notes : tuple of str
        What was not done, and why.
    classes : tuple or None
        Of a classifier.

    Examples
    --------
    >>> from sklearn.dummy import DummyRegressor
    >>> from cromel_sklearn import evaluate
    >>> formulas = ["NaCl", "Na2Cl2", "MgO", "CaO", "KBr", "KI"]
    >>> result = evaluate(DummyRegressor(), formulas, [1, 1, 3, 4, 5, 6], baselines=["mean"])
    >>> result.n_compositions, result.splits
    (5, ('shuffled', 'composition', 'system'))
    """

    model_name: str
    target_name: str
    n_rows: int
    n_compositions: int
    n_systems: int
    coverage: float
    folds: pd.DataFrame
    predictions: pd.DataFrame
    elements: dict[int, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    classes: tuple | None = None

    @property
    def is_classification(self) -> bool:
        """Whether the model is a classifier."""
        return self.classes is not None

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits that were made, from the most flattering to the hardest."""
        return tuple(name for name in SPLITS if (self.folds["split"] == name).any())

    @property
    def score_names(self) -> tuple[str, ...]:
        """Names of the scores, the first being the one that models are compared by."""
        if self.is_classification:
            return _CLASS_SCORES
        return _LOGARITHMIC_SCORES if "mae_log10" in self.folds else _VALUE_SCORES

    def table(self) -> pd.DataFrame:
        """Mean and standard deviation of each score over the folds.

        Returns
        -------
        DataFrame
            Indexed by split and model; for each score its mean and, as `<score>_std`, its
            deviation over the folds; `coverage`, `interval_width` and `spearman` where the model
            states intervals and deviations; `n_folds` and `seconds` a fit.
        """
        return score_table(self)

    def learning_curve(self) -> pd.DataFrame:
        """Mean and deviation of each score by the number of training rows.

        Returns
        -------
        DataFrame
            Indexed by the share of the training compositions; `n_train` is the mean over folds.
            Of one row where no learning curve was asked for.
        """
        return curve_table(self)

    @property
    def main_split(self) -> str:
        """The split to report: by composition, or the hardest that was made."""
        return "composition" if "composition" in self.splits else self.splits[-1]

    @property
    def gap(self) -> str:
        """What the easier splits promise too much, in words; empty where one alone was tried."""
        return gap_in_words(self)

    @property
    def verdict(self) -> str:
        """How the model compares with its best baseline, in words; empty without baselines."""
        return verdict_in_words(self)

    @property
    def doubt(self) -> str:
        """Whether intervals hold what they promise, in words; empty where none are stated."""
        return doubt_in_words(self)

    @property
    def summary(self) -> tuple[str, ...]:
        """The result in sentences."""
        sentences = (self.gap, self.verdict, self.doubt, *self.notes)
        return tuple(sentence for sentence in sentences if sentence)

    def __repr__(self) -> str:
        lines = [self._title, shown_table(self).to_string(), *self.summary]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        frame = shown_table(self)
        sentences = "".join(f"<p>{escape(sentence)}</p>" for sentence in self.summary)
        return (
            f"<div class='cromel-evaluation'><p><b>{escape(self._title)}</b></p>"
            f"{frame.to_html(border=0)}{sentences}</div>"
        )

    @property
    def _title(self) -> str:
        return (
            f"{self.model_name} on {self.target_name}: {self.n_rows:,} rows, "
            f"{self.n_compositions:,} compositions, {self.n_systems:,} chemical systems"
        )

    def parity(self, split=None, ax=None, **plot_options):
        """Draw held-out predictions against measured values.

        Parameters
        ----------
        split : {"shuffled", "composition", "system"}, optional
            By composition by default.
        ax : matplotlib Axes, optional
        **plot_options
            `kind` ("parity" or "residuals"), `error_bars` (bool), `n_labels` (so many of the worst
            rows are named).

        Returns
        -------
        ParityDisplay

        Raises
        ------
        ValueError
            If the model is a classifier, or that split was not made.
        """
        from .parity import ParityDisplay

        rows = self._rows_of(split)
        display = ParityDisplay(
            rows["target"], rows["prediction"], y_std=rows.get("std"),
            labels=rows["formula"], target_name=self.target_name,
        )  # fmt: skip
        return display.plot(ax, **plot_options)

    def uncertainty(self, split=None, ax=None, **plot_options):
        """Draw the stated uncertainty of the held-out predictions against their errors.

        Parameters
        ----------
        split : {"shuffled", "composition", "system"}, optional
            By composition by default.
        ax : matplotlib Axes, or sequence of them, optional
        **plot_options
            `kind`: "all", "deviation", "retention" or "coverage".

        Returns
        -------
        UncertaintyDisplay

        Raises
        ------
        ValueError
            If the model states no deviations, or that split was not made.
        """
        from .uncertainty import UncertaintyDisplay

        rows = self._rows_of(split)
        if "std" not in rows:
            raise ValueError(
                f"{self.model_name} states no standard deviations: its predict takes no return_std."
            )
        observed = None
        if "lower" in rows:
            inside = (rows["lower"] <= rows["target"]) & (rows["target"] <= rows["upper"])
            observed = {self.coverage: float(inside.mean())}
        return UncertaintyDisplay.from_predictions(
            rows["target"], rows["prediction"], rows["std"],
            coverage=observed, target_name=self.target_name, ax=ax, **plot_options,
        )  # fmt: skip

    def worst(self, n_rows=10, split=None) -> pd.DataFrame:
        """Held-out rows with the largest errors, or the surest wrong classes.

        Parameters
        ----------
        n_rows : int, default=10
        split : {"shuffled", "composition", "system"}, optional
            By composition by default.

        Returns
        -------
        DataFrame
            Rows of `predictions` with a column `error` (of classes: the probability that was given
            to the wrong one), largest first.
        """
        rows = self.predictions[self.predictions["split"] == self._checked(split)].copy()
        if not self.is_classification:
            rows["error"] = rows["prediction"] - rows["target"]
            order = rows["error"].abs().sort_values(ascending=False).index
            return rows.loc[order[:n_rows]].reset_index(drop=True)
        rows = rows[rows["prediction"] != rows["target"]]
        names = [name for name in rows if name.startswith("probability_")]
        rows["error"] = rows[names].max(axis=1) if names else 1.0
        return rows.nlargest(n_rows, "error").reset_index(drop=True)

    def to_html(self, path=None) -> str:
        """Write the whole result as one self-contained page.

        Parameters
        ----------
        path : path-like, optional
            Where to write it as well.

        Returns
        -------
        str
            The page; it loads nothing from elsewhere.
        """
        from .reports import report_html

        page = report_html(self)
        if path is not None:
            from ..storage.whole_file import write_file

            write_file(path, page)
        return page

    def _rows_of(self, split) -> pd.DataFrame:
        if self.is_classification:
            raise ValueError(
                f"{self.model_name} predicts classes; this plot is of values. See `predictions`."
            )
        split = self._checked(split)
        return self.predictions[self.predictions["split"] == split]

    def _checked(self, split) -> str:
        if split is None:
            return self.main_split
        if split not in self.splits:
            raise ValueError(f"split must be one of {self.splits}, got {split!r}.")
        return split
