"""What Pillow reads of an image file: its header, and its pixels piece by piece."""

from __future__ import annotations

import contextlib
import functools
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.chatter import hushed, overheard
from dfbench.errors import ImageError
from dfbench.formats import HEAD, HEIF, Format, decoded, told, unread

MOST_PIXELS = 110_000_000
"""Of an image; more are not decoded. Cameras of 100 megapixels take 102 million."""
_ORIENTATION = 0x0112
_TURNED = (b"Exif", b"eXIf", b"EXIF", b"exif", b"tiff:Orientation")
"""Bytes without one of which no file but a TIFF says how it is to be turned."""
_JPEG2000_PIXELS = b"\xff\x93"
_PIECE = 4 << 20
"""Pixels that are converted at once."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself before its pixels are decoded.

    Attributes
    ----------
    width, height
        In pixels, as shown (after the EXIF orientation).
    format
        The container's name as Pillow gives it, e.g. ``JPEG``.
    """

    width: int
    height: int
    format: str


@dataclass(frozen=True, slots=True)
class Told(Header):
    """What takes longer to find out: also what is beside the pixels.

    Attributes
    ----------
    exif, profile
        Whether it holds EXIF and an ICC profile.
    """

    exif: bool
    profile: bool


def form_of(data: bytes) -> Format:
    """Tell the format of an image file by its content.

    Raises
    ------
    ImageError
        If it is none that can be read here; the message says what else.
    """
    if not data:
        raise ImageError("empty file")
    head = bytes(data[:HEAD])
    form = told(head)
    if form is None:
        other = unread(head)
        raise ImageError(f"not read: {other}" if other else "not an image in a known format")
    if not decoded(form):
        if form is HEIF:
            raise ImageError(f"not read: {unread(head)}")
        raise ImageError(f"{form.name} is not decoded by the installed Pillow")
    return form


def opened(data: bytes) -> Any:
    """Open an image file with Pillow, which reads its header and no pixels yet.

    Pillow is told the one format that the content says: left to guess, it also tries formats for
    which it starts other programs.

    Raises
    ------
    ImageError
        If the bytes are no image in a format that can be read here, or one of too many pixels.
    """
    from PIL import Image as pillow
    from PIL import UnidentifiedImageError

    form = form_of(data)
    _quieten()
    try:
        if form is HEIF:
            _register_heif()
        image = pillow.open(io.BytesIO(data), formats=(form.pillow,))
    except UnidentifiedImageError:
        raise ImageError(f"not an image: begins as {form.name}, but its header is broken") from None
    except pillow.DecompressionBombError as error:
        raise ImageError(f"too large: {error}") from None
    except ImportError as error:
        raise ImageError(f"{form.name} cannot be read: {error}") from None
    except Exception as error:  # noqa: BLE001 - Pillow's plugins raise many kinds on broken files
        raise ImageError(f"broken header: {error}") from None
    check_size(*image.size)
    return image


def check_size(width: int, height: int) -> None:
    """Raise where an image of this size is not decoded: a few bytes can ask for all memory.

    Raises
    ------
    ImageError
        If there are more pixels than `MOST_PIXELS`.
    """
    if width * height > MOST_PIXELS:
        most = f"up to {MOST_PIXELS // 1_000_000} million are read"
        raise ImageError(f"too large: {width:,} x {height:,} pixels, and {most}")


@functools.cache
def _quieten() -> None:
    """Keep Pillow from warning of oddities in files: what matters is raised, and listed."""
    # a filter for good, as catch_warnings is not safe where several threads decode
    warnings.filterwarnings("ignore", module=r"PIL\.")


@functools.cache
def _register_heif() -> None:
    import pillow_heif  # type: ignore[import-not-found, unused-ignore]

    pillow_heif.register_heif_opener()


def turned(data: bytes) -> bool:
    """Whether a file that is no TIFF and no AVIF may say how it is to be turned."""
    return any(mark in data for mark in _TURNED)


def told_by(data: bytes) -> Told:
    """Read what a file says of itself.

    Raises
    ------
    ImageError
        If the bytes are no image.
    """
    image = opened(data)
    width, height = image.size
    exif, profile = (key in image.info for key in ("exif", "icc_profile"))
    # asking for the orientation is dear (a PNG is decoded for it), so only where there can be one;
    # AVIF says it without Exif
    if image.format in {"TIFF", "AVIF"} or turned(data):
        try:
            if image.format == "TIFF":  # Pillow turns its size, in some versions only
                width, height = image.tag_v2[256], image.tag_v2[257]
                turn = image.tag_v2.get(_ORIENTATION, 1)
            else:
                turn = image.getexif().get(_ORIENTATION, 1)
            if turn in {5, 6, 7, 8}:
                width, height = height, width
        except Exception:  # noqa: BLE001, S110 - a broken EXIF block leaves the pixels readable
            pass
    return Told(int(width), int(height), str(image.format), exif, profile)


def load(image: Any, data: bytes) -> None:
    """Decode what was opened of an image file, and turn it as it says, in place.

    Raises
    ------
    ImageError
        If it is truncated or corrupt.
    """
    from PIL import ImageOps

    try:
        if image.format == "JPEG2000" and _JPEG2000_PIXELS not in data:
            # cut right behind the header, it would be decoded to nothing but grey
            raise ImageError("cannot be decoded: the file ends before its pixels")
        with hushed():
            image.seek(0)
            image.load()
        ImageOps.exif_transpose(image, in_place=True)
    except (ImageError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - Pillow's plugins raise many kinds on broken files
        reason = (_libtiff_says(data) if image.format == "TIFF" else "") or str(error)
        raise ImageError(f"cannot be decoded: {reason}") from None


def _libtiff_says(data: bytes) -> str:
    """Decode once more, alone, to hear what libtiff says beyond what Pillow hands on."""
    said: list[str] = []
    with overheard(said), contextlib.suppress(Exception):
        image = opened(data)
        image.seek(0)
        image.load()
    errors = [line.removeprefix("tempfile.tif: ") for line in said if "Warning, " not in line]
    return errors[0].rstrip(".") if errors else ""


def pieces_of(image: Any) -> Iterator[NDArray[np.uint8]]:
    """Give the pixels of a PIL image that is decoded and turned, some rows at a time.

    Yields
    ------
    ndarray of shape (h, W, 3), dtype uint8
        C-contiguous, RGB; from top to bottom. Errors are Pillow's own.
    """
    rows = _rows(image)
    if image.mode.startswith("I;16"):
        for piece in rows:
            yield _grey(np.asarray(piece).astype(np.uint16) >> 8)
    elif image.mode == "I" and image.format in {"PNG", "PPM"}:  # 16 bits in a wider type
        for piece in rows:
            yield _grey(np.asarray(piece) >> 8)
    elif image.mode in {"I", "F"}:  # TIFF: the range is not told, only seen
        most = max((_values(piece).max(initial=0) for piece in rows), default=0)
        scale = 255.0 if most <= 1 else 1.0 if most <= 255 else 255 / 65535
        for piece in _rows(image):
            yield _grey((_values(piece) * scale).round())
    else:
        for piece in rows:
            yield np.ascontiguousarray(piece.convert("RGB"), dtype=np.uint8)


def _rows(image: Any) -> Iterator[Any]:
    width, height = image.size
    step = max(1, _PIECE // max(1, width))
    for top in range(0, height, step):
        yield image.crop((0, top, width, min(top + step, height)))


def _values(piece: Any) -> NDArray[np.float64]:
    return np.nan_to_num(np.asarray(piece, dtype=np.float64))


def _grey(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Repeat numbers of 0 to 255 over three channels."""
    return np.repeat(np.clip(values, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
