"""Evaluations: other images that the fitted model of a cell has scored."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from dfbench.results.records.records import Count, Status


class Asked(BaseModel):
    """What a protocol asks of a row: to score certain images."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    protocol: str
    """Its kind."""
    dataset: str
    """That its model is fitted on."""
    row: str
    seed: int
    cell: str
    scored_on: str
    """Data set whose images are scored."""
    change: str = ""
    """How they are changed; empty: they are as they are."""
    probe: str = ""
    """Identity of the evaluation; empty where it cannot be done."""
    reason: str = ""
    """Why it cannot be done."""

    @property
    def place(self) -> tuple[str, ...]:
        """What a later run replaces."""
        return (self.protocol, self.dataset, self.row, str(self.seed), self.scored_on, self.change)


class EvaluationRecord(BaseModel):
    """What came of an evaluation. Classes are numbered as those of the cell."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cell: str
    probe: str
    """Identity: a hash of all that determines the scores beside the cell."""
    status: Status
    reason: str = ""
    scored_on: str
    fingerprint: str
    """Of that data set."""
    change: str = ""
    split: str = ""
    """Where the images are from, as in `Record`."""
    n: Count = 0
    """Number of images."""
    n_seen: Count = 0
    """Those of them whose files are among the cell's training images too."""
    n_copied: Count | None = None
    """Of a further set, images that are copies, exact or near, of the cell's training and tuning
    images; None where nobody has looked."""
    n_shared: Count | None = None
    """The same of the images that its figures are of."""
    grouped: bool = False
    threshold: float | None = None
    """Score of the positive class from which on it is decided for: chosen on the cell's tuning
    split, by the row's own rule or, where it has none, by Youden's. None with several classes."""
    identity: dict[str, Any] = Field(default_factory=dict)
    """What `probe` is the hash of."""
    table: str = ""
    """SHA-256 of its table of scores; of dfbench 0.1.0 none is told."""
