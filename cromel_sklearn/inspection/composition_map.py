"""Map of compositions: what the encoder takes for alike lies close together."""

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length

from ..exceptions import InvalidTableError
from .colors import ACCENT, CLASSES, MUTED, POINTS, SEQUENTIAL
from .composition_space import embed_table
from .measured_table import formula_texts
from .optional_packages import new_axes, require_package

#: Methods that `from_table` knows.
METHODS = ("pca", "tsne", "umap")
#: Columns that a map is computed from; more are noise to it, and time.
_N_COMPONENTS = 50
_OTHER = "other"


class CompositionMapDisplay:
    """Compositions in the plane, coloured by a value or a class.

    Make one by `from_table`, which embeds, projects and draws; `to_html` writes a page to hover,
    search and zoom in.

    Parameters
    ----------
    coordinates : ndarray of shape (n_samples, 2)
    formulas : sequence of n_samples str
    color : sequence of n_samples values or classes, optional
    color_name : str, default=""
        With its unit, for the legend.
    axis_names : (str, str), default=("", "")

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from cromel_sklearn import CompositionMapDisplay
    >>> display = CompositionMapDisplay.from_table(["NaCl", "KCl", "MgO", "CaO", "Fe", "Cu"])
    >>> display.coordinates.shape
    (6, 2)
    """

    def __init__(self, coordinates, formulas, *, color=None, color_name="", axis_names=("", "")):
        self.coordinates = np.asarray(coordinates, dtype=float)
        self.formulas = [str(formula) for formula in formulas]
        self.color = None if color is None else np.asarray(color)
        self.color_name = color_name
        self.axis_names = tuple(axis_names)
        check_consistent_length(self.coordinates, self.formulas, self.color)

    @classmethod
    def from_table(
        cls, table, *, formula_column=None, color=None, method="pca", encoder="mp-multi",
        random_state=0, ax=None, **plot_options,
    ):  # fmt: skip
        """Embed the compositions of a table, project them to a plane, and draw.

        Parameters
        ----------
        table : column of compositions, or DataFrame with one
            Of n_samples rows.
        formula_column : str, optional
            Name of the column of compositions; by default the only one that is not numeric, or
            "formula".
        color : str, or sequence of n_samples values or classes, optional
            Name of a column of the table, or the values themselves.
        method : {"pca", "tsne", "umap"}, default="pca"
            Principal components: fast, the same for every run, and distances mean something. t-SNE
            and UMAP (of umap-learn) keep neighbors together; distances between groups mean nothing.
        encoder : str, path-like or Checkpoint, default="mp-multi"
            Whose embedding tells what is alike; as an id, a path or itself.
        random_state : int, RandomState or None, default=0
            Of t-SNE and UMAP.
        ax : matplotlib Axes, optional
        **plot_options
            As of `plot`.

        Returns
        -------
        CompositionMapDisplay

        Raises
        ------
        ValueError
            If the method is not one of these, or there are fewer than three compositions.
        InvalidTableError, InvalidCompositionError
            If a column is missing or a row is not a composition.
        ImportError
            If UMAP is asked for without umap-learn.
        """
        if method not in METHODS:
            raise ValueError(f"method must be one of {METHODS}, got {method!r}.")
        column, formulas = formula_texts(table, formula_column)
        name = ""
        if isinstance(color, str):
            if not isinstance(table, pd.DataFrame) or color not in table:
                raise InvalidTableError(f"No column {color!r} in the table to color the map by.")
            color, name = table[color].to_numpy(), color
        elif color is not None:
            name = str(getattr(color, "name", None) or "")
        space = embed_table(column, encoder)
        coordinates, names = _project(space, method, random_state)
        display = cls(coordinates, formulas, color=color, color_name=name, axis_names=names)
        return display.plot(ax, **plot_options)

    @property
    def has_classes(self) -> bool:
        """Whether the color tells classes, and no values."""
        return self.color is not None and self.color.dtype.kind not in "iuf"

    def __repr__(self) -> str:
        color = f", colored by {self.color_name}" if self.color_name else ""
        return f"CompositionMapDisplay({len(self.formulas):,} compositions{color})"

    def plot(self, ax=None, *, labels=()):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            New ones by default.
        labels : sequence of str, optional
            Formulas to name on the map, as the table writes them.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a label is not a formula of the map.
        ImportError
            If matplotlib is not installed.
        """
        labels = [labels] if isinstance(labels, str) else list(labels)
        missing = [label for label in labels if label not in self.formulas]
        if missing:
            raise ValueError(f"labels names {missing!r}, which are not on the map.")
        (axes,) = new_axes(ax, figsize=(7.2, 5.6))
        size = float(np.clip(9000 / max(len(self.formulas), 1), 2, 20))
        style = {"s": size, "linewidths": 0, "alpha": 0.8, "rasterized": len(self.formulas) > 2000}
        for group in self.groups():
            points = self.coordinates[group["rows"]]
            if group["values"] is None:
                axes.scatter(*points.T, color=group["color"], label=group["name"], **style)
            else:
                drawn = axes.scatter(*points.T, c=group["values"], cmap=SEQUENTIAL, **style)
                axes.figure.colorbar(drawn, ax=axes, label=self.color_name, shrink=0.8)
        if self.has_classes:
            axes.legend(title=self.color_name, fontsize="small", frameon=False, markerscale=2)
        for label in labels:
            row = self.formulas.index(label)
            ring = {"s": 50, "facecolors": "none", "edgecolors": ACCENT}
            axes.scatter(*self.coordinates[row], **ring)
            axes.annotate(
                label, self.coordinates[row], xytext=(6, 6), textcoords="offset points",
                color=ACCENT, fontsize="small",
            )  # fmt: skip
        axes.set(xlabel=self.axis_names[0], ylabel=self.axis_names[1], xticks=[], yticks=[])
        axes.spines[["top", "right"]].set_visible(False)
        self.ax_, self.figure_ = axes, axes.figure
        return self

    def groups(self) -> list[dict]:
        """Rows that are drawn alike.

        Returns
        -------
        list of dict
            `name`, `rows` (ndarray of int), `color` or `values` (ndarray of float), the largest
            group first; classes beyond the seventh are one group, "other".
        """
        every = np.arange(len(self.formulas))
        if self.color is None:
            return [{"name": "", "rows": every, "color": POINTS, "values": None}]
        if not self.has_classes:
            values = self.color.astype(float)
            is_known = np.isfinite(values)
            found = [
                {"name": "not known", "rows": every[~is_known], "color": MUTED, "values": None},
                {"name": "", "rows": every[is_known], "color": None, "values": values[is_known]},
            ]
            return [group for group in found if len(group["rows"])]
        names = self.color.astype(str)
        counts = pd.Series(names).value_counts()
        shown = list(counts.index[: len(CLASSES) - (len(counts) > len(CLASSES))])
        found = [
            {"name": name, "rows": every[names == name], "color": color, "values": None}
            for name, color in zip(shown, CLASSES[: len(shown)], strict=True)
        ]
        rest = every[~np.isin(names, shown)]
        if len(rest):
            found.append({"name": _OTHER, "rows": rest, "color": MUTED, "values": None})
        return found

    def to_html(self, path=None, *, title="Map of compositions", hover=None) -> str:
        """Write a page to hover, search and zoom in, in one file that loads nothing.

        Parameters
        ----------
        path : path-like, optional
            Where to write it as well.
        title : str, default="Map of compositions"
        hover : DataFrame of n_samples rows, optional
            Columns to show of the point under the pointer.

        Returns
        -------
        str

        Raises
        ------
        ImportError
            If plotly is not installed.
        """
        from .map_page import map_page

        if hover is not None:
            check_consistent_length(self.coordinates, hover)
        page = map_page(self, title, hover)
        if path is not None:
            from ..storage.whole_file import write_file

            write_file(path, page)
        return page


def _project(space, method: str, random_state) -> tuple[np.ndarray, tuple[str, str]]:
    """Coordinates of each row in the plane, and the names of the axes."""
    _, first, inverse = np.unique(space.composition_of_row, return_index=True, return_inverse=True)
    points = StandardScaler().fit_transform(space.embedding[first])
    if len(points) < 3:
        raise ValueError(f"A map needs at least three compositions, got {len(points)}.")
    seed = int(check_random_state(random_state).randint(2**31))
    n_components = min(_N_COMPONENTS, *points.shape)
    components = PCA(n_components, svd_solver="full" if len(points) < 500 else "covariance_eigh")
    reduced = components.fit_transform(points)
    if method == "pca":
        shares = components.explained_variance_ratio_[:2]
        names = [f"component {n + 1} ({share:.0%} of variance)" for n, share in enumerate(shares)]
        return reduced[inverse, :2], (names[0], names[1])
    if method == "tsne":
        perplexity = min(30.0, (len(points) - 1) / 3)
        plane = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(reduced)
        return plane[inverse], ("t-SNE 1", "t-SNE 2")
    umap = require_package("umap", "A map by UMAP")
    n_neighbors = min(15, len(points) - 1)
    model = umap.UMAP(n_neighbors=n_neighbors, init="pca", random_state=seed, n_jobs=1)
    return model.fit_transform(reduced)[inverse], ("UMAP 1", "UMAP 2")
