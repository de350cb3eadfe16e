"""Colors of every plot: one for points, one for what is to be noticed, greys for the rest."""

#: Points and lines of the model itself.
POINTS = "#2f6690"
#: What is to be noticed: worst rows, the model's own claim.
ACCENT = "#c8553d"
#: Diagonals and frames.
INK = "#33363b"
#: What is only there to compare with.
MUTED = "#9aa0a8"
#: Classes, told apart by readers with any color vision (Okabe and Ito, 2008).
CLASSES = (
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#555555",
)  # fmt: skip
#: Values from low to high, and values on both sides of zero: names that matplotlib knows.
SEQUENTIAL = "viridis"
DIVERGING = "RdBu_r"
