"""Azimuthally averaged power spectrum: the traces that upsampling leaves at high frequencies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dfbench.features.base import Extractor, Vectors
from dfbench.features.common.checks import rgb
from dfbench.features.common.colours import CHANNELS, planes
from dfbench.features.common.spectrum import FLOOR, Grid, by_bin, grid, middles
from dfbench.features.common.workspace import scratch
from dfbench.images import Image, opencv


class FFT(Extractor):
    """Azimuthal mean of the log power spectrum, after Durall et al. (2019), arXiv 1911.00686.

    For each channel x of shape (H, W): the weighted mean is taken off, the window w is multiplied
    in, and the power of each frequency is ``P = |FFT2((x - mean) w)|^2 / sum(w^2)``, in squared
    grey levels. Feature i is the mean of ``ln(P + 1/12)`` over the frequencies with
    ``floor(bins * r / sqrt(1/2)) = i``, where r is the radial frequency in cycles per pixel. The
    constant term (r = 0) is left out; the corner (r = sqrt(1/2)) belongs to the last bin.

    Since r is counted in cycles per pixel and P per pixel, images of different sizes and shapes
    give comparable vectors: the spectrum is resampled, never the image. Bins that no frequency of
    a small image falls into are interpolated linearly between their neighbours.

    Parameters
    ----------
    bins
        Number of radial bins.
    color
        ``"gray"`` (luma), ``"rgb"`` or ``"ycrcb"``; ``bins`` features a channel.
    window
        ``"hann"``: against the cross that the image's borders draw into its spectrum. ``"none"``:
        as in the paper.

    Notes
    -----
    1/12 is the power of the rounding noise of 8-bit images; adding it keeps flat areas finite and
    the single precision of the transform (OpenCV's, or SciPy's for sizes with large prime
    factors) below 1e-4 of the result.
    """

    name = "fft"
    references = ("durall2019",)

    def __init__(
        self,
        bins: Annotated[int, Field(ge=2, le=1024)] = 64,
        color: Literal["gray", "rgb", "ycrcb"] = "gray",
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
        ndarray of shape (n, channels * bins), dtype float32
            Natural logarithms of squared grey levels.

        Raises
        ------
        ParameterError
            If a parameter or an image is not what it must be.
        """
        bins, channels, window = self._parameters()
        out = np.empty((len(X), len(channels), bins), np.float32)
        for row, image in zip(out, X, strict=True):
            values = planes(rgb(self.name, image), self.color)
            frame = grid(values.shape[1], values.shape[2], bins, window)
            for channel, plane in enumerate(values):
                row[channel] = _profile(plane, frame)
        return out.reshape(len(X), len(channels) * bins)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names such as ``gray_0.0055``: channel and middle of the bin in cycles per pixel."""
        bins, channels, _ = self._parameters()
        return np.array([f"{c}_{m}" for c in channels for m in middles(bins)], dtype=object)


def _profile(plane: NDArray[np.uint8], frame: Grid) -> NDArray[np.float64]:
    from dfbench.features.kernels import fft as kernels

    height, width = plane.shape
    signal = scratch("signal", (height, width), np.float32)
    kernels.windowed(plane, frame.across, frame.down, signal)
    if frame.smooth:
        power = scratch("power", (height, width // 2 + 1), np.float32)
        packed = scratch("packed", (height, width), np.float32)
        kernels.unpacked(opencv().dft(signal, dst=packed), power)
    else:
        from scipy.fft import rfft2

        spectrum = rfft2(signal)
        power = spectrum.real**2 + spectrum.imag**2
    sums = np.zeros((4, len(frame.counts) + 1))
    kernels.summed(power, width, frame.scale, np.float32(FLOOR), frame.bins, sums)
    return by_bin(sums[0, :-1] / np.maximum(1, frame.counts), frame.counts, np.log(FLOOR))
