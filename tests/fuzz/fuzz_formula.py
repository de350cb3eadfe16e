"""Coverage-guided search for formulas that break the parser or mean something else to pymatgen.

Not run in CI: ``pip install atheris; python tests/fuzz/fuzz_formula.py -max_total_time=600``.
Stops at the first input that raises anything but a ValueError in one short line, that is read
differently alone and in a column, or that pymatgen reads as other amounts.
"""

import re
import sys

import atheris

with atheris.instrument_imports(include=["cromel_sklearn"]):
    from cromel_sklearn.data.formula_reader import read_formula, read_formulas

from pymatgen.core import Composition

PIECES = [
    *"()[]{}.·* +-xe0123456789CHONFSPBIUKVWYDTXM\n%", "Na", "Cl", "Fe", "Ti", "Al", "In", "Cu",
    "Si", "H2O", "e-4", "0.5", "1e9", "  ", "Zz", "at%", "3O", "₂",
]  # fmt: skip
# pymatgen does not know dots between parts, nor capital exponents.
_OURS_ALONE = re.compile(r"[·•⋅∙*₀-₉E]|e[+-]?[0-9]+ *\.|(?:[A-Za-z)\]}] *|[0-9] +)\. *[A-Z(\[{]")


def check(text: str) -> None:
    """Read a text in every way and compare."""
    together = read_formulas(["NaCl", text, "Fe2O3"])
    try:
        amounts = read_formula(text)
    except ValueError as error:
        reason = str(error)
        assert together.refused == {1: reason}
        assert "\n" not in reason
        assert len(reason) < 400
        return
    assert not together.refused
    entries = together.composition == 1
    in_column: dict[int, float] = {}
    for number, amount in zip(
        together.atomic_number[entries], together.amount[entries], strict=True
    ):
        in_column[int(number)] = in_column.get(int(number), 0.0) + float(amount)
    assert in_column == amounts
    if not _OURS_ALONE.search(text):
        theirs: dict[int, float] = {}
        for element, amount in Composition(re.sub(r"\s", "", text)).items():
            theirs[element.Z] = theirs.get(element.Z, 0.0) + amount
        assert theirs.keys() == amounts.keys()
        assert all(abs(theirs[z] - n) <= 1e-9 * n or theirs[z] == n for z, n in amounts.items())


def fuzz(data: bytes) -> None:
    """Read bytes as pieces of formulas, or as any text where the first one is even."""
    if data[:1] and data[0] % 2:
        check("".join(PIECES[byte % len(PIECES)] for byte in data[1:200]))
    else:
        check(data[1:200].decode("utf-8", "replace"))


if __name__ == "__main__":
    atheris.Setup(sys.argv, fuzz)
    atheris.Fuzz()
