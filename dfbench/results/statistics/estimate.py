"""A figure with its 95 % interval."""

from __future__ import annotations

import math

from pydantic import BaseModel, ConfigDict


class Estimate(BaseModel):
    """A measured value with its 95 % interval; None where it is not defined.

    Of several seeds the value is the mean, and `spread` the standard deviation over them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: float | None = None
    low: float | None = None
    high: float | None = None
    spread: float | None = None


def number(value: float) -> float | None:
    """Give None for what is not defined."""
    return None if math.isnan(value) else float(value)
