"""Training batches of a distillation: known compounds and synthetic compositions with targets."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..data.composition import CompositionBatch
from ..encoders.calculated_values import CalculatedValues
from ..exceptions import CheckpointError
from ..storage.artifact import read_artifact, write_artifact
from .distillation_net import DistillationBatch
from .known_compounds import KnownCompounds
from .synthetic_compositions import CompositionSampler, dense_fractions, sparse_batch
from .teachers import Teachers, TeacherTargets

_CHUNK_KIND = "cromel_distillation_targets"
_CHUNK_VERSION = 1
#: Deviations of the teachers below this many standard deviations of a property count as this.
_SMALLEST_DEVIATION = 1e-3
#: Share of a batch that are known compounds, and share of those that are remembered ones.
_KNOWN_SHARE = 0.5
_REMEMBERED_SHARE = 0.625
#: A remembered compound shows its values with this probability, and each value with the next.
_SHOWN = 0.75
_EACH_SHOWN = 0.8


@dataclass(frozen=True)
class LabelledCompositions:
    """Compositions and what the teachers say of them.

    Attributes
    ----------
    compositions : CompositionBatch
    targets : TeacherTargets
    """

    compositions: CompositionBatch
    targets: TeacherTargets

    def __len__(self) -> int:
        return len(self.compositions)

    def save(self, path, settings: dict) -> None:
        """Write compositions and targets; `settings` tells what they belong to."""
        tensors = {
            "atomic_numbers": self.compositions.atomic_numbers.astype(np.uint8),
            "atomic_fractions": self.compositions.atomic_fractions,
            "components": self.targets.components,
            "means": self.targets.means,
            "deviations": self.targets.deviations,
        }
        write_artifact(path, _CHUNK_KIND, _CHUNK_VERSION, {"settings": settings}, tensors)

    @classmethod
    def load(cls, path, settings: dict) -> "LabelledCompositions":
        """Read what `save` wrote for the same settings.

        Raises
        ------
        CheckpointError
            If the file is damaged or belongs to other settings.
        """
        header, tensors = read_artifact(path, _CHUNK_KIND, _CHUNK_VERSION, check=_require_rows)
        if header.get("settings") != settings:
            raise CheckpointError(f"{path} belongs to another distillation.")
        compositions = CompositionBatch(
            tensors["atomic_numbers"].astype(np.int64), tensors["atomic_fractions"]
        )
        names = ("components", "means", "deviations")
        return cls(compositions, TeacherTargets(*(tensors[name] for name in names)))


def _require_rows(header: dict, tensors: dict[str, np.ndarray]) -> None:
    """Check that a file holds a number of compositions, and as many answers of each kind."""
    kinds = {
        "atomic_numbers": "u", "atomic_fractions": "f", "components": "f", "means": "f",
        "deviations": "f",
    }  # fmt: skip
    if {name: array.dtype.kind for name, array in tensors.items()} != kinds:
        raise ValueError(f"it holds {', '.join(tensors)}, expected {', '.join(kinds)} as numbers")
    shapes = {name: array.shape for name, array in tensors.items()}
    is_table = all(len(shape) == 2 for shape in shapes.values())
    n_rows = {shape[0] for shape in shapes.values() if shape}
    alike = [("atomic_numbers", "atomic_fractions"), ("means", "deviations")]
    if not is_table or len(n_rows) != 1 or any(shapes[a] != shapes[b] for a, b in alike):
        raise ValueError(f"its tables are of other shapes: {shapes}")


class SyntheticChunks:
    """Synthetic compositions with the teachers' answers, in files that are made once.

    Parameters
    ----------
    folder : Path
    n_chunks, chunk_size : int
    sampler : CompositionSampler
    teachers : Teachers
    seed : int
    settings : dict
        What the chunks belong to.
    """

    def __init__(
        self,
        folder: Path,
        n_chunks: int,
        chunk_size: int,
        sampler: CompositionSampler,
        teachers: Teachers,
        seed: int,
        settings: dict,
    ):
        self.folder = folder
        self.n_chunks = n_chunks
        self._chunk_size = chunk_size
        self._sampler = sampler
        self._teachers = teachers
        self._seed = seed
        self._settings = settings

    def __getitem__(self, number: int) -> LabelledCompositions:
        """Read a chunk, or make it."""
        path = self.folder / f"synthetic-{number:03d}.safetensors"
        settings = {**self._settings, "chunk": number}
        try:
            return LabelledCompositions.load(path, settings)
        except CheckpointError:  # not there yet, of other settings, or damaged: made anew
            generator = np.random.default_rng([self._seed, number])
            kinds = self._sampler.draw(self._chunk_size, generator)
            batch = sparse_batch(np.concatenate(list(kinds.values())))
            chunk = LabelledCompositions(batch, self._teachers.targets(batch))
            chunk.save(path, settings)
            return chunk


class BatchSource:
    """Draws batches of known and synthetic compositions.

    Parameters
    ----------
    known : KnownCompounds
    answers : LabelledCompositions
        Of the teachers, for the known compounds.
    remembered : tuple of str
        Properties whose known values are an input.
    teacher_properties : list of str
        Columns of the teachers' means.
    spread_of : tuple of str
        Properties whose spread is learned.
    """

    def __init__(self, known: KnownCompounds, answers, remembered, teacher_properties, spread_of):
        self.names = list(known.properties)
        # Properties that the teachers predict and nobody has labelled are in their components.
        self._teacher_columns = {
            name: column for column, name in enumerate(teacher_properties) if name in self.names
        }
        self._spread_of = spread_of
        self.means, self.scales = known.statistics()
        labels = known.standardised_labels()
        values = labels[:, [self.names.index(name) for name in remembered]]
        self._is_remembered = np.isfinite(values)
        self._values = np.nan_to_num(values)
        labels[known.is_held_out] = np.nan
        self._labels = labels
        self._structures = _reduced(known.structure_features)
        self._structures[known.is_held_out] = np.nan
        self._fractions = dense_fractions(known.compositions)
        self._answers = answers
        trained = ~known.is_held_out
        has_values = self._is_remembered.any(axis=1)
        self._pools = [np.flatnonzero(trained & part) for part in (has_values, ~has_values)]

    @property
    def n_components(self) -> int:
        """Components of the teachers' outputs."""
        return self._answers.targets.components.shape[1]

    @property
    def n_structure_features(self) -> int:
        """Columns that stand for the structures."""
        return self._structures.shape[1]

    def draw(
        self, size: int, synthetic: LabelledCompositions | None, generator, device
    ) -> DistillationBatch:
        """Draw a batch: half known compounds, most of them remembered; half synthetic."""
        n_known = size if synthetic is None else int(size * _KNOWN_SHARE)
        n_first = int(n_known * _REMEMBERED_SHARE) if all(map(len, self._pools)) else n_known
        pools = self._pools if len(self._pools[0]) else self._pools[::-1]
        parts = zip(pools, (n_first, n_known - n_first), strict=True)
        rows = np.concatenate([generator.choice(pool, n) for pool, n in parts if n])
        known = self._known(rows, generator)
        if synthetic is None:
            return _as_tensors(known, device)
        chosen = generator.integers(0, len(synthetic), size - n_known)
        return _as_tensors(_stacked(known, self._synthetic(synthetic, chosen)), device)

    def _known(self, rows: np.ndarray, generator) -> dict[str, np.ndarray]:
        is_shown = self._is_remembered[rows] & (
            (generator.random((len(rows), 1)) < _SHOWN)
            & (generator.random(self._is_remembered[rows].shape) < _EACH_SHOWN)
        )
        targets = self._answers.targets
        means, deviations = self._standardised(targets.means[rows], targets.deviations[rows])
        return {
            "fractions": self._fractions[rows],
            "remembered": np.hstack([self._values[rows] * is_shown, is_shown]),
            "components": targets.components[rows],
            "labels": self._labels[rows],
            "means": np.full_like(means, np.nan),  # the label itself teaches, where there is one
            "log_deviations": deviations,
            "structures": self._structures[rows],
        }

    def _synthetic(self, synthetic: LabelledCompositions, rows) -> dict[str, np.ndarray]:
        targets = synthetic.targets
        means, deviations = self._standardised(targets.means[rows], targets.deviations[rows])
        n = len(rows)
        return {
            "fractions": dense_fractions(synthetic.compositions[rows]),
            "remembered": np.zeros((n, 2 * self._values.shape[1])),
            "components": targets.components[rows],
            "labels": np.full((n, len(self.names)), np.nan),
            "means": means,
            "log_deviations": deviations,
            "structures": np.full((n, self.n_structure_features), np.nan),
        }

    def _standardised(self, means, deviations) -> tuple[np.ndarray, np.ndarray]:
        """Teachers' means in the columns of the labels; logarithms of their deviations."""
        found = np.full((len(means), len(self.names)), np.nan, dtype=np.float32)
        for name, place in self._teacher_columns.items():
            column = self.names.index(name)
            found[:, column] = (means[:, place] - self.means[column]) / self.scales[column]
        places = [self._teacher_columns[name] for name in self._spread_of]
        scales = self.scales[[self.names.index(name) for name in self._spread_of]]
        relative = np.maximum(deviations[:, places] / scales, _SMALLEST_DEVIATION)
        return found, np.log(relative)


def known_values(known: KnownCompounds, remembered: tuple[str, ...]) -> CalculatedValues:
    """Collect what the encoder is to remember: all known values, the held-out ones too."""
    names = list(known.properties)
    values = known.labels[:, [names.index(name) for name in remembered]]
    has_any = np.isfinite(values).any(axis=1)
    return CalculatedValues.of(known.compositions[has_any], values[has_any])


def _reduced(features: np.ndarray, n_components: int = 24) -> np.ndarray:
    """Standardised principal components of structure features; NaN where there are none."""
    if not features.shape[1]:
        return features.copy()
    is_known = np.isfinite(features).all(axis=1)
    standardised = (features - features[is_known].mean(0)) / (features[is_known].std(0) + 1e-6)
    variances, axes = np.linalg.eigh(np.cov(standardised[is_known].T))
    axes = axes[:, ::-1][:, :n_components]
    unit = np.sqrt(variances[::-1][:n_components].mean())
    return (standardised @ axes / unit).astype(np.float32)


def _stacked(*parts: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _as_tensors(parts: dict[str, np.ndarray], device) -> DistillationBatch:
    tensors = {
        name: torch.from_numpy(array.astype(np.float32)).to(device) for name, array in parts.items()
    }
    return DistillationBatch(**tensors)
