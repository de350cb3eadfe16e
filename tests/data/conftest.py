"""A table of measurements."""

import pandas as pd
import pytest


@pytest.fixture
def frame():
    """Three rows of two compositions, with temperatures, a note and a load."""
    return pd.DataFrame(
        {
            "note": ["a", "b", "c"],
            "formula": ["NaCl", "MgO", "Cl2Na2"],
            "temperature_K": [300, 400, 500],
            "load": [1.0, 2.0, 3.0],
        }
    )
