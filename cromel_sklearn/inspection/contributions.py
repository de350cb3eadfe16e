"""What drives a prediction: elements, their amounts, numeric columns, predicted properties."""

import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.inspection import permutation_importance
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from .colors import ACCENT, INK, POINTS
from .composition_space import embed_table
from .optional_packages import new_axes
from .periodic_table import draw_periodic_table
from .shapley import change_by_one_percent, read_mixable_rows, shapley_values

_KINDS = ("table", "bars", "properties")
_MOST_ROWS = 500  # that the surrogate learns from
_MOST_BARS = 15
_SMALLEST_BAR = 0.005  # of the longest; what is shorter says nothing


class ElementContributionDisplay:
    """Which elements, amounts, columns and predicted properties drive predictions.

    Shares of elements and numeric columns are Shapley values of the prediction itself, exact for up
    to ten of them and sampled beyond (by shap): they add up to the difference between the
    prediction and the mean over the rows of comparison. Properties that the encoder predicts are
    hidden inside a model, so their part is found by a stand-in: extra trees that predict the
    model's predictions from them, and scikit-learn's permutation importance of those; `fidelity`
    says how much of the predictions the stand-in reproduces, and where it is low, do not trust it.

    Make one by `from_estimator`, which computes and draws.

    Parameters
    ----------
    elements : dict of int to float
        Atomic number -> share, in the unit of the target; of several rows, the mean over those that
        contain the element.
    columns : dict of str to float
        Numeric column -> share.
    base, prediction : float
        Mean prediction over the rows of comparison, and (mean) prediction of the rows explained.
    per_percent : dict of int to float
        Atomic number -> change of the prediction when the element grows by one at. %.
    properties : Series of float, optional
        Predicted property -> loss of R2 of the stand-in when the property is shuffled.
    fidelity : float, optional
        R2 of the stand-in on rows that it has not seen.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from cromel_sklearn import ElementContributionDisplay
    >>> display = ElementContributionDisplay({11: 0.5, 17: 1.0}, {}, base=2.0, prediction=3.5)
    >>> display.table()["contribution"].to_dict()
    {'Cl': 1.0, 'Na': 0.5}
    """

    def __init__(
        self, elements, columns, *, base, prediction, per_percent=None, properties=None,
        fidelity=None,
    ):  # fmt: skip
        self.elements = dict(elements)
        self.columns = dict(columns)
        self.base = base
        self.prediction = prediction
        self.per_percent = dict(per_percent or {})
        self.properties = properties
        self.fidelity = fidelity

    @classmethod
    def from_estimator(
        cls, model, X, table, *, formula_column=None, feature_columns=None, label=None,
        n_background=30, encoder="mp-multi", random_state=0, ax=None, kind="bars",
    ):  # fmt: skip
        """Explain predictions of a fitted model, and draw.

        Takes about `n_background` times 2 to the number of elements and columns predictions a row.

        Parameters
        ----------
        model : fitted regressor or classifier
        X : formula, column of compositions, or DataFrame with one
            Rows to explain, few.
        table : column of compositions, or DataFrame with one
            Rows to compare with, such as those that the model was fitted to.
        formula_column : str, optional
            By default the only column that is not numeric, or "formula".
        feature_columns : list of str, optional
            Numeric columns that the model sees; all by default.
        label : class, optional
            Whose probability is explained; the last by default.
        n_background : int, default=30
            Rows of the table that stand for it.
        encoder : str, path-like or Checkpoint, default="mp-multi"
            Whose predicted properties are looked at.
        random_state : int, RandomState or None, default=0
        ax : matplotlib Axes, optional
        kind : {"table", "bars", "properties"}, default="bars"
            As of `plot`.

        Returns
        -------
        ElementContributionDisplay

        Raises
        ------
        ValueError
            If the model does not know the label.
        InvalidTableError, InvalidCompositionError
            If a column is missing or a row is not a composition.
        ImportError
            If shap or matplotlib is not installed.
        """
        _require_kind(kind)
        predict = _response(model, label)
        random = check_random_state(random_state)
        seed = int(random.randint(2**31))
        known = read_mixable_rows(table, formula_column, feature_columns)
        rows = read_mixable_rows(X, formula_column or known.formula_column, feature_columns)
        chosen = random.permutation(len(known))[:n_background]
        shares, changes, columns = [], [], []
        base = 0.0
        for number in range(len(rows)):
            row = rows[[number]]
            base, elements, numeric = shapley_values(predict, row, known[chosen], seed)
            shares.append(elements)
            columns.append(numeric)
            changes.append(change_by_one_percent(predict, row))
        properties, fidelity = _property_importance(predict, known, encoder, random)
        display = cls(
            _means(shares), _means(columns), base=base,
            prediction=float(np.mean(predict(rows.as_input()))),
            per_percent=_means(changes), properties=properties, fidelity=fidelity,
        )  # fmt: skip
        return display.plot(ax, kind=kind)

    def __repr__(self) -> str:
        largest = self.table()["contribution"].iloc[:4]
        shown = ", ".join(f"{name} {share:+.3g}" for name, share in largest.items())
        return f"ElementContributionDisplay({self._title}; {shown})"

    @property
    def _title(self) -> str:
        return f"prediction {self.prediction:.3g}, mean of the comparison {self.base:.3g}"

    def table(self) -> pd.DataFrame:
        """Shares of elements and columns, the largest first.

        Returns
        -------
        DataFrame
            Indexed by element or column: `contribution` and, of elements, `per_percent`.
        """
        from pymatgen.core import Element

        rows = {
            Element.from_Z(number).symbol: (share, self.per_percent.get(number, np.nan))
            for number, share in self.elements.items()
        }
        rows |= {name: (share, np.nan) for name, share in self.columns.items()}
        frame = pd.DataFrame.from_dict(
            rows, orient="index", columns=["contribution", "per_percent"]
        )
        return frame.loc[frame["contribution"].abs().sort_values(ascending=False).index]

    def plot(self, ax=None, *, kind="bars"):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            New ones by default.
        kind : {"table", "bars", "properties"}, default="bars"
            Elements on the periodic table; elements and columns as bars; predicted properties as
            bars.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If `kind` is none of these, or there are no properties to draw.
        ImportError
            If matplotlib is not installed.
        """
        _require_kind(kind)
        if kind == "table":
            (axes,) = new_axes(ax, figsize=(9.0, 4.6))
            draw_periodic_table(
                axes, self.elements, label="share in the prediction", diverging=True, form="{:+.2g}"
            )
            axes.set_title(self._title, fontsize="medium")
        elif kind == "bars":
            values = self.table()["contribution"].iloc[:_MOST_BARS]
            axes = _bars(values, ax, [ACCENT if value > 0 else POINTS for value in values])
            axes.axvline(0, color=INK, linewidth=0.8)
            axes.set(xlabel="share in the prediction")
            axes.set_title(self._title, fontsize="medium")
        else:
            if self.properties is None:
                raise ValueError("No predicted properties to draw: make one by from_estimator.")
            values = self.properties.sort_values(ascending=False).iloc[:_MOST_BARS]
            n_telling = int((values > _SMALLEST_BAR * values.iloc[0]).sum())
            values = values.iloc[: max(3, n_telling)]
            axes = _bars(values, ax, POINTS)
            axes.set(xlabel="loss of R2 when shuffled")
            title = f"stand-in reproduces {self.fidelity:.0%} of the predictions"
            axes.set_title(title, fontsize="medium", loc="right")  # long names stand on the left
        self.ax_, self.figure_ = axes, axes.figure
        return self


def _bars(values: pd.Series, ax, color):
    """Draw horizontal bars, the first on top."""
    (axes,) = new_axes(ax, figsize=(5.6, 1.2 + 0.28 * len(values)))
    axes.barh(range(len(values)), values, color=color, height=0.7)
    axes.set_yticks(range(len(values)), [str(name) for name in values.index])
    axes.invert_yaxis()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
    return axes


def _require_kind(kind) -> None:
    if kind not in _KINDS:
        raise ValueError(f"kind must be one of {_KINDS}, got {kind!r}.")


def _response(model, label):
    """Function from rows to what is explained: values, or the probability of a class."""
    if not hasattr(model, "classes_"):
        if label is not None:
            raise ValueError("label names a class, and the model predicts values.")
        return model.predict
    classes = list(model.classes_)
    label = classes[-1] if label is None else label
    if label not in classes:
        raise ValueError(f"label must be one of the classes {classes!r}, got {label!r}.")
    place = classes.index(label)
    return lambda X: model.predict_proba(X)[:, place]


def _means(found: list[dict]) -> dict:
    """Mean of each key over the dicts that have it."""
    return pd.DataFrame(found).mean().to_dict()


def _property_importance(predict, rows, encoder, random) -> tuple[pd.Series, float]:
    """Importance of the encoder's predicted properties to a stand-in for the model."""
    chosen = rows[random.permutation(len(rows))[:_MOST_ROWS]]
    given = chosen.as_input()
    formulas = given if chosen.formula_column is None else given[chosen.formula_column]
    properties = embed_table(formulas, encoder).properties
    target = np.asarray(predict(given), dtype=float)
    split = train_test_split(properties, target, test_size=0.3, random_state=random.randint(2**31))
    seen, unseen, seen_target, unseen_target = split
    stand_in = ExtraTreesRegressor(100, min_samples_leaf=2, random_state=random.randint(2**31))
    stand_in.fit(seen, seen_target)
    found = permutation_importance(
        stand_in, unseen, unseen_target, scoring="r2", n_repeats=5,
        random_state=random.randint(2**31),
    )  # fmt: skip
    fidelity = float(r2_score(unseen_target, stand_in.predict(unseen)))
    return pd.Series(found.importances_mean, index=properties.columns), fidelity
