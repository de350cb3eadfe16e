"""Calculated values of known compounds, which an encoder remembers and looks up."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..data.composition import CompositionBatch
from ..data.elements import MAX_ATOMIC_NUMBER

_KEY_BYTES = 6
#: Atomic fractions are told apart to a millionth.
_RESOLUTION = 1e6
_TENSORS = ("keys", "present", "values")


@dataclass(frozen=True)
class CalculatedValues:
    """Values of some properties for many compositions, looked up by a hash of the composition.

    Attributes
    ----------
    keys : ndarray of shape (n_compositions, 6), uint8
        Ascending 48-bit hashes, most significant byte first: one composition in three billion that
        is not remembered is taken for one that is, at 100,000 remembered ones.
    present : ndarray of shape (n_properties, ceil(n_compositions / 8)), uint8
        Which compositions have a value, a bit each (`numpy.packbits`).
    values : ndarray of shape (n_values,), float16
        In the properties' units: those of the first property in the order of the keys, then those
        of the next.

    Examples
    --------
    >>> import numpy as np
    >>> from cromel_sklearn.data.composition import read_compositions
    >>> from cromel_sklearn.encoders.calculated_values import CalculatedValues
    >>> batch = read_compositions(["NaCl", "MgO"])[0]
    >>> known = CalculatedValues.of(batch, np.array([[5.0, np.nan], [4.5, -3.0]]))
    >>> known.look_up(read_compositions(["O2Mg2", "CaO"])[0])
    array([[ 4.5, -3. ],
           [ nan,  nan]], dtype=float32)
    """

    keys: np.ndarray
    present: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, batch: CompositionBatch, values: np.ndarray) -> "CalculatedValues":
        """Remember values.

        Parameters
        ----------
        batch : CompositionBatch of n_compositions distinct compositions
        values : ndarray of shape (n_compositions, n_properties)
            NaN where there is none.
        """
        keys = composition_keys(batch)
        order = np.argsort(keys, kind="stable")
        values = values[order].T
        present = np.isfinite(values)
        as_bytes = keys[order].astype(">u8").view(np.uint8).reshape(-1, 8)[:, 8 - _KEY_BYTES :]
        return cls(
            np.ascontiguousarray(as_bytes),
            np.packbits(present, axis=1),
            values[present].astype(np.float16),
        )

    @classmethod
    def from_tensors(cls, tensors) -> "CalculatedValues":
        """Take what `tensors` gave."""
        return cls(*(tensors[name] for name in _TENSORS))

    def checked(self, n_properties: int) -> "CalculatedValues":
        """Return itself, if the arrays belong together.

        Parameters
        ----------
        n_properties : int

        Raises
        ------
        ValueError
            If a shape, a type or a count is not what it should be.
        """
        n_compositions = len(self.keys)
        expected = {
            "keys": (np.uint8, (n_compositions, _KEY_BYTES)),
            "present": (np.uint8, (n_properties, -(-n_compositions // 8))),
            "values": (np.float16, (len(self.values),)),
        }
        for name, (dtype, shape) in expected.items():
            array = getattr(self, name)
            if array.dtype != dtype or array.shape != shape:
                raise ValueError(
                    f"{name} is {array.dtype} of shape {array.shape}, expected {np.dtype(dtype)} "
                    f"of shape {shape}"
                )
        n_present = int(np.unpackbits(self.present, axis=1, count=n_compositions).sum())
        if n_present != len(self.values) or not np.isfinite(self.values).all():
            raise ValueError(f"{len(self.values)} values, expected {n_present} finite ones")
        return self

    def tensors(self) -> dict[str, np.ndarray]:
        """Arrays to be stored."""
        return {name: getattr(self, name) for name in _TENSORS}

    def __len__(self) -> int:
        return len(self.keys)

    def look_up(self, batch: CompositionBatch) -> np.ndarray:
        """Find the values of compositions, shape (n_samples, n_properties), float32; else NaN."""
        keys, table = self._table
        if not len(keys):
            return np.full((len(batch), table.shape[1]), np.nan, dtype=np.float32)
        wanted = composition_keys(batch)
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        found = table[place]
        found[keys[place] != wanted] = np.nan
        return found

    @cached_property
    def _table(self) -> tuple[np.ndarray, np.ndarray]:
        """Keys as numbers and values as a matrix, unpacked at first use."""
        padded = np.zeros((len(self.keys), 8), dtype=np.uint8)
        padded[:, 8 - _KEY_BYTES :] = self.keys
        keys = padded.view(">u8")[:, 0].astype(np.uint64)
        present = np.unpackbits(self.present, axis=1, count=len(keys)).astype(bool)
        table = np.full(present.shape, np.nan, dtype=np.float32)
        table[present] = self.values
        return keys, np.ascontiguousarray(table.T)


def composition_keys(batch: CompositionBatch) -> np.ndarray:
    """Hash compositions: a number below 2**48 of each, shape (n_samples,), uint64.

    Atomic fractions in millionths, weighted by a random number of each element and mixed
    (SplitMix64: Steele et al., OOPSLA 2014, doi:10.1145/2660193.2660195).
    """
    amounts = np.rint(batch.atomic_fractions * _RESOLUTION).astype(np.uint64)
    with np.errstate(over="ignore"):
        weighted = (amounts * _ELEMENT_WEIGHTS[batch.atomic_numbers]).sum(axis=1, dtype=np.uint64)
        return _mixed(weighted) >> np.uint64(64 - 8 * _KEY_BYTES)


def _mixed(numbers: np.ndarray) -> np.ndarray:
    numbers = numbers + np.uint64(0x9E3779B97F4A7C15)
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


with np.errstate(over="ignore"):
    _ELEMENT_WEIGHTS = _mixed(np.arange(MAX_ATOMIC_NUMBER + 1, dtype=np.uint64))
