from __future__ import annotations

import io
import math

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone

from dfbench.errors import DfbenchError, ImageError
from dfbench.features.extractors.metadata import Metadata


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def picture(width: int = 50, height: int = 40, seed: int = 0) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def described(data: bytes) -> dict[str, float]:
    names = Metadata().get_feature_names_out()
    return dict(zip(names, Metadata().transform([data])[0].tolist(), strict=True))


def test_sizes() -> None:
    data = saved(picture(), "PNG")
    got = described(data)
    assert got["log_bytes"] == pytest.approx(math.log(len(data)), rel=1e-6)
    assert (got["width"], got["height"], got["aspect"]) == (50, 40, 1.25)
    assert got["megapixels"] == pytest.approx(0.002)
    assert got["bits_per_pixel"] == pytest.approx(8 * len(data) / 2000, rel=1e-6)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM"])
def test_formats(form: str) -> None:
    got = described(saved(picture(), form))
    name = "other" if form == "PPM" else form.lower()
    assert [k for k, v in got.items() if k.startswith("format_") and v] == [f"format_{name}"]
    jpeg = [v for k, v in got.items() if k.startswith("jpeg_")]
    assert any(jpeg) == (form == "JPEG")


@pytest.mark.parametrize("quality", [5, 33, 50, 75, 90, 100])
def test_jpeg_quality_and_tables(quality: int) -> None:
    data = saved(picture(), "JPEG", quality=quality)
    got = described(data)
    assert got["jpeg_quality"] == quality
    with Image.open(io.BytesIO(data)) as image:
        luma, chroma = image.quantization[0], image.quantization[1]
    for name, table in (("luma", luma), ("chroma", chroma)):
        assert got[f"jpeg_{name}_mean"] == pytest.approx(np.mean(table), rel=1e-6)
        assert got[f"jpeg_{name}_first"] == table[0]
        assert got[f"jpeg_{name}_last"] == table[-1]


@pytest.mark.parametrize(
    ("subsampling", "step"), [("4:4:4", (1, 1)), ("4:2:2", (2, 1)), ("4:2:0", (2, 2))]
)
def test_jpeg_subsampling(subsampling: str, step: tuple[int, int]) -> None:
    got = described(saved(picture(), "JPEG", subsampling=subsampling))
    assert (got["jpeg_chroma_step_x"], got["jpeg_chroma_step_y"]) == step


def test_grey_jpeg_has_no_chroma() -> None:
    got = described(saved(picture().convert("L"), "JPEG"))
    assert got["jpeg_quality"] == 75
    assert got["jpeg_chroma_mean"] == got["jpeg_chroma_step_x"] == 0


def test_progressive_exif_and_profile() -> None:
    plain = described(saved(picture(), "JPEG"))
    assert (plain["jpeg_progressive"], plain["exif"], plain["icc_profile"]) == (0, 0, 0)
    exif = Image.Exif()
    exif[0x0112] = 6
    full = described(saved(picture(), "JPEG", progressive=True, exif=exif, icc_profile=b"x" * 200))
    assert (full["jpeg_progressive"], full["exif"], full["icc_profile"]) == (1, 1, 1)
    # turned by a quarter: the size is that of the image as shown
    assert (full["width"], full["height"]) == (40, 50)


def test_pixels_are_never_decoded() -> None:
    data = saved(picture(200, 200), "JPEG")
    header = data.index(b"\xff\xda") + 20
    broken = data[:header] + bytes(len(data) - header)
    assert (Metadata().transform([broken]) == Metadata().transform([data])).all()


@pytest.mark.parametrize("data", [b"", b"no image at all", b"\xff\xd8\xff"])
def test_what_is_no_image_is_refused(data: bytes) -> None:
    with pytest.raises(ImageError):
        Metadata().transform([data])


def test_pixels_are_refused() -> None:
    with pytest.raises(DfbenchError, match="metadata: a file is given as bytes"):
        Metadata().transform([np.zeros((2, 2, 3), np.uint8)])  # type: ignore[list-item]


def test_is_a_scikit_learn_transformer() -> None:
    extractor = clone(Metadata()).set_output(transform="pandas")
    frame = extractor.fit_transform([saved(picture(), "PNG"), saved(picture(8, 8), "BMP")])
    assert frame.shape == (2, len(set(frame.columns)))
    assert Metadata.reads == "file"
