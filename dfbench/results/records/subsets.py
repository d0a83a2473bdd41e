"""Variants of rows: fitted on another part of the training images than the row itself.

A variant is known by its name, which stands in entries and records; the row itself has none.
"""

from __future__ import annotations

import re

MERGED = "real or fake"
"""Of more than two classes, all but the real one are taken for one class, fake."""
UNKNOWN_KINDS = "leave-one-generator-out"
"""Stands where kinds are to be left out and the data do not tell any."""

_WITHOUT = "without "
_PART = re.compile(r"([\d.e-]+) % of train")


def without(kind: str) -> str:
    """Name the variant that has never seen a kind of fake.

    Examples
    --------
    >>> without("smoothed")
    'without smoothed'
    """
    return _WITHOUT + kind


def left_out(variant: str) -> str | None:
    """Give the kind that a variant has never seen; None for other variants."""
    return variant.removeprefix(_WITHOUT) if variant.startswith(_WITHOUT) else None


def part_of_train(fraction: float) -> str:
    """Name the variant that is fitted on a part of the training images.

    Examples
    --------
    >>> part_of_train(0.25)
    '25 % of train'
    """
    return f"{100 * fraction:.6g} % of train"


def fraction_of(variant: str) -> float | None:
    """Give the part of the training images that a variant is fitted on; None for other variants."""
    match = _PART.fullmatch(variant)
    return float(match.group(1)) / 100 if match else None
