"""One-cycle learning-rate schedule."""

import math

_WARM_UP = 0.1
_SMALLEST = 1e-3


def one_cycle(progress: float) -> float:
    """Warm up over the first tenth, then decay to almost zero as a half cosine.

    Smith and Topin, arXiv:1708.07120.

    Parameters
    ----------
    progress : float
        Between 0 and 1.

    Returns
    -------
    float

    Examples
    --------
    >>> from cromel_sklearn.nn.schedule import one_cycle
    >>> one_cycle(0.1)
    1.0
    """
    decayed = 0.5 * (1 + math.cos(math.pi * max(0.0, progress - _WARM_UP) / (1 - _WARM_UP)))
    return max(min(progress / _WARM_UP, decayed), _SMALLEST)
