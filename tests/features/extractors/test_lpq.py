from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.base import clone

from dfbench.errors import DfbenchError
from dfbench.features.extractors.lpq import LPQ


def noise(height: int, width: int, seed: int = 0, contrast: int = 256) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, contrast, (height, width, 3), dtype=np.uint8)


def uncorrelated(window: int, correlation: float) -> np.ndarray:
    """Eigenvectors of the covariance of the eight numbers, found by transforming each pixel."""
    units = np.eye(window**2).reshape(-1, window, window)
    basis = numbers(units)
    places = [(y, x) for y in range(window) for x in range(window)]
    pixels = [[correlation ** np.hypot(a - c, b - d) for c, d in places] for a, b in places]
    covariance = basis @ np.array(pixels) @ basis.T
    assert np.allclose(covariance[:4, 4:], 0, atol=1e-9)
    weights = 1 + 1e-6 * np.arange(7, -1, -1)
    covariance *= np.outer(weights, weights)
    rows = []
    for at in (slice(0, 4), slice(4, 8)):
        for vector in np.linalg.eigh(covariance[at, at])[1].T[::-1]:
            first = next(v for v in vector if abs(v) > 0.9 * abs(vector).max())
            row = np.zeros(8)
            row[at] = vector * np.sign(first)
            rows.append(row)
    return np.array(rows)


def numbers(windows: np.ndarray) -> np.ndarray:
    """Real and imaginary parts, shape (8, n), by the FFT of each window, about its middle."""
    window = windows.shape[-1]
    spectrum = np.fft.fft2(np.fft.ifftshift(windows, axes=(-2, -1)))
    assert window % 2
    found = np.stack([spectrum[..., y, x].ravel() for y, x in ((0, 1), (1, 0), (1, 1), (1, -1))])
    return np.concatenate([found.real, found.imag])


def reference(plane: np.ndarray, window: int, correlation: float) -> np.ndarray:
    """Share of each code, in double precision."""
    windows = sliding_window_view(plane.astype(float), (window, window))
    bits = uncorrelated(window, correlation) @ numbers(windows) > 1e-3
    codes = (bits * 2 ** np.arange(8)[:, None]).sum(axis=0)
    return np.bincount(codes, minlength=256) / codes.size


@settings(deadline=None, max_examples=40)
@given(
    height=st.integers(7, 40),
    width=st.integers(7, 40),
    window=st.sampled_from([3, 5, 7]),
    correlation=st.sampled_from([0.0, 0.5, 0.9]),
    contrast=st.sampled_from([2, 12, 256]),
    seed=st.integers(0, 99),
)
def test_agrees_with_the_transform_of_each_window(
    height: int, width: int, window: int, correlation: float, contrast: int, seed: int
) -> None:
    image = noise(height, width, seed, contrast)
    got = LPQ((window,), "gray", correlation, root=False).transform([image])[0]
    want = reference(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), window, correlation)
    np.testing.assert_allclose(got, want, atol=1e-6)


@pytest.mark.parametrize("color", ["rgb", "ycrcb"])
def test_channels_and_windows_are_described_each_by_itself(color: str) -> None:
    image = cv2.GaussianBlur(noise(60, 81), (0, 0), 1.0)
    planes = image if color == "rgb" else cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb)
    got = LPQ((3, 9), color, root=False).transform([image])[0]
    want = [reference(planes[..., c], window, 0.9) for c in range(3) for window in (3, 9)]
    np.testing.assert_allclose(got, np.concatenate(want), atol=1e-6)


@settings(deadline=None, max_examples=20)
@given(height=st.integers(1, 40), width=st.integers(1, 40), more=st.integers(1, 100))
def test_brighter_images_have_the_same_codes(height: int, width: int, more: int) -> None:
    image = noise(height, width, contrast=100)
    one, other = LPQ(color="rgb").transform([image, image + np.uint8(more)])
    np.testing.assert_array_equal(one, other)


def test_blur_changes_few_codes() -> None:
    """What the method is for: a symmetric blur leaves the phase of the lowest frequencies."""
    image = cv2.GaussianBlur(noise(128, 128), (0, 0), 1.5)
    blurred = cv2.GaussianBlur(image, (3, 3), 0.5)
    noisy = np.clip(image + np.random.default_rng(1).normal(0, 8, image.shape), 0, 255)
    rows = LPQ((7,), "gray", 0.0, root=False).transform([image, blurred, noisy.astype(np.uint8)])
    assert abs(rows[1] - rows[0]).sum() < 0.5 * abs(rows[2] - rows[0]).sum()


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (3, 3), (2, 50), (40, 40)])
@pytest.mark.parametrize("level", [0, 77, 255])
def test_flat_images_have_one_code(shape: tuple[int, int], level: int) -> None:
    row = LPQ((3, 7)).transform([np.full((*shape, 3), level, np.uint8)])[0].reshape(-1, 256)
    assert (row[:, 0] == 1).all()
    assert not row[:, 1:].any()


def test_small_images_are_extended_by_their_last_row_and_column() -> None:
    image = noise(2, 4)
    wide = np.pad(image, [(0, 3), (0, 1), (0, 0)], mode="edge")
    np.testing.assert_array_equal(*LPQ((5,)).transform([image, wide]))


def test_each_histogram_sums_to_one_and_roots_are_square_roots() -> None:
    images = [noise(64, 50), noise(2, 3, 1)]
    shares = LPQ(root=False).transform(images)
    np.testing.assert_allclose(shares.reshape(2, -1, 256).sum(axis=-1), 1, rtol=1e-5)
    np.testing.assert_allclose(LPQ().transform(images) ** 2, shares, atol=1e-6)


def test_is_a_scikit_learn_transformer() -> None:
    extractor = clone(LPQ(windows=(5,), color="gray")).set_output(transform="pandas")
    names = list(extractor.fit_transform([noise(8, 8)]).columns)
    assert len(set(names)) == 256
    assert names[:2] == ["gray_w5_00000000", "gray_w5_00000001"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("windows", (4,)),
        ("windows", (1,)),
        ("windows", (33,)),
        ("windows", ()),
        ("color", "hsv"),
        ("correlation", 1),
        ("correlation", -0.1),
        ("root", "yes"),
    ],
)
def test_a_wrong_parameter_is_named(name: str, value: object) -> None:
    with pytest.raises(DfbenchError, match=f"lpq: {name}"):
        LPQ(**{name: value}).transform([noise(3, 3)])  # type: ignore[arg-type]
