"""What happens to images on their way to a viewer: named operations with a strength.

Written as text ``jpeg=70``; a chain joins several by ``+``, the first happens first:
``resize=0.5+jpeg=70``.

Sources of the strengths that published robustness tables use (`STRENGTHS` offers a choice):

- Wang et al., CVPR 2020 (arXiv 1912.11035): Gaussian blur up to sigma 3 pixels, JPEG quality 100
  down to 30.
- Frank et al., ICML 2020 (arXiv 2003.08685): JPEG quality 10 to 75, noise of variance 5 to 20
  (sigma 2.2 to 4.5), blur kernels of 3 to 9 pixels, crops that take 5 to 20 % of each side away and
  are scaled back.
- Jiang et al., DeeperForensics-1.0, CVPR 2020 (arXiv 2001.03024): contrast 0.85 to 0.35, blur of
  sigma 1.2 to 3.5 (kernels of 7 to 21 pixels), down and up again by factors of 2 to 6, noise of
  variance 0.001 to 0.05 (sigma 8 to 57 grey levels).
- Zhu et al., GenImage, NeurIPS 2023 (arXiv 2306.08571): JPEG quality 65 and 30, blur of sigma 3
  and 5.

The strengths of WebP, brightness and screenshots are ours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dfbench.errors import CardError, ImageError, ParameterError, unknown
from dfbench.images import Image, opencv

VERSION = 1
"""Raised whenever an operation gives other pixels for equal input."""


def jpeg(image: Image, quality: int) -> bytes:
    """Encode as baseline JPEG with 4:2:0 chroma and no metadata.

    Parameters
    ----------
    image
        RGB, shape (H, W, 3), dtype uint8; so for all operations.
    quality
        On the Independent JPEG Group's scale, 1 to 100.

    Raises
    ------
    ImageError
        If the image is too large for the format (65,500 pixels a side).
    """
    cv2 = opencv()
    options = [cv2.IMWRITE_JPEG_QUALITY, int(quality)]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420]
    return _encoded(image, ".jpg", options)


def webp(image: Image, quality: int) -> bytes:
    """Encode as lossy WebP of quality 1 to 100.

    Raises
    ------
    ImageError
        If the image is too large for the format (16,383 pixels a side).
    """
    return _encoded(image, ".webp", [opencv().IMWRITE_WEBP_QUALITY, int(quality)])


def png(image: Image) -> bytes:
    """Encode as PNG, without loss and without metadata."""
    return _encoded(image, ".png", [])


def _encoded(image: Image, ending: str, options: list[int]) -> bytes:
    cv2 = opencv()
    try:
        done, data = cv2.imencode(ending, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    except cv2.error as error:
        done, why = False, f": {str(error).strip()}"
    else:
        why = ""
    if not done:
        height, width = image.shape[:2]
        raise ImageError(f"{width} x {height} pixels cannot be written as {ending[1:]}{why}")
    return bytes(data.tobytes())


def resize(image: Image, factor: float) -> Image:
    """Scale down by ``factor`` (area averaging) and back to the old size (bicubic)."""
    cv2 = opencv()
    height, width = image.shape[:2]
    small = cv2.resize(image, _scaled(image, factor), interpolation=cv2.INTER_AREA)
    back: Image = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return back


def blur(image: Image, sigma: float) -> Image:
    """Convolve with a Gaussian of ``sigma`` pixels, cut off at three sigma, edges mirrored."""
    cv2 = opencv()
    blurred: Image = cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
    return blurred


def noise(image: Image, sigma: float, chance: np.random.Generator) -> Image:
    """Add Gaussian noise of ``sigma`` grey levels, its own for each pixel and channel."""
    grains = chance.standard_normal(image.shape, dtype=np.float32)
    return _bytes(image + np.float32(sigma) * grains)


def brightness(image: Image, factor: float) -> Image:
    """Multiply all values, as Pillow's and torchvision's brightness do."""
    return _bytes(image * np.float32(factor))


def contrast(image: Image, factor: float) -> Image:
    """Scale the distance from the image's mean grey, as Pillow's and torchvision's contrast do."""
    cv2 = opencv()
    mean = np.float32(int(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).mean() + 0.5))
    return _bytes(mean + np.float32(factor) * (image - mean))


def crop(image: Image, share: float) -> Image:
    """Keep the centre, ``share`` of each side, and scale it to the old size (bicubic)."""
    cv2 = opencv()
    height, width = image.shape[:2]
    across, down = _scaled(image, share)
    left, top = (width - across) // 2, (height - down) // 2
    kept = image[top : top + down, left : left + across]
    back: Image = cv2.resize(kept, (width, height), interpolation=cv2.INTER_CUBIC)
    return back


_SCREENS = {
    1: (1.1, (1.01, 1.0, 0.99), 1.03, 90),
    2: (0.83, (1.03, 1.0, 0.98), 1.08, 80),
    3: (0.67, (0.96, 1.0, 1.05), 1.15, 65),
}
"""By level: scale of the display, gain of red, green and blue, gamma, JPEG quality."""


def screenshot(image: Image, level: int) -> bytes:
    """Show the image on a display, grab that, and share it as JPEG.

    Parameters
    ----------
    level
        1 to 3: scaled to 1.1, 0.83 and 0.67 times the size (bilinear, as displays do; the size
        stays changed); a colour profile's gains (1 to 5 %) and gamma (1.03, 1.08, 1.15); JPEG of
        quality 90, 80, 65.
    """
    cv2 = opencv()
    scale, gains, gamma, quality = _SCREENS[int(level)]
    shown = cv2.resize(image, _scaled(image, scale), interpolation=cv2.INTER_LINEAR)
    levels = np.arange(256, dtype=np.float64)[:, None] / 255
    curve = _bytes(255 * np.clip(levels * np.array(gains), 0, 1) ** gamma)
    return jpeg(cv2.LUT(shown, curve[None]), quality)


def _scaled(image: Image, factor: float) -> tuple[int, int]:
    """Width and height times ``factor``, at least a pixel each."""
    height, width = image.shape[:2]
    return max(1, round(width * factor)), max(1, round(height * factor))


def _bytes(values: Any) -> Image:
    rounded: Image = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return rounded


@dataclass(frozen=True)
class _Kind:
    """An operation by name: what it does, and which strengths it takes."""

    change: Callable[..., Image | bytes]
    least: float
    most: float
    unit: str
    whole: bool = False
    writes: bool = False
    random: bool = False


_KINDS = {
    "jpeg": _Kind(jpeg, 1, 100, "quality", whole=True, writes=True),
    "webp": _Kind(webp, 1, 100, "quality", whole=True, writes=True),
    "resize": _Kind(resize, 0.02, 1, "factor down and back up"),
    "blur": _Kind(blur, 0.1, 50, "sigma in pixels"),
    "noise": _Kind(noise, 0.1, 128, "sigma in grey levels", random=True),
    "brightness": _Kind(brightness, 0.05, 5, "factor"),
    "contrast": _Kind(contrast, 0.05, 5, "factor"),
    "crop": _Kind(crop, 0.05, 1, "share of each side that is kept"),
    "screenshot": _Kind(screenshot, 1, 3, "level", whole=True, writes=True),
}

STRENGTHS: dict[str, tuple[float, ...]] = {
    "jpeg": (90, 75, 65, 50, 30),
    "webp": (90, 75, 50),
    "resize": (0.75, 0.5, 0.25),
    "blur": (1, 2, 3),
    "noise": (2, 4, 8),
    "brightness": (0.7, 1.3),
    "contrast": (0.85, 0.6, 0.35),
    "crop": (0.95, 0.9, 0.8),
    "screenshot": (1, 2, 3),
}
"""A choice for each operation from mild to strong, within those of the tables above."""


@dataclass(frozen=True)
class Operation:
    """An operation and its strength, e.g. ``jpeg=70``.

    Parameters
    ----------
    name
        ``jpeg``, ``webp`` (quality), ``resize`` (factor down and back up), ``blur`` (sigma in
        pixels), ``noise`` (sigma in grey levels), ``brightness``, ``contrast`` (factor), ``crop``
        (share of each side that is kept) or ``screenshot`` (level).
    strength
        In the unit of the operation.

    Raises
    ------
    UnknownNameError
        For an operation that is not there.
    ParameterError
        For a strength that it does not take.
    """

    name: str
    strength: float

    def __post_init__(self) -> None:
        kind = _KINDS.get(self.name)
        if kind is None:
            raise unknown("operation", self.name, _KINDS)
        value = self.strength
        fits = kind.least <= value <= kind.most and (not kind.whole or value == int(value))
        if not fits:
            number = "a whole number" if kind.whole else "a number"
            raise ParameterError(
                f"{value!r} is no strength: {number} from {kind.least:g} to {kind.most:g} "
                f"({kind.unit})",
                where=f"operation {self.name!r}",
            )

    @property
    def writes(self) -> bool:
        """Whether it ends in a file (JPEG, WebP), so that it changes more than pixels."""
        return _KINDS[self.name].writes

    def __str__(self) -> str:
        value = self.strength
        return f"{self.name}={int(value) if value == int(value) else repr(float(value))}"

    def __call__(self, image: Image, seed: int) -> Image | bytes:
        """Give the changed pixels, or the file where one is written.

        ``seed`` alone decides on what is left to chance.
        """
        kind = _KINDS[self.name]
        if kind.random:
            return kind.change(image, self.strength, np.random.default_rng(seed))
        return kind.change(image, self.strength)


def parse_chain(text: str) -> tuple[Operation, ...]:
    """Read ``resize=0.5+jpeg=70``.

    Raises
    ------
    CardError
        Where the text has another form.
    UnknownNameError, ParameterError
        As `Operation`.
    """
    found = []
    for part in text.split("+"):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        try:
            strength = float(value)
        except ValueError:
            equals = ""
        if not equals:
            raise CardError(
                f"not an operation: {part.strip()!r}" + (f" in {text!r}" if "+" in text else ""),
                hint="written name=strength, joined by '+': resize=0.5+jpeg=70",
            )
        found.append(Operation(name, strength))
    return tuple(found)
