"""Libraries that only inspection needs, imported at first use."""

from importlib import import_module
from types import ModuleType

_INSTALL = 'pip install "cromel-sklearn[inspect]"'


def require_package(name: str, purpose: str) -> ModuleType:
    """Import an optional library.

    Parameters
    ----------
    name : str
        Module, such as "plotly.graph_objects".
    purpose : str
        What needs it, for the error.

    Returns
    -------
    module

    Raises
    ------
    ImportError
        Names the extra to install.

    Examples
    --------
    >>> from cromel_sklearn.inspection.optional_packages import require_package
    >>> require_package("no_such_library", "A picture")
    Traceback (most recent call last):
    ...
    ImportError: A picture needs no_such_library, which is not installed: pip install \
"cromel-sklearn[inspect]".
    """
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise ImportError(
            f"{purpose} needs {package}, which is not installed: {_INSTALL}."
        ) from error


def new_axes(ax=None, n_panels: int = 1, figsize=None):
    """Axes to draw on: those given, or new ones in a new figure.

    Parameters
    ----------
    ax : matplotlib Axes, or array of n_panels of them, optional
    n_panels : int, default=1
        Side by side.
    figsize : (float, float), optional
        In inches.

    Returns
    -------
    list of Axes
    """
    pyplot = require_package("matplotlib.pyplot", "A plot")
    import numpy as np

    if ax is None:
        figsize = figsize or (4.4 * n_panels, 4.2)
        _, ax = pyplot.subplots(1, n_panels, figsize=figsize, layout="constrained")
    axes = list(np.atleast_1d(np.asarray(ax, dtype=object)).ravel())
    if len(axes) != n_panels:
        raise ValueError(f"Expected {n_panels} axes to draw on, got {len(axes)}.")
    return axes
