from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.feature import local_binary_pattern
from sklearn.base import clone

from dfbench.errors import DfbenchError
from dfbench.features.extractors import lbp
from dfbench.features.extractors.lbp import LBP

CODES = {"rgb": None, "hsv": cv2.COLOR_RGB2HSV, "ycrcb": cv2.COLOR_RGB2YCrCb}


def reference(image: np.ndarray, extractor: LBP) -> np.ndarray:
    if extractor.color == "gray":
        planes = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)]
    else:
        code = CODES[extractor.color]
        planes = cv2.split(image if code is None else cv2.cvtColor(image, code))
    points = extractor.points
    bins = points + 2 if extractor.method == "uniform" else points * (points - 1) + 3
    parts = []
    for plane in planes:
        for radius in extractor.radii:
            codes = local_binary_pattern(plane, points, radius, extractor.method)
            parts.append(np.bincount(codes.astype(int).ravel(), minlength=bins) / codes.size)
    return np.concatenate(parts)


def check(image: np.ndarray, extractor: LBP) -> None:
    got = extractor.transform([image])[0]
    # one pixel coded otherwise would be 1 / (H * W) off
    tolerance = min(1e-6, 0.5 / (image.shape[0] * image.shape[1]))
    np.testing.assert_allclose(got, reference(image, extractor), rtol=0, atol=tolerance)


def noise(height: int, width: int, levels: int = 256, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, levels, (height, width, 3), dtype=np.uint8)


def smooth(height: int, width: int, quality: int) -> np.ndarray:
    """Make a picture with flat areas, slopes and JPEG blocks, hence with many ties."""
    y, x = np.mgrid[:height, :width]
    image = np.stack([(x // 3) % 256, (x + y) // 2 % 256, 40 * (y // 16) % 256], 2).astype(np.uint8)
    image[height // 3 : height // 2] = 117
    return cv2.imdecode(
        cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1],
        cv2.IMREAD_COLOR_RGB,
    )


@settings(deadline=None, max_examples=60)
@given(
    height=st.integers(1, 30),
    width=st.integers(1, 30),
    levels=st.sampled_from([1, 2, 3, 9, 256]),
    radius=st.integers(1, 9),
    seed=st.integers(0, 99),
)
def test_agrees_with_scikit_image(
    height: int, width: int, levels: int, radius: int, seed: int
) -> None:
    check(noise(height, width, levels, seed), LBP(radii=(radius,), color="rgb"))


@pytest.mark.parametrize("color", ["gray", "rgb", "hsv", "ycrcb"])
@pytest.mark.parametrize("quality", [30, 75, 95])
def test_agrees_on_pictures_full_of_ties(color: str, quality: int) -> None:
    check(smooth(150, 203, quality), LBP(color=color))


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 500), (500, 1), (2, 3), (70, 1100), (33, 8200), (70, 252)]
)
def test_agrees_at_odd_sizes(shape: tuple[int, int]) -> None:
    check(noise(*shape, levels=4), LBP(color="gray"))


@pytest.mark.parametrize("value", [0, 1, 77, 128, 255])
def test_agrees_on_flat_ground(value: int) -> None:
    check(np.full((40, 300, 3), value, np.uint8), LBP())


@pytest.mark.parametrize(
    "extractor",
    [
        LBP(radii=(1, 2), method="nri_uniform", color="gray"),
        LBP(radii=(2,), points=16, color="gray"),
        LBP(radii=(1.5, 2.25), color="gray"),
        LBP(radii=(0.5,), points=5, method="nri_uniform", color="gray"),
        LBP(radii=(3,), points=24, color="gray"),
    ],
)
def test_agrees_with_other_circles(extractor: LBP) -> None:
    for image in (smooth(40, 53, 75), noise(24, 31, 3), noise(1, 1)):
        check(image, extractor)


def test_the_two_kernels_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    image = smooth(90, 61, 60)
    fast = LBP(color="ycrcb").transform([image])
    monkeypatch.setattr(lbp, "_diagonals", lambda *_: None)
    assert (LBP(color="ycrcb").transform([image]) == fast).all()


def test_a_batch_equals_its_images_alone_in_threads_too() -> None:
    images = [noise(20 + 7 * i, 90 - 5 * i, 5, i) for i in range(12)]
    alone = np.concatenate([LBP().transform([image]) for image in images])
    assert (LBP().transform(images) == alone).all()
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(lambda image: LBP().transform([image])[0], images * 5))
    assert (np.array(rows) == np.tile(alone, (5, 1))).all()


def test_is_a_scikit_learn_transformer() -> None:
    extractor = clone(LBP(radii=(1, 1.5), color="ycrcb")).set_output(transform="pandas")
    frame = extractor.fit_transform([noise(8, 8)])
    assert frame.shape == (1, 60)
    assert list(frame.columns)[8:11] == ["y_r1_8", "y_r1_other", "y_r1.5_0"]
    assert frame.columns[-1] == "cb_r1.5_other"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("radii", ()),
        ("radii", (0,)),
        ("radii", (1, 1)),
        ("radii", (65,)),
        ("radii", ("1",)),
        ("radii", 1),
        ("points", 3),
        ("points", 25),
        ("color", "lab"),
        ("method", "var"),
    ],
)
def test_a_wrong_parameter_is_named(name: str, value: object) -> None:
    with pytest.raises(DfbenchError, match=f"lbp: {name} is "):
        LBP(**{name: value}).transform([noise(3, 3)])  # type: ignore[arg-type]
