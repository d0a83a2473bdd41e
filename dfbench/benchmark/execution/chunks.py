"""The pass over the images in chunks that workers are given, and what a worker died of.

A chunk that takes its worker along is handed out again in smaller pieces: an extractor each, then
a sixteenth of the images each. What is left in the end is one extractor on one image, and it costs
the rows of that extractor alone.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from dfbench.benchmark.execution import remote
from dfbench.benchmark.execution.crew import Crew, Lost, Task
from dfbench.benchmark.limits import Allowed
from dfbench.errors import DataError, DfbenchError
from dfbench.features.base import Extractor
from dfbench.features.pipeline.single_pass import Outcome, Sources
from dfbench.features.views.view import View
from dfbench.files import Progress

_FEWEST, _MOST = 64, 4096
"""Images of a chunk."""
_PARTS = 16
"""Into how many pieces of fewer images one is cut: each round costs a worker."""
_ROUNDS = 4
"""Chunks of each worker, where the images suffice: slow workers then take fewer."""


@dataclass(frozen=True, eq=False)
class _Piece:
    """Some images that some extractors are to see.

    Attributes
    ----------
    chunk
        Number of the chunk that it is of.
    images
        What a worker decodes.
    extractors
        By number; where there are none the images are decoded alone.
    suspect
        The extractor that a worker died of, if decoding the image is not what it was.
    """

    chunk: int
    images: Sources
    extractors: tuple[int, ...]
    suspect: int | None = None

    def without(self, some: Collection[int]) -> _Piece:
        """Give the same for the other extractors."""
        left = tuple(each for each in self.extractors if each not in some)
        return self if left == self.extractors else replace(self, extractors=left)

    def parts(self) -> list[_Piece]:
        """Give smaller pieces; none of an image alone."""
        if len(self.extractors) > 1:
            return [replace(self, extractors=(each,)) for each in self.extractors]
        if len(self.images) > 1:
            n = len(self.images)
            step = math.ceil(n / _PARTS)
            return [replace(self, images=self.images[at : at + step]) for at in range(0, n, step)]
        return [replace(self, extractors=(), suspect=each) for each in self.extractors]


class Pass:
    """A pass over images by the workers of a crew.

    Parameters
    ----------
    crew
        Whose workers make it.
    images
        What is to be opened.
    extractors, views
        See `dfbench.features.pipeline.single_pass.extract`.
    allowed
        What extractors of others may take.
    """

    def __init__(
        self,
        crew: Crew,
        images: Sources,
        extractors: Sequence[Extractor],
        views: Sequence[View],
        allowed: Allowed,
    ) -> None:
        self._crew, self._images, self._allowed = crew, images.as_they_lie(), allowed
        self._extractors, self._views = list(extractors), list(views)
        self._failed: dict[int, DfbenchError] = {}
        self._todo: list[Task[_Piece]] = []

    def __call__(self, progress: Progress | None = None) -> Outcome:
        """Make it.

        Raises
        ------
        DataError
            If a file changed after it was listed, or a worker died of decoding an image.
        """
        chunks = self._chunks()
        self._todo[:] = [self._task(each) for each in chunks]
        unfinished = Counter(each.chunk for each in chunks)
        outcomes: dict[int, Outcome] = {each.chunk: Outcome() for each in chunks}
        done = 0
        if progress is not None:
            progress(0, len(self._images))
        for piece, value in self._crew.each(self._todo, lambda at_work: None):
            if isinstance(value, Lost):
                parts = self._broken_up(piece)
                self._todo[:0] = [self._task(each) for each in parts]
                unfinished[piece.chunk] += len(parts)
            else:
                self._add(outcomes[piece.chunk], piece, value)
            unfinished[piece.chunk] -= 1
            if not unfinished[piece.chunk]:
                done += len(chunks[piece.chunk].images)
                if progress is not None:
                    progress(done, len(self._images))
        whole = Outcome()
        for each in reversed(outcomes.values()):  # what the first chunk broke on is told
            whole.unreadable |= each.unreadable
            whole.failed |= each.failed
            whole.ended |= each.ended
        for number, error in self._failed.items():
            whole.failed |= {self._place(at, number): error for at in range(len(self._views))}
        return whole

    def _chunks(self) -> list[_Piece]:
        images, every = self._images, tuple(range(len(self._extractors)))
        share = math.ceil(len(images) / (_ROUNDS * max(1, len(self._crew))))
        size = min(max(share, _FEWEST), _MOST)
        starts = range(0, len(images), size)
        return [_Piece(n, images[at : at + size], every) for n, at in enumerate(starts)]

    def _task(self, piece: _Piece) -> Task[_Piece]:
        its = [self._extractors[number] for number in piece.extractors]
        # one death is enough: pieces cost no more than the whole did
        call = piece.images, its, self._views, self._allowed
        return Task(piece, remote.extract_chunk, call, deaths=1)

    def _place(self, view: int, number: int) -> int:
        return view * len(self._extractors) + number

    def _place_of(self, piece: _Piece, at: int) -> int:
        view, number = divmod(at, len(piece.extractors))
        return self._place(view, piece.extractors[number])

    def _broken_up(self, piece: _Piece) -> list[_Piece]:
        """Give what is to be tried of a piece that a worker died of."""
        left = piece.without(self._failed)
        parts = left.parts() if left is piece else [left]
        if not parts:
            raise DataError(
                "a worker process died when it decoded the image",
                where=piece.images[0].path,
                hint="remove it",
            )
        return parts

    def _add(self, outcome: Outcome, piece: _Piece, found: Outcome) -> None:
        """Take up what came of a piece."""
        outcome.unreadable |= found.unreadable
        for at, error in found.failed.items():
            outcome.failed[self._place_of(piece, at)] = error
        for at, why in found.ended.items():
            outcome.ended[self._place_of(piece, at)] = why
        if piece.suspect is not None and piece.suspect not in self._failed:
            self._failed[piece.suspect] = DfbenchError(
                "a worker process died of it",
                where=f"{self._extractors[piece.suspect].where} on {piece.images[0].path}",
                hint="mend it, or leave its rows out",
            )
            # nobody else is to die of it
            self._todo[:] = [self._task(task.of.without(self._failed)) for task in self._todo]
