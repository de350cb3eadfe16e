"""Views: the matrices that the members of an estimator see of a table of measurements."""

from dataclasses import dataclass

import numpy as np

from ..data.composition_batch import CompositionBatch
from ..data.element_statistics import describe_elements
from ..data.measurements import MeasurementTable

#: View -> blocks of columns, which the numeric columns of the table follow in each.
VIEWS = {
    "embedding": ("embedding",),
    "elements": ("properties", "fractions", "statistics"),
    "fractions": ("fractions",),
}


@dataclass(frozen=True)
class EncodedTable:
    """A table of measurements, each distinct composition encoded once.

    Attributes
    ----------
    embedding : ndarray of shape (n_compositions, embedding_dim), float32
    properties : ndarray of shape (n_compositions, n_properties), float32
        Calculated properties that the encoder predicts, in their units.
    fractions : ndarray of shape (n_compositions, n_elements), float32
        Atomic fraction of each element that the encoder knows.
    statistics : ndarray of shape (n_compositions, n_statistics), float32
        Statistics of element properties over the atoms.
    spread : ndarray of shape (n_compositions, n_spreads), float32
        Disagreement of the encoder's teachers; no columns where the encoder does not tell.
    compositions : CompositionBatch of n_compositions rows
    composition_of_row : ndarray of shape (n_samples,), int64
        Row of the above for each row of the table.
    features : ndarray of shape (n_samples, n_feature_columns), float64
        Numeric columns beside the compositions.
    """

    embedding: np.ndarray
    properties: np.ndarray
    fractions: np.ndarray
    statistics: np.ndarray
    spread: np.ndarray
    compositions: CompositionBatch
    composition_of_row: np.ndarray
    features: np.ndarray

    def __len__(self) -> int:
        return len(self.composition_of_row)

    def view(self, name: str, rows=slice(None)) -> np.ndarray:
        """Matrix that a member sees.

        Parameters
        ----------
        name : str
            One of `VIEWS`.
        rows : index of rows, optional

        Returns
        -------
        ndarray of shape (n_rows, n_columns), float64
            The numeric columns of the table stand last.
        """
        places = self.composition_of_row[rows]
        blocks = [getattr(self, block)[places] for block in VIEWS[name]]
        return np.hstack([*blocks, self.features[rows]], dtype=np.float64)


def encode_table(checkpoint, table: MeasurementTable, device="cpu") -> EncodedTable:
    """Encode the distinct compositions of a table.

    Parameters
    ----------
    checkpoint : Checkpoint
    table : MeasurementTable
    device : str or torch.device, default="cpu"

    Returns
    -------
    EncodedTable
    """
    batch = table.compositions
    encoded = checkpoint.encode(batch, device=device)
    elements = sorted(checkpoint.known_elements)
    described = describe_elements(batch, elements)
    return EncodedTable(
        embedding=encoded.embedding,
        properties=encoded.properties,
        fractions=described[:, : len(elements)],
        statistics=described[:, len(elements) :],
        spread=encoded.spread,
        compositions=batch,
        composition_of_row=table.composition_of_row,
        features=table.features,
    )
