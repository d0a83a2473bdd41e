"""An extractor of others that works in processes of its own, to those who use it like any other."""

from __future__ import annotations

import pickle
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.contained.idle import idle
from dfbench.contained.process import EndedError, Limits
from dfbench.errors import PluginError
from dfbench.features.base import Extractor, Vectors
from dfbench.features.contained.process import Holder
from dfbench.files import digest
from dfbench.images import Image
from dfbench.installed import available_cores
from dfbench.plugins import place_of

_CHANCES, _MANY = 5, 1000
"""Times that a process may end over images of which none ends it alone, and images for which it
may once more."""


class BrokeOnError(PluginError):
    """An extractor that ended its process over an image.

    Attributes
    ----------
    at
        Place of the image in the batch.
    """

    at: int = 0


class Contained(Extractor):
    """Does what an extractor does, in other processes.

    One that crashes, hangs or takes more memory than it may is an error of its own; the process
    that asked goes on.

    Parameters
    ----------
    extractor
        That is not of dfbench.
    jobs
        Processes, where it can be called from several threads; else it has one.
    limits
        What it may take.

    Raises
    ------
    PluginError
        If it cannot be pickled.
    """

    def __init__(self, extractor: Extractor, jobs: int, limits: Limits) -> None:
        self.extractor, self.jobs, self.limits = extractor, jobs, limits
        try:
            self._pickled = pickle.dumps(extractor.elsewhere)
        except Exception as error:
            raise PluginError(
                f"cannot be sent to a process of its own: {error}",
                where=extractor.where,
                hint="define it at the top of a module, and open what it needs where it is used",
            ) from error
        self._plugin = place_of(getattr(extractor, "function", type(extractor)))
        # not when a process begins: libraries change it for a moment while they are imported
        self._path = list(sys.path)
        self._key = self._pickled, digest(extractor.identity()), jobs, limits
        self._n_threads = max(1, available_cores() // jobs) if self.threads else available_cores()
        self._slow = False
        self._ends = self._served = 0
        self._why = ""
        self._lock = threading.Lock()
        self._at_work: set[Holder] = set()
        self._stopped = False

    @property
    def name(self) -> str:  # type: ignore[override]
        """Of the extractor."""
        return self.extractor.name

    @property
    def where(self) -> str:
        """What messages call the extractor."""
        return self.extractor.where

    @property
    def version(self) -> int:  # type: ignore[override]
        """Of the extractor."""
        return self.extractor.version

    @property
    def reads(self) -> Any:  # type: ignore[override]
        """What the extractor reads."""
        return self.extractor.reads

    @property
    def threads(self) -> bool:  # type: ignore[override]
        """Whether several processes may be asked at once."""
        return self.extractor.threads

    @property
    def dtype(self) -> str:  # type: ignore[override]
        """Of the extractor's rows."""
        return self.extractor.dtype

    def identity(self) -> dict[str, Any]:
        """Identify what the extractor gives."""
        return self.extractor.identity()

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the extractor's features."""
        return self.extractor.get_feature_names_out(input_features)

    @property
    def ended(self) -> str:
        """How often its process ended over images of which none ends it alone, and why."""
        times = "once" if self._ends == 1 else f"{self._ends} times"
        return f"{self._why}, {times} so far" if self._ends else ""

    def transform(self, X: Sequence[Image] | Sequence[bytes]) -> Vectors:
        """Have a process turn a batch of images into features; see `timed`."""
        return self.timed(X)[0]

    def timed(self, X: Sequence[Image] | Sequence[bytes]) -> tuple[Vectors, float]:
        """Give the features of a batch of images, and the seconds that they took in the process.

        Raises
        ------
        BrokeOnError
            Where it ends its process, or takes more than it may, over one of the images.
        PluginError
            Where it raises, or ends its process over all of them, and over none alone.
        """
        if len(X) > 1 and not self._slow:
            try:
                return self._ask(X)
            except EndedError as error:
                if error.slow:
                    self._slow = True  # each has the time of an image, all together have not
                else:
                    self._note(error)
        rows, seconds = [], 0.0
        for at in range(len(X)):
            row, taken = self._alone(X[at : at + 1], at)
            rows.append(np.asarray(row))
            seconds += taken
        if len({row.shape[1:] for row in rows}) > 1:
            raise PluginError(
                "returns vectors of different lengths",
                where=self.where,
                hint="return as many numbers for each image",
            )
        return np.concatenate(rows), seconds

    def _alone(self, image: Sequence[Any], at: int) -> tuple[Any, float]:
        """Ask for one image; what is to blame for an end is found out by a process of its own."""
        try:
            return self._ask(image)
        except EndedError as error:
            if not (error.slow or error.first):
                self._note(error)
                try:
                    return self._ask(image)
                except EndedError as second:
                    error = second
            broke = BrokeOnError(error.why, where=self.where)
            broke.at = at
            raise broke from None

    def _note(self, error: EndedError) -> None:
        """Count an end that may have been by chance, or by what has gathered over many images."""
        self._ends += 1
        self._why = error.why
        if self._ends > _CHANCES + self._served // _MANY:
            raise PluginError(
                f"{error.why}, again and again",
                where=self.where,
                hint="it may leak memory, or depend on the images before",
            ) from None

    def _ask(self, images: Sequence[Any]) -> tuple[Any, float]:
        with self._process() as process:
            try:
                values, taken = process.ask(images, self.limits.seconds)
                self._served += len(images)
                return values, taken
            except PluginError as error:
                if error.where is not None:
                    raise
                raise PluginError(error.what, where=self.where, hint=error.hint) from None

    @contextmanager
    def _process(self) -> Iterator[Holder]:
        """Give a process that nobody else asks, one that is idle if there is one."""
        process = None if self._stopped else self._taken()
        if process is None:
            raise EndedError("is stopped")
        try:
            yield process
        except PluginError:
            self._rest(process)  # it raised, and is well
            raise
        except BaseException:
            self._done(process)
            raise
        else:
            self._rest(process)

    def _taken(self) -> Holder | None:
        """Take an idle process, or begin one; None where it is stopped meanwhile."""
        process: Holder | None = idle.take(self._key)
        if process is not None:
            if self._at(process):
                return process
            process.end()
            return None
        for last in (False, True):
            process = Holder(self._pickled, self._plugin, self._path, self._n_threads, self.limits)
            try:
                if not self._at(process):
                    process.end()
                    return None
                process.begin()
            except EndedError as error:
                self._done(process)
                if self._stopped:
                    return None
                if last:  # once may be by chance: memory, a file that was being written
                    raise PluginError(f"{error.why}, when it is loaded", where=self.where) from None
            except BaseException:
                self._done(process)
                raise
            else:
                break
        return process

    def _at(self, process: Holder) -> bool:
        """Note that a process is at work, unless nothing is to be."""
        with self._lock:
            if not self._stopped:
                self._at_work.add(process)
            return not self._stopped

    def _rest(self, process: Holder) -> None:
        """Keep a process for who asks next; `stop` has no more to do with it."""
        with self._lock:
            self._at_work.discard(process)
        idle.put(self._key, process)

    def _done(self, process: Holder) -> None:
        """End a process; `stop` has no more to do with it."""
        with self._lock:
            self._at_work.discard(process)
        process.end()

    def stop(self) -> None:
        """Have what it does for other threads end now, as an error there."""
        with self._lock:
            self._stopped = True
            for each in self._at_work:
                each.kill()
