"""Operations against independent references: Pillow, SciPy, the header of what is written."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance
from scipy import ndimage

from dfbench.errors import CardError, ImageError, ParameterError, UnknownNameError
from dfbench.features.extractors.metadata import Metadata
from dfbench.features.views import operations
from dfbench.features.views.operations import STRENGTHS, Operation, parse_chain
from dfbench.images import decode


def smooth(height: int = 60, width: int = 80, seed: int = 0) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(20, 236, (6, 8, 3)).astype(np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def near(one: np.ndarray, two: np.ndarray, levels: float) -> bool:
    return one.shape == two.shape and np.abs(one.astype(int) - two.astype(int)).max() <= levels


@pytest.mark.parametrize("quality", [1, 30, 75, 100])
def test_jpeg_has_the_quality_asked_for_and_nothing_else(quality: int) -> None:
    data = operations.jpeg(smooth(), quality)
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.size, image.mode) == ("JPEG", (80, 60), "RGB")
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    facts = dict(
        zip(Metadata().get_feature_names_out(), Metadata().transform([data])[0], strict=True)
    )
    assert facts["jpeg_quality"] == quality
    assert (facts["jpeg_chroma_step_x"], facts["jpeg_chroma_step_y"]) == (2, 2)
    assert facts["jpeg_progressive"] == 0
    # what Pillow writes of the same pixels is the same picture
    stream = io.BytesIO()
    Image.fromarray(smooth()).save(stream, "JPEG", quality=quality, subsampling="4:2:0")
    assert near(decode(data), decode(stream.getvalue()), 0)


def test_channels_keep_their_order() -> None:
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 200
    for data in (operations.jpeg(red, 95), operations.webp(red, 95), operations.png(red)):
        assert near(decode(data), red, 6)
    assert (decode(operations.png(smooth())) == smooth()).all()


@pytest.mark.parametrize("sigma", [0.5, 1, 3])
def test_blur_is_scipys(sigma: float) -> None:
    expected = ndimage.gaussian_filter(
        smooth().astype(float), (sigma, sigma, 0), mode="mirror", truncate=3
    )
    assert near(operations.blur(smooth(), sigma), expected.round(), 1)


@pytest.mark.parametrize("factor", [0.3, 0.7, 1, 1.6])
def test_brightness_and_contrast_are_pillows(factor: float) -> None:
    picture = Image.fromarray(smooth())
    bright = np.asarray(ImageEnhance.Brightness(picture).enhance(factor))
    assert near(operations.brightness(smooth(), factor), bright, 1)
    contrast = np.asarray(ImageEnhance.Contrast(picture).enhance(factor))
    assert near(operations.contrast(smooth(), factor), contrast, 2)


def test_noise_has_its_sigma_and_hangs_on_the_seed_alone() -> None:
    grey = np.full((200, 200, 3), 128, np.uint8)
    step = Operation("noise", 6)
    noisy = step(grey, 5)
    assert isinstance(noisy, np.ndarray)
    difference = noisy.astype(float) - 128
    assert difference.std() == pytest.approx(6, rel=0.02)
    assert abs(difference.mean()) < 0.1
    assert abs(np.corrcoef(difference[..., 0].ravel(), difference[..., 1].ravel())[0, 1]) < 0.02
    assert (step(grey, 5) == noisy).all()
    assert not np.array_equal(step(grey, 6), noisy)


def test_crop_keeps_the_centre() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    image[10:90, 20:180] = 255
    assert (operations.crop(image, 0.8) == 255).all()
    assert (operations.crop(image, 1) == image).all()
    assert operations.crop(image, 0.9).min() == 0


def test_resize_takes_fine_detail_and_keeps_the_rest() -> None:
    checks = 255 * (np.indices((64, 64)).sum(axis=0) % 2)
    image = np.repeat(checks[..., None], 3, axis=2).astype(np.uint8)
    assert np.ptp(operations.resize(image, 0.5)) <= 1
    assert near(operations.resize(smooth(), 0.75), smooth(), 12)
    assert (operations.resize(image, 1) == image).all()


def test_screenshots_change_more_from_level_to_level() -> None:
    lost, sizes = [], []
    for level in (1, 2, 3):
        shown = decode(operations.screenshot(smooth(), level))
        sizes.append(shown.shape[:2])
        back = cv2.resize(shown, (80, 60), interpolation=cv2.INTER_CUBIC)
        lost.append(np.abs(back.astype(float) - smooth()).mean())
    assert sizes == [(66, 88), (50, 66), (40, 54)]
    assert lost[0] < lost[1] < lost[2]


@pytest.mark.parametrize("name", STRENGTHS)
def test_every_strength_on_offer_works_on_every_size(name: str) -> None:
    for strength in STRENGTHS[name]:
        step = Operation(name, strength)
        for shape in [(1, 1, 3), (1, 40, 3), (33, 17, 3)]:
            image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
            before = image.copy()
            made = step(image, 1)
            assert isinstance(made, bytes) == step.writes
            changed = decode(made) if isinstance(made, bytes) else made
            assert changed.dtype == np.uint8
            assert (changed.shape == shape) or name == "screenshot"
            assert (image == before).all(), "an operation must not write into its argument"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(sorted(STRENGTHS)), min_size=1, max_size=3), st.data())
def test_text_is_read_back(names: list[str], data: st.DataObject) -> None:
    chain = tuple(Operation(name, data.draw(st.sampled_from(STRENGTHS[name]))) for name in names)
    assert parse_chain("+".join(map(str, chain))) == chain


def test_text_is_canonical() -> None:
    first, second = parse_chain(" resize = 0.50 + jpeg=70.0")
    assert (str(first), str(second)) == ("resize=0.5", "jpeg=70")
    assert str(Operation("resize", 0.123456789)) == "resize=0.123456789"


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        ("jpg=70", UnknownNameError, "unknown operation 'jpg' (did you mean 'jpeg'?)"),
        (
            "jpeg=0",
            ParameterError,
            "operation 'jpeg': 0.0 is no strength: a whole number from 1 to 100 (quality)",
        ),
        ("jpeg=70.5", ParameterError, "70.5 is no strength"),
        ("blur=nan", ParameterError, "nan is no strength: a number from 0.1 to 50"),
        ("jpeg=inf", ParameterError, "inf is no strength"),
        ("screenshot=4", ParameterError, "a whole number from 1 to 3 (level)"),
        ("jpeg", CardError, "not an operation: 'jpeg' (written name=strength"),
        ("resize=0.5++jpeg=1", CardError, "not an operation: '' in 'resize=0.5++jpeg=1'"),
        ("jpeg=high", CardError, "not an operation: 'jpeg=high'"),
        ("", CardError, "not an operation"),
    ],
)
def test_mistakes_are_worded(text: str, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind) as caught:
        parse_chain(text)
    assert says in str(caught.value)


def test_too_large_for_the_format() -> None:
    with pytest.raises(ImageError, match="20000 x 1 pixels cannot be written as webp"):
        operations.webp(np.zeros((1, 20_000, 3), np.uint8), 80)
