"""What a part of the board adds to it: sections, and figures in one long form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict

from dfbench.results.document.blocks import Section


class ProtocolFigure(BaseModel):
    """A figure of a row under a protocol: an object of ``protocols.json``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    protocol: str
    """Its kind, as a suite names it."""
    row: str
    fitted_on: str
    """Data set."""
    fitted_part: str = ""
    """Which part of its training images; empty for all of them."""
    scored_on: str
    """Data set; empty where the figure is over several."""
    scored_part: str = ""
    """Which of its images, or how they were changed (``jpeg=70``); empty for all as they are."""
    metric: str
    value: float | None = None
    """None where it is not defined."""
    low: float | None = None
    high: float | None = None
    """Ends of the 95 % interval; None where there is none."""
    spread: float | None = None
    """Standard deviation over seeds; None with one."""
    n: int | None = None
    """Images scored."""
    n_train: int | None = None
    """Images fitted on."""
    reason: str = ""
    """Why there is no value."""


@dataclass(frozen=True, slots=True)
class Report:
    """What is added to a board; by default nothing.

    Attributes
    ----------
    sections
        Of several data sets together.
    by_dataset
        Those that stand beside the leaderboard of a data set.
    figures
        All figures of the sections, a row at a time.
    warnings, notes
        By data set: what its figures may be owed to, and what makes rows unlike each other.
    """

    sections: Sequence[Section] = ()
    by_dataset: Mapping[str, Sequence[Section]] = field(default_factory=dict)
    figures: Sequence[ProtocolFigure] = ()
    warnings: Mapping[str, Sequence[str]] = field(default_factory=dict)
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)
