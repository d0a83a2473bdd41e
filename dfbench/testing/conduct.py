"""What any code is held to: global random numbers, and threads that are left behind."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from typing import Any

from dfbench.testing.checks import Broken
from dfbench.testing.watching import n_threads, random_states, seeded


def check_random(work: Callable[[], Any]) -> None:
    """Raise `Broken` where work changes a global source of random numbers."""
    after = []
    changed: list[str] = []
    for seed in (1, 2):
        with seeded(seed):
            before = random_states()
            work()
            left = random_states()
            changed = [name for name in before if left[name] != before[name]]
        after.append(left)
    if changed:
        name = changed[0]
        if after[0][name] == after[1][name]:
            raise Broken(f"seeds the global random state ({name})")
        raise Broken(f"draws from the global random state ({name})")


def check_leftover(work: Callable[[], Any], calls: int = 8) -> None:
    """Raise `Broken` where each call leaves a thread behind."""
    for _ in range(2):
        work()  # libraries begin their pools
    before, known = n_threads(), set(threading.enumerate())
    for _ in range(calls):
        work()
    until = time.monotonic() + 1
    while (left := n_threads() - before) >= calls // 2 and time.monotonic() < until:
        gc.collect()
        time.sleep(0.02)
    if left >= calls // 2:
        names = {its.name.split("-")[0] for its in threading.enumerate() if its not in known}
        named = f" ({', '.join(sorted(names))})" if names else ""
        raise Broken(f"leaves {left} threads behind after {calls} calls{named}")
