"""Images and tables that parts are tried on: seeded, small, drawn anew each time."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.images import Image

_SIZES = ((64, 48), (48, 64), (80, 96), (33, 47))
TINY = ((1, 1), (3, 5), (8, 8))
"""Heights and widths of tiny images, in pixels."""
SIDE = 256
"""Of the image that times are measured on, in pixels."""


def picture(height: int, width: int, seed: int = 0) -> Image:
    """Draw a smooth colour image with some noise, shape (height, width, 3)."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(30, 220, (-(-height // 5), -(-width // 5), 3))
    smooth = np.kron(coarse, np.ones((5, 5, 1)))[:height, :width]
    return np.clip(smooth + rng.normal(0, 6, smooth.shape), 0, 255).astype(np.uint8)


def ordinary(n: int = 4, seed: int = 0) -> list[Image]:
    """Draw n images of several sizes."""
    return [picture(*_SIZES[k % len(_SIZES)], seed=seed + k) for k in range(n)]


def tiny() -> list[Image]:
    """Draw images of the sizes `TINY`."""
    return [picture(*size, seed=k) for k, size in enumerate(TINY)]


def grey() -> Image:
    """Draw an image whose three channels are alike."""
    return np.repeat(picture(48, 40)[:, :, :1], 3, axis=2)


def constant() -> dict[str, Image]:
    """Give images of one colour, by what they are called."""
    levels = {"black": 0, "white": 255, "middle grey": 128}
    return {name: np.full((48, 40, 3), level, np.uint8) for name, level in levels.items()}


def as_file(image: Image, form: str = "PNG") -> bytes:
    """Encode an image."""
    from PIL import Image as pillow

    file = io.BytesIO()
    pillow.fromarray(image).save(file, form, **({"quality": 90} if form == "JPEG" else {}))
    return file.getvalue()


def planted(
    n: int, *, seed: int, classes: Sequence[int] = (0, 1), d: int = 6
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Draw features that tell the classes apart: each class has a feature that is greater.

    Returns
    -------
    X, y
        Shape (n, d), float32; shape (n,), int64, as many of each class as can be.
    """
    rng = np.random.default_rng(seed)
    y = np.array([classes[k % len(classes)] for k in range(n)], np.int64)
    rng.shuffle(y)
    X = rng.normal(size=(n, d))
    X[np.arange(n), y] += 4
    return X.astype(np.float32), y


def bright(y: NDArray[np.int64], side: int, *, seed: int, n_classes: int = 2) -> NDArray[np.uint8]:
    """Draw a square image for each label: the greater it is, the brighter the image."""
    rng = np.random.default_rng(seed)
    base = 40 + 150 * y / max(1, n_classes - 1)
    noise = rng.normal(0, 12, (len(y), side, side, 3))
    return np.clip(base[:, None, None, None] + noise, 0, 255).astype(np.uint8)


def copy_of(X: Any) -> Any:
    """Copy what a model is given."""
    from dfbench.models.base import Both

    if isinstance(X, Both):
        return Both(np.array(X.images), np.array(X.features))
    return np.array(X)


def same(left: Any, right: Any) -> bool:
    """Whether two of what a model is given are equal."""
    from dfbench.models.base import Both

    if isinstance(left, Both):
        return same(left.images, right.images) and same(left.features, right.features)
    return np.array_equal(left, right)
