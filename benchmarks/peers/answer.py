"""The answer of a peer to one request, in its own environment: what all runners share.

A runner is called with two paths: a request (JSON: formulas and targets of the training rows,
formulas of the test rows, seed) that it reads, and the response that it writes.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path


def answer(predict, packages: tuple[str, ...]) -> None:
    """Read the request, predict, write predictions and versions.

    Parameters
    ----------
    predict : callable
        Takes the request as a dict, gives the list of predictions for its test rows.
    packages : tuple of str
        Whose versions are recorded.
    """
    request_path, response_path = map(Path, sys.argv[1:])
    predicted = predict(json.loads(request_path.read_text()))
    versions = {name: version(name) for name in packages}
    response_path.write_text(json.dumps({"predicted": predicted, "versions": versions}))
