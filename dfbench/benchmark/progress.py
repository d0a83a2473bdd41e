"""How far a run is, for whoever called it from Python: nothing, a function, or bars."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dfbench.benchmark.reporter import Reporter
from dfbench.errors import ParameterError
from dfbench.files import Progress
from dfbench.results.records.records import Record

Told = Callable[[int, int, str], object]
"""Called with what is done, how much there is in all, and what is being done."""


class Listener(Reporter):
    """Hears everything, shows nothing, and keeps what the user should know.

    Attributes
    ----------
    notes
        What was noted, in order.
    """

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        """Keep what the user should know."""
        self.notes.append(text)


class Teller(Listener):
    """Tells a function how far the run is."""

    def __init__(self, tell: Told) -> None:
        super().__init__()
        self._tell = tell
        self._total = self._done = 0

    def stage(self, text: str, of: str = "images") -> Progress:
        """Begin a piece of work."""

        def progress(done: int, total: int) -> None:
            if total:
                self._tell(done, total, text)

        return progress

    def cells(self, total: int, done: int) -> None:
        """Begin the cells."""
        self._total, self._done = total, done
        self._tell(done, total, "cells")

    def finished(self, record: Record) -> None:
        """Count a cell."""
        self._done += 1
        self._tell(self._done, self._total, "cells")


@contextmanager
def listener_of(progress: bool | Told | None) -> Iterator[Listener]:
    """Give what hears of a run.

    Parameters
    ----------
    progress
        False or None: nothing is shown. True: bars, in a notebook as in a terminal. Else a
        function, see `Told`.
    """
    if progress is None or progress is False:
        yield Listener()
        return
    if progress is not True:
        if not callable(progress):
            raise ParameterError(f"True, False or a function, not {progress!r}", where="progress")
        yield Teller(progress)
        return
    with _bars() as tell:
        yield Teller(tell)


@contextmanager
def _bars() -> Iterator[Told]:
    """Show a bar for each piece of work that there is something to do of."""
    from tqdm.auto import tqdm

    shown: dict[str, Any] = {}

    def tell(done: int, total: int, text: str) -> None:
        if text not in shown:
            shown[text] = tqdm(total=total, desc=text, leave=text == "cells")
        shown[text].update(done - shown[text].n)
        if done >= total:
            shown[text].close()

    try:
        yield tell
    finally:
        for bar in shown.values():
            bar.close()
