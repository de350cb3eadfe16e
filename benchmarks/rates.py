"""Processor time of a function of formulas, and how many of them it takes a second."""

import time


def seconds(function, formulas) -> float:
    """Processor seconds of one call."""
    started = time.process_time()
    function(formulas)
    return time.process_time() - started


def rate(function, formulas, n_passes: int) -> float:
    """Formulas a second of processor time, the best of some passes."""
    return len(formulas) / min(seconds(function, formulas) for _ in range(n_passes))
