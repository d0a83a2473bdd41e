"""Many pictures scored one after the other: read, decoded and turned into vectors in threads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from dfbench.detectors.detector import Detector
from dfbench.detectors.pictures import FileFacts, Picture
from dfbench.detectors.sources import Source, Unread
from dfbench.detectors.verdict import Verdict
from dfbench.errors import DfbenchError
from dfbench.features.pipeline.in_order import in_order
from dfbench.images import at_hand, read_header
from dfbench.models.base import Inputs, joined

_BATCH = 16
"""Pictures at a time in each thread."""
_DECODED = 64 << 20
"""Bytes of decoded pictures that each thread holds, unless a single one is larger."""
_ASKED = 256
"""Pictures that the models are asked about at a time."""


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

    Raises
    ------
    ParameterError
        On a threshold that is none for this detector.
    """
    detector.check_threshold(threshold)

    def work(batch: Sequence[Source | Unread]) -> _Ready:
        return _ready(detector, batch)

    waiting: list[_Ready] = []
    for _, ready in in_order(work, _batches(sources), jobs):
        waiting.append(ready)
        if sum(len(each.names) for each in waiting) >= _ASKED:
            yield from _judged(detector, waiting, threshold)
            waiting = []
    yield from _judged(detector, waiting, threshold)


@dataclass(frozen=True)
class _Ready:
    """A batch before the models are asked; of pictures that can be read nothing large is kept.

    Attributes
    ----------
    names
        Of all.
    facts
        Of those that can be read.
    inputs
        Of some of these, then of some more, each time for all models.
    reasons
        By place in the batch, of the others.
    """

    names: list[str]
    facts: list[FileFacts]
    inputs: list[list[Inputs]]
    reasons: dict[int, str]


def _judged(
    detector: Detector, batches: Sequence[_Ready], threshold: float | None
) -> Iterator[Judged]:
    """Ask the models about several batches at once, which costs them little more than about one."""
    read = [batch for batch in batches if batch.facts]
    verdicts: Iterator[Verdict] = iter(())
    if read:
        some = [its for batch in read for its in batch.inputs]
        inputs = [joined(its) for its in zip(*some, strict=True)]
        facts = [each for batch in read for each in batch.facts]
        verdicts = iter(detector.verdicts_of(facts, inputs, threshold))
    for batch in batches:
        for at, name in enumerate(batch.names):
            reason = batch.reasons.get(at, "")
            yield Judged(name, None if reason else next(verdicts), reason)


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
    found = _Ready([source.name for source in batch], [], [], {})
    pictures: list[Picture] = []
    for at, source in enumerate(batch):
        if isinstance(source, Unread):
            found.reasons[at] = source.reason
            continue
        try:
            data = source.read()
            header = read_header(data)
        except DfbenchError as error:
            found.reasons[at] = error.what
            continue
        with at_hand(header.width, header.height):
            try:
                pictures.append(Picture.of_file(data, source.name))
            except DfbenchError as error:
                found.reasons[at] = error.what
            if sum(picture.pixels.nbytes for picture in pictures) > _DECODED:
                _look(detector, pictures, found)
    _look(detector, pictures, found)
    return found


def _look(detector: Detector, pictures: list[Picture], into: _Ready) -> None:
    """Take from pictures what the models are given of them, and let go of them."""
    if pictures:
        into.inputs.append(detector.inputs(pictures))
        into.facts.extend(picture.facts for picture in pictures)
        pictures.clear()
