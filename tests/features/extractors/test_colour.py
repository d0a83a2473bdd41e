from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy.stats import entropy, moment
from sklearn.base import clone

from dfbench.errors import DfbenchError
from dfbench.features.extractors.colour import Colour


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def smooth(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Noise with correlated neighbours, as photographs have."""
    return cv2.GaussianBlur(noise(height, width, seed), (0, 0), 1.5)


PAIRS = ((0, 1), (0, 2), (1, 2))


def moments(values: np.ndarray) -> list[float]:
    values = values.ravel().astype(float)
    second, third, fourth = (moment(values, k) for k in (2, 3, 4))
    return [
        values.mean(),
        values.std(),
        third / (second + 1 / 12) ** 1.5,
        np.log(1 + fourth / (second + 1 / 12) ** 2),
        entropy(np.unique(values, return_counts=True)[1]),
    ]


def related(values: np.ndarray) -> tuple[list[float], list[float]]:
    """Correlations and logarithms of the variances of three channels, shape (H, W, 3)."""
    flat = values.reshape(-1, 3).astype(float)
    if not len(flat):
        flat = np.zeros((1, 3))
    covariance = np.cov(flat.T, ddof=0)
    variance = np.diag(covariance) + 1 / 12
    correlation = [covariance[i, j] / np.sqrt(variance[i] * variance[j]) for i, j in PAIRS]
    return correlation, list(np.log(variance))


def reference(image: np.ndarray, spaces: tuple[str, ...] = ("rgb", "ycrcb")) -> np.ndarray:
    planes = {"rgb": image, "ycrcb": cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb)}
    saturation = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)[..., 1]
    parts = image.reshape(-1, 3).astype(int)
    total = parts.sum(axis=1)
    parts, total = parts[total > 0], total[total > 0]
    if len(parts):
        chroma = (510 * parts + total[:, None]) // (2 * total[:, None])
    else:
        chroma = np.full((1, 3), 85)
    row = moments(saturation) + moments(chroma[:, 0]) + moments(chroma[:, 1])
    for space in spaces:
        for channel in range(3):
            row += moments(planes[space][..., channel])
    for channel in (*np.moveaxis(image, 2, 0), saturation):
        row += [np.log((channel == end).mean() + 1e-4) for end in (0, 255)]
    for space in spaces:
        values = planes[space].astype(int)
        row += related(values)[0]
        for axis in (1, 0):
            correlation, variance = related(np.diff(values, axis=axis))
            row += correlation + variance
    return np.array(row)


@pytest.mark.filterwarnings("ignore:Precision loss")
@pytest.mark.parametrize("spaces", [("rgb",), ["ycrcb"], ("rgb", "ycrcb"), ("ycrcb", "rgb")])
@pytest.mark.parametrize("shape", [(37, 50), (3, 60), (1, 1), (1, 9), (9, 1)])
def test_agrees_with_scipy(spaces: tuple[str, ...], shape: tuple[int, int]) -> None:
    for image in (noise(*shape), smooth(*shape), noise(*shape) // 200 * 51):
        got = Colour(spaces).transform([image])[0]
        np.testing.assert_allclose(got, reference(image, spaces), rtol=1e-5, atol=1e-4)


def test_rows_longer_than_a_block_of_sums() -> None:
    image = np.full((2, 40000, 3), 255, np.uint8)
    image[:, ::2] = 0
    image[:, ::3, 1] = 7
    np.testing.assert_allclose(
        Colour().transform([image])[0], reference(image), rtol=1e-5, atol=1e-4
    )


def test_all_ties_of_chromaticity_are_rounded_up() -> None:
    levels = np.arange(256, dtype=np.uint8)
    image = np.stack(np.meshgrid(levels, levels), axis=-1)
    image = np.dstack([image, np.zeros((256, 256), np.uint8)])
    np.testing.assert_allclose(
        Colour().transform([image])[0], reference(image), rtol=1e-5, atol=1e-4
    )


def test_clipped_pixels_are_counted() -> None:
    image = np.full((10, 10, 3), 100, np.uint8)
    image[0, :, 0] = 255
    image[1, :5, 2] = 0
    frame = Colour().set_output(transform="pandas").transform([image])
    assert frame["red_high"][0] == pytest.approx(np.log(0.1 + 1e-4))
    assert frame["blue_low"][0] == pytest.approx(np.log(0.05 + 1e-4))
    assert frame["saturation_high"][0] == pytest.approx(np.log(0.05 + 1e-4))
    assert frame["green_low"][0] == pytest.approx(np.log(1e-4))


def test_channels_that_go_together_correlate() -> None:
    image = np.repeat(noise(32, 32)[..., :1], 3, axis=2)
    image[..., 2] = 255 - image[..., 2]
    frame = Colour(["rgb"]).set_output(transform="pandas").transform([image])
    assert frame["across_red_green_correlation"][0] == pytest.approx(1, abs=1e-3)
    assert frame["down_red_blue_correlation"][0] == pytest.approx(-1, abs=1e-3)


def test_is_a_scikit_learn_transformer() -> None:
    extractor = clone(Colour(["ycrcb"])).set_output(transform="pandas")
    frame = extractor.fit_transform([noise(8, 8)])
    names = list(frame.columns)
    assert len(set(names)) == len(names)
    assert names[0] == "saturation_mean"
    assert names[-1] == "down_cb_logvariance"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("spaces", ()),
        ("spaces", "rgb"),
        ("spaces", ("hsv",)),
        ("spaces", ("rgb", "rgb")),
        ("spaces", (1,)),
        ("spaces", None),
    ],
)
def test_a_wrong_parameter_is_named(name: str, value: object) -> None:
    with pytest.raises(DfbenchError, match=f"colour: {name} is "):
        Colour(**{name: value}).transform([noise(2, 2)])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4, 3)), "face.jpg"],
)
def test_a_wrong_image_is_refused(image: object) -> None:
    with pytest.raises(DfbenchError, match="colour: an image"):
        Colour().transform([image])  # type: ignore[list-item]
