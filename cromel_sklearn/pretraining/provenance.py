"""Description of a pretrained encoder: configuration, errors, where it came from."""

import platform
import shlex
from dataclasses import asdict
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from .. import __version__
from ..data.elements import pymatgen_element_table
from ..data.materials import PROPERTY_UNITS
from ..encoders.description import EncoderDescription
from .callbacks import encoder_modules
from .data import PretrainingData
from .evaluation import evaluate_encoders
from .net import CroMELNet


def describe_encoder(net: CroMELNet, data: PretrainingData, run: dict) -> EncoderDescription:
    """Describe a trained net.

    Parameters
    ----------
    net : CroMELNet
        With the weights that are kept.
    data : PretrainingData
    run : dict
        `settings`, `source`, `source_checksum` and `seed` of the run.

    Returns
    -------
    EncoderDescription
    """
    table = pymatgen_element_table()
    errors = {
        split: evaluate_encoders(*encoder_modules(net), data, split, net.processes).as_dict()
        for split in ("validation", "test")
    }
    trained = data.compositions.atomic_numbers[data.split == "train"]
    n_structures = len(data.structure_rows("train"))
    epoch_seconds = [epoch["dur"] for epoch in net.history]
    scores = [epoch["validation_score"] for epoch in net.history]
    keeps_best = run["settings"]["keep_best"]
    return EncoderDescription(
        kind="pretrained",
        network=asdict(net.composition_encoder.config),
        head_activation=run["settings"]["head_activation"],
        properties={name: PROPERTY_UNITS.get(name, "") for name in data.properties},
        known_elements=tuple(np.unique(trained[trained > 0]).tolist()),
        element_table={
            "names": list(table.names),
            "source": table.source,
            "checksum": table.checksum,
        },
        errors=errors,
        provenance={
            **run,
            "n_train_structures": n_structures,
            "n_train_compositions": int((data.split == "train").sum()),
            "n_epochs": len(scores),
            "best_epoch": int(np.argmin(scores)) + 1 if keeps_best else len(scores),
            "seconds": round(sum(epoch_seconds), 1),
            "structures_per_second": round(n_structures / float(np.median(epoch_seconds)), 1),
            "n_processes": net.processes.count,
            **made_with(next(net.composition_encoder.parameters()).device),
        },
    )


def command_without_paths(command: str) -> str:
    """Name files and folders of a command by their names alone, whatever machine it ran on.

    Parameters
    ----------
    command : str
        As it was typed.

    Returns
    -------
    str

    Examples
    --------
    >>> from cromel_sklearn.pretraining.provenance import command_without_paths
    >>> command_without_paths("cromel pretrain --structures=data/mp.parquet --out runs/one")
    'cromel pretrain --structures=mp.parquet --out one'
    """
    words = shlex.split(command)
    named = []
    for before, word in pairwise(["", *words]):
        option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
        is_text = "--attribution" in (before, option)
        named.append(word if is_text else f"{option}{equals}{Path(value).name or value}")
    return shlex.join(named)


def made_with(device: torch.device) -> dict[str, str]:
    """Device, versions and date of a training, for the header of what it made.

    Parameters
    ----------
    device : torch.device

    Returns
    -------
    dict of str to str
    """
    return {
        "device": _device_name(device),
        "torch": torch.__version__,
        "cromel_sklearn": __version__,
        "date": datetime.now(timezone.utc).date().isoformat(),
    }


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.machine()} CPU, {torch.get_num_threads()} threads"
