"""Fitted models on disk, whatever their class, and the columns that they need."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from ..exceptions import CheckpointError


def load_model(path) -> Any:
    """Read a fitted regressor or classifier; an unchanged file is read once a process.

    Parameters
    ----------
    path : path-like
        Written by `cromel train`, or by `save` of an estimator.

    Returns
    -------
    CroMELRegressor or CroMELClassifier

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, or holds something else.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"No such model: {path}. `cromel train` writes one.")
    with open(path, "rb") as file:
        if file.read(9)[8:] != b"{":  # where the header of a safetensors file begins
            raise CheckpointError(f"{path} is no model; `cromel train` writes one.")
    status = path.stat()
    return _load(path.resolve(), status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=2)
def _load(path: Path, mtime: int, size: int):
    from . import persistence
    from .classifier import CroMELClassifier
    from .regressor import CroMELRegressor

    return persistence.load_model(path, (CroMELRegressor, CroMELClassifier))


def columns_of(model) -> tuple[str | None, list[str]]:
    """Tell which columns of a table a fitted model needs.

    Parameters
    ----------
    model : fitted CroMELRegressor or CroMELClassifier

    Returns
    -------
    formula_column : str or None
        None for a model that was fitted to a bare list of formulas.
    feature_columns : list of str
        Numeric columns.
    """
    layout = model.layout_
    if layout.formula_column is not None:
        return str(layout.formula_column), [str(name) for name in layout.feature_columns]
    names = [str(name) for name in getattr(model, "feature_names_in_", ())]
    return (names[0] if names else None), []
