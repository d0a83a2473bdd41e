"""The detectors that a person may choose among, each loaded when it is first asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from dfbench.errors import DfbenchError

if TYPE_CHECKING:
    from dfbench.detectors.detector import Detector

Load = Callable[[], "Detector"]

_FEW = 3


class Shelf:
    """Detectors by name.

    Parameters
    ----------
    loads
        Name and what loads it, in the order in which they are offered. One of a name that is there
        already is told apart by a number.
    """

    def __init__(self, loads: Iterable[tuple[str, Load]]) -> None:
        self._loads: dict[str, Load] = {}
        for name, load in loads:
            again = sum(each == name or each.startswith(f"{name} (") for each in self._loads)
            self._loads[f"{name} ({again + 1})" if again else name] = load
        self._loaded: dict[str, Detector] = {}
        self._locks = {name: threading.Lock() for name in self._loads}

    @property
    def names(self) -> list[str]:
        """All names, in their order."""
        return list(self._loads)

    @property
    def first(self) -> list[str]:
        """Names of those that are chosen before anybody chooses."""
        return self.names[:_FEW]

    def warm(self) -> None:
        """Load those chosen at first and ask each once, so that nobody waits for it later."""
        picture = np.zeros((64, 64, 3), np.uint8)
        for name in self.first:
            # what is wrong is said to who asks
            with suppress(DfbenchError):
                self.get(name).verdicts([picture])

    def get(self, name: str) -> Detector:
        """Give a detector, loaded by whoever asks first.

        Raises
        ------
        DfbenchError
            Where its file is not what it must be.
        """
        with self._locks[name]:
            if name not in self._loaded:
                self._loaded[name] = self._loads[name]()
            return self._loaded[name]
