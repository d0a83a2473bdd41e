"""What the file says of itself: a control that never sees a pixel.

Where these features tell the classes apart, the data set has a shortcut (sizes, formats, JPEG
settings that differ by class), and no other figure on it can be trusted as it stands. A card's
``[normalise]`` makes all files alike first; these features are then of the files so made.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import ImageError, ParameterError
from dfbench.features.base import Extractor, Vectors
from dfbench.images import read_more
from dfbench.rasters.pillow import opened

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")

_NAMES = (
    "log_bytes",
    "width",
    "height",
    "aspect",
    "megapixels",
    "bits_per_pixel",
    *(f"format_{name.lower()}" for name in _FORMATS),
    "format_other",
    "jpeg_luma_mean",
    "jpeg_luma_first",
    "jpeg_luma_last",
    "jpeg_chroma_mean",
    "jpeg_chroma_first",
    "jpeg_chroma_last",
    "jpeg_quality",
    "jpeg_chroma_step_x",
    "jpeg_chroma_step_y",
    "jpeg_progressive",
    "exif",
    "icc_profile",
)

# ITU-T T.81 (JPEG), table K.1: quantisation of luminance
_K1 = (
    "16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 "
    "14 17 22 29 51 87 80 62 18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 "
    "49 64 78 87 103 121 120 101 72 92 95 98 112 100 103 99"
)


class Metadata(Extractor):
    """Size, dimensions, format and JPEG settings, from the file's bytes without decoding pixels.

    Features: natural logarithm of the file's bytes; width and height in pixels as shown (after the
    EXIF orientation), their ratio, megapixels; bits per pixel; the format (one of JPEG, PNG, WEBP,
    GIF, BMP, TIFF, other, as 0 or 1); for JPEG the mean, first (constant term) and last (highest
    frequency) step of the luma and the chroma quantisation table, the estimated quality (1..100),
    the step of the chroma samples across and down (2 and 2 for 4:2:0) and whether it is
    progressive; whether there is EXIF and an ICC profile. What does not apply is 0.

    Notes
    -----
    The bytes that a JPEG or PNG needs depend on its content, so ``log_bytes`` and
    ``bits_per_pixel`` carry a trace of the image itself: of its smoothness, not of what it shows.

    The quality is that of the Independent JPEG Group's scale whose luma table is nearest (least
    sum of absolute differences of the sorted steps).
    """

    name = "metadata"
    references = ()
    reads: Literal["pixels", "file"] = "file"  # type: ignore[misc]

    def __init__(self) -> None:
        pass

    def transform(self, X: Sequence[bytes]) -> Vectors:  # type: ignore[override]
        """Turn the contents of n files into features.

        Parameters
        ----------
        X
            The whole content of each file.

        Returns
        -------
        ndarray of shape (n, 25), dtype float32

        Raises
        ------
        ImageError
            If a file is empty or no image.
        ParameterError
            If an item is not bytes.
        """
        out = np.zeros((len(X), len(_NAMES)), np.float32)
        for row, data in zip(out, X, strict=True):
            if not isinstance(data, bytes | bytearray | memoryview):
                raise ParameterError(
                    f"a file is given as bytes, not {type(data).__name__}", where=self.name
                )
            row[:] = _describe(bytes(data))
        return out

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names such as ``log_bytes``, ``jpeg_quality``."""
        return np.array(_NAMES, dtype=object)


def _describe(data: bytes) -> list[float]:
    its = read_more(data)
    kind = container(its.format)
    pixels = max(its.width * its.height, 1)
    values = [
        math.log(len(data)),
        float(its.width),
        float(its.height),
        its.width / max(its.height, 1),
        pixels / 1e6,
        8 * len(data) / pixels,
    ]
    values += [float(kind == name) for name in _FORMATS] + [float(kind not in _FORMATS)]
    values += _of_jpeg(data) if kind == "JPEG" else [0.0] * 10
    return [*values, float(its.exif), float(its.profile)]


def _of_jpeg(data: bytes) -> list[float]:
    try:
        # Opening reads the header alone; pixels are decoded by load(), which nobody calls
        with opened(data) as image:
            return _jpeg(image)
    except ImageError:
        raise
    except Exception as error:  # noqa: BLE001 - Pillow's plugins raise many kinds on broken files
        raise ImageError(f"broken header: {error}") from None


def container(form: str) -> str:
    """Give the format that a header's name for it stands for.

    Multi-picture files of cameras (``MPO``) are JPEG files with more behind the first image.
    """
    return "JPEG" if form == "MPO" else form


def jpeg_quality(image: Any) -> int | None:
    """Estimate the quality that a JPEG file opened by Pillow was written with, 1 to 100.

    None where it is no JPEG, or its luma table cannot be read. See `Metadata`, Notes.
    """
    tables: dict[int, Sequence[int]] = getattr(image, "quantization", None) or {}
    layers: Sequence[Any] = getattr(image, "layer", None) or ()
    luma = tables.get(layers[0][3] if layers else 0, ())
    return _quality(tuple(sorted(luma))) if len(luma) == 64 else None


def _jpeg(image: Any) -> list[float]:
    tables: dict[int, Sequence[int]] = getattr(image, "quantization", None) or {}
    # Components of the frame header: (identifier, sampling across, sampling down, table)
    layers: Sequence[Any] = getattr(image, "layer", None) or ()
    luma = tables.get(layers[0][3] if layers else 0, ())
    chroma = tables.get(layers[1][3], ()) if len(layers) >= 3 else ()
    values = []
    for table in (luma, chroma):
        values += [float(np.mean(table)), float(table[0]), float(table[-1])] if table else [0.0] * 3
    values.append(float(jpeg_quality(image) or 0))
    if len(layers) >= 3:
        values += [layers[0][1] / max(layers[1][1], 1), layers[0][2] / max(layers[1][2], 1)]
    else:
        values += [0.0, 0.0]
    values.append(float(bool(image.info.get("progressive") or image.info.get("progression"))))
    return values


@lru_cache(maxsize=1)
def _scaled() -> NDArray[np.int64]:
    """Sorted luma tables of the Independent JPEG Group's qualities 1..100, shape (100, 64)."""
    base = np.array(_K1.split(), np.int64)
    quality = np.arange(1, 101)
    scale = np.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    tables = (base[None] * scale[:, None] + 50) // 100
    return np.sort(np.clip(tables, 1, 255), axis=1)


@lru_cache(maxsize=256)
def _quality(luma: tuple[int, ...]) -> int:
    # Sorted steps, since libraries differ in whether they undo the zigzag order
    return int(np.abs(_scaled() - np.array(luma)).sum(axis=1).argmin()) + 1
