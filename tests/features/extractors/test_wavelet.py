from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy.stats import moment
from sklearn.base import clone

from dfbench.errors import DfbenchError
from dfbench.features.extractors.wavelet import Wavelet, filters


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def smooth(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Noise with correlated neighbours, as photographs have."""
    return cv2.GaussianBlur(noise(height, width, seed), (0, 0), 1.5)


def tap_filters(wavelet: str) -> tuple[np.ndarray, np.ndarray]:
    """Analysis filters from the published coefficients (Daubechies 1988, table 1)."""
    root = np.sqrt(3)
    scaling = {
        "haar": np.array([1, 1]) / np.sqrt(2),
        "db2": np.array([1 + root, 3 + root, 3 - root, 1 - root]) / (4 * np.sqrt(2)),
        "db3": np.array(
            [
                0.3326705529500826,
                0.8068915093110925,
                0.4598775021184915,
                -0.1350110200102546,
                -0.0854412738820267,
                0.0352262918857095,
            ]
        ),
        "db4": np.array(
            [
                0.2303778133088965,
                0.7148465705529156,
                0.6308807679298589,
                -0.0279837694168599,
                -0.1870348117190930,
                0.0308413818355607,
                0.0328830116668852,
                -0.0105974017850690,
            ]
        ),
    }[wavelet]
    return scaling[::-1], scaling * np.where(np.arange(len(scaling)) % 2, 1, -1)


def step(signal: np.ndarray, taps: np.ndarray, axis: int) -> np.ndarray:
    """Filter and keep every other sample, by padding and a full convolution."""
    reach = len(taps) - 1
    width = [(reach, reach) if a == axis else (0, 0) for a in range(2)]
    long = np.pad(signal, width, mode="symmetric")
    full = np.apply_along_axis(np.convolve, axis, long, taps, "valid")
    return full.take(range(1, full.shape[axis], 2), axis=axis)


def details(plane: np.ndarray, wavelet: str, levels: int) -> list[np.ndarray]:
    low, high = tap_filters(wavelet)
    found = []
    for _ in range(levels):
        smoothed, edges = step(plane, low, 1), step(plane, high, 1)
        found += [step(smoothed, high, 0), step(edges, low, 0), step(edges, high, 0)]
        plane = step(smoothed, low, 0)
    return found


def statistics(bands: list[np.ndarray]) -> np.ndarray:
    rows = []
    for band in bands:
        c = band.ravel()
        second, third, fourth = (moment(c, k) for k in (2, 3, 4))
        rows += [
            np.log((c**2).mean() + 1 / 12),
            np.log(np.abs(c).mean() + 12**-0.5),
            np.log(c.std() + 12**-0.5),
            third / (second + 1 / 12) ** 1.5,
            np.log(1 + fourth / (second + 1 / 12) ** 2),
        ]
    return np.array(rows)


def planes(image: np.ndarray, color: str) -> list[np.ndarray]:
    if color == "gray":
        return [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(float)]
    if color == "ycrcb":
        image = cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb)
    return list(np.moveaxis(image, 2, 0).astype(float))


@pytest.mark.filterwarnings("ignore:Precision loss")
@pytest.mark.parametrize("wavelet", ["haar", "db2", "db3", "db4"])
@pytest.mark.parametrize("shape", [(32, 32), (27, 30), (3, 60), (1, 1), (2, 9)])
def test_agrees_with_convolution_and_scipy(wavelet: str, shape: tuple[int, int]) -> None:
    for color in ("gray", "rgb", "ycrcb"):
        for image in (noise(*shape), smooth(*shape)):
            want = np.concatenate(
                [statistics(details(p, wavelet, 3)) for p in planes(image, color)]
            )
            got = Wavelet(wavelet, 3, color).transform([image])[0]
            np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("wavelet", ["haar", "db2", "db3", "db4"])
@pytest.mark.parametrize("shape", [(64, 48), (37, 50), (5, 9), (1, 1)])
@pytest.mark.filterwarnings("ignore:Level value", "ignore:Precision loss")
def test_agrees_with_pywavelets(wavelet: str, shape: tuple[int, int]) -> None:
    pywt = pytest.importorskip("pywt")
    image = smooth(*shape)
    plane = planes(image, "gray")[0]
    levels = pywt.wavedec2(plane, wavelet, mode="symmetric", level=4)[:0:-1]
    got = Wavelet(wavelet, 4, "gray").transform([image])[0]
    want = statistics([band for level in levels for band in level])
    np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("wavelet", ["haar", "db2", "db3", "db4"])
def test_filters_are_orthonormal(wavelet: str) -> None:
    low, high = (taps.astype(float) for taps in filters(wavelet))
    assert low.sum() == pytest.approx(np.sqrt(2), abs=1e-6)
    for shift in range(0, len(low), 2):
        a, b = slice(shift, None), slice(None, len(low) - shift)
        assert low[a] @ low[b] == pytest.approx(float(shift == 0), abs=1e-6)
        assert high[a] @ high[b] == pytest.approx(float(shift == 0), abs=1e-6)
        assert low[a] @ high[b] == pytest.approx(0, abs=1e-6)


def test_a_flat_image_has_no_detail() -> None:
    row = Wavelet().transform([np.full((32, 32, 3), 200, np.uint8)])[0].reshape(-1, 5)
    np.testing.assert_allclose(row[:, 0], np.log(1 / 12), atol=1e-5)
    np.testing.assert_allclose(row[:, 3:], 0, atol=1e-5)


def test_is_a_scikit_learn_transformer() -> None:
    extractor = clone(Wavelet(levels=2, color="gray")).set_output(transform="pandas")
    frame = extractor.fit_transform([noise(8, 8)])
    names = list(frame.columns)
    assert len(set(names)) == len(names)
    assert names[:2] == ["gray_1h_logenergy", "gray_1h_meanabs"]
    assert names[-1] == "gray_2d_kurtosis"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("wavelet", "db9"),
        ("wavelet", 2),
        ("levels", 0),
        ("levels", 9),
        ("levels", 2.5),
        ("color", "hsv"),
    ],
)
def test_a_wrong_parameter_is_named(name: str, value: object) -> None:
    with pytest.raises(DfbenchError, match=f"wavelet: {name} is "):
        Wavelet(**{name: value}).transform([noise(2, 2)])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4, 3)), "face.jpg"],
)
def test_a_wrong_image_is_refused(image: object) -> None:
    with pytest.raises(DfbenchError, match="wavelet: an image"):
        Wavelet().transform([image])  # type: ignore[list-item]
