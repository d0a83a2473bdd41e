"""Nystroem features: an RBF kernel seen through its values at a few landmarks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from dfbench.models.classical.common.blocks import Features, Vectors, checked_blocks, size_beside
from dfbench.models.classical.common.distances import Kernel
from dfbench.models.held import most_held

Floats = NDArray[np.float64]
_BLOCK = 8 << 20
WORK = 64 << 20
"""Bytes of the kernels of a block."""
_RANK = 1e-10
"""Share of the largest eigenvalue below which one is rounding."""


class Nystroem:
    """Features whose scalar products are the kernel's Nystroem approximation.

    Parameters
    ----------
    landmarks
        Scaled rows, shape (m, d).
    gamma
        Of the kernel.

    Attributes
    ----------
    whitening
        Shape (m, r): the features of a row are its kernels with the landmarks times this
        (Williams and Seeger, 2001).

    References
    ----------
    C. Williams, M. Seeger, "Using the Nystroem method to speed up kernel machines", NIPS 2001.
    """

    def __init__(self, landmarks: Features, gamma: float) -> None:
        from scipy.linalg import eigh

        self.landmarks = landmarks
        self._kernel = Kernel(landmarks, gamma)
        values, vectors = eigh(self._kernel(landmarks), overwrite_a=True)
        told = values > _RANK * values[-1]
        self.whitening: Floats = vectors[:, told] / np.sqrt(values[told])

    @property
    def width(self) -> int:
        """Number of features."""
        return int(self.whitening.shape[1])

    def __call__(self, rows: Features) -> Features:
        """Give the features of scaled rows."""
        return (self._kernel(rows) @ self.whitening).astype(np.float32)


class Mapped:
    """The Nystroem features of all rows, block by block, as often as they are asked for.

    Those of more than `most_held` bytes are computed each time.
    """

    def __init__(
        self, X: Vectors, scale: Callable[[Features], Features], features: Nystroem
    ) -> None:
        self._X, self._scale, self.features = X, scale, features
        self._most = most_held()
        self._held: list[tuple[slice, Features]] = []

    @property
    def n_bytes(self) -> int:
        """What it holds, or will once it has been read."""
        size = 4 * len(self._X) * self.features.width
        return size if size <= self._most else 0

    def __call__(self) -> Iterator[tuple[slice, Features]]:
        """Read them."""
        if self._held:
            yield from self._held
            return
        made = []
        m = len(self.features.landmarks)
        for place, block in checked_blocks(self._X, min(_BLOCK, size_beside(self._X, m, WORK))):
            its = self.features(self._scale(block))
            if self.n_bytes:
                made.append((place, its))
            yield place, its
        self._held = made
