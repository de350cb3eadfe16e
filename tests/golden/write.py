"""Write the golden embeddings of a shipped encoder: python tests/golden/write.py name@version."""

import sys
from pathlib import Path

import numpy as np

from cromel_sklearn import CroMELTransformer, list_encoders

FORMULAS = ["NaCl", "Fe2O3", "Ba0.4K0.6Fe2As2", "Al0.25CoFeNi", "CuSO4(H2O)5", "Cu", "CsPbI3"]


def main() -> None:
    """Write tests/golden/name@version.npz, once."""
    encoder = sys.argv[1]
    path = Path(__file__).parent / f"{encoder}.npz"
    if encoder not in list_encoders() or path.exists():
        raise SystemExit(f"{encoder} is not a shipped name@version, or {path} is written already")
    embedded = CroMELTransformer(
        encoder, output=("embedding", "properties"), device="cpu"
    ).transform(FORMULAS)
    np.savez(path, formulas=np.array(FORMULAS), embedded=embedded)


if __name__ == "__main__":
    main()
