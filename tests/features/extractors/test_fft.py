from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from dfbench.errors import DfbenchError
from dfbench.features.extractors.fft import FFT


def reference(plane: np.ndarray, bins: int, window: str) -> np.ndarray:
    """Do the same in double precision by NumPy alone, over the whole spectrum."""
    height, width = plane.shape
    x = plane.astype(np.float64)
    w = np.ones((height, width))
    if window == "hann":
        w = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    x = (x - (x * w).sum() / w.sum()) * w
    power = np.abs(np.fft.fft2(x)) ** 2 / (w**2).sum()
    log = np.log(power + 1 / 12)
    r = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
    index = np.minimum((bins * r / np.sqrt(0.5)).astype(int), bins - 1)
    index[0, 0] = -1
    if index.size == 1:
        return np.full(bins, np.log(1 / 12))
    held = [i for i in range(bins) if (index == i).any()]
    return np.interp(np.arange(bins), held, [log[index == i].mean() for i in held])


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@settings(deadline=None, max_examples=60)
@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    bins=st.integers(2, 80),
    window=st.sampled_from(["hann", "none"]),
    seed=st.integers(0, 99),
)
def test_agrees_with_numpy(height: int, width: int, bins: int, window: str, seed: int) -> None:
    image = noise(height, width, seed)
    got = FFT(bins, "gray", window).transform([image])[0]
    want = reference(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), bins, window)
    # the lowest bin beside a strong mean is a small difference in 32 bits: 2.2e-4 has been seen
    np.testing.assert_allclose(got, want, rtol=0, atol=4e-4)


@pytest.mark.parametrize("window", ["hann", "none"])
@pytest.mark.parametrize("shape", [(256, 256), (200, 320), (255, 257), (101, 64)])
def test_agrees_on_images_of_few_frequencies(shape: tuple[int, int], window: str) -> None:
    y, x = np.mgrid[: shape[0], : shape[1]]
    planes = [
        np.full(shape, 200),
        200 * (x > 70),
        255 * ((x // 8 + y // 8) % 2),
        x * 255 // shape[1],
        255 * (x % 2),
    ]
    for plane in planes:
        image = np.repeat(plane.astype(np.uint8)[..., None], 3, axis=2)
        got = FFT(window=window).transform([image])[0]
        np.testing.assert_allclose(got, reference(image[..., 0], 64, window), rtol=0, atol=1e-4)


@pytest.mark.parametrize("color", ["rgb", "ycrcb"])
def test_channels_are_described_one_after_the_other(color: str) -> None:
    image = noise(48, 40)
    planes = image if color == "rgb" else cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb)
    got = FFT(16, color).transform([image])[0]
    want = np.concatenate([reference(planes[..., c], 16, "hann") for c in range(3)])
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (3, 1), (1, 97), (2, 2)])
def test_tiny_images_are_finite(shape: tuple[int, int]) -> None:
    for value in (0, 255):
        row = FFT().transform([np.full((*shape, 3), value, np.uint8)])[0]
        assert np.isfinite(row).all()


def test_sizes_and_shapes_are_comparable() -> None:
    """White noise has the same power at each frequency, whatever the size."""
    rows = FFT(16).transform([noise(256, 256), noise(120, 300, 1), noise(97, 211, 2)])
    assert np.ptp(rows, axis=0).max() < 0.5
    assert np.ptp(rows, axis=1).max() < 0.5


def test_a_period_is_found_at_its_frequency_whatever_the_size() -> None:
    for width in (128, 192, 250):
        x = np.arange(width)[None] + np.zeros((100, 1))
        plane = 128 + 100 * np.cos(2 * np.pi * x / 5)
        image = np.repeat(plane.astype(np.uint8)[..., None], 3, axis=2)
        row = FFT(64).transform([image])[0]
        assert abs(int(row[8:].argmax()) + 8 - int(64 * 0.2 / np.sqrt(0.5))) <= 1


def test_a_batch_equals_its_images_alone() -> None:
    images = [noise(64, 64), noise(33, 48, 1), noise(64, 64, 2), noise(7, 500, 3)]
    batch = FFT().transform(images)
    assert batch.shape == (4, 64)
    assert batch.dtype == np.float32
    for row, image in zip(batch, images, strict=True):
        assert (row == FFT().transform([image])[0]).all()


def test_is_a_scikit_learn_transformer() -> None:
    extractor = clone(FFT(bins=4, color="rgb")).set_output(transform="pandas")
    frame = extractor.fit_transform([noise(16, 16)])
    assert list(frame.columns)[:2] == ["red_0.0884", "red_0.2652"]
    for bins in (64, 1024):
        names = FFT(bins).get_feature_names_out()
        assert len(set(names)) == bins


@pytest.mark.parametrize(
    ("name", "value"), [("bins", 1), ("bins", 1025), ("color", "hsv"), ("window", "kaiser")]
)
def test_a_wrong_parameter_is_named(name: str, value: object) -> None:
    with pytest.raises(DfbenchError, match=f"fft: {name} is "):
        FFT(**{name: value}).transform([noise(3, 3)])  # type: ignore[arg-type]
