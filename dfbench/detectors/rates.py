"""How often a detector is wrong, on the test images of its own data set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfbench.results.statistics.estimate import Estimate
from dfbench.results.statistics.intervals import wilson
from dfbench.results.statistics.sample import decide


@dataclass(frozen=True)
class Scored:
    """How the test images were scored.

    Attributes
    ----------
    labels
        Class numbers, shape (n,), dtype int64.
    probabilities
        Shape (n, K), float64.
    groups
        Numbers of the groups, shape (n,); None where there are none.
    """

    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    groups: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Rate:
    """How many images of a class are called something else.

    Attributes
    ----------
    actual
        Name of the class.
    called
        Name of the other class; empty with several.
    n
        Test images of the class.
    wrong
        How many of them are called something else.
    share
        That share, with its 95 % interval.
    """

    actual: str
    called: str
    n: int
    wrong: int
    share: Estimate

    @property
    def sentence(self) -> str:
        """Say it of 100 images, e.g. ``of 100 real images it calls 6 fake (95 %: 3 to 12)``."""
        # the name of a class may be a number
        bare = self.actual.isalpha()
        if self.share.value is None:
            of = f"{self.actual} image" if bare else f"image of {self.actual!r}"
            return f"it was tested on no {of}"
        said = f"{_hundredth(self.share.value)} {self.called or 'something else'}"
        interval = ""
        if self.share.low is not None and self.share.high is not None:
            low, high = _hundredth(self.share.low), _hundredth(self.share.high)
            interval = f" (95 %: {low} to {high})"
        of = f"{self.actual} images" if bare else f"images of {self.actual!r}"
        return f"of 100 {of} it calls {said}{interval}"


def _hundredth(share: float) -> str:
    value = round(100 * share, 1)
    if 0 < value < 1 or 99 < value < 100:
        return f"{value:.1f}"
    return f"{value:.0f}"


def rates(
    tested: Scored, classes: tuple[str, ...], *, positive: int | None, threshold: float | None
) -> list[Rate]:
    """Count the errors of each class.

    Parameters
    ----------
    tested
        The test images.
    classes
        Names.
    positive, threshold
        How is decided, see `dfbench.results.statistics.sample.decide`.
    """
    said = decide(tested.probabilities, positive=positive, threshold=threshold)
    found = []
    for number, name in enumerate(classes):
        own = tested.labels == number
        wrong = said[own] != number
        groups = None if tested.groups is None else tested.groups[own]
        called = classes[1 - number] if len(classes) == 2 else ""
        share = wilson(wrong.astype(np.float64), groups)
        found.append(Rate(name, called, int(own.sum()), int(wrong.sum()), share))
    return found
