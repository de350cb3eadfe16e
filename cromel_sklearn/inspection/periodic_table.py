"""Values of elements on a periodic table."""

from collections.abc import Mapping

import numpy as np

from ..data.composition import read_compositions
from ..data.elements import MAX_ATOMIC_NUMBER
from .colors import DIVERGING, INK, MUTED, SEQUENTIAL
from .optional_packages import new_axes, require_package

_LANTHANUM, _LUTETIUM, _ACTINIUM = 57, 71, 89
_FIGURE_SIZE = (9.0, 4.6)
_EMPTY = "#eef0f2"


def element_position(atomic_number: int) -> tuple[float, float]:
    """Column and row of an element on the 18-column table, both from 1; f elements stand below.

    Parameters
    ----------
    atomic_number : int
        From 1 to 103.

    Returns
    -------
    (float, float)

    Examples
    --------
    >>> from cromel_sklearn.inspection.periodic_table import element_position
    >>> element_position(26), element_position(58)
    ((8.0, 4.0), (4.0, 8.5))
    """
    from pymatgen.core import Element

    for first, row in ((_LANTHANUM, 8.5), (_ACTINIUM, 9.5)):
        if first <= atomic_number <= first + _LUTETIUM - _LANTHANUM:
            return float(atomic_number - first + 3), row
    element = Element.from_Z(atomic_number)
    return float(element.group), float(element.row)


def draw_periodic_table(
    axes,
    values: Mapping[int, float],
    *,
    label: str,
    diverging=False,
    logarithmic=False,
    form="{:,g}",
):
    """Draw a periodic table whose cells are colored by a value.

    Parameters
    ----------
    axes : matplotlib Axes
    values : dict of int to float
        Atomic number -> value; other elements are left grey.
    label : str
        What the values are, beside the color bar.
    diverging : bool, default=False
        Colors on both sides of zero.
    logarithmic : bool, default=False
        Of positive values.
    form : str, default="{:,g}"
        Format of the value in its cell.
    """
    colors = require_package("matplotlib.colors", "A periodic table")
    cm = require_package("matplotlib.cm", "A periodic table")
    pyplot_patches = require_package("matplotlib.patches", "A periodic table")
    from pymatgen.core import Element

    found = np.array(list(values.values()) or [1.0], dtype=float)
    if diverging:
        end = np.abs(found).max() or 1.0
        scale = colors.Normalize(-end, end)
    elif logarithmic:
        scale = colors.LogNorm(found.min(), max(found.max(), found.min() * 10))
    else:
        scale = colors.Normalize(found.min(), max(found.max(), found.min() + 1e-12))
    mapping = cm.ScalarMappable(scale, DIVERGING if diverging else SEQUENTIAL)
    for number in range(1, MAX_ATOMIC_NUMBER + 1):
        column, row = element_position(number)
        has_value = number in values
        face = mapping.to_rgba(values[number]) if has_value else colors.to_rgba(_EMPTY)
        luminance = float(np.dot(face[:3], (0.299, 0.587, 0.114)))
        ink = MUTED if not has_value else ("white" if luminance < 0.5 else INK)
        axes.add_patch(
            pyplot_patches.Rectangle((column - 0.47, row - 0.47), 0.94, 0.94, facecolor=face)
        )
        symbol = Element.from_Z(number).symbol
        up = -0.1 if has_value else 0.0
        axes.text(column, row + up, symbol, color=ink, ha="center", va="center", fontsize=9)
        if has_value:
            text = form.format(values[number])
            axes.text(column, row + 0.28, text, color=ink, ha="center", va="center", fontsize=6)
    axes.set(xlim=(0.4, 18.6), ylim=(10.1, 0.4), aspect="equal")
    axes.set_axis_off()
    if values:
        place = axes.inset_axes((0.17, 0.86, 0.42, 0.03))
        bar = axes.figure.colorbar(mapping, cax=place, orientation="horizontal")
        bar.set_label(label, fontsize=8)
        bar.ax.tick_params(labelsize=7)
        bar.ax.xaxis.set_major_formatter("{x:,g}")
        bar.outline.set_visible(False)


class ElementCoverageDisplay:
    """How many rows of a table contain each element, on a periodic table.

    Make one by `from_table`, which draws it.

    Parameters
    ----------
    counts : dict of int to int
        Atomic number -> rows that contain the element.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from cromel_sklearn import ElementCoverageDisplay
    >>> ElementCoverageDisplay.from_table(["NaCl", "KCl"]).counts
    {11: 1, 17: 2, 19: 1}
    """

    def __init__(self, counts):
        self.counts = dict(counts)

    @classmethod
    def from_table(cls, formulas, *, ax=None):
        """Count the elements of a column of compositions, and draw.

        Parameters
        ----------
        formulas : column of compositions
        ax : matplotlib Axes, optional

        Returns
        -------
        ElementCoverageDisplay

        Raises
        ------
        InvalidCompositionError
            If a row is not a composition.
        """
        batch, inverse, _ = read_compositions(formulas)
        numbers, counts = np.unique(batch.atomic_numbers[inverse], return_counts=True)
        pairs = zip(numbers.tolist(), counts.tolist(), strict=True)
        return cls({number: count for number, count in pairs if number}).plot(ax)

    def __repr__(self) -> str:
        from pymatgen.core import Element

        most = sorted(self.counts, key=lambda number: -self.counts[number])[:3]
        shown = (f"{Element.from_Z(number).symbol} in {self.counts[number]:,}" for number in most)
        return f"ElementCoverageDisplay({len(self.counts)} elements; {', '.join(shown)} rows)"

    def plot(self, ax=None):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            New ones by default.

        Returns
        -------
        self

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        (axes,) = new_axes(ax, figsize=_FIGURE_SIZE)
        draw_periodic_table(
            axes, self.counts, label="rows that contain the element", logarithmic=True, form="{:,d}"
        )
        self.ax_, self.figure_ = axes, axes.figure
        return self
