"""Checks that the extractors share: of parameters and of the batches they are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dfbench.errors import ParameterError
from dfbench.images import Image


def whole(owner: str, name: str, value: object, low: int, high: int) -> int:
    """Return ``value`` if it is a whole number in low..high.

    Raises
    ------
    ParameterError
        Naming extractor and parameter.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise ParameterError(f"{name}={value!r} is not a whole number", where=owner)
    if not low <= value <= high:
        raise ParameterError(f"{name}={value!r} is not in {low}..{high}", where=owner)
    return int(value)


def choice(owner: str, name: str, value: object, options: Sequence[str]) -> str:
    """Return ``value`` if it is one of ``options``.

    Raises
    ------
    ParameterError
        Naming extractor, parameter and the options.
    """
    if not isinstance(value, str) or value not in options:
        known = ", ".join(map(repr, options))
        raise ParameterError(f"{name}={value!r} is unknown", where=owner, hint=f"one of {known}")
    return value


def is_whole(value: object) -> bool:
    """Whether it is a whole number, which a truth value is not."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Whether it is a number, which a truth value is not."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def rgb(owner: str, image: Any) -> Image:
    """Return ``image``, C-contiguous, if it is RGB of shape (H, W, 3) and dtype uint8.

    Raises
    ------
    ParameterError
        If shape or dtype are others, or there is no pixel.
    """
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        kind = getattr(image, "dtype", type(image).__name__)
        raise ParameterError(f"an image is an array of uint8, not {kind}", where=owner)
    if image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ParameterError(f"an image has shape (H, W, 3), not {image.shape}", where=owner)
    return np.ascontiguousarray(image)
