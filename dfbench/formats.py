"""Which picture formats are read, and what else pictures come in, by the first bytes of a file."""

from __future__ import annotations

import functools
import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass

HEAD = 512
"""Bytes from the beginning of a file that suffice to tell what it is."""

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BMP_HEADERS = frozenset({12, 40, 52, 56, 64, 108, 124})
"""Sizes of the header that describes the pixels, by version."""


@dataclass(frozen=True, slots=True)
class Format:
    """A raster format that Pillow decodes.

    Attributes
    ----------
    name, pillow
        As people call it, and Pillow does.
    suffixes
        In lower case.
    told_by
        Whether a file that begins with these bytes is in this format.
    feature
        What Pillow must have been built with; "" for nothing.
    weak
        Whether so few bytes tell the format that a file needs its suffix to be taken for one.
    """

    name: str
    pillow: str
    suffixes: tuple[str, ...]
    told_by: Callable[[bytes], bool]
    feature: str = ""
    weak: bool = False


def _brands(head: bytes) -> list[bytes]:
    """Brands of a file of the MP4 family, to which AVIF and HEIC belong; the first is its own."""
    if head[4:8] != b"ftyp":
        return []
    box = head[8 : int.from_bytes(head[:4], "big")]
    return [box[:4], *(box[i : i + 4] for i in range(8, len(box), 4))]


def _avif(head: bytes) -> bool:
    brands = _brands(head)
    return bool(brands) and (
        brands[0] in {b"avif", b"avis"} or (brands[0] in {b"mif1", b"msf1"} and b"avif" in brands)
    )


def _heif(head: bytes) -> bool:
    brands = _brands(head)
    return bool(brands) and brands[0][:3] in {b"hei", b"hev", b"mif", b"msf"} and not _avif(head)


def _bmp(head: bytes) -> bool:
    return head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS


def _dib(head: bytes) -> bool:
    size = int.from_bytes(head[:4], "little")
    planes = head[8:10] if size == 12 else head[12:14]
    return size in _BMP_HEADERS and planes == b"\1\0"


def _ppm(head: bytes) -> bool:
    # magic, then blanks, then a number or a comment: not each text that begins with P1
    return re.match(rb"P[1-6f]\s+[-+0-9#]", head) is not None


def _tga(head: bytes) -> bool:
    if len(head) < 18:
        return False
    palette, kind, depth = head[1], head[2] & 7, head[16]
    return (
        head[2] in {1, 2, 3, 9, 10, 11}
        and palette == (kind == 1)
        and (palette == 1 or not any(head[3:8]))
        and any(head[12:14])
        and any(head[14:16])
        and depth in {8, 15, 16, 24, 32}
        and head[17] & 0xC0 == 0
    )


HEIF = Format("HEIC", "HEIF", (".heic", ".heif", ".hif"), _heif)
"""Decoded where the package pillow-heif is installed."""

FORMATS = (
    Format(
        "JPEG",  # and MPO: several JPEGs in a file
        "JPEG",
        (".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".mpo"),
        lambda head: head[:3] == b"\xff\xd8\xff",
        "jpg",
    ),
    Format("PNG", "PNG", (".png", ".apng"), lambda head: head[:8] == b"\x89PNG\r\n\x1a\n", "zlib"),
    Format(
        "WebP",
        "WEBP",
        (".webp",),
        lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP",
        "webp",
    ),
    Format("GIF", "GIF", (".gif",), lambda head: head[:6] in (b"GIF87a", b"GIF89a")),
    Format("TIFF", "TIFF", (".tif", ".tiff"), lambda head: head[:4] in _TIFF),
    Format("AVIF", "AVIF", (".avif", ".avifs"), _avif, "avif"),
    HEIF,
    Format(
        "JPEG 2000",
        "JPEG2000",
        (".jp2", ".j2k", ".jpx", ".jpf", ".j2c", ".jpc"),
        lambda head: head[:4] == b"\xff\x4f\xff\x51" or head[:12] == b"\0\0\0\x0cjP  \r\n\x87\n",
        "jpg_2000",
    ),
    Format("BMP", "BMP", (".bmp",), _bmp),
    Format("PPM", "PPM", (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"), _ppm),
    Format("BMP", "DIB", (".dib",), _dib, weak=True),
    Format("TGA", "TGA", (".tga",), _tga, weak=True),
)
"""All that is ever handed to Pillow, which would start programs for others (EPS: Ghostscript)."""

_VIDEO = "video ({}): dfbench data frames first"
_HEIC = "HEIC (pip install pillow-heif)"

_UNREAD = {
    **{
        suffix: _VIDEO.format(suffix)
        for suffix in (
            *(".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".wmv", ".flv", ".mpg", ".mpeg"),
            *(".3gp", ".mts", ".m2ts", ".ogv"),
        )
    },
    **{
        suffix: f"camera raw ({suffix.upper()})"
        for suffix in (
            *(".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".sr2", ".srf", ".dng", ".raf"),
            *(".orf", ".rw2", ".pef", ".srw", ".x3f", ".3fr", ".iiq", ".rwl", ".raw"),
        )
    },
    **dict.fromkeys((".heic", ".heif", ".hif"), _HEIC),
    **dict.fromkeys((".psd", ".psb"), "PSD"),
    **dict.fromkeys((".svg", ".svgz"), "SVG"),
    **dict.fromkeys((".eps", ".ps", ".epsf"), "EPS"),
    **dict.fromkeys((".ico", ".cur"), "ICO"),
    **dict.fromkeys((".wmf", ".emf"), "WMF"),
    **{".jxl": "JPEG XL", ".jxr": "JPEG XR", ".wdp": "JPEG XR", ".exr": "OpenEXR", ".hdr": "HDR"},
    **{".dds": "DDS", ".qoi": "QOI", ".pcx": "PCX", ".xcf": "XCF", ".icns": "ICNS", ".bpg": "BPG"},
    **{".fits": "FITS", ".dcm": "DICOM", ".ai": "AI", ".flif": "FLIF"},
}

_STARTS = (
    (b"8BPS", "PSD"),
    (b"%!PS", "EPS"),
    (b"\xc5\xd0\xd3\xc6", "EPS"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"\0\0\1\0", "ICO"),
    (b"II\xbc\1", "JPEG XR"),
    (b"\x76\x2f\x31\x01", "OpenEXR"),
    (b"#?RADIANCE", "HDR"),
    (b"DDS ", "DDS"),
    (b"qoif", "QOI"),
    (b"gimp xcf", "XCF"),
    (b"icns", "ICNS"),
    (b"SIMPLE  =", "FITS"),
    (b"\xd7\xcd\xc6\x9a", "WMF"),
    (b"FUJIFILMCCD-RAW", _UNREAD[".raf"]),
    (b"\x1a\x45\xdf\xa3", _UNREAD[".mkv"]),
    (b"FLV\1", _UNREAD[".flv"]),
    (b"\0\0\1\xba", _UNREAD[".mpg"]),
    (b"\0\0\1\xb3", _UNREAD[".mpg"]),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", _UNREAD[".wmv"]),
)


@functools.cache
def _supported() -> frozenset[str]:
    from PIL import features

    return frozenset(features.get_supported())


def reads_heif() -> bool:
    """Whether the package that decodes HEIC is installed."""
    return importlib.util.find_spec("pillow_heif") is not None


def decoded(form: Format) -> bool:
    """Whether the installed Pillow decodes this format."""
    if form is HEIF:
        return reads_heif()
    return not form.feature or form.feature in _supported()


@functools.cache
def image_suffixes() -> frozenset[str]:
    """Suffixes taken for images, in lower case; that of HEIC where it can be read."""
    return frozenset(
        suffix for form in FORMATS if form is not HEIF or reads_heif() for suffix in form.suffixes
    )


def told(head: bytes) -> Format | None:
    """Tell the format of a file that begins with ``head``; None for none that is read."""
    return next((form for form in FORMATS if form.told_by(head)), None)


def unread_suffix(suffix: str) -> str:
    """Say what pictures or video a file of this suffix holds that nothing here reads; "" if none.

    Parameters
    ----------
    suffix
        In lower case, with its dot.
    """
    return _UNREAD.get(suffix, "")


def unread(head: bytes) -> str:
    """Say what pictures or video begin with ``head`` that nothing here reads; "" if none."""
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return _UNREAD[".avi"]
    if _heif(head):
        return _HEIC
    brands = _brands(head)
    if brands:
        return _UNREAD[{b"crx ": ".cr3", b"qt  ": ".mov"}.get(brands[0], ".mp4")]
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    return (
        "SVG" if start[:4] == b"<svg" or (start[:2] in (b"<?", b"<!") and b"<svg" in start) else ""
    )
