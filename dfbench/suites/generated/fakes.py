"""Models of what image generators leave behind, for any photograph.

Each kind takes an RGB image and gives one of the same size in which a trace known from the
literature is planted, from hardly there (strength 0) to plain (strength 1):

``upsampled``
    Up-convolution: periodic gain (checkerboard) and a bent spectrum. A. Odena, V. Dumoulin and
    C. Olah (2016), "Deconvolution and checkerboard artifacts", Distill; J. Frank et al. (2020),
    "Leveraging frequency analysis for deep fake image recognition", ICML; R. Durall, M. Keuper
    and J. Keuper (2020), "Watch your up-convolution", CVPR.
``smoothed``
    Denoising that takes the fine texture and leaves the edges, the mean spectrum mended as by a
    spectral loss (Durall et al. 2020, section 4).
``blended``
    A region of a warped copy of the image, or of a second image, mixed in under a soft mask with
    a small mismatch of colour and geometry. K. Shiohara and T. Yamasaki (2022), "Detecting
    deepfakes with self-blended images", CVPR.
``coloured``
    Channels mixed by the last layer and kept off the ends of the scale. S. McCloskey and
    M. Albright (2018), "Detecting GAN-generated imagery using color cues".
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import unknown
from dfbench.images import Image, opencv

Floats = NDArray[np.float32]


def fake_image(
    rgb: Image,
    kind: str,
    rng: np.random.Generator,
    *,
    strength: float | None = None,
    other: Image | None = None,
) -> Image:
    """Plant the trace of one kind of generator in a photograph.

    Parameters
    ----------
    rgb
        Shape (H, W, 3), dtype uint8, at least 16 pixels a side. Compress real and fake images
        alike afterwards: one JPEG pass more on one side would be a shortcut.
    kind
        One of `KINDS`.
    rng
        The only source of chance.
    strength
        In [0, 1]; drawn uniformly by default, so that some fakes are hard and some easy.
    other
        A second image of the same shape, for ``blended``; without it the image lends to itself.

    Returns
    -------
    ndarray of shape (H, W, 3), dtype uint8

    Raises
    ------
    UnknownNameError
        If no kind has this name.
    ValueError
        If the image is too small, or ``other`` has another shape.
    """
    if kind not in _MAKERS:
        raise unknown("kind of fake", kind, KINDS)
    if min(rgb.shape[:2]) < 16:
        raise ValueError(f"at least 16 pixels a side are needed, not {rgb.shape[:2]}")
    if other is not None and other.shape != rgb.shape:
        raise ValueError(f"the second image has shape {other.shape}, not {rgb.shape}")
    if strength is None:
        strength = float(rng.random())
    if kind == "blended":
        fake = _blended(rgb, rng, strength, other)
    else:
        fake = _MAKERS[kind](rgb.astype(np.float32), rng, strength)
    return np.clip(np.rint(fake), 0.0, 255.0).astype(np.uint8)


def _between(low: float, high: float, strength: float) -> np.float32:
    return np.float32(low + (high - low) * strength)


def _upsampled(x: Floats, rng: np.random.Generator, strength: float) -> Floats:
    height, width = x.shape[:2]
    # interpolation kernels pass little near the Nyquist frequency (Durall et al., section 3)
    edge = _between(0.55, 0.45, strength)
    depth = _between(0.5, 0.9, strength)
    y = _filtered(x, lambda r: 1.0 - depth / (1.0 + np.exp((edge - r) / 0.03)))
    # zero insertion by a kernel whose phases do not sum alike: a gain with the stride's period
    for stride, share in ((2, 1.0), (4, 0.6)):
        gain = rng.standard_normal((stride, stride, 3)) + rng.standard_normal((stride, stride, 1))
        gain -= gain.mean(axis=(0, 1))
        gain /= gain.std()
        ripple = (_between(0.003, 0.012, strength) * share * gain).astype(np.float32)
        tiles = (-(-height // stride), -(-width // stride), 1)
        y += x * np.tile(ripple, tiles)[:height, :width]
    return y


def _filtered(x: Floats, response: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Floats:
    """Filter each channel by a function of the radial frequency, in cycles per pixel."""
    from scipy import fft

    height, width = x.shape[:2]
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    spectrum = fft.rfft2(x, axes=(0, 1)) * response(radius).astype(np.float32)[..., None]
    y: Floats = fft.irfft2(spectrum, s=(height, width), axes=(0, 1)).astype(np.float32)
    return y


def _smoothed(x: Floats, rng: np.random.Generator, strength: float) -> Floats:
    cv2 = opencv()
    reach = float(rng.uniform(1.2, 2.2))
    tolerance = float(_between(30.0, 64.0, strength))
    flat = cv2.bilateralFilter(x, 7, tolerance, reach)
    amount = _between(0.6, 1.0, strength)
    y = x + amount * (flat - x)
    return _mend_spectrum(y, x, float(rng.uniform(0.5, 1.0)))


def _mend_spectrum(y: Floats, x: Floats, share: float) -> Floats:
    """Give ``y`` the azimuthal mean spectrum of ``x``, by this share (of the log gain)."""
    from scipy import fft

    height, width = y.shape[:2]
    grey = np.array([0.299, 0.587, 0.114], np.float32)
    luma = y @ grey
    mine, wanted = fft.rfft2(luma), fft.rfft2(x @ grey)
    down, across = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    ring = np.rint(np.hypot(down, across) * 64).astype(np.intp)
    count = int(ring.max()) + 1
    have = np.bincount(ring.ravel(), (np.abs(mine) ** 2).ravel(), count)
    want = np.bincount(ring.ravel(), (np.abs(wanted) ** 2).ravel(), count)
    gain = np.clip((want + 1e-3) / (have + 1e-3), 0.25, 16.0) ** (0.5 * share)
    mended = fft.irfft2(mine * gain[ring].astype(np.float32), s=(height, width))
    result: Floats = y + (mended - luma)[..., None].astype(np.float32)
    return result


def _blended(rgb: Image, rng: np.random.Generator, strength: float, other: Image | None) -> Floats:
    cv2 = opencv()
    height, width = rgb.shape[:2]
    x = rgb.astype(np.float32)
    lender = x if other is None else other.astype(np.float32)
    angle = np.deg2rad(rng.normal(0.0, 1.0 + 4.0 * strength))
    scale = 1.0 + rng.uniform(0.02, 0.05 + 0.1 * strength) * rng.choice([-1.0, 1.0])
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    cy, cx = height / 2 + rng.normal(0.0, 2.0), width / 2 + rng.normal(0.0, 2.0)
    affine = np.array([[cos, -sin, cx - cos * cx + sin * cy], [sin, cos, cy - sin * cx - cos * cy]])
    source = cv2.warpAffine(
        lender, affine, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    # the lender was generated at a lower resolution and brought to size
    shrink = float(_between(1.0, 0.75, strength))
    small = cv2.resize(source, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    source = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    gain = np.exp(rng.normal(0.0, 0.02 + 0.05 * strength, 3)).astype(np.float32)
    offset = rng.normal(0.0, 2.0 + 5.0 * strength, 3).astype(np.float32)
    source = source * gain + offset
    mask = _soft_mask(height, width, rng) * np.float32(rng.choice([0.75, 0.9, 1.0, 1.0]))
    result: Floats = x + mask[..., None] * (source - x)
    return result


def _soft_mask(height: int, width: int, rng: np.random.Generator) -> Floats:
    """Draw a blob in [0, 1]: an ellipse with a wavy rim, covering a fifth to a half."""
    cv2 = opencv()
    cy = height * rng.uniform(0.4, 0.6)
    cx = width * rng.uniform(0.4, 0.6)
    ry, rx = height * rng.uniform(0.28, 0.42), width * rng.uniform(0.28, 0.42)
    y = (np.arange(height)[:, None] - cy) / ry
    x = (np.arange(width)[None, :] - cx) / rx
    angle = np.arctan2(y, x)
    rim = np.ones_like(angle)
    for waves in range(2, 6):
        rim += rng.normal(0.0, 0.25 / waves) * np.cos(waves * angle + rng.uniform(0.0, 2 * np.pi))
    inside = (np.hypot(x, y) < rim).astype(np.float32)
    mask: Floats = cv2.GaussianBlur(inside, (0, 0), float(rng.uniform(1.0, 5.0)))
    return mask


def _coloured(x: Floats, rng: np.random.Generator, strength: float) -> Floats:
    # weights of the last layer, normalised and mostly positive: channels overlap
    weights = rng.dirichlet([1.0, 1.0, 1.0], 3).astype(np.float32)
    mix = _between(0.05, 0.3, strength)
    matrix = (1.0 - mix) * np.eye(3, dtype=np.float32) + mix * weights
    y = x @ matrix.T
    grey: Floats = y.mean(axis=2, keepdims=True)
    saturation = np.float32(np.exp(rng.normal(0.0, 0.15 + 0.35 * strength)))
    y = grey + saturation * (y - grey)
    # normalisation keeps values off both ends
    low = _between(12.0, 38.0, strength) * np.float32(rng.uniform(0.5, 1.2))
    high = 255.0 - _between(16.0, 60.0, strength) * np.float32(rng.uniform(0.5, 1.2))
    result: Floats = low + (high - low) * np.clip(y / 255.0, 0.0, 1.0)
    return result


_MAKERS: dict[str, Callable[[Floats, np.random.Generator, float], Floats]] = {
    "upsampled": _upsampled,
    "smoothed": _smoothed,
    "blended": lambda x, rng, strength: _blended(x.astype(np.uint8), rng, strength, None),
    "coloured": _coloured,
}

KINDS = tuple(_MAKERS)
"""The kinds of fakes, in the order of the classes of attribution."""
