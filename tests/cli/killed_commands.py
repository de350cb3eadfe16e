"""Runs commands that kill themselves: one process that has imported everything forks for each.

Reads a line of JSON from standard input for each command, and writes how it ended.
"""

import json
import os
import signal
import sys
from dataclasses import dataclass
from functools import partial

from cromel_sklearn import CroMELPretrainer
from cromel_sklearn.cli import candidates, distill, embed, predict, train  # noqa: F401
from cromel_sklearn.cli.app import main
from cromel_sklearn.estimators import classifier, members, regressor, uncertainty  # noqa: F401
from cromel_sklearn.inspection import evaluation, reports  # noqa: F401
from cromel_sklearn.nn.composition_encoder import CompositionEncoderConfig
from cromel_sklearn.nn.structure_encoder import StructureEncoderConfig
from cromel_sklearn.pretraining import (
    distillation,
    distillation_run,
    distillation_settings,
    pretraining_run,
)


@dataclass(frozen=True)
class _SmallDistillation(distillation_settings.DistillationSettings):
    remembered: tuple = ("band_gap",)
    n_components: int = 12
    chunk_size: int = 100
    batch_size: int = 32
    smallest_skill: float = -1e9


def _make_small() -> None:
    """Chunks of ten rows, forests of five trees, networks of a few columns."""
    candidates._CHUNK = 10
    members.N_TREES = uncertainty.N_TREES = 5
    pretraining_run.CroMELPretrainer = partial(
        CroMELPretrainer, structure_encoder=StructureEncoderConfig(16, 8, 1, 8),
        composition_encoder=CompositionEncoderConfig(16, "attention", 8, 1, 2), batch_size=8,
    )  # fmt: skip
    distillation._STEPS_PER_ROUND, distillation._SAMPLE = 2, 100
    distillation_settings.DistillationSettings = _SmallDistillation
    distillation_run.gather_known_compounds = partial(
        distillation_run.gather_known_compounds, fewest_labels=10
    )


def _kill_at(moment: str, number: int, folder: str) -> None:
    """Die before or after a file takes its place in the folder for the n-th time."""
    replace, seen = os.replace, []

    def replaces(source, target, **options):
        if not str(target).startswith(folder):
            return replace(source, target, **options)
        seen.append(target)
        if moment == "before" and len(seen) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(source, target, **options)
        if moment == "after" and len(seen) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    os.replace = replaces


def _run(order: dict) -> int:
    child = os.fork()
    if not child:
        with open(order["log"], "w", encoding="utf-8") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        if order["kill"]:
            _kill_at(*order["kill"], order["folder"])
        sys.argv = ["cromel", *order["arguments"]]
        try:
            main()
        except SystemExit as end:
            os._exit(end.code or 0)
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(99)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    _make_small()
    for line in sys.stdin:
        sys.stdout.write(f"{_run(json.loads(line))}\n")
        sys.stdout.flush()
