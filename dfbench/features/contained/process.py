"""A process that holds an extractor of others: begun, asked for vectors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dfbench.contained.process import EndedError, Limits, Process
from dfbench.errors import DfbenchError

_MODULE = "dfbench.features.contained.child"
_STARTING = 120.0
"""Seconds that one has at least to load its extractor, and for what that puts off until its first
image (weights, compiled code): the limit of an image is not for that."""


class Holder(Process):
    """A process that holds an extractor; `begin` before it is asked.

    Parameters
    ----------
    extractor
        Pickled.
    plugin
        File that it is from, and the one that this is a copy of; None where it is imported.
    path
        Where modules are looked for.
    n_threads
        Of the numerical libraries.
    limits
        What it may take.
    """

    def __init__(
        self,
        extractor: bytes,
        plugin: tuple[str, str] | None,
        path: Sequence[str],
        n_threads: int,
        limits: Limits,
    ) -> None:
        super().__init__(_MODULE, path, n_threads, limits)
        self._hello = {"crashes": self.crashes, "plugin": plugin, "extractor": extractor}
        self.folder = str(Path(plugin[0]).parent) if plugin else ""
        self._asked = 0

    def begin(self) -> None:
        """Have it load its extractor.

        Raises
        ------
        DfbenchError
            Where the extractor cannot be loaded there.
        EndedError
            Where the process ends meanwhile.
        """
        limit = max(_STARTING, self.limits.seconds)
        try:
            error = self._answer(self._hello, limit, "to be loaded")
        finally:
            self.opened()
        if error is not None:
            raise error

    def ask(self, images: Sequence[Any], seconds: float) -> tuple[Any, float]:
        """Give the vectors of images, and the seconds that they took there.

        Raises
        ------
        DfbenchError
            What the extractor raised, or that there are not as many vectors.
        EndedError
            Where the process ended by itself, or was ended as it took more than it may.
        """
        if self.answered == 1:
            self._number(images[:1], max(_STARTING, seconds), "for its first image")
        return self._number(images, seconds, "for an image (--plugin-timeout)")

    def _number(self, images: Sequence[Any], seconds: float, late: str) -> tuple[Any, float]:
        self._asked += 1
        number, found = self._answer((self._asked, list(images)), seconds, late)
        if number != self._asked:
            raise EndedError("answers what it was not asked: something else writes where it does")
        if isinstance(found, DfbenchError):
            raise found
        values, taken = found
        return values, taken

    def _answer(self, question: Any, seconds: float, late: str) -> Any:
        def words(pipes: Any) -> Any:
            pipes.send(question)
            return pipes.receive()

        return self.talk(words, seconds, late)
