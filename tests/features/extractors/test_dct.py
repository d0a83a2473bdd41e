from __future__ import annotations

import cv2
import numpy as np
import pytest
import scipy.fft
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from dfbench.errors import DfbenchError
from dfbench.features.extractors.dct import DCT

EVERY = ("mean", "std", "energy", "kurtosis")
F = 1 / 12


def coefficients(plane: np.ndarray, block: int) -> np.ndarray:
    """Coefficients by SciPy, shape (blocks, block, block)."""
    height, width = plane.shape
    plane = np.pad(plane, [(0, max(0, block - height)), (0, max(0, block - width))], mode="edge")
    return np.array(
        [
            scipy.fft.dctn(plane[y : y + block, x : x + block].astype(np.float64), norm="ortho")
            for y in range(0, plane.shape[0] - block + 1, block)
            for x in range(0, plane.shape[1] - block + 1, block)
        ]
    )


def reference(plane: np.ndarray, block: int) -> np.ndarray:
    c = coefficients(plane, block)
    log = np.log(c**2 + F)
    energy = (c**2).mean(0) + F
    kurtosis = np.log(((c**4).mean(0) + F**2) / energy**2)
    return np.concatenate([log.mean(0), log.std(0), np.log(energy), kurtosis]).ravel()


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@settings(deadline=None, max_examples=60)
@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    block=st.integers(2, 17),
    seed=st.integers(0, 99),
)
def test_agrees_with_scipy(height: int, width: int, block: int, seed: int) -> None:
    image = noise(height, width, seed)
    got = DCT(block, "gray", EVERY).transform([image])[0]
    want = reference(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), block)
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-4)


@pytest.mark.parametrize("shape", [(256, 256), (101, 64), (75, 1030)])
def test_agrees_on_plain_images(shape: tuple[int, int]) -> None:
    y, x = np.mgrid[: shape[0], : shape[1]]
    planes = [
        np.zeros(shape),
        np.full(shape, 255),
        200 * (x > 70),
        255 * ((x // 8 + y // 8) % 2),
        x * 255 // shape[1],
        255 * (x % 2),
    ]
    for plane in planes:
        image = np.repeat(plane.astype(np.uint8)[..., None], 3, axis=2)
        got = DCT(color="gray", statistics=EVERY).transform([image])[0]
        np.testing.assert_allclose(got, reference(image[..., 0], 8), rtol=0, atol=1e-4)


@pytest.mark.parametrize("color", ["rgb", "ycrcb"])
def test_channels_are_described_one_after_the_other(color: str) -> None:
    image = noise(48, 40)
    planes = image if color == "rgb" else cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb)
    got = DCT(color=color, statistics=EVERY).transform([image])[0]
    want = np.concatenate([reference(planes[..., c], 8) for c in range(3)])
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-4)


def test_a_cosine_is_found_at_its_frequencies() -> None:
    """Vertical frequency 2 and horizontal frequency 5, named as they are."""
    y, x = np.mgrid[:64, :64] % 8
    wave = np.cos(np.pi * (y + 0.5) * 2 / 8) * np.cos(np.pi * (x + 0.5) * 5 / 8)
    image = np.repeat((128 + 100 * wave).astype(np.uint8)[..., None], 3, axis=2)
    extractor = DCT(color="gray", statistics=("energy",))
    row = extractor.transform([image])[0]
    row[0] = 0  # brightness
    assert extractor.get_feature_names_out()[row.argmax()] == "gray_energy_2_5"


def test_kurtosis_of_normal_noise_is_three() -> None:
    plane = np.random.default_rng(0).normal(128, 20, (1024, 1024)).clip(0, 255).astype(np.uint8)
    image = np.repeat(plane[..., None], 3, axis=2)
    row = DCT(color="gray", statistics=("kurtosis",)).transform([image])[0]
    assert abs(row[1:] - np.log(3)).max() < 0.1


def test_partial_blocks_are_left_out() -> None:
    image = noise(47, 45)
    whole = DCT().transform([image[:40, :40]])
    assert (DCT().transform([image]) == whole).all()


def test_statistics_come_in_the_order_wanted() -> None:
    image = noise(32, 32)
    every = DCT(color="gray", statistics=EVERY).transform([image])[0].reshape(4, 64)
    some = DCT(color="gray", statistics=["kurtosis", "mean"]).transform([image])[0]
    assert (some.reshape(2, 64) == every[[3, 0]]).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (3, 200), (200, 3), (8, 7)])
def test_tiny_images_are_finite(shape: tuple[int, int]) -> None:
    for value in (0, 255):
        row = DCT(statistics=EVERY).transform([np.full((*shape, 3), value, np.uint8)])[0]
        assert np.isfinite(row).all()


def test_a_batch_equals_its_images_alone() -> None:
    images = [noise(64, 64), noise(33, 48, 1), noise(64, 64, 2), noise(7, 500, 3)]
    batch = DCT().transform(images)
    assert batch.shape == (4, len(DCT().get_feature_names_out()))
    assert batch.dtype == np.float32
    for row, image in zip(batch, images, strict=True):
        assert (row == DCT().transform([image])[0]).all()
    assert DCT().transform([]).shape == (0, batch.shape[1])


def test_is_a_scikit_learn_transformer() -> None:
    extractor = clone(DCT(block=2, color="rgb", statistics=("mean", "std")))
    frame = extractor.set_output(transform="pandas").fit_transform([noise(16, 16)])
    assert list(frame.columns)[3:6] == ["red_mean_1_1", "red_std_0_0", "red_std_0_1"]
    assert frame.shape == (1, 24)
    for block in (8, 64):
        names = DCT(block).get_feature_names_out()
        assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("block", 1),
        ("block", 65),
        ("block", 8.0),
        ("color", "hsv"),
        ("statistics", ()),
        ("statistics", "mean"),
        ("statistics", ("mean", "mean")),
        ("statistics", ("median",)),
        ("statistics", (["mean"],)),
    ],
)
def test_a_wrong_parameter_is_named(name: str, value: object) -> None:
    with pytest.raises(DfbenchError, match=f"dct: {name} is "):
        DCT(**{name: value}).transform([noise(3, 3)])  # type: ignore[arg-type]
