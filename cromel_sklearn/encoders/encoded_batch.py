"""What an encoder says of compositions, of whichever kind it is."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class EncodedBatch:
    """What an encoder says of compositions.

    Attributes
    ----------
    embedding : ndarray of shape (n_samples, embedding_dim), float32
    properties : ndarray of shape (n_samples, n_properties), float32
        Calculated properties in their units: the calculated value itself where it is remembered,
        else what the network predicts.
    spread : ndarray of shape (n_samples, n_spreads), float32
        Standard deviation of the teachers' predictions of `spread_of`, in their units, as the
        network predicts it.
    """

    embedding: np.ndarray
    properties: np.ndarray
    spread: np.ndarray
