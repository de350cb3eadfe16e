"""Compositions as points: where the encoder puts them, and what it predicts for them."""

import threading
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from sklearn.preprocessing import StandardScaler

from ..data.composition import read_compositions
from ..data.enthalpies import load_standard_enthalpies
from ..device import find_device
from ..encoders.registry import load_encoder


@dataclass(frozen=True, eq=False)
class CompositionSpace:
    """Rows of a table as points of an encoder's embedding.

    Attributes
    ----------
    embedding : ndarray of shape (n_samples, n_dimensions), float64
    properties : DataFrame of n_samples rows
        Calculated properties that the encoder predicts, in its units.
    fractions : ndarray of shape (n_samples, 103), float64
        Atomic fraction of each element.
    composition_of_row : ndarray of shape (n_samples,), int64
        Rows of one composition share a number.
    """

    embedding: np.ndarray
    properties: pd.DataFrame
    fractions: np.ndarray
    composition_of_row: np.ndarray


def embed_table(formulas, encoder="mp-multi") -> CompositionSpace:
    """Embed a column of compositions, each distinct one once.

    Parameters
    ----------
    formulas : column of compositions, of n_samples rows
    encoder : str, path-like or Checkpoint, default="mp-multi"

    Returns
    -------
    CompositionSpace

    Raises
    ------
    InvalidCompositionError
        If a row is not a composition, or has elements that the encoder has never seen.

    Examples
    --------
    >>> from cromel_sklearn.inspection.composition_space import embed_table
    >>> space = embed_table(["NaCl", "Na2Cl2", "MgO"])
    >>> space.composition_of_row
    array([0, 0, 1])
    """
    checkpoint = load_encoder(encoder)
    batch, inverse, _ = read_compositions(formulas, known_elements=checkpoint.known_elements)
    encoded = checkpoint.encode(batch, device=find_device("auto"))
    return CompositionSpace(
        embedding=encoded.embedding[inverse].astype(float),
        properties=pd.DataFrame(encoded.properties[inverse], columns=list(checkpoint.properties)),
        fractions=batch.element_fractions()[inverse],
        composition_of_row=inverse,
    )


def embedding_scale(encoder="mp-multi") -> StandardScaler:
    """Mean and deviation of each dimension over the compounds that ship with the package.

    One scale an encoder, whatever the table, so that distances in two tables compare.

    Parameters
    ----------
    encoder : str, path-like or Checkpoint, default="mp-multi"

    Returns
    -------
    StandardScaler
        Fitted; computed once a process and encoder.
    """
    checkpoint = load_encoder(encoder)
    with _scaling:
        if checkpoint not in _SCALES:
            formulas = load_standard_enthalpies().formulas
            batch, inverse, _ = read_compositions(formulas)
            is_known = np.isin(batch.atomic_numbers, [0, *checkpoint.known_elements])
            space = embed_table(formulas[is_known[inverse].all(axis=1)], checkpoint)
            _SCALES[checkpoint] = StandardScaler().fit(space.embedding)
        return _SCALES[checkpoint]


_SCALES: WeakKeyDictionary = WeakKeyDictionary()
_scaling = threading.Lock()
