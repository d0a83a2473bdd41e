"""A figure with its 95 % interval."""

from __future__ import annotations

import math

from pydantic import BaseModel, ConfigDict


class Estimate(BaseModel):
    """A measured value with its 95 % interval; None where it is not defined.

    Of several seeds the value is the mean, and `spread` the standard deviation over them; of
    several splits or folds that over these, of the means over seeds, is `over_divisions`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: float | None = None
    low: float | None = None
    high: float | None = None
    spread: float | None = None
    over_divisions: float | None = None


def number(value: float) -> float | None:
    """Give None for what is not defined."""
    return None if math.isnan(value) else float(value)
