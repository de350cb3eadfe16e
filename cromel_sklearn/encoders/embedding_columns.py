"""The columns that describe a composition: which there are, their names and their values."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..data.composition import CompositionBatch
from ..data.element_statistics import describe_elements, element_column_names
from .checkpoint import Checkpoint

#: Blocks of columns, in the order in which they stand.
BLOCKS = ("embedding", "properties", "elements")
#: Compositions that are described at once, so that memory stays flat beside the output: whole
#: blocks of the encoder.
_BATCH = 9216


def blocks_of(output: str | Sequence[str]) -> tuple[str, ...]:
    """Names of the blocks that are asked for, in their order.

    Parameters
    ----------
    output : str or sequence of str
        "all", or one or several of `BLOCKS`.

    Raises
    ------
    ValueError
        If it is none of those.
    """
    asked = BLOCKS if output == "all" else (output,) if isinstance(output, str) else tuple(output)
    if not asked or not set(asked) <= set(BLOCKS):
        raise ValueError(
            f"The 'output' parameter must be 'all', or one or several of {BLOCKS}. "
            f"Got {output!r} instead."
        )
    return tuple(name for name in BLOCKS if name in asked)


@dataclass(frozen=True)
class EmbeddingColumns:
    """Columns of some blocks.

    Attributes
    ----------
    checkpoint : Checkpoint
    blocks : tuple of str
        As `blocks_of` returns them.

    Examples
    --------
    >>> from cromel_sklearn import load_encoder
    >>> from cromel_sklearn.encoders.embedding_columns import BLOCKS, EmbeddingColumns
    >>> EmbeddingColumns(load_encoder("mp-multi"), BLOCKS).names()[:2]
    ['cromel_000', 'cromel_001']
    """

    checkpoint: Checkpoint
    blocks: tuple[str, ...]

    def names(self) -> list[str]:
        """Names of the columns; those of properties with their units."""
        checkpoint = self.checkpoint
        names = {
            "embedding": [f"cromel_{column:03d}" for column in range(checkpoint.embedding_dim)],
            "properties": [_column_name(*named) for named in checkpoint.properties.items()],
            "elements": element_column_names(sorted(checkpoint.known_elements)),
        }
        return [name for block in self.blocks for name in names[block]]

    def of_rows(
        self, batch: CompositionBatch, inverse: np.ndarray, valid: np.ndarray, device
    ) -> np.ndarray:
        """Describe the rows of a table.

        Parameters
        ----------
        batch, inverse, valid
            As `read_compositions` returns them.
        device : str or torch.device

        Returns
        -------
        ndarray of shape (n_rows, n_columns), float32
            NaN where a row is not valid.
        """
        result = np.empty((len(valid), len(self.names())), dtype=np.float32)
        if len(batch) == len(valid):  # each row has a composition of its own, in this order
            for start in range(0, len(batch), _BATCH):
                some = slice(start, start + _BATCH)
                self._describe(batch[some], device, result[some])
            return result
        result[~valid] = np.nan
        order = np.argsort(inverse, kind="stable")  # valid rows by their distinct composition
        rows, ordered = np.flatnonzero(valid)[order], inverse[order]
        for start in range(0, len(batch), _BATCH):
            block = batch[start : start + _BATCH]
            described = np.empty((len(block), result.shape[1]), dtype=np.float32)
            self._describe(block, device, described)
            first, last = np.searchsorted(ordered, [start, start + len(block)])
            result[rows[first:last]] = described[ordered[first:last] - start]
        return result

    def _describe(self, batch: CompositionBatch, device, columns: np.ndarray) -> None:
        """Fill in the columns of distinct compositions."""
        found = {}
        if self.blocks != ("elements",):
            encoded = self.checkpoint.encode(batch, device=device)
            found = {"embedding": encoded.embedding, "properties": encoded.properties}
        if "elements" in self.blocks:
            found["elements"] = describe_elements(batch, sorted(self.checkpoint.known_elements))
        np.concatenate([found[block] for block in self.blocks], axis=1, out=columns)


#: How units are written in letters that every library takes in a column name.
_UNIT_WORDS = {
    "log10 ": "", "1/cm": "per_cm", "cm-1": "per_cm", "1/K": "per_K", "/(m K)": "_per_m_per_K",
    "/": "_per_", "Å³": "angstrom3", "Å": "angstrom", "µB": "bohr_magneton", "µ": "micro",
    "%": "percent", "m_e": "electron_masses",
}  # fmt: skip


def _column_name(name: str, unit: str) -> str:
    """Write a property with its unit in letters that every library takes as a column name."""
    if not unit:
        return name
    if unit.endswith("/atom"):
        name = name.removesuffix("_per_atom")
    for written, word in _UNIT_WORDS.items():
        unit = unit.replace(written, word)
    return f"{name}_{unit}"
