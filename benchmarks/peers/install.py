"""Where do the peers live, and how do they get there?

Command, from the repository root (some minutes and 5 GB)::

    python benchmarks/peers/install.py [crabnet roost modnet element-embeddings]

Each peer gets a virtual environment of its own in ``CROMEL_PEERS``, by default a folder
``cromel-peers`` in the user's cache: none of them is a dependency of the package. MODNet asks for
pandas at most 1.5 and TensorFlow below 2.16, and so for Python at most 3.11; the versions pinned
beside it work with these.
"""

import argparse
import os
import subprocess
import sys
import venv
from pathlib import Path

import pooch

FOLDER = Path(os.environ.get("CROMEL_PEERS", pooch.os_cache("cromel-peers")))

#: Name of an environment -> arguments of `pip install`, one tuple a call.
ENVIRONMENTS: dict[str, list[tuple[str, ...]]] = {
    "crabnet": [
        ("torch==2.13.0", "pandas==2.3.3", "scikit-learn==1.9.1", "matplotlib", "seaborn", "tqdm"),
        ("--no-deps", "crabnet==1.0.1"),
    ],
    "roost": [
        ("torch==2.13.0", "pandas==2.3.3"),
        ("torch==2.13.0", "aviary-models==1.2.1"),
    ],
    "modnet": [
        ("modnet==0.4.5", "matminer==0.9.2", "scikit-learn==1.5.2", "scipy==1.13.1"),
    ],
}
#: Element tables alone; what the package around them needs is not installed.
ELEMENT_EMBEDDINGS = "ElementEmbeddings==0.8.0"


def interpreter(name: str) -> Path:
    """Python of an environment, which need not exist."""
    return FOLDER / name / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def element_table(name: str) -> Path:
    """File of an element table of ElementEmbeddings, such as mat2vec.csv."""
    package = FOLDER / "element-embeddings" / "elementembeddings"
    return _installed(package / "data" / "element_representations" / name, "element-embeddings")


def installed_interpreter(name: str) -> Path:
    """Python of an environment; an error says how to make it."""
    return _installed(interpreter(name), name)


def _installed(path: Path, name: str) -> Path:
    if not path.exists():
        raise FileNotFoundError(f"{path} not found: run python benchmarks/peers/install.py {name}")
    return path


def install(name: str) -> None:
    """Make one environment anew."""
    if name == "element-embeddings":
        target = ["--no-deps", "--upgrade", "--target", str(FOLDER / name), ELEMENT_EMBEDDINGS]
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", *target], check=True)
        return
    venv.create(FOLDER / name, clear=True, with_pip=True)
    for arguments in ENVIRONMENTS[name]:
        command = [interpreter(name), "-m", "pip", "install", "-q", *arguments]
        subprocess.run(command, check=True)


def main() -> None:
    """Install what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [*ENVIRONMENTS, "element-embeddings"]
    parser.add_argument("names", nargs="*", choices=names, default=names)
    for name in parser.parse_args().names:
        install(name)
        print(f"{name} is in {FOLDER / name}")


if __name__ == "__main__":
    main()
