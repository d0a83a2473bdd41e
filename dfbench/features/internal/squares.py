"""The ways to make squares of images, by name."""

from __future__ import annotations

from dfbench.features.internal.native import Native
from dfbench.features.internal.resized import Resized
from dfbench.features.internal.square import Square

_KINDS: dict[str, type[Square]] = {"resized": Resized, "native": Native}


def square(kind: str, size: int) -> Square:
    """Make the one that a network asks for, see `dfbench.models.base.Model.square`."""
    return _KINDS[kind](size)
