from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone

from dfbench.errors import DfbenchError
from dfbench.features.extractors.pixels import Pixels


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_each_value_is_the_mean_of_its_area() -> None:
    image = noise(96, 160)
    want = image.reshape(32, 3, 32, 5, 3).mean(axis=(1, 3)) / 255
    got = Pixels(32).transform([image])[0].reshape(32, 32, 3)
    np.testing.assert_allclose(got, want, rtol=0, atol=0.51 / 255)


def test_an_image_of_that_size_is_itself() -> None:
    image = noise(8, 8)
    row = Pixels(8).transform([image])[0]
    assert row.dtype == np.float32
    np.testing.assert_allclose(row.reshape(8, 8, 3), image / 255, rtol=1e-6)


def test_small_images_are_enlarged_within_range() -> None:
    rows = Pixels(32).transform([noise(1, 1), noise(3, 200, 1)])
    assert rows.shape == (2, 3072)
    assert rows.min() >= 0
    assert rows.max() <= 1
    assert np.ptp(rows[0].reshape(-1, 3), axis=0).max() == 0


def test_is_a_scikit_learn_transformer() -> None:
    frame = clone(Pixels(2)).set_output(transform="pandas").fit_transform([noise(4, 4)])
    assert list(frame.columns)[:4] == ["y0_x0_red", "y0_x0_green", "y0_x0_blue", "y0_x1_red"]


@pytest.mark.parametrize("size", [0, 1025, 3.0, "32"])
def test_a_wrong_parameter_is_named(size: object) -> None:
    with pytest.raises(DfbenchError, match="pixels: size is "):
        Pixels(size).transform([noise(2, 2)])  # type: ignore[arg-type]
