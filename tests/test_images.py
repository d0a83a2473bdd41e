"""The decoder against Pillow and OpenCV, and against files that are broken in every way."""

from __future__ import annotations

import io
import struct
import zlib
from contextlib import suppress

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from dfbench.errors import ImageError
from dfbench.images import Header, decode, read_header

# pytest undoes the filter that the decoder sets
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def smooth(width: int = 97, height: int = 61, seed: int = 0) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def encode(image: Image.Image | np.ndarray, kind: str, **options) -> bytes:
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def pillow(data: bytes) -> np.ndarray:
    return np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))


def near(one: np.ndarray, other: np.ndarray, most: int) -> bool:
    return one.shape == other.shape and np.abs(one.astype(int) - other.astype(int)).max() <= most


def sound(image: np.ndarray) -> bool:
    return image.dtype == np.uint8 and image.ndim == 3 and image.flags.c_contiguous


# --- sound files -----------------------------------------------------------------------------

LOSSLESS = [
    ("PNG", {}),
    ("BMP", {}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("WEBP", {"lossless": True}),
]


@pytest.mark.parametrize(("kind", "options"), LOSSLESS)
@given(width=st.integers(1, 40), height=st.integers(1, 40), seed=st.integers(0, 5))
def test_lossless_formats_give_the_pixels_back(kind, options, width, height, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    data = encode(pixels, kind, **options)
    image = decode(data)
    assert sound(image)
    assert (image == pixels).all()
    assert read_header(data) == Header(width, height, kind)


@pytest.mark.parametrize(
    "options", [{}, {"quality": 30}, {"progressive": True}, {"subsampling": 0}]
)
def test_jpeg_agrees_with_opencv_and_pillow(options):
    data = encode(smooth(), "JPEG", **options)
    image = decode(data)
    assert sound(image)
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert (image == bgr[..., ::-1]).all()
    assert near(image, pillow(data), 4)  # builds of libjpeg round differently
    assert read_header(data) == Header(97, 61, "JPEG")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_orientation_is_applied_and_told_by_the_header(kind, turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encode(smooth(), kind, exif=exif, **options)
    image = decode(data)
    plain = decode(encode(smooth(), kind, **options))
    turns = {
        1: plain,
        2: plain[:, ::-1],
        3: plain[::-1, ::-1],
        4: plain[::-1],
        5: plain.transpose(1, 0, 2),
        6: np.rot90(plain, -1),
        7: plain[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(plain),
    }
    assert (image == turns[turn]).all()
    header = read_header(data)
    assert (header.height, header.width) == image.shape[:2]


def test_orientation_in_xmp_is_applied_by_all_or_none():
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    segment = b"http://ns.adobe.com/xap/1.0/\0" + xmp
    data = encode(smooth(), "JPEG")
    data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + data[2:]
    header = read_header(data)
    assert (header.height, header.width) == decode(data).shape[:2] == pillow(data).shape[:2]


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_greyscale_is_repeated(kind):
    grey = Image.fromarray(smooth()).convert("L")
    image = decode(encode(grey, kind))
    assert sound(image)
    assert (image[..., 0] == image[..., 1]).all()
    assert (image[..., 1] == image[..., 2]).all()
    assert near(image[..., 0], np.asarray(grey), 0 if kind == "PNG" else 12)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled(kind):
    values = np.arange(0, 65536, 7, dtype=np.uint16)[:9300].reshape(93, 100)
    image = decode(encode(values, kind))
    assert sound(image)
    assert (image == (values >> 8)[..., None]).all()


def test_dark_sixteen_bits_stay_dark():
    assert decode(encode(np.full((5, 5), 255, np.uint16), "PNG")).max() == 0


def test_sixteen_bits_of_colour_are_scaled():
    bgr = np.random.default_rng(0).integers(0, 65536, (9, 11, 3)).astype(np.uint16)
    data = cv2.imencode(".png", bgr)[1].tobytes()
    assert near(decode(data), (bgr[..., ::-1] >> 8).astype(np.uint8), 1)


def test_floating_point_tiff():
    values = np.linspace(0, 1, 100, dtype=np.float32).reshape(10, 10)
    assert near(decode(encode(values, "TIFF"))[..., 0], (values * 255).round(), 1)


def test_cmyk_is_converted():
    data = encode(Image.fromarray(smooth()).convert("CMYK"), "JPEG", quality=95)
    assert read_header(data).format == "JPEG"
    assert (decode(data) == pillow(data)).all()
    assert near(decode(data), smooth(), 40)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparency_is_dropped(kind):
    rgba = np.dstack([smooth(), np.full((61, 97), 7, np.uint8)])
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    assert (decode(encode(rgba, kind, **options)) == smooth()).all()


def test_palette_and_bilevel():
    palette = Image.fromarray(smooth()).quantize(32)
    assert (decode(encode(palette, "PNG")) == np.asarray(palette.convert("RGB"))).all()
    bits = Image.fromarray(smooth()).convert("1")
    assert set(np.unique(decode(encode(bits, "PNG")))) == {0, 255}


def test_a_single_transparent_colour_is_dropped():
    data = encode(Image.fromarray(smooth()), "PNG", transparency=(1, 2, 3))
    assert (decode(data) == smooth()).all()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "WEBP"])
def test_one_pixel(kind):
    assert decode(encode(np.full((1, 1, 3), 200, np.uint8), kind)).shape == (1, 1, 3)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_counts(kind):
    frames = [Image.fromarray(np.full((9, 12, 3), value, np.uint8)) for value in (40, 90, 200)]
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:])
    assert near(decode(data), np.full((9, 12, 3), 40, np.uint8), 3)
    assert read_header(data) == Header(12, 9, kind)


def test_what_follows_the_image_does_no_harm():
    for kind in ("JPEG", "PNG"):
        data = encode(smooth(), kind)
        for tail in (b"\0" * 20, b"a trailer of some camera"):
            assert (decode(data + tail) == decode(data)).all()


# --- broken files ----------------------------------------------------------------------------

CUT = [
    ("JPEG", {"quality": 90}),
    ("JPEG", {"progressive": True}),
    ("PNG", {}),
    ("WEBP", {}),
    ("WEBP", {"lossless": True}),
    ("BMP", {}),
    ("GIF", {}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
]


@pytest.mark.parametrize(("kind", "options"), CUT)
def test_a_truncated_file_is_refused_at_any_length(kind, options):
    data = encode(smooth(37, 23), kind, **options)
    whole = decode(data)
    refused = 0
    for length in range(len(data)):
        try:
            # all that may be missing is an end mark behind the last pixel
            assert (decode(data[:length]) == whole).all(), length
            assert length >= len(data) - 24, length
        except ImageError:
            refused += 1
    assert refused >= len(data) - 24
    if kind == "JPEG":
        assert refused == len(data)


@pytest.mark.parametrize("filler", [b"\0", b"\xff", b"\x55"])
def test_a_download_that_stopped_half_way_is_refused(filler):
    data = encode(smooth(200, 200), "JPEG", quality=95)
    half = len(data) // 2
    with pytest.raises(ImageError):
        decode(data[:half] + filler * (len(data) - half))


def test_png_with_half_of_its_pixels_is_refused():
    data = encode(smooth(), "PNG")
    at = data.index(b"IDAT")
    size = int.from_bytes(data[at - 4 : at], "big")

    def chunk(name: bytes, content: bytes) -> bytes:
        check = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)

    half = data[at + 4 : at + 4 + size // 2]
    with pytest.raises(ImageError):
        decode(data[: at - 4] + chunk(b"IDAT", half) + chunk(b"IEND", b""))
    with pytest.raises(ImageError):
        decode(data[: len(data) // 2] + data[-12:])
    flipped = bytearray(data)
    flipped[at + size // 2] ^= 0xFF
    with pytest.raises(ImageError):
        decode(bytes(flipped))


@pytest.mark.parametrize("read", [decode, read_header])
@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty file"),
        (b"this is a text file named .jpg\n" * 50, "not an image in a known format"),
        (b"\xff\xd8\xff", "not an image|broken"),
        (b"\xff\xd8\xff\xd9", "not an image|broken"),
        (b"\x89PNG\r\n\x1a\n", "not an image|broken"),
        (b"GIF89a", "not an image|broken"),
    ],
)
def test_what_is_no_image_is_refused(read, data, says):
    with pytest.raises(ImageError, match=says):
        read(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_header_that_asks_for_all_memory_is_refused(kind):
    data = bytearray(encode(smooth(), kind))
    if kind == "JPEG":
        at = data.index(b"\xff\xc0")
        data[at + 5 : at + 9] = struct.pack(">HH", 14000, 14000)
    else:
        data[16:24] = struct.pack(">II", 14000, 14000)
        data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    for read in (decode, read_header):
        with pytest.raises(ImageError, match="too large"):
            read(bytes(data))


@given(st.binary(max_size=200))
def test_any_bytes_are_an_image_or_an_image_error(data):
    for start in (b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"II*\0", b"RIFF"):
        for read in (decode, read_header):
            with suppress(ImageError):
                read(start + data)


@given(st.integers(0, 2**32), st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"]))
def test_flipped_bits_are_an_image_or_an_image_error(seed, kind):
    rng = np.random.default_rng(seed)
    data = bytearray(encode(smooth(30, 20), kind))
    for place in rng.integers(0, len(data), 3):
        data[place] ^= 1 << rng.integers(0, 8)
    for read in (decode, read_header):
        with suppress(ImageError):
            read(bytes(data))
