"""What detectors from elsewhere share: they turn an image into the numbers that they give of it.

They are loaded once in a process, and in a run in one that is not its own: libraries such as torch
hold memory that no process gives back.
"""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import DfbenchError, PluginError, let_stop, worded
from dfbench.features.base import Extractor
from dfbench.features.common.checks import rgb
from dfbench.images import Image
from dfbench.installed import available_cores

Numbers = NDArray[np.float64]
"""Of n images, shape (n, numbers): rounded to float32 scores close to 1 would tie."""

Scorer = Callable[[Sequence[Image]], Any]
"""From images, each RGB of shape (H, W, 3) and dtype uint8, to the numbers of each."""

_LOADED = 8
"""Detectors that a process holds at once."""


class FromElsewhere(Extractor):
    """Base of extractors that ask a detector which was not made here.

    Attributes
    ----------
    numbers
        How many numbers it is to give of an image.
    bounded
        Whether they are to be probabilities, in [0, 1].
    """

    version: ClassVar[int] = 2
    threads: ClassVar[bool] = False
    dtype: ClassVar[str] = "float64"
    brought = True
    numbers: int
    bounded: bool

    @property
    @abstractmethod
    def source(self) -> str:
        """What it is, for a leaderboard."""

    @property
    def where(self) -> str:
        """What messages call it: by its file and function."""
        return f"detector {self.source!r}"

    def kept(self) -> dict[str, Any]:
        """Give the plain parameters that `again` makes an equal one of.

        Raises
        ------
        DfbenchError
            If it is code of somebody's own, which no file may name.
        """
        raise DfbenchError(f"{self.source} is code of somebody's own, which is not kept")

    @classmethod
    def again(cls, params: Mapping[str, Any]) -> Self:
        """Make one of what `kept` gave.

        Raises
        ------
        DfbenchError
            If that cannot be.
        """
        raise DfbenchError(f"a detector of the kind {cls.name} is not kept")

    def identity(self) -> dict[str, Any]:
        """Everything besides the image that determines the numbers, and whether they are taken.

        Raises
        ------
        UnavailableError
            If a file or a package is absent.
        PluginError
            If there is no such detector.
        """
        own = {"numbers": self.numbers, "bounded": self.bounded, **self.itself()}
        return {"extractor": self.name, "version": self.version, **own}

    @abstractmethod
    def itself(self) -> dict[str, Any]:
        """Tell this detector from others; errors are those of `identity`."""

    @property
    @abstractmethod
    def settings(self) -> tuple[Any, ...]:
        """What `load` needs; hashable, and can be pickled."""

    @staticmethod
    @abstractmethod
    def load(*settings: Any) -> Scorer:
        """Load the detector.

        Raises
        ------
        UnavailableError
            If a file or a package is absent.
        PluginError
            If it is no detector of its kind.
        """

    def transform(self, X: Sequence[Image] | Sequence[bytes]) -> Numbers:  # type: ignore[override]
        """Give the numbers of n images, shape (n, numbers), dtype float64.

        Raises
        ------
        PluginError
            If the detector breaks, or gives other than `numbers` finite numbers an image.
        UnavailableError
            If a file or a package is absent.
        """
        images = [rgb(self.name, image) for image in X]
        if not images:
            return np.empty((0, self.numbers))
        found = _scores(type(self), self.settings, self.source, images)
        return self._checked(found, len(images))

    def _checked(self, found: Any, n: int) -> Numbers:
        where = self.where
        if found is None or (isinstance(found, list) and any(each is None for each in found)):
            raise PluginError("returns None", where=where, hint=f"it is to return {self._wanted}")
        try:
            if np.iscomplexobj(found):
                raise TypeError
            values = np.asarray(found, dtype=np.float64)
        except (TypeError, ValueError, RuntimeError):
            kind = type(found[0] if isinstance(found, list) and found else found).__name__
            raise PluginError(
                f"gives {kind}, not {self._wanted}", where=where, hint="outputs names each of them"
            ) from None
        if values.ndim > 2:
            # what a network's batch of one looks like
            values = values.reshape(n, *[size for size in values.shape[1:] if size != 1])
        if values.shape == (n,):
            values = values[:, None]
        if values.shape != (n, self.numbers):
            shown = f"{values.shape[1:]}" if values.shape[:1] == (n,) else f"{values.shape}"
            raise PluginError(
                f"gives an array of shape {shown} of {'an image' if n == 1 else f'{n} images'},"
                f" not {self._wanted}",
                where=where,
                hint="outputs names each of them",
            )
        if not np.isfinite(values).all():
            raise PluginError("gives a score that is not finite", where=where)
        if self.bounded and not ((values >= 0) & (values <= 1)).all():
            worst = values.flat[int(np.abs(values - 0.5).argmax())]
            raise PluginError(
                f"gives {worst:g}, which is no probability",
                where=where,
                hint='activation = "sigmoid" or "softmax" makes one of a logit, "calibrated" of'
                " any score, by the tuning part",
            )
        return values

    @property
    def _wanted(self) -> str:
        return "one number an image" if self.numbers == 1 else f"{self.numbers} numbers an image"

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Name the scores by their number."""
        return np.array([f"score_{i}" for i in range(self.numbers)], dtype=object)


@lru_cache(_LOADED)
def _loaded(kind: Callable[..., Scorer], settings: tuple[Any, ...]) -> Scorer:
    return kind(*settings)


@contextmanager
def _threads() -> Iterator[None]:
    """Leave torch half of the cores while it is asked: other extractors are at work beside it.

    Threads that wait for each other on a busy machine took 60 times as long as one alone.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(few_threads())
    try:
        yield
    finally:
        torch.set_num_threads(before)


def few_threads() -> int:
    """Give half of the cores, at least one."""
    return max(1, available_cores() // 2)


def _scores(
    kind: type[FromElsewhere], settings: tuple[Any, ...], source: str, images: list[Image]
) -> Any:
    """Ask a detector of this process; what breaks in it is told as its fault."""
    scorer = _loaded(kind.load, settings)
    try:
        with _threads():
            return scorer(images)
    except DfbenchError:
        raise
    except BaseException as error:  # noqa: BLE001 - it is code of anybody
        let_stop(error)
        raise PluginError(f"raises {worded(error)}", where=f"detector {source!r}") from None
