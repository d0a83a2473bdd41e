"""What a fitted model holds and was loaded, checked before anything is computed with it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.models.kept import KeptError


def array_of(value: object, dtype: Any, shape: tuple[int | None, ...]) -> NDArray[Any]:
    """Give an array that is what it must be.

    Parameters
    ----------
    value
        That was loaded.
    dtype
        Its type.
    shape
        Its shape; None stands for any length.

    Raises
    ------
    KeptError
        If it is none, is of another type or shape, or holds what is not finite.
    """
    if not (
        type(value) is np.ndarray
        and value.dtype == dtype
        and value.ndim == len(shape)
        and all(wanted in (None, its) for its, wanted in zip(value.shape, shape, strict=True))
        and np.isfinite(value).all()
    ):
        raise KeptError("the machine is not what it must be: sizes do not belong together")
    return value


def positive(value: object) -> float:
    """Give a finite number above 0; raises as `array_of`."""
    if not (isinstance(value, float) and 0 < value < math.inf):
        raise KeptError("the machine is not what it must be: a number is strange")
    return value


def belongs(holds: bool) -> None:
    """Raise as `array_of` where something does not hold."""
    if not holds:
        raise KeptError("the machine is not what it must be: sizes do not belong together")
