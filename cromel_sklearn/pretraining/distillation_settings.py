"""Settings of a distillation: what the student is and how it learns."""

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, replace

from ..nn.distilled_network import DistilledEncoderConfig
from .distillation_net import LossWeights


@dataclass(frozen=True)
class DistillationSettings:
    """What a distillation finds depends on these, on its data and on nothing else.

    Attributes
    ----------
    network : DistilledEncoderConfig
        Numbers of properties are found.
    remembered : tuple of str
        Properties whose calculated values the encoder keeps and looks up.
    spread_of : tuple of str
        Properties of which the teachers' disagreement is learned.
    composition_share : float
        How much the embedding keeps of the fractions of the elements, and as much of their
        logarithms, beside what is predicted.
    n_components : int
        Rotated components of the teachers' outputs that are taught; 0 to teach none of them.
    n_synthetic, chunk_size : int
        Synthetic compositions, and how many lie in one file.
    n_steps, batch_size : int
    lr, weight_decay : float
        Peak learning rate of AdamW under a one-cycle schedule.
    loss_weights : LossWeights
    smallest_skill : float
        Properties whose error on held-out compositions is not smaller by this share than that of
        their median are left out of the encoder.
    seed : int
    """

    network: DistilledEncoderConfig = field(
        default_factory=lambda: DistilledEncoderConfig(width=384, embedding_dim=96)
    )
    remembered: tuple[str, ...] = (
        "band_gap",
        "formation_energy_per_atom",
        "energy_above_hull",
        "magnetization_per_atom",
        "log10_bulk_modulus",
        "log10_shear_modulus",
    )
    spread_of: tuple[str, ...] = ("formation_energy_per_atom", "band_gap")
    composition_share: float = 0.3
    n_components: int = 144
    n_synthetic: int = 2_000_000
    chunk_size: int = 250_000
    n_steps: int = 60_000
    batch_size: int = 1024
    lr: float = 2e-3
    weight_decay: float = 1e-2
    loss_weights: LossWeights = field(default_factory=LossWeights)
    smallest_skill: float = 0.2
    seed: int = 0

    def suited_to(
        self, labelled: Collection[str], predicted: Collection[str]
    ) -> "DistillationSettings":
        """Leave out those default properties that the data do not have.

        Names that somebody chose are left as they are.

        Parameters
        ----------
        labelled : collection of str
            Properties with calculated labels.
        predicted : collection of str
            Properties that the teachers predict.

        Returns
        -------
        DistillationSettings

        Examples
        --------
        >>> from cromel_sklearn.pretraining.distillation_settings import DistillationSettings
        >>> DistillationSettings().suited_to(["band_gap", "hardness"], ["band_gap"]).remembered
        ('band_gap',)
        """
        usual = DistillationSettings
        remembered, spread_of = self.remembered, self.spread_of
        if remembered == usual.remembered:
            remembered = tuple(name for name in remembered if name in labelled)
        if spread_of == usual.spread_of:
            spread_of = tuple(n for n in spread_of if n in labelled and n in predicted)
        return replace(self, remembered=remembered, spread_of=spread_of)

    def as_json(self) -> dict:
        """Settings as a run's state keeps them: tuples are lists."""
        return json.loads(json.dumps(asdict(self)))
