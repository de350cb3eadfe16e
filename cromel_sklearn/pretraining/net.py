"""The training step of CroMEL, as a skorch net of five modules."""

import torch
from skorch import NeuralNet
from torch import Tensor, nn

from ..nn.composition_encoder import CompositionEncoder, EncodedCompositions, PropertyHeads
from ..nn.losses import (
    ADVERSARIAL_ALIGNMENTS,
    Critic,
    adversarial_loss,
    critic_loss,
    decorrelation_loss,
    masked_huber_loss,
    paired_loss,
)
from ..nn.structure_encoder import StructureEncoder
from .data import PretrainingBatch
from .mixing import mixtures
from .processes import ALONE, Processes

#: Modules of the net, in the order of the data flow.
MODULES = (
    "structure_encoder_", "structure_heads_", "composition_encoder_", "property_heads_", "critic_",
)  # fmt: skip
OPTIMIZERS = ("optimizer_", "composition_optimizer_", "critic_optimizer_")
# The composition encoder follows the critic at every fifth step (as in the paper).
_CRITIC_STEPS = 5


class PropertyLoss(nn.Module):
    """`masked_huber_loss` of standardised properties, as the module that skorch expects.

    Parameters
    ----------
    delta : float, default=0.1
        Error, in standard deviations, from which the loss grows linearly; infinity for the squared
        error of the paper.
    """

    def __init__(self, delta: float = 0.1):
        super().__init__()
        self.delta = delta

    def forward(self, predicted: Tensor, target: Tensor) -> Tensor:
        """Scalar loss; NaN targets are missing."""
        return masked_huber_loss(predicted, target, self.delta)


class CroMELNet(NeuralNet):
    """Structure encoder, composition encoder, their property heads and critic, trained together.

    Parameters
    ----------
    module : StructureEncoder
        Instance; likewise the modules that follow.
    structure_heads : PropertyHeads
    composition_encoder : CompositionEncoder
    property_heads : PropertyHeads
        Of the composition encoder; the structure's own where both share one space.
    critic : Critic
        Trained when the alignment is adversarial.
    alignment : str
        One of `nn.losses.ALIGNMENTS`.
    alignment_weight : float
        Weight of the alignment beside the property loss.
    composition_property_weight : float
        Weight of the property loss at the composition embeddings; 0 in the paper.
    mixing_weight : float
        Share of that loss which is taken at mixtures of compositions.
    decorrelation_weight : float
        Weight of the decorrelation of the structure embedding.
    processes : Processes
        That train together.
    composition_optimizer, critic_optimizer : type
        Optimizers of these modules; `optimizer` trains the structure's encoder and heads. Their
        parameters carry the prefixes `composition_optimizer__` and `critic_optimizer__`.
    """

    def __init__(
        self,
        module: StructureEncoder,
        structure_heads: PropertyHeads,
        composition_encoder: CompositionEncoder,
        property_heads: PropertyHeads,
        critic: Critic,
        *,
        alignment: str,
        alignment_weight: float,
        composition_property_weight: float,
        mixing_weight: float,
        decorrelation_weight: float,
        processes: Processes = ALONE,
        composition_optimizer=torch.optim.AdamW,
        critic_optimizer=torch.optim.RMSprop,
        **kwargs,
    ):
        self.structure_heads = structure_heads
        self.composition_encoder = composition_encoder
        self.property_heads = property_heads
        self.critic = critic
        self.alignment = alignment
        self.alignment_weight = alignment_weight
        self.composition_property_weight = composition_property_weight
        self.mixing_weight = mixing_weight
        self.decorrelation_weight = decorrelation_weight
        self.processes = processes
        self.composition_optimizer = composition_optimizer
        self.critic_optimizer = critic_optimizer
        super().__init__(module, **kwargs)

    def initialize_module(self):
        """Register the modules."""
        self.structure_encoder_ = self.module
        self.structure_heads_ = self.structure_heads
        self.composition_encoder_ = self.composition_encoder
        self.property_heads_ = self.property_heads
        self.critic_ = self.critic
        return self

    def initialize_optimizer(self, triggered_directly=None):
        """Make one optimizer for the structures, one for the compositions, one for the critic."""
        structure_part = [
            *self.structure_encoder_.parameters(),
            *self.structure_heads_.parameters(),
        ]
        composition_part = [*self.composition_encoder_.parameters()]
        if self.property_heads is not self.structure_heads:
            composition_part += self.property_heads_.parameters()
        self.optimizer_ = self.optimizer(structure_part, **self.get_params_for("optimizer"))
        self.composition_optimizer_ = self.composition_optimizer(
            composition_part, **self.get_params_for("composition_optimizer")
        )
        self.critic_optimizer_ = self.critic_optimizer(
            self.critic_.parameters(), **self.get_params_for("critic_optimizer")
        )
        return self

    def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        """Count the steps of the epochs before, so that resuming changes nothing."""
        super().on_epoch_begin(net, dataset_train, dataset_valid, **kwargs)
        self.n_steps_ = sum(epoch["train_batch_count"] for epoch in self.history[:-1])

    def train_step(self, batch: PretrainingBatch, **fit_params):
        """Take one step of every optimizer that is due."""
        self._set_training(True)
        self.n_steps_ += 1
        encoded = self._encoded(batch.atomic_numbers, batch.atomic_fractions)
        losses, total = {}, encoded.embedding.new_zeros(())
        structure = batch.structure_embedding  # where the structure encoder is held fixed
        if structure is None:
            structure = self._structures(batch)
            losses["structure_loss"] = self.criterion_(
                self.structure_heads_(structure), batch.structure_targets
            )
            total = losses["structure_loss"]
            if self.decorrelation_weight and len(structure):
                losses["decorrelation"] = decorrelation_loss(structure)
                total = total + self.decorrelation_weight * losses["decorrelation"]
        if self.composition_property_weight:
            losses["composition_loss"] = self.criterion_(
                self.property_heads_(encoded.embedding), batch.composition_targets
            )
            composition_loss = losses["composition_loss"]
            if self.mixing_weight:
                losses["mixture_loss"] = self._mixture_loss(batch)
                composition_loss = torch.lerp(
                    composition_loss, losses["mixture_loss"], self.mixing_weight
                )
            total = total + self.composition_property_weight * composition_loss
        alignment = self._alignment(batch, structure, encoded)
        if alignment is not None:
            losses["alignment"] = alignment
            total = total + self.alignment_weight * alignment
        self.optimizer_.zero_grad()
        self.composition_optimizer_.zero_grad()
        if total.requires_grad:
            total.backward()
        self.processes.join_gradients(self._parameters_of_encoders(), self._parameters_of_heads())
        self.optimizer_.step()
        if self.composition_property_weight or alignment is not None:
            self.composition_optimizer_.step()
        for name, loss in losses.items():
            self.history.record_batch(name, loss.item())
        return {"loss": total.detach(), "y_pred": encoded.embedding.detach()}

    def _structures(self, batch: PretrainingBatch) -> Tensor:
        """Embed the structures of the whole batch, standardised over it."""
        assert batch.graphs is not None
        readouts = self.structure_encoder_.readouts(batch.graphs)
        whole = self.processes.whole(readouts, len(batch.structure_targets))
        return self.structure_encoder_.standardised(whole)

    def _encoded(self, numbers: Tensor, fractions: Tensor) -> EncodedCompositions:
        """Encode compositions, each process its part."""
        if self.processes.count == 1:
            return self.composition_encoder_(numbers, fractions)
        part = self.processes.part(len(numbers))
        encoded = self.composition_encoder_(numbers[part], fractions[part])
        # One after the other: what no loss uses must come out without a gradient, not with zeros.
        fields = vars(encoded).values()
        return EncodedCompositions(*(self.processes.whole(f, len(numbers)) for f in fields))

    def _parameters_of_encoders(self) -> list[nn.Parameter]:
        modules = self.structure_encoder_, self.composition_encoder_
        return [parameter for module in modules for parameter in module.parameters()]

    def _parameters_of_heads(self) -> list[nn.Parameter]:
        modules = nn.ModuleList([self.structure_heads_, self.property_heads_])
        return [*modules.parameters()]  # each once, where both are the same

    def _mixture_loss(self, batch: PretrainingBatch) -> Tensor:
        numbers, fractions, targets = mixtures(
            batch.atomic_numbers, batch.atomic_fractions, batch.composition_targets
        )
        embedding = self._encoded(numbers, fractions).embedding
        return self.criterion_(self.property_heads_(embedding), targets)

    def _alignment(
        self, batch: PretrainingBatch, structure: Tensor, encoded: EncodedCompositions
    ) -> Tensor | None:
        """Alignment loss of the structures in the batch; None when no term is due."""
        n_structures = len(structure)
        if self.alignment == "none" or not n_structures:
            return None
        mean = encoded.structure_mean[:n_structures]
        spread = encoded.structure_spread[:n_structures]
        if self.alignment not in ADVERSARIAL_ALIGNMENTS:
            return paired_loss(structure, mean, spread)
        sample = mean + spread * torch.randn_like(mean)
        condition = self._condition(batch, n_structures) if self.alignment == "joint" else None
        loss = critic_loss(self.critic_, structure, sample, condition)
        self.critic_optimizer_.zero_grad()
        loss.backward()
        self.processes.join_gradients((), self.critic_.parameters())
        self.critic_optimizer_.step()
        self.history.record_batch("critic_loss", loss.item())
        if self.n_steps_ % _CRITIC_STEPS:
            return None
        return adversarial_loss(self.critic_, sample, condition)

    def _condition(self, batch: PretrainingBatch, n_structures: int) -> Tensor:
        table = self.composition_encoder.element_features
        features = table[batch.atomic_numbers[:n_structures]]
        return (features * batch.atomic_fractions[:n_structures, :, None]).sum(1)
