"""A camera: lens blur, colour filter array, noise, demosaicing, tone curve, JPEG.

References
----------
H. S. Malvar, L. He and R. Cutler (2004), on demosaicing Bayer mosaics.
A. Foi, M. Trimeche, V. Katkovnik and K. Egiazarian (2008), "Practical Poissonian-Gaussian noise
modeling and fitting for single-image raw-data", IEEE TIP 17: the variance is a x + b.
IEC 61966-2-1: the sRGB transfer curve.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfbench.images import Image, opencv

BORDER = 4
"""Pixels on each side of a scene that the camera needs and cuts away."""

_WHITE = 4095.0


@dataclass(frozen=True, slots=True)
class Camera:
    """One camera with its settings.

    Attributes
    ----------
    blur
        Standard deviation of the lens's point spread, in pixels.
    shot, read
        The noise variance is ``shot * x + read**2`` at a raw value x in [0, 1].
    exposure
        The quantile of the scene that is brought to white; above it the raw values clip.
    level
        Where that quantile comes to, relative to white: below 1 an underexposed image.
    balance
        Gains of red, green and blue that the white balance leaves behind.
    saturation
        Factor on the distance from grey, of the colour correction.
    contrast
        Strength of the S-shaped part of the tone curve, from 0.
    sharpening
        Factor on what a blur of one pixel takes away.
    edge_aware
        Which of two demosaicing methods.
    """

    blur: float
    shot: float
    read: float
    exposure: float
    level: float
    balance: tuple[float, float, float]
    saturation: float
    contrast: float
    sharpening: float
    edge_aware: bool


def draw_camera(rng: np.random.Generator) -> Camera:
    """Draw a camera and its settings."""
    balance = np.exp(rng.normal(0.0, 0.08, 3))
    return Camera(
        blur=float(rng.uniform(0.4, 0.65)),
        shot=float(np.exp(rng.uniform(np.log(3e-4), np.log(1.5e-3)))),
        read=float(np.exp(rng.uniform(np.log(1.5e-3), np.log(5e-3)))),
        exposure=float(rng.uniform(0.93, 0.998)),
        level=float(rng.uniform(0.9, 1.15)),
        balance=(float(balance[0]), float(balance[1]), float(balance[2])),
        saturation=float(rng.uniform(0.9, 1.35)),
        contrast=float(rng.uniform(0.0, 0.6)),
        sharpening=float(rng.uniform(0.1, 0.6)),
        edge_aware=bool(rng.random() < 0.5),
    )


def expose(scene: NDArray[np.float32], camera: Camera, rng: np.random.Generator) -> Image:
    """Take a picture.

    Parameters
    ----------
    scene
        Linear radiance, shape (H + 2 * BORDER, W + 2 * BORDER, 3), of any scale.
    camera
        The camera.
    rng
        Source of the noise.

    Returns
    -------
    ndarray of shape (H, W, 3), dtype uint8
        RGB, in the sRGB encoding.
    """
    cv2 = opencv()
    light = cv2.GaussianBlur(scene, (0, 0), camera.blur)
    white = float(np.quantile(light[::3, ::3].max(axis=2), camera.exposure))
    light *= np.asarray(camera.balance, np.float32) * np.float32(camera.level / max(white, 1e-6))
    raw = _mosaic(light)
    noise = rng.standard_normal(raw.shape, dtype=np.float32)
    raw += np.sqrt(camera.shot * np.maximum(raw, 0.0) + camera.read**2) * noise
    counts = np.clip(np.rint(raw * _WHITE), 0.0, _WHITE).astype(np.uint16)
    # OpenCV names a pattern by its second row: this is red, green over green, blue
    code = cv2.COLOR_BayerBG2RGB_EA if camera.edge_aware else cv2.COLOR_BayerBG2RGB
    linear = cv2.cvtColor(counts, code).astype(np.float32) / np.float32(_WHITE)
    grey = linear @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    linear = grey[..., None] + np.float32(camera.saturation) * (linear - grey[..., None])
    value = _tone(linear, camera.contrast)
    value += np.float32(camera.sharpening) * (value - cv2.GaussianBlur(value, (0, 0), 1.0))
    image = np.clip(np.rint(value * 255.0), 0.0, 255.0).astype(np.uint8)
    return np.ascontiguousarray(image[BORDER:-BORDER, BORDER:-BORDER])


def _mosaic(light: NDArray[np.float32]) -> NDArray[np.float32]:
    raw = light[..., 1].copy()
    raw[0::2, 0::2] = light[0::2, 0::2, 0]
    raw[1::2, 1::2] = light[1::2, 1::2, 2]
    return raw


def _tone(linear: NDArray[np.float32], contrast: float) -> NDArray[np.float32]:
    """Apply the sRGB curve, then mix in a smooth step for contrast."""
    x = np.clip(linear, 0.0, 1.0)
    value = np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** np.float32(1 / 2.4) - 0.055)
    step = value * value * (3.0 - 2.0 * value)
    mixed: NDArray[np.float32] = (value + contrast * (step - value)).astype(np.float32)
    return mixed


def encode_jpeg(image: Image, quality: int) -> bytes:
    """Encode as baseline JPEG with 4:2:0 chroma and the standard tables at a quality."""
    cv2 = opencv()
    done, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"cannot be encoded: shape {image.shape}")
    return bytes(data)


def recompress(image: Image, quality: int) -> Image:
    """Pass an image through JPEG and back."""
    cv2 = opencv()
    data = np.frombuffer(encode_jpeg(image, quality), np.uint8)
    decoded: Image = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
    return decoded
