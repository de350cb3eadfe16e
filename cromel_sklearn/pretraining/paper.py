"""Settings of the published method (doi:10.1038/s41524-025-01723-1)."""

from ..nn.composition_encoder import CompositionEncoderConfig
from ..nn.structure_encoder import StructureEncoderConfig

#: Parameters of `CroMELPretrainer`: the paper's layers, optimizers and alignment; our element
#: features in place of its matscholar vectors.
PAPER_SETTINGS = {
    "criterion": "wasserstein",
    "criterion_weight": 1.0,
    "composition_property_weight": 0.0,
    "mixing_weight": 0.0,
    "decorrelation_weight": 0.0,
    "geometry": False,
    "structure_encoder": StructureEncoderConfig(64, 64, 2, 64, readout="last"),
    "composition_encoder": CompositionEncoderConfig(
        64, "statistics", 64, 1, aligned_layer="embedding"
    ),
    "head_activation": False,
    "optimization": "paper",
    "lr": 5e-4,
    "batch_size": 64,
    "keep_best": False,
}
