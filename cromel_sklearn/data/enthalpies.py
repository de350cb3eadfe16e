"""Bundled standard enthalpies of formation of inorganic compounds."""

from importlib.resources import as_file, files

import pandas as pd
from sklearn.utils import Bunch


class _Sample(Bunch):
    """Bunch that shows in one line what it holds."""

    def __repr__(self):
        keys = ", ".join(self)
        return f"<{len(self.formulas)} standard enthalpies of formation in {self.unit}: {keys}>"


def load_standard_enthalpies() -> Bunch:
    """Load the bundled standard enthalpies of formation of inorganic compounds.

    Measured, at 298.15 K, relative to the elements in their standard states; from the NBS, CRC,
    JANAF and CODATA tables (see ``data/README.md`` in the package for the sources and the checks).

    Returns
    -------
    Bunch
        `formulas` (Series of str), `target` (ndarray of shape (n_samples,), eV/atom),
        `unit` ("eV/atom"), and `frame`, the whole table with kJ/mol, phase and source.

    Examples
    --------
    >>> from cromel_sklearn import load_standard_enthalpies
    >>> sample = load_standard_enthalpies()
    >>> sample.frame.set_index("formula").loc["Al2O3", "enthalpy_kJ_per_mol"].item()
    -1675.7
    """
    with as_file(files("cromel_sklearn.data") / "standard_enthalpies.csv") as path:
        frame = pd.read_csv(path, keep_default_na=False)
    return _Sample(
        formulas=frame["formula"],
        target=frame["enthalpy_eV_per_atom"].to_numpy(),
        unit="eV/atom",
        frame=frame,
    )
