"""Coherence of the colour channels by spatial frequency: how far their detail goes together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dfbench.features.base import Extractor, Vectors
from dfbench.features.common.checks import rgb
from dfbench.features.common.colours import CHANNELS, planes
from dfbench.features.common.spectrum import FLOOR, Grid, by_bin, grid, middles
from dfbench.features.common.workspace import scratch
from dfbench.images import Image


class Coherence(Extractor):
    """In-phase coherence of each two channels, by radial frequency.

    A camera sees each pixel through one colour filter and takes the fine detail of all channels
    from the green ones (Gunturk et al.), so that high frequencies go together; decoders of
    generators draw the channels apart (Li et al.), each with its own fine detail.

    With X_c the transform of channel c, windowed as in the extractor ``fft``, and sums over the
    frequencies of a bin (``floor(bins * r / sqrt(1/2))``, where r is the radial frequency in
    cycles per pixel, without the constant term), feature i of channels a and b is
    ``Re sum(X_a conj(X_b)) / sqrt(sum(|X_a|^2 + 1/12) sum(|X_b|^2 + 1/12))``: the correlation
    that the channels have if nothing but the bin is kept of them.

    Frequencies are counted in cycles per pixel, so that images of all sizes are comparable. Bins
    that no frequency of a small image falls into are interpolated linearly between their
    neighbours. 1/12 is the power of the rounding of 8-bit images; with it flat images have 0.

    Parameters
    ----------
    bins
        Number of radial bins.
    color
        ``"rgb"`` or ``"ycrcb"``; ``bins`` features for each two of its channels.
    window
        ``"hann"``: against the cross that the image's borders draw into its spectrum, in which
        all channels go together. ``"none"``: the image as it is.

    References
    ----------
    B. Gunturk, Y. Altunbasak, R. Mersereau, "Color plane interpolation using alternating
    projections", IEEE Transactions on Image Processing 11, 2002. H. Li, B. Li, S. Tan, J. Huang,
    "Identification of deep network generated images using disparities in color components", 2018,
    arXiv 1808.07276.
    """

    name = "coherence"
    references = ("gunturk2002", "li2018")

    def __init__(
        self,
        bins: Annotated[int, Field(ge=2, le=1024)] = 20,
        color: Literal["rgb", "ycrcb"] = "rgb",
        window: Literal["hann", "none"] = "hann",
    ) -> None:
        self.bins = bins
        self.color = color
        self.window = window

    def _parameters(self) -> tuple[int, tuple[str, ...], str]:
        self.check_params()
        return int(self.bins), CHANNELS[self.color], self.window

    def transform(self, X: Sequence[Image]) -> Vectors:  # type: ignore[override]
        """Turn a batch of n images into features.

        Parameters
        ----------
        X
            RGB arrays of shape (H, W, 3) and dtype uint8, each of its own size.

        Returns
        -------
        ndarray of shape (n, 3 * bins), dtype float32
            Within -1..1.

        Raises
        ------
        ParameterError
            If a parameter or an image is not what it must be.
        """
        bins, _, window = self._parameters()
        out = np.empty((len(X), 3, bins), np.float32)
        for row, image in zip(out, X, strict=True):
            values = planes(rgb(self.name, image), self.color)
            row[:] = _coherence(values, grid(values.shape[1], values.shape[2], bins, window))
        return out.reshape(len(X), 3 * bins)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names such as ``red_green_0.0177``: channels, middle of the bin in cycles per pixel."""
        bins, channels, _ = self._parameters()
        pairs = combinations(channels, 2)
        return np.array([f"{a}_{b}_{m}" for a, b in pairs for m in middles(bins)], dtype=object)


def _coherence(values: NDArray[np.uint8], frame: Grid) -> NDArray[np.float64]:
    """Coherence of the channels 0 and 1, 0 and 2, 1 and 2, shape (3, bins)."""
    from scipy.fft import rfft2

    from dfbench.features.kernels import coherence as kernels
    from dfbench.features.kernels.fft import windowed

    _, height, width = values.shape
    signals = scratch("signals", values.shape, np.float32)
    for plane, signal in zip(values, signals, strict=True):
        windowed(plane, frame.across, frame.down, signal)
    spectra = rfft2(signals, overwrite_x=True).view(np.float32)
    spectra = spectra.reshape(3, height, width // 2 + 1, 2)
    sums = np.empty((6, len(frame.counts) + 1))
    kernels.crossed(spectra, width, frame.bins, sums)
    powers, products = np.split(sums[:, :-1] * float(frame.scale), 2)
    powers += FLOOR * frame.counts
    scale = np.sqrt(powers[[0, 0, 1]] * powers[[1, 2, 2]])
    # where the bin is empty both are 0
    return by_bin(products / np.maximum(scale, FLOOR), frame.counts, 0.0)
