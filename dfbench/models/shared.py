"""What the fits of one study compute alike: made once, held within a bound, dropped at its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np

from dfbench.models.held import most_held

T = TypeVar("T")


@dataclass
class _Held:
    tag: Any
    value: Any
    n_bytes: int
    seconds: float


class Shared:
    """Values by name, for models that are fitted one after another on the same data.

    A value depends on the training part, on the part it is named for, and on its name and tag
    alone: what a model computes must not hang on whether it was there already.

    Parameters
    ----------
    parts
        Names of inputs, such as the tuning part, that are given to `part` as the same objects.
    limit
        Bytes that are held, by default `most_held`; what was used longest ago goes first, and what
        is larger by itself is not held.

    Attributes
    ----------
    saved
        Seconds that the values taken from here would have cost one fit, each but once; less those
        of values that were let go of meanwhile and made again.
    """

    def __init__(self, parts: Mapping[str, object] | None = None, limit: int | None = None) -> None:
        self._parts = dict(parts or {})
        self._limit = most_held() if limit is None else limit
        self._held: dict[Any, _Held] = {}
        self._taken: set[Any] = set()
        self.saved = 0.0

    def of_one_fit(self) -> Shared:
        """Give the same, whose `saved` is that of one more fit."""
        own = copy(self)
        own._taken, own.saved = set(), 0.0
        return own

    def part(self, X: object) -> str | None:
        """Give the name of inputs; None for those that have none."""
        return next((name for name, its in self._parts.items() if its is X), None)

    def holds(self, n_bytes: int) -> bool:
        """Whether a value of that size would be held."""
        return n_bytes <= self._limit

    def get(self, name: Any, make: Callable[[], T], tag: Any = None) -> T:
        """Give what ``make`` gives. Of a name one value is held: that of the latest tag."""
        known, again = self._held.pop(name, None), (name, tag) in self._taken
        if known is None or known.tag != tag:
            known = None  # let go of it before the next is made
            start, before = time.perf_counter(), self.saved
            value = make()
            # what it took from here itself counts for it, but once
            seconds = time.perf_counter() - start + self.saved - before
            known = _Held(tag, value, _size(value), seconds)
            self.saved -= seconds if again else 0.0
        elif not again:
            self.saved += known.seconds
        self._taken.add((name, tag))
        if self.holds(known.n_bytes):
            self._held[name] = known
            while sum(each.n_bytes for each in self._held.values()) > self._limit:
                self._held.pop(next(iter(self._held)))
        return cast("T", known.value)

    def clear(self) -> None:
        """Drop all that is held."""
        self._held.clear()
        self._parts.clear()


def _size(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return int(value.nbytes)
    if isinstance(value, tuple | list):
        return sum(_size(each) for each in value)
    return int(getattr(value, "n_bytes", 0))
