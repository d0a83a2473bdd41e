"""Pictures with one place covered by what could as well have been there."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dfbench.images import Image

Windows = NDArray[np.float32]
"""How much each of n places along a side covers of each pixel, shape (n, length), in [0, 1]."""

_FLAT = 0.25
"""A place is covered wholly this far around its middle, in distances between places."""
_BLOCK = 8
"""JPEG's: what is moved by whole blocks stays in step with them."""


def places(shape: tuple[int, ...], most: int) -> tuple[Windows, Windows]:
    """Divide a picture of shape (H, W, ...) in about square places, at most so many.

    Returns
    -------
    tuple of arrays of shape (rows, H) and (columns, W)
        Places fade out as raised cosines until the middle of the next one.
    """
    height, width = shape[:2]
    rows = min(max(1, round(math.sqrt(most * height / width))), most, height)
    columns = min(max(1, most // rows), width)
    return _windows(height, rows), _windows(width, columns)


def _windows(length: int, n: int) -> Windows:
    # in units of the distance between places; the outermost ones reach to the border
    at = np.clip((np.arange(length) + 0.5) / length * n - 0.5, 0, n - 1)
    away = np.clip((np.abs(at - np.arange(n)[:, None]) - _FLAT) / (1 - _FLAT), 0, 1)
    return np.asarray(0.5 + 0.5 * np.cos(np.pi * away), dtype=np.float32)


def covered(image: Image, down: Windows, across: Windows) -> Iterator[Image]:
    """Give copies of a picture, each with one place covered, row by row.

    A place gets what lies half the picture's height and width away, and fades into its
    surroundings: colours, texture and noise that belong to this picture, without an edge. Flat
    colour, or the picture blurred, would have edges or a smoothness that detectors answer to
    more than to the place.
    """
    shift = (_half(image.shape[0]), _half(image.shape[1]))
    elsewhere = np.roll(image, shift, axis=(0, 1))
    for row in down:
        top, bottom = _held(row)
        for column in across:
            left, right = _held(column)
            share = np.outer(row[top:bottom], column[left:right])[..., None]
            copy = image.copy()
            place = copy[top:bottom, left:right]
            mixed = share * elsewhere[top:bottom, left:right] + (1 - share) * place
            place[:] = mixed + 0.5
            yield copy


def _held(window: NDArray[np.float32]) -> tuple[int, int]:
    """Give the range of pixels that a place covers anything of."""
    inside = np.flatnonzero(window > 0)
    return int(inside[0]), int(inside[-1]) + 1


def _half(length: int) -> int:
    blocks = round(length / (2 * _BLOCK))
    return blocks * _BLOCK or length // 2
