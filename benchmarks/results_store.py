"""Results on disk: read, and added to in one step, whoever else adds to them."""

import json
from pathlib import Path

from filelock import FileLock
from paths import RESULTS

from cromel_sklearn.storage.whole_file import write_file

#: What is held out -> folder of its results.
FOLDERS = {
    "formula": RESULTS / "accuracy",
    "system": RESULTS / "accuracy_system",
    "development": RESULTS / "development",
}
LEARNING_CURVES = RESULTS / "learning_curve"
PREDICTIONS = RESULTS / "predictions"


def read_json(path: Path) -> dict:
    """Read results; empty where there are none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write_json(path: Path, results) -> None:
    """Write results in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    indent = None if path.parent == PREDICTIONS else 1
    write_file(path, json.dumps(results, indent=indent, sort_keys=True) + "\n")


def add_json(path: Path, places: tuple[str, ...], value) -> None:
    """Put one value where `places` say; other processes may be adding to the same file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        results = read_json(path)
        inner = results
        for place in places[:-1]:
            inner = inner.setdefault(place, {})
        inner[places[-1]] = value
        write_json(path, results)
