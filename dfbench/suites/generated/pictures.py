"""From one line of a plan to the bytes of one image file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from dfbench.images import Image, opencv
from dfbench.suites.generated import camera, scenes
from dfbench.suites.generated.fakes import fake_image
from dfbench.suites.generated.padding import pad_jpeg, pad_png
from dfbench.suites.generated.plans import REAL, WEAKEST, Item, stream

Source = Callable[[int, int, np.random.Generator], Image]
"""Gives a photograph of a height and a width: drawn, or cut from somebody's own."""


def leaves_source(name: str, item: Item) -> Source:
    """Give the camera and the place of an image; images of a group share both."""
    at = item.index if item.group < 0 else item.group
    rng = stream(name, "place", at)
    family, body = scenes.draw_family(rng), camera.draw_camera(rng)

    def take(height: int, width: int, rng: np.random.Generator) -> Image:
        border = 2 * camera.BORDER
        scene = scenes.render(family, height + border, width + border, rng)
        setting = replace(
            body,
            exposure=float(np.clip(body.exposure + rng.normal(0.0, 0.01), 0.9, 0.999)),
            level=body.level * float(np.exp(rng.normal(0.0, 0.03))),
        )
        return camera.expose(scene, setting, rng)

    return take


def draw_picture(
    source: Source, item: Item, rng: np.random.Generator, *, weakest: float = 0.0
) -> Image:
    """Take a picture and, for a fake, plant the trace of its kind, ``weakest`` at the least.

    Returns
    -------
    ndarray of shape (H, W, 3), dtype uint8
        RGB, before compression.
    """
    image = source(item.file.height, item.file.width, rng)
    if item.kind == REAL:
        return image
    other = None
    if item.kind == "blended" and rng.random() < 0.5:
        other = source(item.file.height, item.file.width, rng)
    strength = float(rng.uniform(weakest, 1.0))
    return fake_image(image, item.kind, rng, strength=strength, other=other)


def encode(image: Image, item: Item) -> bytes:
    """Write an image as its plan says: same passes for all classes, then brought to its size.

    Raises
    ------
    ValueError
        If the file comes out larger than planned.
    """
    if item.file.format == "JPEG":
        return pad_jpeg(camera.encode_jpeg(image, item.file.quality), item.file.size)
    cv2 = opencv()
    decoded = camera.recompress(image, item.file.quality)
    done, data = cv2.imencode(".png", decoded[..., ::-1])
    if not done:
        raise ValueError(f"cannot be encoded: shape {image.shape}")
    return pad_png(bytes(data), item.file.size)


def make_file(name: str, item: Item) -> bytes:
    """Make the file of one image of a built-in set; it depends on nothing but its arguments."""
    rng = stream(name, "picture", item.index)
    source = leaves_source(name, item)
    return encode(draw_picture(source, item, rng, weakest=WEAKEST.get(name, 0.0)), item)
