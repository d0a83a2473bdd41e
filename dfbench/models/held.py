"""How much a model may hold to save time: what is beyond is made or read again, with equal result.

There is one bound for a process, which works on one cell at a time: kernels that are kept whole,
what the trials of a study share, features that are made once for several passes. It is lowered
where memory is short, and no score hangs on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

MOST = 2 << 30
"""Bytes that are held where memory is not short."""
BOUNDS = tuple(MOST >> times for times in range(6))
"""Bounds to choose from, the largest first."""

_most = MOST


def most_held() -> int:
    """Give the bound that holds now, in bytes."""
    return _most


@contextmanager
def holding_at_most(n_bytes: int) -> Iterator[None]:
    """Set the bound inside the block."""
    global _most
    before, _most = _most, n_bytes
    try:
        yield
    finally:
        _most = before
