from __future__ import annotations

from itertools import combinations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from dfbench.errors import DfbenchError
from dfbench.features.extractors.coherence import Coherence


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def reference(image: np.ndarray, bins: int, window: str) -> np.ndarray:
    """Do the same in double precision by NumPy alone, over the whole spectrum."""
    height, width, _ = image.shape
    w = np.ones((height, width))
    if window == "hann":
        w = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    x = np.moveaxis(image, 2, 0).astype(np.float64)
    x = (x - (x * w).sum((1, 2), keepdims=True) / w.sum()) * w
    spectra = np.fft.fft2(x) / np.sqrt((w**2).sum())
    r = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
    index = np.minimum((bins * r / np.sqrt(0.5)).astype(int), bins - 1)
    index[0, 0] = -1
    held = [i for i in range(bins) if (index == i).any()]
    if not held:
        return np.zeros(3 * bins)
    found = []
    for a, b in combinations(spectra, 2):
        values = []
        for i in held:
            one, two = a[index == i], b[index == i]
            power = [(np.abs(each) ** 2 + 1 / 12).sum() for each in (one, two)]
            values.append((one * two.conj()).sum().real / np.sqrt(power[0] * power[1]))
        found.append(np.interp(np.arange(bins), held, values))
    return np.concatenate(found)


@settings(deadline=None, max_examples=60)
@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    bins=st.integers(2, 80),
    window=st.sampled_from(["hann", "none"]),
    blur=st.sampled_from([0.0, 1.0]),
    seed=st.integers(0, 99),
)
def test_agrees_with_numpy(
    height: int, width: int, bins: int, window: str, blur: float, seed: int
) -> None:
    image = noise(height, width, seed)
    if blur:
        image = cv2.GaussianBlur(image, (0, 0), blur)
    got = Coherence(bins, "rgb", window).transform([image])[0]
    # the lowest bin beside a strong mean is a small difference in 32 bits: 1.1e-4 has been seen
    np.testing.assert_allclose(got, reference(image, bins, window), rtol=0, atol=4e-4)
    assert np.abs(got).max() <= 1


def test_luma_and_chroma_are_compared_too() -> None:
    image = noise(40, 56)
    got = Coherence(16, "ycrcb").transform([image])[0]
    want = reference(cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb), 16, "hann")
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-4)


def test_equal_channels_go_together_and_independent_ones_do_not() -> None:
    image = noise(128, 128)
    row = Coherence().transform([np.repeat(image[..., :1], 3, axis=2), image])
    assert row[0].min() > 0.999
    # few frequencies lie in the lowest bin and in the corners
    assert np.abs(row[1]).max() < 0.5
    assert np.abs(row[1]).mean() < 0.1


def test_a_negative_goes_the_other_way() -> None:
    image = noise(64, 64)
    image[..., 1] = 255 - image[..., 0]
    row = Coherence().transform([image])[0].reshape(3, 20)
    assert row[0].max() < -0.999
    np.testing.assert_allclose(row[1], -row[2], atol=1e-4)


def test_detail_of_one_channel_alone_shows_at_its_frequencies() -> None:
    """Green has what all share, which lies below; above, nothing goes together with it."""
    shared = cv2.GaussianBlur(noise(256, 256)[..., 0], (0, 0), 2.5).astype(float)
    own = np.random.default_rng(1).normal(0, 8, (256, 256, 3))
    own[..., 1] = 0
    image = np.clip(shared[..., None] + own, 0, 255).astype(np.uint8)
    red_green = Coherence().transform([image])[0].reshape(3, 20)[0]
    assert red_green[:2].min() > 0.9
    assert np.abs(red_green[10:]).mean() < 0.1


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (3, 1), (1, 97), (2, 2), (101, 67)])
def test_flat_images_have_no_coherence(shape: tuple[int, int]) -> None:
    for value in (0, 77, 255):
        row = Coherence().transform([np.full((*shape, 3), value, np.uint8)])[0]
        assert np.abs(row).max() < 1e-3


def test_is_a_scikit_learn_transformer() -> None:
    extractor = clone(Coherence(bins=4)).set_output(transform="pandas")
    names = list(extractor.fit_transform([noise(16, 16)]).columns)
    assert names[:2] == ["red_green_0.0884", "red_green_0.2652"]
    assert names[-1] == "green_blue_0.6187"
    assert list(Coherence(color="ycrcb").get_feature_names_out())[20] == "y_cb_0.0177"


@pytest.mark.parametrize(
    ("name", "value"),
    [("bins", 1), ("bins", 2.5), ("color", "gray"), ("window", "hamming")],
)
def test_a_wrong_parameter_is_named(name: str, value: object) -> None:
    with pytest.raises(DfbenchError, match=f"coherence: {name} is "):
        Coherence(**{name: value}).transform([noise(2, 2)])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4, 3)), "face.jpg"],
)
def test_a_wrong_image_is_refused(image: object) -> None:
    with pytest.raises(DfbenchError, match="coherence: an image"):
        Coherence().transform([image])  # type: ignore[list-item]
