from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage.feature import graycomatrix, graycoprops
from sklearn.base import clone

from dfbench.errors import DfbenchError
from dfbench.features.extractors.glcm import GLCM


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def smooth(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Noise with correlated neighbours, as photographs have."""
    return cv2.GaussianBlur(noise(height, width, seed), (0, 0), 1.5)


ANGLES = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]
PROPERTIES = ["contrast", "dissimilarity", "homogeneity", "energy", "entropy", "correlation"]


def reference(image: np.ndarray, levels: int, distances: tuple[int, ...]) -> np.ndarray:
    plane = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(int) * levels // 256).astype(np.uint8)
    matrix = graycomatrix(plane, distances, ANGLES, levels, symmetric=True, normed=True)
    found = np.array([graycoprops(matrix, name) for name in PROPERTIES])
    summary = np.stack([found.mean(axis=2), found.max(axis=2) - found.min(axis=2)], axis=-1)
    return np.moveaxis(summary, 0, 1).ravel()


@pytest.mark.parametrize("shape", [(64, 64), (37, 50), (3, 60), (1, 1), (5, 1)])
@pytest.mark.parametrize("levels", [2, 7, 32, 100])
def test_agrees_with_scikit_image(shape: tuple[int, int], levels: int) -> None:
    for image in (noise(*shape), smooth(*shape), smooth(*shape) // 8 + 120):
        for distances in ((1, 2, 4), (3,), (7, 5)):
            np.testing.assert_allclose(
                GLCM(levels, distances, "gray").transform([image])[0],
                reference(image, levels, distances),
                rtol=1e-5,
                atol=1e-5,
            )


@pytest.mark.parametrize("color", ["rgb", "ycrcb"])
def test_each_channel_is_as_a_grey_image_of_it(color: str) -> None:
    image = smooth(30, 41)
    planes = cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb) if color == "ycrcb" else image
    row = GLCM(color=color).transform([image])[0].reshape(3, -1)
    for channel in range(3):
        gray = np.repeat(planes[..., channel, None], 3, axis=2)
        np.testing.assert_array_equal(row[channel], GLCM(color="gray").transform([gray])[0])


@pytest.mark.parametrize("levels", [2, 64, 256])
@pytest.mark.parametrize("side", [2, 9, 49, 161])
def test_one_level_alone_correlates_with_itself(levels: int, side: int) -> None:
    image = np.full((side, side + 2, 3), 255, np.uint8)
    row = GLCM(levels, (1,), "gray").transform([image])[0].reshape(-1, 2)
    np.testing.assert_allclose(row[:, 0], [0, 0, 1, 1, 0, 1], atol=1e-6)
    np.testing.assert_allclose(row[:, 1], 0, atol=1e-6)


def test_one_rare_level_still_has_a_correlation() -> None:
    image = np.zeros((300, 300, 3), np.uint8)
    image[150, 150] = 255
    np.testing.assert_allclose(
        GLCM(32, (1, 2, 4), "gray").transform([image])[0],
        reference(image, 32, (1, 2, 4)),
        rtol=1e-4,
        atol=1e-6,
    )


def test_is_a_scikit_learn_transformer() -> None:
    extractor = clone(GLCM(levels=4, distances=[2], color="gray")).set_output(transform="pandas")
    frame = extractor.fit_transform([noise(8, 8)])
    names = list(frame.columns)
    assert len(set(names)) == len(names)
    assert names[:2] == ["gray_d2_contrast_mean", "gray_d2_contrast_range"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("levels", 1),
        ("levels", 257),
        ("levels", 2.5),
        ("distances", ()),
        ("distances", 1),
        ("distances", (0,)),
        ("distances", (1, 1)),
        ("distances", (1.5,)),
        ("color", "hsv"),
    ],
)
def test_a_wrong_parameter_is_named(name: str, value: object) -> None:
    with pytest.raises(DfbenchError, match=f"glcm: {name} is "):
        GLCM(**{name: value}).transform([noise(2, 2)])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4, 3)), "face.jpg"],
)
def test_a_wrong_image_is_refused(image: object) -> None:
    with pytest.raises(DfbenchError, match="glcm: an image"):
        GLCM().transform([image])  # type: ignore[list-item]
