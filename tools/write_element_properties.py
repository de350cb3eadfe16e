"""Write the table of element properties that the transformer's block `elements` reads.

Command, from the repository root::

    python tools/write_element_properties.py

In: pymatgen's periodic table (MIT licence; Ong et al., Comput. Mater. Sci. 68, 314 (2013),
doi:10.1016/j.commatsci.2012.10.028). Out: ``cromel_sklearn/data/element_properties.csv``. The
numbers lie in the package so that columns are the same whatever version of pymatgen is installed.
"""

import warnings

import numpy as np
import pandas as pd
from pymatgen.core import Element

from cromel_sklearn.data.element_statistics import ELEMENT_PROPERTIES, TABLE
from cromel_sklearn.data.elements import MAX_ATOMIC_NUMBER, element_values


def element_properties() -> pd.DataFrame:
    """Properties of each element, rows named by symbols; the median where one is not known."""
    elements = [Element.from_Z(z) for z in range(1, MAX_ATOMIC_NUMBER + 1)]
    with warnings.catch_warnings():
        # pymatgen warns once for each element without a tabulated value.
        warnings.simplefilter("ignore")
        values = pd.DataFrame([element_values(element) for element in elements])
    shells = [f"outer_{kind}_electrons" for kind in "spdf"]
    values["outer_electrons"] = values[shells].sum(axis=1)
    values.index = pd.Index([element.symbol for element in elements], name="element")
    chosen = values[list(ELEMENT_PROPERTIES)].replace([np.inf, -np.inf], np.nan)
    return chosen.fillna(chosen.median()).round(6)


if __name__ == "__main__":
    element_properties().to_csv(TABLE)
