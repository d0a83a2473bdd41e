from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage.feature import hog
from sklearn.base import clone

from dfbench.errors import DfbenchError
from dfbench.features.extractors.hog import HOG


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def smooth(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Noise with correlated neighbours, as photographs have."""
    return cv2.GaussianBlur(noise(height, width, seed), (0, 0), 1.5)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("height", "width", "cells", "orientations", "block"),
    [
        (64, 64, 8, 9, 2),
        (48, 96, 6, 12, 3),
        (40, 20, 4, 7, 1),
        (16, 8, 8, 9, 2),
        (33, 66, 3, 18, 3),
    ],
)
def test_agrees_with_scikit_image(
    height: int, width: int, cells: int, orientations: int, block: int, seed: int
) -> None:
    options = {
        "orientations": orientations,
        "pixels_per_cell": (height // cells, width // cells),
        "cells_per_block": (block, block),
        "block_norm": "L2-Hys",
    }
    for image in (noise(height, width, seed), smooth(height, width, seed)):
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(float)
        np.testing.assert_allclose(
            HOG(cells, orientations, block, "gray").transform([image])[0],
            hog(gray, **options),
            rtol=0,
            atol=1e-5,
        )
        np.testing.assert_allclose(
            HOG(cells, orientations, block, "rgb").transform([image])[0],
            hog(image.astype(float), channel_axis=-1, **options),
            rtol=0,
            atol=1e-5,
        )


def plain(image: np.ndarray, cells: int, orientations: int) -> np.ndarray:
    """Cells of any size, blocks of one cell: pixel by pixel."""
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(float)
    height, width = gray.shape
    dy, dx = np.zeros_like(gray), np.zeros_like(gray)
    dy[1:-1] = gray[2:] - gray[:-2]
    dx[:, 1:-1] = gray[:, 2:] - gray[:, :-2]
    bins = np.rad2deg(np.arctan2(dy, dx)) % 180 // (180 / orientations)
    rows = []
    for i in range(cells):
        for j in range(cells):
            top, bottom = i * height // cells, (i + 1) * height // cells
            left, right = j * width // cells, (j + 1) * width // cells
            part = (slice(top, bottom), slice(left, right))
            length = np.hypot(dy, dx)[part]
            row = np.array([length[bins[part] == b].sum() for b in range(orientations)])
            row /= max(1, length.size)
            row /= np.sqrt((row**2).sum() + 1e-10)
            row = np.minimum(row, 0.2)
            rows.append(row / np.sqrt((row**2).sum() + 1e-10))
    return np.concatenate(rows)


@pytest.mark.parametrize("shape", [(37, 50), (3, 200), (5, 5), (100, 100)])
def test_a_grid_that_does_not_divide_the_image(shape: tuple[int, int]) -> None:
    image = smooth(*shape)
    np.testing.assert_allclose(
        HOG(8, 9, 1, "gray").transform([image])[0], plain(image, 8, 9), rtol=0, atol=1e-5
    )


def test_one_block_more_than_the_cells_is_refused() -> None:
    with pytest.raises(DfbenchError, match="hog: block=3 is more than cells=2"):
        HOG(cells=2, block=3).transform([noise(2, 2)])


def test_is_a_scikit_learn_transformer() -> None:
    extractor = clone(HOG(cells=2, orientations=2)).set_output(transform="pandas")
    frame = extractor.fit_transform([noise(8, 8)])
    names = list(frame.columns)
    assert len(set(names)) == len(names)
    assert names == [
        f"block0_0_cell{c}_{d}deg" for c in ("0_0", "0_1", "1_0", "1_1") for d in (45, 135)
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cells", 0),
        ("cells", 65),
        ("cells", 2.5),
        ("orientations", 1),
        ("orientations", 37),
        ("block", 0),
        ("block", True),
        ("color", "hsv"),
    ],
)
def test_a_wrong_parameter_is_named(name: str, value: object) -> None:
    with pytest.raises(DfbenchError, match=f"hog: {name} is "):
        HOG(**{name: value}).transform([noise(2, 2)])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4, 3)), "face.jpg"],
)
def test_a_wrong_image_is_refused(image: object) -> None:
    with pytest.raises(DfbenchError, match="hog: an image"):
        HOG().transform([image])  # type: ignore[list-item]
