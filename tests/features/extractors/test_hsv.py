from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from dfbench.errors import DfbenchError
from dfbench.features.extractors.hsv import HSV


def reference(image: np.ndarray, bins: int) -> np.ndarray:
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
    parts = [
        cv2.calcHist([hsv], [c], None, [bins], [0, top]).ravel()
        for c, top in enumerate((180, 256, 256))
    ]
    return np.concatenate(parts) / (3 * image.shape[0] * image.shape[1])


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@settings(deadline=None, max_examples=40)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    bins=st.integers(1, 256),
    seed=st.integers(0, 99),
)
def test_agrees_with_opencv(height: int, width: int, bins: int, seed: int) -> None:
    image = noise(height, width, seed)
    np.testing.assert_allclose(
        HSV(bins).transform([image])[0], reference(image, bins), rtol=0, atol=1e-6
    )


def test_every_number_of_bins_cuts_where_opencv_cuts() -> None:
    image = noise(200, 301)
    for bins in range(1, 257):
        got = HSV(bins).transform([image])[0]
        np.testing.assert_allclose(got, reference(image, bins), rtol=0, atol=1e-6)


def test_sums_to_one_and_each_channel_to_a_third() -> None:
    row = HSV().transform([noise(31, 17)])[0]
    assert row.shape == (48,)
    assert row.dtype == np.float32
    np.testing.assert_allclose(row.reshape(3, 16).sum(axis=1), 1 / 3, rtol=1e-6)


def test_a_batch_equals_its_images_alone() -> None:
    images = [noise(5, 9), noise(64, 64, 1), noise(1, 1, 2)]
    batch = HSV().transform(images)
    for row, image in zip(batch, images, strict=True):
        assert (row == HSV().transform([image])[0]).all()
    assert HSV().transform([]).shape == (0, 48)


def test_a_view_with_strides_counts_as_its_copy() -> None:
    image = noise(20, 20)
    flipped = image[::-1, ::2]
    assert (HSV().transform([flipped]) == HSV().transform([flipped.copy()])).all()


def test_is_a_scikit_learn_transformer() -> None:
    extractor = clone(HSV(bins=4)).set_output(transform="pandas")
    frame = extractor.fit_transform([noise(8, 8)])
    assert list(frame.columns)[:5] == ["h_0", "h_1", "h_2", "h_3", "s_0"]


@pytest.mark.parametrize("bins", [0, 257, 2.5, "16", True, None])
def test_a_wrong_parameter_is_named(bins: object) -> None:
    with pytest.raises(DfbenchError, match="hsv: bins is "):
        HSV(bins).transform([noise(2, 2)])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        "face.jpg",
    ],
)
def test_a_wrong_image_is_refused(image: object) -> None:
    with pytest.raises(DfbenchError, match="hsv: an image"):
        HSV().transform([image])  # type: ignore[list-item]


def test_kernels_work_where_no_cache_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    from dfbench import jit

    real = jit.njit

    def njit(**options: bool) -> object:
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return real(**options)

    monkeypatch.setattr(jit, "njit", njit)
    assert jit.kernel(lambda x: x + 1)(1) == 2
