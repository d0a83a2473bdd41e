"""A picture that a detector is asked about: from a path, bytes, an array or a PIL image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dfbench.errors import DataError, ImageError, ParameterError
from dfbench.features.extractors.metadata import container, jpeg_quality
from dfbench.files import at_home
from dfbench.images import Image, contents, decode, pixels_of, read_header
from dfbench.rasters.pillow import opened
from dfbench.received.files import why


@dataclass(frozen=True)
class FileFacts:
    """What is told of a picture without its pixels.

    Attributes
    ----------
    width, height
        In pixels, as shown.
    format
        Such as ``JPEG``; empty where there is no file.
    quality
        Of a JPEG, see the extractor ``metadata``.
    """

    width: int
    height: int
    format: str = ""
    quality: int | None = None

    @classmethod
    def of(cls, data: bytes) -> FileFacts:
        """Read them from the bytes of a file.

        Raises
        ------
        ImageError
            If the bytes are no image.
        """
        header = read_header(data)
        kind = container(header.format)
        quality = None
        if kind == "JPEG":
            with opened(data) as image:
                quality = jpeg_quality(image)
        return cls(header.width, header.height, kind, quality)


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as a detector sees it.

    Attributes
    ----------
    name
        Of the file, or empty.
    pixels
        RGB, shape (H, W, 3), dtype uint8, as a person would see it.
    file
        Content of the file; None where there is none.
    facts
        Its size and, of a file, its format.
    """

    name: str
    pixels: Image
    file: bytes | None
    facts: FileFacts

    @classmethod
    def of_file(cls, data: bytes, name: str = "") -> Picture:
        """Decode a file.

        Raises
        ------
        ImageError
            If it is no image, or damaged.
        """
        return cls(name, decode(data), bytes(data), FileFacts.of(data))

    @classmethod
    def of_pixels(cls, pixels: Image, name: str = "") -> Picture:
        """Take pixels as they are."""
        height, width = pixels.shape[:2]
        return cls(name, np.ascontiguousarray(pixels), None, FileFacts(width, height))


def look(image: Any) -> Picture:
    """Take up what a person calls an image.

    Parameters
    ----------
    image
        Path of a file; content of one, as bytes; array of shape (H, W, 3), dtype uint8, RGB;
        PIL image; `Picture`.

    Raises
    ------
    ImageError
        If a file is no image, or damaged.
    DataError
        If a file cannot be read.
    ParameterError
        If it is something else.
    """
    if isinstance(image, Picture):
        return image
    if isinstance(image, str | Path):
        return _of_path(at_home(image))
    if isinstance(image, bytes | bytearray | memoryview):
        return Picture.of_file(bytes(image))
    if isinstance(image, np.ndarray):
        return Picture.of_pixels(_checked(image))
    if _is_pil(image):
        return _of_pil(image)
    raise ParameterError(
        "an image is a path, the bytes of a file, a uint8 array of shape (H, W, 3) or a PIL image,"
        f" not {type(image).__name__}",
        where="images",
    )


def _of_path(path: Path) -> Picture:
    try:
        data = contents(path)
    except OSError as error:
        raise DataError(why(error), where=path) from None
    try:
        return Picture.of_file(data, path.name)
    except ImageError as error:
        raise ImageError(error.what, where=path, hint=error.hint) from None


def _checked(array: Any) -> Image:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or not array.size:
        raise ParameterError(
            f"an array is uint8 of shape (H, W, 3), RGB, not {array.dtype} {array.shape}",
            where="images",
            hint="of one channel: np.repeat(x[..., None], 3, axis=2); of 0 to 1: "
            "(x * 255).round().astype('uint8')",
        )
    pixels: Image = array
    return pixels


def _is_pil(image: Any) -> bool:
    return any(kind.__module__ == "PIL.Image" for kind in type(image).__mro__)


def _of_pil(image: Any) -> Picture:
    try:
        pixels = pixels_of(image)
    except Exception as error:  # noqa: BLE001 - Pillow's plugins raise many kinds
        raise ImageError(f"cannot be decoded: {error}") from None
    if not pixels.size:
        raise ImageError("has no pixels")
    return Picture.of_pixels(pixels)
