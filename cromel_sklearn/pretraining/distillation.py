"""Distillation of many teachers, calculated labels and structures into one small encoder."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..encoders.checkpoint import Checkpoint
from ..encoders.description import EncoderDescription
from ..encoders.smaller_checkpoints import in_half_precision
from ..exceptions import CheckpointError
from ..nn.distilled_network import DistilledEncoderConfig
from ..nn.schedule import one_cycle
from .distillation_data import BatchSource, LabelledCompositions, SyntheticChunks, known_values
from .distillation_evaluation import evaluate_student
from .distillation_net import DistillationNet
from .distillation_settings import DistillationSettings
from .known_compounds import KnownCompounds
from .provenance import made_with
from .run_folder import require_new_or_resumed, write_history
from .run_state import RunState
from .synthetic_compositions import CompositionSampler, sparse_batch
from .teachers import Teachers, reduced_precision

#: File of a run's folder that holds its state.
STATE = "distillation_state.safetensors"
_STEPS_PER_ROUND = 500
_SAMPLE = 20_000
_VALIDATION_SEED = 2**31
_LARGEST_GRADIENT = 1.0
_BETAS = (0.9, 0.98)


def distill(
    teachers: Sequence[Checkpoint],
    known: KnownCompounds,
    folder,
    settings: DistillationSettings | None = None,
    *,
    device="cpu",
    resume: bool = False,
    provenance: dict | None = None,
    report=None,
) -> Checkpoint:
    r"""Distil teachers, labels and structures into one encoder.

    A student network learns, on known compounds and on synthetic compositions, the rotated
    principal components of the teachers' outputs, the mean and the spread of the properties they
    predict, every calculated label, and the features of the crystal structures (the pairing of
    CroMEL). Its embedding is then made of all it predicts. Knowledge distillation: Hinton et al.,
    arXiv:1503.02531; pairing: Na, npj Comput. Mater. 11 (2025), doi:10.1038/s41524-025-01723-1.

    Parameters
    ----------
    teachers : sequence of Checkpoint
        At least one.
    known : KnownCompounds
        Labels and structure features by composition; those held out are not trained on.
    folder : path-like
        Holds the teachers' answers and the state, so that a stopped run goes on with `resume`, and
        ``history.json``, the mean losses of every 500 steps.
    settings : DistillationSettings, optional
    device : str or torch.device, default="cpu"
    resume : bool, default=False
        Go on with the run in `folder`.
    provenance : dict, optional
        Further entries for the card: names and checksums of the data, attribution.
    report : callable, optional
        Called as ``report(step, n_steps, losses)`` after every 500 steps.

    Returns
    -------
    Checkpoint
        With its errors on held-out compositions and its distance from the teachers.

    Raises
    ------
    CheckpointError
        If there is no teacher, or the folder holds a run and `resume` is not set, or another one.
    """
    settings = settings or DistillationSettings()
    folder = Path(folder)
    state_path = folder / STATE
    require_new_or_resumed(state_path, resume=resume)
    folder.mkdir(parents=True, exist_ok=True)
    run = _Run(list(teachers), known, folder, settings, torch.device(device))
    history = run.train(state_path, report)
    write_history(folder, history)
    seconds = sum(entry["seconds"] for entry in history)
    return run.finished({**(provenance or {}), "seconds": round(seconds, 1)})


class _Run:
    """One distillation, from its data to its checkpoint."""

    def __init__(self, teachers, known: KnownCompounds, folder: Path, settings, device):
        self.known = known
        self.settings = settings
        self.device = device
        self.teachers = Teachers(teachers, device)
        self._require_names()
        self.identity: dict[str, Any] = {
            "settings": settings.as_json(),
            "teachers": [teacher.checksum for teacher in teachers],
            "n_compounds": len(known),
        }
        # The teachers' answers outlive a change of what the student is or how it learns.
        asked = ("n_components", "chunk_size", "remembered", "seed")
        self.questions = {
            "settings": {name: self.identity["settings"][name] for name in asked},
            "teachers": self.identity["teachers"],
            "n_compounds": len(known),
        }
        sampler = CompositionSampler(self._compounds(), self.teachers.known_elements)
        self.sampler = sampler
        generator = np.random.default_rng([settings.seed, _VALIDATION_SEED])
        self.sample = sampler.draw(_SAMPLE, generator)
        mixed = sparse_batch(np.concatenate([*self.sample.values(), sampler.known(_SAMPLE)]))
        self.components_kept = self.teachers.fit_components(
            mixed, settings.n_components, settings.seed
        )
        self.synthetic = SyntheticChunks(
            folder, max(1, round(settings.n_synthetic / settings.chunk_size)),
            min(settings.chunk_size, settings.n_synthetic), sampler, self.teachers,
            settings.seed, self.questions,
        )  # fmt: skip
        self.source = BatchSource(
            known,
            self._answers(folder / "known.safetensors"),
            settings.remembered,
            list(self.teachers.properties),
            settings.spread_of,
        )
        self.config = DistilledEncoderConfig(
            **{
                **asdict(settings.network),
                "n_properties": len(known.properties),
                "n_spreads": len(settings.spread_of),
                "n_remembered": len(settings.remembered),
            }
        )

    def _require_names(self) -> None:
        """Refuse settings that name what is not there."""
        for name in (*self.settings.remembered, *self.settings.spread_of):
            if name not in self.known.properties:
                raise CheckpointError(
                    f"No labels of {name}; there are {', '.join(self.known.properties)}."
                )
        for name in self.settings.spread_of:
            if name not in self.teachers.properties:
                raise CheckpointError(
                    f"The teachers do not predict {name}; they predict "
                    f"{', '.join(self.teachers.properties)}."
                )

    def _compounds(self):
        """Compounds that synthetic compositions are made of: those that are remembered."""
        names = list(self.known.properties)
        columns = [names.index(name) for name in self.settings.remembered]
        has_any = np.isfinite(self.known.labels[:, columns]).any(axis=1)
        return self.known.compositions[has_any if has_any.any() else slice(None)]

    def _answers(self, path: Path) -> LabelledCompositions:
        try:
            return LabelledCompositions.load(path, self.questions)
        except CheckpointError:  # not there yet, of other settings, or damaged: made anew
            compositions = self.known.compositions
            answers = LabelledCompositions(compositions, self.teachers.targets(compositions))
            answers.save(path, self.questions)
            return answers

    def train(self, state_path: Path, report) -> list[dict]:
        """Train, from the stored state where there is one; mean losses and seconds by round."""
        settings = self.settings
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            torch.random.manual_seed(settings.seed)
            source = self.source
            net = DistillationNet(self.config, source.n_components, source.n_structure_features)
        net = net.to(self.device)
        self.net = net
        optimizer = torch.optim.AdamW(
            _parameter_groups(net, settings), lr=settings.lr, betas=_BETAS
        )
        history: list[dict] = []
        if state_path.exists():
            state = RunState.load(state_path, self.device, measured="components")
            state.require_settings(self.identity, state_path)
            net.load_state_dict(state.modules["net"])
            optimizer.load_state_dict(state.optimizers["optimizer"])
            history = state.history
        n_rounds = -(-settings.n_steps // _STEPS_PER_ROUND)
        for number in range(len(history), n_rounds):
            started = time.perf_counter()
            losses = self._round(net, optimizer, number)
            history.append({**losses, "seconds": time.perf_counter() - started})
            RunState(
                self.identity, {"net": net.state_dict()}, {"optimizer": optimizer.state_dict()},
                {}, history,
            ).save(state_path)  # fmt: skip
            if report is not None:
                report(min((number + 1) * _STEPS_PER_ROUND, settings.n_steps), settings.n_steps,
                       losses)  # fmt: skip
        return history

    def _round(self, net, optimizer, number: int) -> dict[str, float]:
        """Some hundred steps on one chunk of synthetic compositions; mean losses."""
        settings = self.settings
        generator = np.random.default_rng([settings.seed, 1, number])
        chunk = None
        if settings.n_synthetic:
            chunk = self.synthetic[number % self.synthetic.n_chunks]
        first = number * _STEPS_PER_ROUND
        last = min(first + _STEPS_PER_ROUND, settings.n_steps)
        totals: dict[str, float] = {}
        for step in range(first, last):
            factor = one_cycle(step / settings.n_steps)
            for group in optimizer.param_groups:
                group["lr"] = settings.lr * factor
            batch = self.source.draw(settings.batch_size, chunk, generator, self.device)
            with reduced_precision(self.device):
                losses = net.losses(batch, settings.loss_weights)
            optimizer.zero_grad()
            sum(losses.values()).backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), _LARGEST_GRADIENT)
            optimizer.step()
            for name, loss in losses.items():
                totals[name] = totals.get(name, 0.0) + loss.item() / (last - first)
        return totals

    def finished(self, provenance: dict) -> Checkpoint:
        """Compress the network, measure it, and write down where it came from."""
        settings = self.settings
        mixed = np.concatenate([*self.sample.values(), self.sampler.known(_SAMPLE)])
        inputs = (
            torch.from_numpy(mixed).to(self.device),
            torch.zeros(len(mixed), 2 * len(settings.remembered), device=self.device),
        )
        encoder, kept = self.net.compressed(inputs, settings.composition_share, settings.seed)
        values = known_values(self.known, settings.remembered)
        tensors = {f"network.{k}": v.cpu().numpy() for k, v in encoder.state_dict().items()}
        means, scales = self.known.statistics()
        tensors |= {"property_means": means, "property_scales": scales}
        tensors |= {f"calculated_values.{k}": v for k, v in values.tensors().items()}
        description = EncoderDescription(
            kind="distilled",
            network=asdict(encoder.config),
            properties=dict(self.known.properties),
            known_elements=tuple(int(z) for z in sorted(self.teachers.known_elements)),
            spread_of=settings.spread_of,
            remembered=settings.remembered,
            provenance={
                **provenance,
                **self.identity,
                "n_known_compositions": len(self.known),
                "n_remembered_compositions": len(values),
                "n_labels": int(np.isfinite(self.known.labels).sum()),
                "n_structures": int(np.isfinite(self.known.structure_features).all(1).sum())
                if self.known.structure_features.shape[1]
                else 0,
                "components_kept": round(self.components_kept, 4),
                "embedding_keeps": round(kept, 4),
                **made_with(self.device),
            },
        )
        checkpoint = in_half_precision(Checkpoint(description, tensors))
        return evaluate_student(
            checkpoint, self.net, self.known, self.sample, self.teachers, settings.smallest_skill
        )


def _parameter_groups(net, settings: DistillationSettings) -> list[dict]:
    """Matrices of linear layers decay; biases, norms and element vectors do not."""
    named = list(net.named_parameters())
    matrices = [p for name, p in named if p.ndim == 2 and "element_vectors" not in name]
    others = [p for name, p in named if not (p.ndim == 2 and "element_vectors" not in name)]
    return [
        {"params": matrices, "weight_decay": settings.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
