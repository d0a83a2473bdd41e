"""Many pictures scored one after the other: read, decoded and turned into vectors in threads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from dfbench.detectors.detector import Detector
from dfbench.detectors.pictures import Picture
from dfbench.detectors.sources import Source, Unread
from dfbench.detectors.verdict import Verdict
from dfbench.errors import DfbenchError
from dfbench.features.pipeline.in_order import in_order
from dfbench.models.base import Inputs

_BATCH = 16
"""Pictures at a time in each thread."""


@dataclass(frozen=True)
class Judged:
    """A picture, and what a detector says of it or why it says nothing.

    Attributes
    ----------
    name
        As it was given.
    verdict
        None where it cannot be read.
    reason
        Why not; empty where there is a verdict.
    """

    name: str
    verdict: Verdict | None
    reason: str = ""


def judged(
    detector: Detector,
    sources: Iterable[Source | Unread],
    *,
    jobs: int = 1,
    threshold: float | None = None,
) -> Iterator[Judged]:
    """Judge pictures, in their order; one that cannot be read stops no other.

    Parameters
    ----------
    detector
        Is asked.
    sources
        The pictures.
    jobs
        Number of threads.
    threshold
        Instead of the detector's own.
    """

    def work(batch: Sequence[Source | Unread]) -> _Ready:
        return _ready(detector, batch)

    for batch, ready in in_order(work, _batches(sources), jobs):
        verdicts: Iterator[Verdict] = iter(())
        if ready.pictures:
            verdicts = iter(detector.verdicts_of(ready.pictures, ready.inputs, threshold))
        for at, source in enumerate(batch):
            reason = ready.reasons.get(at, "")
            yield Judged(source.name, None if reason else next(verdicts), reason)


@dataclass(frozen=True)
class _Ready:
    """A batch before the models are asked.

    Attributes
    ----------
    pictures, inputs
        Of those that can be read.
    reasons
        By place in the batch, of the others.
    """

    pictures: list[Picture]
    inputs: list[Inputs]
    reasons: dict[int, str]


def _batches(sources: Iterable[Source | Unread]) -> Iterator[list[Source | Unread]]:
    batch: list[Source | Unread] = []
    for source in sources:
        batch.append(source)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _ready(detector: Detector, batch: Sequence[Source | Unread]) -> _Ready:
    pictures: list[Picture] = []
    reasons: dict[int, str] = {}
    for at, source in enumerate(batch):
        if isinstance(source, Unread):
            reasons[at] = source.reason
            continue
        try:
            pictures.append(Picture.of_file(source.read(), source.name))
        except DfbenchError as error:
            reasons[at] = error.what
    return _Ready(pictures, detector.inputs(pictures) if pictures else [], reasons)
