"""Which places of a picture speak for a class: each is covered in turn, and the detector asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from dfbench.detectors.explaining.covering import covered, places
from dfbench.detectors.explaining.evidence import log_odds
from dfbench.features.pipeline.in_order import in_order
from dfbench.images import Image

Asked = Callable[[Sequence[Image]], NDArray[np.float64]]
"""From pictures to the probability of each class, shape (n, K)."""

_PLACES, _FEWEST = 36, 9
_COARSER = 4 / 9
"""Of the number of places: how many larger ones are covered too."""
_PIXELS = 24 * 2**20
"""Of all copies with a smaller place covered: a larger picture has fewer of them."""
_BATCH, _BATCH_PIXELS = 16, 4 * 2**20
"""Copies, and their pixels, that a thread asks about at a time."""
_HELD = 256 << 20
"""Bytes of copies that are at hand at once, unless a single one is larger."""
_FULL = 1.0
"""Change of evidence, summed over both sizes of places, from which on colours are full."""
_NOTHING = 0.02
"""A change of log odds that nobody would see: half a percent where both classes are as likely."""


@dataclass(frozen=True)
class Occlusion:
    """What covering places of a picture changes.

    Attributes
    ----------
    heat
        Shape (H, W), float32, in [-1, 1]: above 0 a place speaks for the class, below 0 against it.
        Full where covering changes the evidence by 1 log odds in sum over both sizes of places, or
        where it changes most if that is more; 0 throughout where no place
        changes anything.
    before, after
        Probability of the class, and what it becomes where the place that changes most is covered.
    """

    heat: NDArray[np.float32]
    before: float
    after: float


def occlusion(
    ask: Asked, image: Image, k: int, *, most: int | None = None, jobs: int = 1
) -> Occlusion:
    """Cover each place of a picture in turn and see how the evidence for class k changes.

    After Zeiler and Fergus, "Visualizing and understanding convolutional networks", ECCV 2014,
    section 4.2; their grey square has edges that no photograph has, see `covering.covered` for what
    covers here. A place counts by the log odds that it takes along, so that differences show where
    probabilities are near 0 or 1.

    Parameters
    ----------
    ask
        The detector.
    image
        RGB, shape (H, W, 3), dtype uint8.
    k
        Number of the class that is explained.
    most
        Places at most, by default 36; fewer in pictures above half a megapixel, and 9 in any.
        Four ninths as many larger ones are covered too.
    jobs
        Number of threads that ask.

    Notes
    -----
    The map tells which places differ from the rest of the picture in what the detector looks at: a
    face pasted in, a region painted over. What is the same all over, as the traces of a generator
    that made the whole picture, lies under each cover too; then no place speaks, and the map is
    weak whatever the verdict. What is smaller than a sixth of the picture is seen as so large;
    where a part of a larger thing says as much as the whole, no place of it matters by itself.

    Places of two sizes find planted squares of a tenth of a picture better than more places of one
    size: where one place changes nothing yet, four of them may.
    """
    if most is None:
        most = min(_PLACES, max(_FEWEST, _PIXELS // image[..., 0].size))
    scales = [places(image.shape, n) for n in (most, round(_COARSER * most) or 1)]
    copies = chain([image], *(covered(image, down, across) for down, across in scales))
    size = min(_BATCH, max(1, _BATCH_PIXELS // image[..., 0].size))
    asked = in_order(ask, _batches(copies, size), jobs, weight=_bytes, most=_HELD)
    found = np.concatenate([each for _, each in asked])
    evidence = log_odds(found, k)
    lost = evidence[0] - evidence[1:]
    strongest = int(np.argmax(np.abs(lost)))
    heat, at = np.zeros(image.shape[:2], np.float32), 0
    for down, across in scales:
        end = at + len(down) * len(across)
        its = lost[at:end].reshape(len(down), len(across)).astype(np.float32)
        heat += (down.T @ its @ across) / np.outer(down.sum(axis=0), across.sum(axis=0))
        at = end
    # stretched to its own maximum, a map of next to nothing would look like evidence
    heat /= max(float(np.abs(heat).max()), _FULL)
    if np.abs(lost[strongest]) < _NOTHING:
        heat[:] = 0
    return Occlusion(
        np.asarray(heat, dtype=np.float32),
        float(found[0, k]),
        float(found[1 + strongest, k]),
    )


def _bytes(batch: list[Image]) -> int:
    return sum(image.nbytes for image in batch)


def _batches(images: Iterator[Image], size: int) -> Iterator[list[Image]]:
    while batch := list(islice(images, size)):
        yield batch
