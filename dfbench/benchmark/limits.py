"""What extractors of others may take, where nothing else is said."""

from __future__ import annotations

from dataclasses import dataclass

from dfbench.benchmark.memory import available
from dfbench.contained.process import Limits

SECONDS = 60.0
"""For an image."""
_SHARE = 2
"""One part in so many of the memory that is left goes to all processes of an extractor."""


@dataclass(frozen=True)
class Allowed:
    """What an extractor of others may take.

    Attributes
    ----------
    seconds
        For an image.
    memory
        Bytes that each of its processes holds; None for its share of what is left where it works.
    """

    seconds: float = SECONDS
    memory: int | None = None

    def here(self, jobs: int) -> Limits:
        """Give the limits of one of ``jobs`` processes on this machine."""
        left = available()
        share = None if left is None else left // _SHARE // jobs
        return Limits(self.seconds, self.memory or share)
