"""Ways in which a file may come damaged, or made up by somebody: for tests and for fuzzing."""

import copy
import json
import random
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from pymatgen.core import Lattice, Structure

from cromel_sklearn import (
    Checkpoint,
    CheckpointError,
    CroMELClassifier,
    CroMELPretrainer,
    CroMELRegressor,
    CroMELTransformer,
)
from cromel_sklearn.data.composition import read_compositions
from cromel_sklearn.data.readers import materials_from_structures
from cromel_sklearn.nn.composition_encoder import CompositionEncoderConfig
from cromel_sklearn.nn.structure_encoder import StructureEncoderConfig
from cromel_sklearn.pretraining import structure_features
from cromel_sklearn.pretraining.distillation_data import LabelledCompositions
from cromel_sklearn.pretraining.run_state import RunState
from cromel_sklearn.pretraining.teachers import TeacherTargets
from cromel_sklearn.storage.artifact import read_artifact, write_artifact

ALKALIS = ("Li", "Na", "K", "Rb", "Cs")
HALIDES = ("F", "Cl", "Br", "I")
SALTS = [f"{alkali}{halide}" for alkali in ALKALIS for halide in HALIDES]
#: Kinds of files that `written_example` writes.
EXAMPLES = (
    "encoder", "regressor", "classifier", "run_state", "distillation_state", "answers", "features"
)  # fmt: skip
#: What an entry of a header must not be able to do harm as.
NASTY = (
    None, [], {}, "", "no such thing", -1, 0, 1, 2.5, 10**7, 10**18, -(10**18), 1e308, True,
    [[[[]]]], {"a": {"b": None}}, [None], ["x", 3], {"": -1}, [10**18], "../../../etc/passwd",
    "/dev/zero", float("nan"),
)  # fmt: skip


def flipped_bits(content: bytes, n_files: int, seed: int = 0) -> Iterator[bytes]:
    """Yield the content with one bit changed: a tenth of the files in the first 1,000 bytes."""
    rng = random.Random(seed)
    for number in range(n_files):
        damaged = bytearray(content)
        place = rng.randrange(min(1000, len(content)) if number % 10 == 0 else len(content))
        damaged[place] ^= 1 << rng.randrange(8)
        yield bytes(damaged)


def truncated(content: bytes, n_files: int, seed: int = 0) -> Iterator[bytes]:
    """Yield beginnings of the content, also the empty one and all but the last byte."""
    rng = random.Random(seed)
    yield b""
    yield content[:-1]
    for _ in range(n_files - 2):
        yield content[: rng.randrange(len(content))]


def _places(value, at=()) -> Iterator[tuple]:
    """Paths to every entry of a header; of long lists to the first three."""
    entries = (
        value.items() if isinstance(value, dict)
        else list(enumerate(value))[:3] if isinstance(value, list) else ()
    )  # fmt: skip
    for key, inner in entries:
        yield (*at, key)
        yield from _places(inner, (*at, key))


def changed_headers(header: dict, n_files: int, seed: int = 0) -> Iterator[tuple[str, dict]]:
    """Yield headers with one entry replaced, removed or added, and what was done."""
    header = json.loads(json.dumps(header))
    changes = [(place, value) for place in _places(header) for value in (*NASTY, "REMOVED")]
    rng = random.Random(seed)
    rng.shuffle(changes)
    # What stands near the top first: it says what is built.
    changes = sorted(changes[: 4 * n_files], key=lambda change: len(change[0]))[:n_files]
    for place, value in changes:
        changed = copy.deepcopy(header)
        holder = changed
        for key in place[:-1]:
            holder = holder[key]
        if isinstance(value, str) and value == "REMOVED":
            del holder[place[-1]]
        else:
            holder[place[-1]] = value
        yield f"{'.'.join(map(str, place))} = {value!r}", changed
    yield "more = 1", {**header, "more": 1}


def changed_tensors(tensors: dict, n_files: int, seed: int = 0) -> Iterator[tuple[str, dict]]:
    """Yield tensors with one of them of another type or shape, not finite, missing or too many."""
    rng = random.Random(seed)
    ways = {
        "missing": None,
        "as integers": lambda a: a.astype(np.int32),
        "of bits": lambda a: a.astype(bool),
        "shorter": lambda a: a[1:] if a.ndim and len(a) else np.zeros(3, a.dtype),
        "flat": lambda a: a.reshape(-1, 1),
        "not finite": lambda a: np.full(a.shape, np.nan),
        "huge": lambda a: np.full(a.shape, 1e30),
        "empty": lambda a: np.empty(0, a.dtype),
        "negative": lambda a: np.full(a.shape, -1).astype(a.dtype),
    }
    for _ in range(n_files):
        name, way = rng.choice(sorted(tensors)), rng.choice(sorted(ways))
        change = ways[way]
        changed = {k: v for k, v in tensors.items() if k != name}
        with np.errstate(all="ignore"):
            yield f"{name} {way}", changed | ({name: change(tensors[name])} if change else {})
    yield "one more", {**tensors, "more": np.zeros(1, dtype=np.float32)}


def kind_of(path) -> tuple[str, int]:
    """Kind and format version of a file."""
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    ((kind, text),) = header["__metadata__"].items()
    return kind, json.loads(text)["format_version"]


def made_up(path, n_files: int) -> Iterator[str]:
    """Rewrite a file again and again, each time wrong in one place and under a right digest."""
    kind, format_version = kind_of(path)
    header, tensors = read_artifact(path, kind, format_version)
    for what, changed in changed_headers(header, n_files):
        write_artifact(path, kind, format_version, changed, tensors)
        yield what
    for what, changed in changed_tensors(tensors, n_files // 2):
        write_artifact(path, kind, format_version, header, changed)
        yield what


@dataclass(frozen=True)
class Example:
    """A file that was written, how it is read, and what is done with what was read."""

    path: Path
    read: Callable[[Path], Any]
    use: Callable[[Any], Any]


def written_example(name: str, folder: Path, checkpoint) -> Example:
    """Write a small file of one of the kinds `EXAMPLES`."""
    path = folder / f"{name}.safetensors"
    if name == "encoder":
        checkpoint.save(path)
        return Example(path, Checkpoint.load, _use_encoder)
    if name == "run_state":
        structures, targets = _alkali_halides()
        small_pretrainer(state_path=path).fit(structures, targets)
        return Example(path, RunState.load, lambda state: state.save(path.with_name("again")))
    if name == "distillation_state":
        _stepped_state().save(path)
        return Example(path, partial(RunState.load, measured="components"), _use_state)
    if name == "answers":
        said = np.ones((len(SALTS), 3), dtype=np.float32)
        answers = LabelledCompositions(
            read_compositions(SALTS)[0], TeacherTargets(said, said, said)
        )
        answers.save(path, {"seed": 0})
        return Example(path, partial(LabelledCompositions.load, settings={"seed": 0}), len)
    if name == "features":
        return _features_example(path)
    y = np.linspace(0, 1, len(SALTS))
    estimator = CroMELRegressor
    if name == "classifier":
        y, estimator = np.where(y > 0.4, "metal", "insulator"), CroMELClassifier
    model = estimator(checkpoint, random_state=0, device="cpu")
    small = {"max_epochs": 1, "n_estimators": 1}
    model.set_params(**{k: v for k, v in small.items() if k in model.get_params()})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(SALTS, y).save(path)
    return Example(path, estimator.load, _use_estimator)


def small_pretrainer(**settings) -> CroMELPretrainer:
    """Pretrainer that takes a fraction of a second."""
    return CroMELPretrainer(
        structure_encoder=StructureEncoderConfig(16, 8, 1, 8),
        composition_encoder=CompositionEncoderConfig(16, "attention", 8, 1, 2),
        max_epochs=1, batch_size=8, device="cpu", n_jobs=1, verbose=0, **settings,
    )  # fmt: skip


def _alkali_halides():
    structures = [
        Structure(Lattice.cubic(3.0 + 0.1 * row), [a, h], [[0, 0, 0], [0.5, 0.5, 0.5]])
        for row, (a, h) in enumerate((a, h) for a in ALKALIS for h in HALIDES)
    ]
    return structures, {"band_gap": [8.0 - 0.2 * row for row in range(len(structures))]}


def small_checkpoint() -> Checkpoint:
    """Checkpoint of the alkali halides."""
    return small_pretrainer().fit(*_alkali_halides()).checkpoint_


def _stepped_state() -> RunState:
    """State of a network after a step."""
    net = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(net.parameters())
    net(torch.ones(4, 3)).sum().backward()
    optimizer.step()
    history = [{"components": 0.5, "seconds": 0.1}]
    return RunState(
        {"seed": 0}, {"net": net.state_dict()}, {"optimizer": optimizer.state_dict()}, {}, history
    )


def _features_example(path: Path) -> Example:
    materials = materials_from_structures(*_alkali_halides())
    stubs = {
        "_load_model": mock.Mock(), "_CHUNK": len(materials),
        "_features": lambda model, materials, rows: np.ones((len(rows), 64), dtype=np.float32),
    }  # fmt: skip
    with mock.patch.multiple(structure_features, **stubs):
        structure_features.chgnet_features(materials, path.parent)
    written = path.parent / "chgnet-000000.safetensors"

    def read(place):
        refuse = mock.Mock(side_effect=CheckpointError("made anew"))
        place.replace(place.with_name(written.name))
        try:
            with mock.patch.object(structure_features, "_load_model", refuse):
                return structure_features.chgnet_features(materials, place.parent)
        finally:
            place.with_name(written.name).replace(place)

    return Example(written.replace(path), read, np.sum)


def _use_state(state: RunState) -> None:
    repr(state.history)


def _use_encoder(checkpoint) -> None:
    repr(checkpoint)
    checkpoint._repr_html_()
    CroMELTransformer(checkpoint, device="cpu").transform(["NaCl"])


def _use_estimator(model) -> None:
    repr(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's, of names that were made up
        model.predict(["NaCl", "KBr"])
