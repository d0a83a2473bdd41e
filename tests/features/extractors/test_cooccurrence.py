from __future__ import annotations

from collections import Counter
from fractions import Fraction

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import correlate
from sklearn.base import clone

from dfbench.errors import DfbenchError
from dfbench.features.extractors.cooccurrence import HISTOGRAMS, RESIDUALS, Cooccurrence

LINES = {"first": [-1, 1], "second": [1, -2, 1], "third": [1, -3, 3, -1]}
KB = np.array([[-1, 2, -1], [2, -4, 2], [-1, 2, -1]])
KV = np.array(
    [
        [-1, 2, -2, 2, -1],
        [2, -6, 8, -6, 2],
        [-2, 8, -12, 8, -2],
        [2, -6, 8, -6, 2],
        [-1, 2, -2, 2, -1],
    ]
)


def quantised(plane: np.ndarray, kernel: np.ndarray, threshold: int, step: Fraction) -> np.ndarray:
    """Residuals, quantised in exact arithmetic."""
    height, width = kernel.shape
    full = correlate(plane.astype(int), kernel, mode="constant")
    top, left = height // 2, width // 2
    valid = full[top : top + plane.shape[0] - height + 1, left : left + plane.shape[1] - width + 1]
    unit = step * int(abs(kernel).max())
    table = {
        int(r): int(np.sign(r)) * min(threshold, int(abs(int(r)) / unit + Fraction(1, 2)))
        for r in np.unique(valid)
    }
    return np.vectorize(table.__getitem__, otypes=[int])(valid)


def tuples(values: np.ndarray, order: int, down: bool) -> Counter[tuple[int, ...]]:
    """Count each tuple under the least of its four equivalents."""
    found: Counter[tuple[int, ...]] = Counter()
    windows = sliding_window_view(values, order, axis=0 if down else 1).reshape(-1, order)
    for row, number in zip(*np.unique(windows, axis=0, return_counts=True), strict=True):
        one = tuple(int(v) for v in row)
        negative = tuple(-v for v in one)
        found[min(one, one[::-1], negative, negative[::-1])] += int(number)
    return found


def reference(plane: np.ndarray, order: int, threshold: int, step: Fraction) -> dict[str, float]:
    """Do the same by NumPy's sliding windows; names of features to values, those above 0 only."""
    plane = np.pad(plane, [(0, max(0, order + 4 - side)) for side in plane.shape], mode="edge")
    counts: dict[str, Counter[tuple[int, ...]]] = {name: Counter() for name in HISTOGRAMS}
    for name, weights in LINES.items():
        rows = quantised(plane, np.array([weights]), threshold, step)
        columns = quantised(plane, np.array([weights]).T, threshold, step)
        counts[f"{name}_along"] += tuples(rows, order, False) + tuples(columns, order, True)
        counts[f"{name}_across"] += tuples(rows, order, True) + tuples(columns, order, False)
    for name, kernel in (("kb", KB), ("kv", KV)):
        values = quantised(plane, kernel, threshold, step)
        counts[name] += tuples(values, order, False) + tuples(values, order, True)
    return {
        f"{name}_{','.join(map(str, one))}": number / found.total()
        for name, found in counts.items()
        for one, number in found.items()
    }


def noise(height: int, width: int, seed: int = 0, contrast: int = 256) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, contrast, (height, width, 3), dtype=np.uint8)


def named(extractor: Cooccurrence, image: np.ndarray) -> dict[str, float]:
    row = extractor.transform([image])[0]
    names = extractor.get_feature_names_out()
    return {name: float(value) for name, value in zip(names, row, strict=True) if value}


@settings(deadline=None, max_examples=50)
@given(
    height=st.integers(1, 24),
    width=st.integers(1, 24),
    size=st.sampled_from([(1, 1), (1, 3), (2, 1), (2, 2), (2, 3), (3, 1), (3, 2), (4, 2), (5, 1)]),
    step=st.sampled_from([Fraction(1, 2), Fraction(1), Fraction(3, 2), Fraction(4)]),
    contrast=st.sampled_from([3, 8, 256]),
    seed=st.integers(0, 99),
)
def test_agrees_with_numpy(
    height: int, width: int, size: tuple[int, int], step: Fraction, contrast: int, seed: int
) -> None:
    order, threshold = size
    image = noise(height, width, seed, contrast)
    got = named(
        Cooccurrence(order, threshold, float(step), "gray", cross_color=False, root=False), image
    )
    plane = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    want = {f"gray_{k}": v for k, v in reference(plane, order, threshold, step).items()}
    assert got.keys() == want.keys()
    for name, value in want.items():
        assert got[name] == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("color", ["rgb", "ycrcb"])
def test_channels_are_described_each_by_itself(color: str) -> None:
    image = noise(20, 31, contrast=12)
    planes = image if color == "rgb" else cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb)
    letters = {"rgb": ("red", "green", "blue"), "ycrcb": ("y", "cr", "cb")}[color]
    got = named(Cooccurrence(3, 2, 1.0, color, cross_color=False, root=False), image)
    want = {
        f"{letter}_{name}": value
        for c, letter in enumerate(letters)
        for name, value in reference(planes[..., c], 3, 2, Fraction(1)).items()
    }
    assert got == pytest.approx(want, rel=1e-6)


def reference_across(image: np.ndarray, threshold: int, step: Fraction, least: int) -> dict:
    """Do the same for the tuples across red, green and blue."""
    extra = [(0, max(0, least - side)) for side in image.shape[:2]]
    image = np.pad(image, [*extra, (0, 0)], mode="edge")
    kernels = {name: [np.array([w]), np.array([w]).T] for name, w in LINES.items()}
    kernels |= {"kb": [KB], "kv": [KV]}
    shares = {}
    for name in RESIDUALS:
        found: Counter[tuple[int, ...]] = Counter()
        for kernel in kernels[name]:
            colors = [quantised(image[..., c], kernel, threshold, step).ravel() for c in range(3)]
            rows = np.unique(np.stack(colors, axis=1), axis=0, return_counts=True)
            for row, number in zip(*rows, strict=True):
                one = tuple(int(v) for v in row)
                found[min(one, tuple(-v for v in one))] += int(number)
        for one, number in found.items():
            shares[f"cross_{name}_{','.join(map(str, one))}"] = number / found.total()
    return shares


@settings(deadline=None, max_examples=30)
@given(
    height=st.integers(1, 24),
    width=st.integers(1, 24),
    threshold=st.sampled_from([1, 2, 5]),
    step=st.sampled_from([Fraction(1, 2), Fraction(1), Fraction(3, 2), Fraction(4)]),
    contrast=st.sampled_from([3, 8, 256]),
)
def test_colors_agree_with_numpy(
    height: int, width: int, threshold: int, step: Fraction, contrast: int
) -> None:
    image = noise(height, width, contrast=contrast)
    got = named(Cooccurrence(2, threshold, float(step), root=False), image)
    got = {name: value for name, value in got.items() if name.startswith("cross")}
    want = reference_across(image, threshold, step, least=6)
    assert got == pytest.approx(want, rel=1e-6)


@pytest.mark.parametrize("shape", [(131, 307), (9, 3001), (3001, 9)])
def test_large_images_agree(shape: tuple[int, int]) -> None:
    image = cv2.GaussianBlur(noise(*shape), (0, 0), 1.5)
    got = named(Cooccurrence(3, 2, 1.5, "gray", root=False), image)
    plane = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    want = {f"gray_{k}": v for k, v in reference(plane, 3, 2, Fraction(3, 2)).items()}
    want |= reference_across(image, 2, Fraction(3, 2), least=7)
    assert got == pytest.approx(want, rel=1e-6)


def test_a_tuple_too_wide_for_colors_is_refused() -> None:
    with pytest.raises(DfbenchError, match=r"cooccurrence: cross_color=True with threshold=13"):
        Cooccurrence(order=2, threshold=13).transform([noise(3, 3)])
    assert (
        Cooccurrence(order=2, threshold=13, cross_color=False).transform([noise(3, 3)]).shape[0]
        == 1
    )


@pytest.mark.parametrize(("order", "threshold", "kept"), [(4, 2, 169), (3, 2, 39), (1, 2, 3)])
def test_symmetries_keep_as_many_as_the_spatial_rich_model(
    order: int, threshold: int, kept: int
) -> None:
    """169 of 625: Fridrich and Kodovsky (2012), section II.C."""
    names = Cooccurrence(order, threshold, color="gray", cross_color=False).get_feature_names_out()
    assert len(names) == 8 * kept
    assert len(set(names)) == len(names)


@settings(deadline=None, max_examples=20)
@given(height=st.integers(1, 60), width=st.integers(1, 60), seed=st.integers(0, 99))
def test_turned_mirrored_and_inverted_images_are_alike(height: int, width: int, seed: int) -> None:
    height, width = max(height, 7), max(width, 7)
    image = noise(height, width, seed, 20)
    same = [image, image[::-1], image[:, ::-1], np.rot90(image), 255 - image]
    rows = Cooccurrence(order=3, color="rgb").transform(same)
    for row in rows[1:]:
        np.testing.assert_array_equal(row, rows[0])


def test_each_histogram_sums_to_one() -> None:
    images = [noise(64, 50), noise(2, 3, 1)]
    rows = Cooccurrence(color="rgb", root=False).transform(images)
    inner, outer = rows[:, : 24 * 39], rows[:, 24 * 39 :]
    assert np.allclose(inner.reshape(2, 24, 39).sum(-1), 1, atol=1e-6)
    assert np.allclose(outer.reshape(2, 5, 63).sum(-1), 1, atol=1e-6)


def test_roots_are_square_roots() -> None:
    images = [noise(64, 50), noise(2, 3, 1)]
    shares = Cooccurrence(root=False).transform(images)
    np.testing.assert_allclose(Cooccurrence(root=True).transform(images) ** 2, shares, atol=1e-6)


def test_the_largest_residuals_do_not_wrap() -> None:
    """KV reaches 48 * 255, which a step of 64 can still tell from less."""
    plane = np.zeros((9, 9), np.uint8)
    plane[2:7, 2:7] = 255 * (KV > 0)
    for one in (plane, 255 - plane):
        image = np.repeat(one[..., None], 3, axis=2)
        got = named(Cooccurrence(1, 16, 64.0, "gray", cross_color=False, root=False), image)
        want = reference(one, 1, 16, Fraction(64))
        assert got == pytest.approx({f"gray_{k}": v for k, v in want.items()}, rel=1e-6)
        assert "gray_kv_-16" in got


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (3, 200), (200, 3), (6, 7)])
def test_flat_and_tiny_images_have_no_noise(shape: tuple[int, int]) -> None:
    for value in (0, 255):
        extractor = Cooccurrence(order=3, color="gray")
        got = named(extractor, np.full((*shape, 3), value, np.uint8))
        want = [f"gray_{name}_0,0,0" for name in HISTOGRAMS]
        assert got == dict.fromkeys(want + [f"cross_{name}_0,0,0" for name in RESIDUALS], 1.0)


def test_a_batch_equals_its_images_alone() -> None:
    images = [noise(64, 64), noise(33, 48, 1), noise(64, 64, 2), noise(7, 500, 3)]
    batch = Cooccurrence().transform(images)
    assert batch.shape == (4, len(Cooccurrence().get_feature_names_out()))
    assert batch.dtype == np.float32
    for row, image in zip(batch, images, strict=True):
        assert (row == Cooccurrence().transform([image])[0]).all()
    assert Cooccurrence().transform([]).shape == (0, batch.shape[1])


def test_is_a_scikit_learn_transformer() -> None:
    extractor = clone(Cooccurrence(order=2, threshold=1, color="rgb", root=False))
    frame = extractor.set_output(transform="pandas").fit_transform([noise(16, 16)])
    assert list(frame.columns)[:5] == [
        *("red_first_along_-1,-1", "red_first_along_-1,0", "red_first_along_-1,1"),
        *("red_first_along_0,0", "red_second_along_-1,-1"),
    ]
    assert list(frame.columns)[-2:] == ["cross_kv_0,0,-1", "cross_kv_0,0,0"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("order", 0),
        ("order", 9),
        ("order", 8),
        ("threshold", 0),
        ("threshold", 17),
        ("step", 0),
        ("step", float("nan")),
        ("step", "1"),
        ("color", "hsv"),
        ("cross_color", 1),
        ("root", "yes"),
    ],
)
def test_a_wrong_parameter_is_named(name: str, value: object) -> None:
    with pytest.raises(DfbenchError, match=f"cooccurrence: {name}( is |=)"):
        Cooccurrence(**{name: value}).transform([noise(3, 3)])  # type: ignore[arg-type]
