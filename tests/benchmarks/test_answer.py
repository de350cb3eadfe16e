"""What the peers' runners share: a request is read, an answer with versions is written."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import answer

RUNNER = """
from answer import answer

def predict(request):
    return [sum(request["train_target"])] * len(request["test_formulas"])

if __name__ == "__main__":
    answer(predict, packages=("numpy",))
"""


def test_runner_answers_a_request(tmp_path):
    request, response = tmp_path / "request.json", tmp_path / "response.json"
    request.write_text(json.dumps({"train_target": [1.0, 2.0], "test_formulas": ["NaCl", "MgO"]}))
    runner = tmp_path / "runner.py"
    runner.write_text(RUNNER)
    (tmp_path / "answer.py").write_text(Path(answer.__file__).read_text())
    subprocess.run([sys.executable, runner, request, response], check=True)
    assert json.loads(response.read_text()) == {
        "predicted": [3.0, 3.0],
        "versions": {"numpy": version("numpy")},
    }
