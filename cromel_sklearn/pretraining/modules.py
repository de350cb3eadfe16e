"""Modules and optimizers of a pretraining."""

from dataclasses import dataclass

import torch

from ..data.elements import pymatgen_element_table
from ..nn.composition_encoder import CompositionEncoder, CompositionEncoderConfig, PropertyHeads
from ..nn.losses import Critic
from ..nn.structure_encoder import StructureEncoder, StructureEncoderConfig
from .data import PretrainingData
from .net import PropertyLoss

OPTIMIZATIONS = ("one-cycle", "paper")
# Error, in standard deviations, from which the property loss grows linearly.
_HUBER_DELTA = 0.1
_PAPER_COMPOSITION_LR = 1e-4


@dataclass(frozen=True)
class Modules:
    """The modules that are trained together, in the order in which `CroMELNet` takes them.

    Attributes
    ----------
    structure_encoder : StructureEncoder
    structure_heads : PropertyHeads
    composition_encoder : CompositionEncoder
    property_heads : PropertyHeads
        Of the composition encoder; `structure_heads` where both embeddings share one space.
    critic : Critic
    """

    structure_encoder: StructureEncoder
    structure_heads: PropertyHeads
    composition_encoder: CompositionEncoder
    property_heads: PropertyHeads
    critic: Critic


def new_modules(
    structure_config: StructureEncoderConfig,
    composition_config: CompositionEncoderConfig,
    data: PretrainingData,
    *,
    alignment: str,
    head_activation: bool,
    device,
) -> Modules:
    """Build modules with random weights, drawn from torch's global generator.

    Parameters
    ----------
    structure_config : StructureEncoderConfig
    composition_config : CompositionEncoderConfig
    data : PretrainingData
        Gives the heads the scale of each property.
    alignment : str
        One of `losses.ALIGNMENTS`; the critic of "joint" also sees the composition.
    head_activation : bool
        As in `CroMELPretrainer`.
    device : torch.device

    Returns
    -------
    Modules
    """
    table = torch.tensor(pymatgen_element_table().features)
    embedding_dim = composition_config.embedding_dim
    critic = Critic(embedding_dim, table.shape[1] if alignment == "joint" else 0)
    structure_heads, property_heads = (
        PropertyHeads(embedding_dim, data.means, data.scales, head_activation) for _ in range(2)
    )
    if composition_config.aligned_layer == "embedding":
        property_heads = structure_heads  # one space, one set of heads
    return Modules(
        StructureEncoder(structure_config, table).to(device),
        structure_heads.to(device),
        CompositionEncoder(composition_config, table).to(device),
        property_heads.to(device),
        critic.to(device),
    )


def optimizer_parameters(optimization: str, lr: float, weight_decay: float) -> dict:
    """Give loss and optimizers as parameters of `CroMELNet`.

    Parameters
    ----------
    optimization : {"one-cycle", "paper"}
    lr : float
        (Peak) learning rate.
    weight_decay : float
        Of the one-cycle optimization; the paper has none.

    Returns
    -------
    dict
    """
    if optimization == "paper":
        return {
            "criterion": PropertyLoss,
            "criterion__delta": float("inf"),
            "lr": lr,
            "optimizer": torch.optim.Adam,
            "composition_optimizer": torch.optim.RMSprop,
            "composition_optimizer__lr": _PAPER_COMPOSITION_LR,
            "critic_optimizer__lr": _PAPER_COMPOSITION_LR,
        }
    return {
        "criterion": PropertyLoss,
        "criterion__delta": _HUBER_DELTA,
        "lr": lr,
        "optimizer": torch.optim.AdamW,
        "optimizer__weight_decay": weight_decay,
        "composition_optimizer": torch.optim.AdamW,
        "composition_optimizer__lr": lr,
        "composition_optimizer__weight_decay": weight_decay,
        "critic_optimizer__lr": lr,  # a slower critic is run away from
    }
