from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.fft import dctn
from sklearn.base import clone

from dfbench.errors import DfbenchError
from dfbench.features.extractors.zones import Zones


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def reference(plane: np.ndarray, block: int) -> np.ndarray:
    """Block by block, by SciPy."""
    height, width = plane.shape
    plane = np.pad(plane, [(0, max(0, block - height)), (0, max(0, block - width))], mode="edge")
    down, across = plane.shape[0] // block, plane.shape[1] // block
    found: dict[str, list[np.ndarray]] = {"centre": [], "ring": [], "border": [], "all": []}
    for i in range(down):
        for j in range(across):
            cut = plane[i * block : (i + 1) * block, j * block : (j + 1) * block]
            level = np.log(dctn(cut.astype(float), norm="ortho") ** 2 + 1 / 12).ravel()
            y, x = 2 * (i + 0.5) / down - 1, 2 * (j + 0.5) / across - 1
            r = np.sqrt(y**2 + (x / 0.85) ** 2)
            found["centre" if r < 0.45 else "ring" if r < 0.8 else "border"].append(level)
            found["all"].append(level)
    centre, ring, border = (
        np.mean(found[zone] or found["all"], axis=0) for zone in ("centre", "ring", "border")
    )
    return np.concatenate([centre - border, ring - border, centre - ring])


@settings(deadline=None, max_examples=50)
@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    block=st.integers(2, 17),
    seed=st.integers(0, 99),
)
def test_agrees_with_scipy(height: int, width: int, block: int, seed: int) -> None:
    image = noise(height, width, seed)
    got = Zones(block, "gray").transform([image])[0]
    want = reference(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), block)
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-4)


@pytest.mark.parametrize("color", ["rgb", "ycrcb"])
def test_channels_are_described_one_after_the_other(color: str) -> None:
    image = cv2.GaussianBlur(noise(72, 96), (0, 0), 1.5)
    planes = image if color == "rgb" else cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb)
    got = Zones(color=color).transform([image])[0]
    want = np.concatenate([reference(planes[..., c], 8) for c in range(3)])
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-3)


def test_what_is_alike_everywhere_has_no_contrast() -> None:
    tile = noise(8, 8)
    for image in (np.tile(tile, (12, 9, 1)), tile):
        np.testing.assert_allclose(Zones().transform([image])[0], 0, atol=1e-4)


@settings(deadline=None, max_examples=20)
@given(height=st.integers(64, 150), width=st.integers(64, 150), seed=st.integers(0, 99))
def test_a_smoothed_middle_lacks_high_frequencies(height: int, width: int, seed: int) -> None:
    """Whatever the size: that of the centre falls, that of the ring against the border does not."""
    image = noise(height, width, seed)
    smooth = cv2.GaussianBlur(image, (0, 0), 2)
    y, x = np.mgrid[:height, :width]
    y, x = (2 * y + 1) / height - 1, (2 * x + 1) / width - 1
    image[np.hypot(y, x) < 0.4] = smooth[np.hypot(y, x) < 0.4]
    row = Zones(color="gray").set_output(transform="pandas").transform([image]).iloc[0]
    assert row["gray_centre_border_6_6"] < -1.5
    assert row["gray_centre_ring_6_6"] < -1
    assert abs(row["gray_ring_border_6_6"]) < 1.5


def test_half_a_turn_changes_nothing() -> None:
    """Zones are symmetric, and a mirrored basis function is itself or its negative."""
    image = noise(64, 80)
    got = Zones().transform([image, np.ascontiguousarray(image[::-1, ::-1])])
    np.testing.assert_allclose(got[0], got[1], atol=1e-4)


def test_is_a_scikit_learn_transformer() -> None:
    extractor = clone(Zones(block=4, color="gray")).set_output(transform="pandas")
    names = list(extractor.fit_transform([noise(16, 16)]).columns)
    assert len(set(names)) == len(names) == 3 * 16
    assert names[0] == "gray_centre_border_0_0"
    assert names[16] == "gray_ring_border_0_0"
    assert names[-1] == "gray_centre_ring_3_3"


@pytest.mark.parametrize(("name", "value"), [("block", 1), ("block", 65), ("color", "hsv")])
def test_a_wrong_parameter_is_named(name: str, value: object) -> None:
    with pytest.raises(DfbenchError, match=f"zones: {name} is "):
        Zones(**{name: value}).transform([noise(2, 2)])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4, 3)), "face.jpg"],
)
def test_a_wrong_image_is_refused(image: object) -> None:
    with pytest.raises(DfbenchError, match="zones: an image"):
        Zones().transform([image])  # type: ignore[list-item]
