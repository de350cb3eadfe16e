"""Results that others have published for MatBench's four tasks of compositions, with their source.

They are facts of other people's runs: nothing here computed them. MatBench's column "rocauc" is the
balanced accuracy at a threshold of 0.5.
"""

from dataclasses import dataclass

LEADERBOARD = "MatBench v0.1 leaderboard, matbench.materialsproject.org"


@dataclass(frozen=True)
class Published:
    """One published result.

    Attributes
    ----------
    task : str
    model : str
    value : float
        Mean absolute error in the task's unit, or balanced accuracy.
    source : str
    caveat : str
        Why it cannot be compared, where it cannot.
    """

    task: str
    model: str
    value: float
    source: str
    caveat: str = ""


_DARWIN = (
    "trained on the training folds of several tasks at once: three quarters of its test rows were "
    "training rows of another task"
)
PUBLISHED = (
    Published("band_gap", "Ax/SAASBO CrabNet", 0.331, LEADERBOARD),
    Published("band_gap", "MODNet", 0.333, LEADERBOARD),
    Published("band_gap", "TRIADS", 0.307, "its authors' own report, huggingface.co/Rtx09/TRIADS"),
    Published("band_gap", "Darwin", 0.287, LEADERBOARD, _DARWIN),
    Published("is_metal", "AMMExpress", 0.921, LEADERBOARD),
    Published("is_metal", "Darwin", 0.960, LEADERBOARD, _DARWIN),
    Published("metallic_glass", "AMMExpress", 0.861, LEADERBOARD),
    Published(
        "metallic_glass", "MODNet", 0.960, LEADERBOARD,
        "contradicts its authors' paper, doi:10.1088/1361-648X/ac1280",
    ),
    Published("steel_yield_strength", "TPOT-Mat", 79.95, LEADERBOARD),
)  # fmt: skip
