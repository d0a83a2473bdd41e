"""What a call takes, on a machine that other programs use too."""

from __future__ import annotations

import math
import time
import tracemalloc
from collections.abc import Callable
from typing import Any


def hours_told(hours: float) -> str:
    """Write a time in hours, or in minutes."""
    return f"{hours:.0f} hours" if hours >= 1.5 else f"{math.ceil(hours * 60)} minutes"


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Give the seconds of one call: of the processor, and those that it waited at least."""
    n, cpu, clock = 0, time.process_time(), time.perf_counter()
    while True:
        work()
        n += 1
        spent, passed = time.process_time() - cpu, time.perf_counter() - clock
        if passed > 0.005:
            break
    return spent / n, (passed - 2 * spent / _share()) / n


def _share() -> float:
    """Give the share of a processor that this thread is given now, by being busy for a while."""
    cpu, clock = time.thread_time(), time.perf_counter()
    while (passed := time.perf_counter() - clock) < 0.01:
        pass
    return max(0.01, (time.thread_time() - cpu) / passed)


def peak(work: Callable[[], Any]) -> int:
    """Give the bytes that a call takes at its peak, as far as Python and NumPy know."""
    tracing = tracemalloc.is_tracing()
    if not tracing:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        if not tracing:
            tracemalloc.stop()
