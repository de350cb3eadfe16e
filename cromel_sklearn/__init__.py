"""CroMEL: compositions in, embeddings that know calculated crystal structures out.

scikit-learn compatible transformer, pretrained encoders that ship with the package, and the
pretraining itself (doi:10.1038/s41524-025-01723-1).
"""

from importlib import import_module
from importlib.metadata import version

__version__ = version("cromel-sklearn")

# Public name -> the module that defines it; imported at first use, so that
# `import cromel_sklearn` loads neither torch nor pymatgen.
_HOME = {
    "Checkpoint": "encoders.checkpoint",
    "CroMELPretrainer": "pretraining.pretrainer",
    "CroMELTransformer": "estimators.transformer",
    "CroMELClassifier": "estimators.classifier",
    "CroMELRegressor": "estimators.regressor",
    "CompositionMapDisplay": "inspection.composition_map",
    "ElementContributionDisplay": "inspection.contributions",
    "ElementCoverageDisplay": "inspection.periodic_table",
    "EvaluationResult": "inspection.evaluation_result",
    "ParityDisplay": "inspection.parity",
    "UncertaintyDisplay": "inspection.uncertainty",
    "evaluate": "inspection.evaluation",
    "nearest_compositions": "inspection.neighbors",
    "report_html": "inspection.reports",
    "CalibrationError": "exceptions",
    "CheckpointError": "exceptions",
    "CroMELError": "exceptions",
    "DeviceError": "exceptions",
    "EncoderNotFoundError": "exceptions",
    "InvalidCompositionError": "exceptions",
    "InvalidCompositionWarning": "exceptions",
    "InvalidTableError": "exceptions",
    "SourceDataError": "exceptions",
    "embed_batch": "estimators.arrow_embeddings",
    "list_encoders": "encoders.registry",
    "predict_batch": "estimators.arrow_predictions",
    "load_encoder": "encoders.registry",
    "load_standard_enthalpies": "data.enthalpies",
    "read_labels": "data.readers",
    "read_materials": "data.readers",
}

__all__ = sorted(_HOME)


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)


def __dir__():
    return [*__all__, "__version__"]
