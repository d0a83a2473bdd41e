"""Local phase quantisation: the signs of each pixel's lowest frequencies, which blur leaves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dfbench.errors import ParameterError
from dfbench.features.base import Extractor, Vectors
from dfbench.features.common.borders import extended
from dfbench.features.common.checks import rgb
from dfbench.features.common.colours import CHANNELS, planes
from dfbench.features.common.workspace import scratch
from dfbench.images import Image
from dfbench.parameters import Several

CODES = 256
LEAST = 1e-3
"""Grey levels above which a number counts as positive: what is smaller may be rounding."""


class LPQ(Extractor):
    """Histograms of local phase quantisation, after Ojansivu and Heikkila (2008).

    Around each pixel whose window lies wholly inside the image, the short-term Fourier transform
    of its ``window`` x ``window`` neighbourhood is taken at the four lowest frequencies: one wave
    a window across, down, and along both diagonals. The real and imaginary parts are eight numbers,
    which are made uncorrelated for an image whose neighbouring pixels correlate by
    ``correlation``, at distance d by its d-th power; the signs of what comes out are the eight
    bits of a code, and the codes are counted. The phase of low frequencies is what blur leaves as
    it was: the codes see the structure of fine texture, and not how sharp it is.

    Each histogram (one a channel and window) sums to 1. With ``root`` the square roots of that are
    given, whose Euclidean distances are the Hellinger distances of the histograms.

    Images with a side shorter than the largest window are first extended to it by repeating the
    last row or column.

    Parameters
    ----------
    windows
        Sides of the windows in pixels, odd numbers.
    color
        ``"gray"`` (luma), ``"rgb"`` or ``"ycrcb"``.
    correlation
        Of pixels side by side; 0 takes the signs of the eight numbers themselves.
    root
        Whether to take square roots.

    Notes
    -----
    The eight numbers are made uncorrelated by the singular vectors of their covariance, real and
    imaginary parts each by themselves, as there is no correlation between them. Of the two signs
    of a vector that is taken which makes the first of its largest entries positive. A number
    counts as positive above 0.001 grey levels, so that on flat ground, where all are 0, rounding
    decides nothing.

    References
    ----------
    V. Ojansivu, J. Heikkila, "Blur insensitive texture classification using local phase
    quantization", ICISP, 2008.
    """

    name = "lpq"
    references = ("ojansivu2008",)

    def __init__(
        self,
        windows: Several[Annotated[int, Field(ge=3, le=31)]] = (3, 5),
        color: Literal["gray", "rgb", "ycrcb"] = "ycrcb",
        correlation: Annotated[float, Field(ge=0, lt=1)] = 0.9,
        root: bool = True,
    ) -> None:
        self.windows = windows
        self.color = color
        self.correlation = correlation
        self.root = root

    def check_params(self) -> None:
        """Raise `ParameterError` where one is out of its range, or a window has no middle."""
        super().check_params()
        if even := [window for window in self.windows if window % 2 == 0]:
            raise ParameterError(f"windows: {even[0]} is even", where=self.name)

    def _parameters(self) -> tuple[tuple[int, ...], tuple[str, ...], float]:
        self.check_params()
        return tuple(map(int, self.windows)), CHANNELS[self.color], float(self.correlation)

    def transform(self, X: Sequence[Image]) -> Vectors:  # type: ignore[override]
        """Turn a batch of n images into features.

        Parameters
        ----------
        X
            RGB arrays of shape (H, W, 3) and dtype uint8, each of its own size.

        Returns
        -------
        ndarray of shape (n, channels * windows * 256), dtype float32
            In the order channel, window, code.

        Raises
        ------
        ParameterError
            If a parameter or an image is not what it must be.
        """
        from dfbench.features.kernels import lpq as kernels

        windows, channels, correlation = self._parameters()
        shape = len(channels), len(windows), CODES
        out = np.empty((len(X), math.prod(shape)), np.float32)
        for row, image in zip(out, X, strict=True):
            pixels = extended(rgb(self.name, image), max(windows))
            width = pixels.shape[1]
            work = scratch("lines", (8, width), np.float32)
            codes = scratch("codes", (width,), np.int32)
            for plane, to in zip(planes(pixels, self.color), row.reshape(shape), strict=True):
                for window, histogram in zip(windows, to, strict=True):
                    counts = np.zeros(CODES, np.uint32)
                    waves, turn = _waves(window), _turn(window, correlation)
                    kernels.count(plane, waves, turn, LEAST, work, codes, counts)
                    histogram[:] = counts / counts.sum()
        return np.sqrt(out, out=out) if self.root else out

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names such as ``y_w3_00010001``: channel, window, the eight bits of the code."""
        windows, channels, _ = self._parameters()
        codes = [f"{code:08b}" for code in range(CODES)]
        return np.array(
            [f"{c}_w{w}_{code}" for c in channels for w in windows for code in codes], object
        )


@lru_cache(maxsize=16)
def _waves(window: int) -> NDArray[np.float32]:
    angles = 2 * np.pi * np.arange(1, window // 2 + 1) / window
    return np.stack([np.cos(angles), -np.sin(angles)]).astype(np.float32)


@lru_cache(maxsize=16)
def _turn(window: int, correlation: float) -> NDArray[np.float32]:
    """Give the rows that make the eight numbers uncorrelated, shape (8, 8)."""
    side = np.arange(window) - window // 2
    y, x = (each.ravel() for each in np.meshgrid(side, side, indexing="ij"))
    apart = np.hypot(y[:, None] - y, x[:, None] - x)
    angles = 2 * np.pi / window * np.stack([x, y, y + x, y - x])
    basis = np.concatenate([np.cos(angles), -np.sin(angles)])
    covariance = basis @ correlation**apart @ basis.T
    out = np.zeros((8, 8))
    for part in (slice(0, 4), slice(4, 8)):
        # weights as of the authors' code, so that no two variances are alike
        weights = np.diag(1 + 1e-6 * np.arange(7, -1, -1))[part, part]
        vectors = np.linalg.svd(weights @ covariance[part, part] @ weights)[2]
        sizes = np.abs(vectors)
        first = (sizes > 0.9 * sizes.max(axis=1, keepdims=True)).argmax(axis=1)[:, None]
        out[part, part] = vectors * np.sign(np.take_along_axis(vectors, first, axis=1))
    return out.astype(np.float32)
