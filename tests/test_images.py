"""The decoder against Pillow and OpenCV, and against files that are broken in every way."""

from __future__ import annotations

import io
import struct
import zlib
from contextlib import suppress

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import EpsImagePlugin, Image, ImageOps, features

from dfbench import formats, images
from dfbench.errors import ImageError
from dfbench.images import Header, decode, read_header
from dfbench.rasters import pillow as pillow_side

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

needs_avif = pytest.mark.skipif("avif" not in features.get_supported(), reason="no AVIF in Pillow")

LOSSLESS = [
    ("PNG", {}),
    ("BMP", {}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("WEBP", {"lossless": True}),
    ("DIB", {}),
    ("PPM", {}),
    ("TGA", {}),
    ("TGA", {"compression": "tga_rle"}),
    ("JPEG2000", {}),
    ("JPEG2000", {"no_jp2": True}),
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


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"icc_profile": b"1" * 700}, {"comment": b"Exit"}]
)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_the_header_of_a_plain_jpeg_is_read_without_pillow(mode, options, monkeypatch):
    data = encode(Image.fromarray(smooth(300, 65)).convert(mode), "JPEG", **options)
    with Image.open(io.BytesIO(data)) as image:
        width, height = image.size
    monkeypatch.setattr(pillow_side, "opened", None)
    assert read_header(data) == Header(width, height, "JPEG")


def opencv(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)


@given(
    width=st.integers(1, 70),
    height=st.integers(1, 70),
    seed=st.integers(0, 5),
    quality=st.integers(1, 100),
    sampling=st.sampled_from(["411", "420", "422", "440", "444", "grey", "rgb"]),
    progressive=st.booleans(),
    restart=st.integers(0, 3),
)
def test_simplejpeg_gives_the_pixels_of_opencv(
    width, height, seed, quality, sampling, progressive, restart
):
    pytest.importorskip("simplejpeg")
    image = smooth(width, height, seed)
    if sampling in {"grey", "rgb"}:
        picture = Image.fromarray(image[..., 0] if sampling == "grey" else image)
        options = {"keep_rgb": True, "subsampling": 0} if sampling == "rgb" else {}
        data = encode(picture, "JPEG", quality=quality, progressive=progressive, **options)
    else:
        options = {
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR: getattr(
                cv2, f"IMWRITE_JPEG_SAMPLING_FACTOR_{sampling}"
            ),
            cv2.IMWRITE_JPEG_QUALITY: quality,
            cv2.IMWRITE_JPEG_PROGRESSIVE: int(progressive),
            cv2.IMWRITE_JPEG_RST_INTERVAL: restart,
        }
        flags = [number for option in options.items() for number in option]
        data = cv2.imencode(".jpg", image, flags)[1].tobytes()
    turbo = images._turbo(data, images._plain_jpeg(data))
    assert turbo is not None
    assert sound(turbo)
    assert (turbo == opencv(data)).all()


@given(seed=st.integers(0, 10_000))
def test_a_damaged_jpeg_is_decoded_as_by_opencv(seed):
    random = np.random.default_rng(seed)
    data = bytearray(encode(smooth(), "JPEG"))
    for at in random.integers(2, len(data) - 2, random.integers(1, 4)):
        data[at] = random.integers(256)
    pixels = opencv(bytes(data))
    frame = images._plain_jpeg(bytes(data))
    turbo = images._turbo(bytes(data), frame) if frame else None
    assert turbo is None or (pixels is not None and np.array_equal(turbo, pixels))


def test_without_simplejpeg_the_pixels_are_the_same(monkeypatch):
    data = encode(smooth(), "JPEG", quality=60)
    image = decode(data)
    monkeypatch.setattr(images, "_simplejpeg", lambda: None)
    assert (decode(data) == image).all()


@pytest.mark.parametrize(
    "kind", ["JPEG", "PNG", "WEBP", "TIFF", pytest.param("AVIF", marks=needs_avif)]
)
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


def with_segment(data: bytes, before: int, marker: int, content: bytes) -> bytes:
    """Put a segment before the first one of a kind."""
    at = data.index(bytes([0xFF, before]), 2)
    return (
        data[:at]
        + bytes([0xFF, marker])
        + struct.pack(">H", len(content) + 2)
        + content
        + data[at:]
    )


@pytest.mark.parametrize("kind", ["Exif", "XMP"])
def test_an_orientation_behind_the_frame_is_applied_whatever_decodes(kind, monkeypatch):
    exif = Image.Exif()
    exif[0x0112] = 6
    xmp = b'http://ns.adobe.com/xap/1.0/\0<rdf:Description tiff:Orientation="6"/>'
    content = exif.tobytes() if kind == "Exif" else xmp
    data = with_segment(encode(smooth(), "JPEG"), 0xDA, 0xE1, content)
    image = decode(data)
    assert (image == pillow(data)).all()
    assert read_header(data) == Header(*image.shape[1::-1], "JPEG") == Header(61, 97, "JPEG")
    monkeypatch.setattr(images, "_simplejpeg", lambda: None)
    assert (decode(data) == image).all()


def test_a_frame_within_another_segment_is_none():
    # one more 0xFF may stand before a marker; who takes it for the marker takes that for a length
    hidden = bytes.fromhex("ffc0000a0800050007030122ffda0004")
    content = bytes(0xE3E5) + hidden + bytes(0xE800 - 0xE3E5 - len(hidden))
    data = with_segment(encode(smooth(), "JPEG"), 0xDB, 0xE3, content)
    data = data.replace(b"\xff\xe3", b"\xff\xff\xe3", 1)
    assert read_header(data) == Header(97, 61, "JPEG")
    assert decode(data).shape == (61, 97, 3)


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


@needs_avif
def test_avif_is_near_what_was_written():
    data = encode(smooth(), "AVIF", quality=95, subsampling="4:4:4")
    assert sound(decode(data))
    assert near(decode(data), smooth(), 12)
    assert read_header(data) == Header(97, 61, "AVIF")


@needs_avif
def test_of_an_animated_avif_the_first_frame_counts():
    frames = [Image.fromarray(np.full((16, 24, 3), value, np.uint8)) for value in (40, 200)]
    data = encode(frames[0], "AVIF", save_all=True, append_images=frames[1:])
    assert near(decode(data), np.full((16, 24, 3), 40, np.uint8), 3)


def test_of_several_pictures_in_a_jpeg_the_first_counts():
    other = Image.fromarray(smooth(30, 20, seed=1))
    data = encode(smooth(), "MPO", save_all=True, append_images=[other], quality=95)
    assert near(decode(data), smooth(), 25)
    assert read_header(data) == Header(97, 61, "MPO")


def test_portable_maps():
    wide = np.arange(0, 65536, 655, dtype=np.uint16)[:96].reshape(8, 12)
    assert (decode(encode(wide, "PPM")) == (wide >> 8)[..., None]).all()
    grey = smooth(12, 8)[..., 0].copy()
    assert (decode(b"P5 12 8 255\n" + grey.tobytes()) == grey[..., None]).all()
    text = b"P2\n# written by hand\n2 1\n255\n7 200\n"
    assert decode(text)[0, :, 0].tolist() == [7, 200]
    assert decode(b"P1\n2 1\n1 0\n")[0, :, 0].tolist() == [0, 255]
    floats = np.array([[0, 0.5, 1]], "<f4")
    assert near(decode(b"Pf\n3 1\n-1.0\n" + floats.tobytes())[..., 0], floats * 255, 1)


# --- kinds of files --------------------------------------------------------------------------

POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"


@pytest.mark.parametrize("read", [decode, read_header])
def test_no_program_is_started_for_postscript(read, tmp_path, monkeypatch):
    mark = tmp_path / "started"
    for name in ("gs", "gswin32c", "gswin64c"):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\ntouch '{mark}'\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)
    with pytest.raises(ImageError, match=r"^not read: EPS$"):
        read(POSTSCRIPT)
    assert not mark.exists()


@pytest.mark.parametrize("read", [decode, read_header])
@pytest.mark.parametrize("kind", ["EPS", "PCX", "SGI", "ICO", "SPIDER", "MSP", "XBM"])
def test_no_format_is_opened_but_those_listed(read, kind):
    image = Image.fromarray(smooth(16, 16))
    for mode in ("RGB", "L", "1", "F"):
        with suppress(OSError, ValueError, KeyError):
            with pytest.raises(ImageError, match=r"not read: |not an image in a known format"):
                read(encode(image.convert(mode), kind))
            return
    pytest.fail("not written")


def ftyp(brand: bytes, *others: bytes) -> bytes:
    box = b"ftyp" + brand + bytes(4) + b"".join(others)
    return struct.pack(">I", len(box) + 4) + box + bytes(40)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (ftyp(b"heic", b"mif1", b"heic"), "not read: HEIC (pip install pillow-heif)"),
        (ftyp(b"mif1", b"heic"), "not read: HEIC (pip install pillow-heif)"),
        (ftyp(b"mp42", b"isom"), "not read: video (.mp4): dfbench data frames first"),
        (ftyp(b"qt  "), "not read: video (.mov): dfbench data frames first"),
        (b"RIFF\0\0\0\0AVI LIST", "not read: video (.avi): dfbench data frames first"),
        (b"8BPS\0\1" + bytes(30), "not read: PSD"),
        (b'<?xml version="1.0"?>\n<!-- -->\n<svg xmlns="">', "not read: SVG"),
        (b"\xff\x0a" + bytes(30), "not read: JPEG XL"),
        (b"\0\0\1\0\1\0" + bytes(30), "not read: ICO"),
        (b"BMI,age\n22,31\n", "not an image in a known format"),
        (b"P1 scored higher than P2\n", "not an image in a known format"),
    ],
)
def test_what_is_not_read_is_named(data, says, monkeypatch):
    monkeypatch.setattr(formats, "reads_heif", lambda: False)
    for read in (decode, read_header):
        with pytest.raises(ImageError) as error:
            read(data)
        assert str(error.value) == says


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (ftyp(b"avif"), "AVIF is not decoded by the installed Pillow"),
        (ftyp(b"mif1", b"avif"), "AVIF is not decoded by the installed Pillow"),
        (b"RIFF\0\0\0\0WEBP", "WebP is not decoded by the installed Pillow"),
        (b"\xff\x4f\xff\x51", "JPEG 2000 is not decoded by the installed Pillow"),
    ],
)
def test_a_format_that_this_pillow_lacks_is_told(data, says, monkeypatch):
    monkeypatch.setattr(formats, "_supported", lambda: frozenset({"jpg", "zlib"}))
    for read in (decode, read_header):
        with pytest.raises(ImageError, match=f"^{says}$"):
            read(data)


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
    ("JPEG2000", {}),
    ("JPEG2000", {"no_jp2": True}),
    ("PPM", {}),
    ("TGA", {"compression": "tga_rle"}),
    pytest.param("AVIF", {}, marks=needs_avif),
]


@pytest.mark.parametrize(("kind", "options"), CUT)
def test_a_truncated_file_is_refused_at_any_length(kind, options):
    data = encode(smooth(37, 23), kind, **options)
    whole = decode(data)
    # all that may be missing is an end mark behind the last pixel
    marks = max(0, len(data) - 26)
    # what is no JPEG or PNG goes to another process: not every length
    lengths = [*range(0, marks, 1 if kind in ("JPEG", "PNG") else 13), *range(marks, len(data))]
    for length in lengths:
        try:
            assert (decode(data[:length]) == whole).all(), length
            assert length >= marks, length
            assert kind != "JPEG"
        except ImageError:
            continue


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


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TGA", "BMP", "JPEG2000", "PPM"])
def test_a_header_that_asks_for_all_memory_is_refused(kind):
    data = bytearray(encode(smooth(), kind, **({"no_jp2": True} if kind == "JPEG2000" else {})))
    if kind == "JPEG":
        at = data.index(b"\xff\xc0")
        data[at + 5 : at + 9] = struct.pack(">HH", 14000, 14000)
    elif kind == "TGA":
        data[12:16] = struct.pack("<HH", 14000, 14000)
    elif kind == "BMP":
        data[18:26] = struct.pack("<ii", 14000, 14000)
    elif kind == "JPEG2000":
        at = data.index(b"\xff\x51")
        data[at + 6 : at + 14] = struct.pack(">II", 14000, 14000)
    elif kind == "PPM":
        data = bytearray(b"P6 14000 14000 255\n123")
    else:
        data[16:24] = struct.pack(">II", 14000, 14000)
        data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    for read in (decode, read_header):
        with pytest.raises(ImageError, match="too large"):
            read(bytes(data))


@settings(max_examples=25)
@given(st.binary(max_size=200))
def test_any_bytes_are_an_image_or_an_image_error(data):
    starts = (
        *(b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0", b"RIFF\0\0\0\0WEBP"),
        *(b"P6 ", b"Pf 9 ", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n", ftyp(b"avif")),
        *(b"BM" + bytes(12) + b"\x28\0\0\0", b"\x28" + bytes(11) + b"\1\0"),
        *(b"\0\0\2" + bytes(9), b"\0\0\x0a" + bytes(9)),
    )
    for start in starts:
        for read in (decode, read_header):
            with suppress(ImageError):
                read(start + data)


KINDS = ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "JPEG2000", "PPM", "TGA"]


@given(st.integers(0, 2**32), st.sampled_from(KINDS))
def test_flipped_bits_are_an_image_or_an_image_error(seed, kind):
    rng = np.random.default_rng(seed)
    data = bytearray(encode(smooth(30, 20), kind))
    for place in rng.integers(0, len(data), 3):
        data[place] ^= 1 << rng.integers(0, 8)
    for read in (decode, read_header):
        with suppress(ImageError):
            read(bytes(data))
