from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy.stats import moment
from sklearn.base import clone

from dfbench.errors import DfbenchError
from dfbench.features.extractors.neighbours import Neighbours


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def smooth(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Noise with correlated neighbours, as photographs have."""
    return cv2.GaussianBlur(noise(height, width, seed), (0, 0), 1.5)


def planes(image: np.ndarray, color: str) -> list[np.ndarray]:
    if color == "gray":
        return [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(int)]
    if color == "ycrcb":
        image = cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb)
    return list(np.moveaxis(image, 2, 0).astype(int))


def residuals(plane: np.ndarray, phase: tuple[int, int]) -> list[np.ndarray]:
    """The paper's x - up(down(x)) at the three places of the cells where it is not 0."""
    cut = plane[phase[0] :, phase[1] :]
    cut = cut[: len(cut) // 2 * 2, : cut.shape[1] // 2 * 2]
    if not cut.size:
        return [np.zeros(1, int)] * 3
    small = cut[::2, ::2]
    npr = cut - small.repeat(2, axis=0).repeat(2, axis=1)
    assert (npr[::2, ::2] == 0).all()
    return [npr[::2, 1::2].ravel(), npr[1::2, ::2].ravel(), npr[1::2, 1::2].ravel()]


def reference(image: np.ndarray, truncation: int, histograms: str, color: str) -> np.ndarray:
    phases = [(0, 0), (0, 1), (1, 0), (1, 1)]
    found = [[residuals(plane, phase) for plane in planes(image, color)] for phase in phases]
    counted, moments, correlations = [], [], []
    for phase in found:
        for channel in phase:
            for d in channel:
                kept = np.clip(d, -truncation, truncation)
                counts = np.bincount(kept + truncation, minlength=2 * truncation + 1)
                counted.extend(counts / len(d))
                second, fourth = moment(d.astype(float), 2), moment(d.astype(float), 4)
                moments += [
                    d.mean(),
                    np.log(np.abs(d).mean() + 12**-0.5),
                    np.log(d.std() + 12**-0.5),
                    np.log(1 + fourth / (second + 1 / 12) ** 2),
                ]
            for i, j in ((0, 1), (0, 2), (1, 2)):
                covariance = np.cov(channel[i], channel[j], ddof=0)
                scale = (covariance[0, 0] + 1 / 12) * (covariance[1, 1] + 1 / 12)
                correlations.append(covariance[0, 1] / np.sqrt(scale))
    histogram = np.array(counted)
    if histograms == "mean":
        histogram = histogram.reshape(4, -1).mean(axis=0)
    return np.concatenate([histogram, moments, correlations])


@pytest.mark.filterwarnings("ignore:Precision loss")
@pytest.mark.parametrize("shape", [(37, 50), (3, 60), (1, 1), (2, 2), (9, 1)])
@pytest.mark.parametrize("color", ["gray", "rgb", "ycrcb"])
@pytest.mark.parametrize("histograms", ["phases", "mean"])
def test_agrees_with_brute_force(shape: tuple[int, int], color: str, histograms: str) -> None:
    for image in (noise(*shape), smooth(*shape)):
        for truncation in (4, 255):
            np.testing.assert_allclose(
                Neighbours(truncation, histograms, color).transform([image])[0],
                reference(image, truncation, histograms, color),
                rtol=1e-5,
                atol=1e-4,
            )


def test_histograms_sum_to_one() -> None:
    row = Neighbours(histograms="phases").transform([smooth(31, 64)])[0]
    np.testing.assert_allclose(row[: 4 * 9 * 9].reshape(-1, 9).sum(axis=1), 1, rtol=1e-5)


def test_doubling_by_the_nearest_pixel_empties_one_phase() -> None:
    image = noise(16, 16).repeat(2, axis=0).repeat(2, axis=1)
    frame = Neighbours(histograms="phases", color="rgb").set_output(transform="pandas")
    row = frame.transform([image]).iloc[0]
    for position in ("right", "lower", "diagonal"):
        assert row[f"00_red_{position}_0"] == 1
        assert row[f"11_red_{position}_0"] < 0.1
    assert row["01_red_lower_0"] == 1
    assert row["10_red_right_0"] == 1


def test_is_a_scikit_learn_transformer() -> None:
    extractor = clone(Neighbours(truncation=1, histograms="mean", color="gray")).set_output(
        transform="pandas"
    )
    frame = extractor.fit_transform([noise(8, 8)])
    names = list(frame.columns)
    assert len(set(names)) == len(names)
    assert names[:3] == ["gray_right_-1", "gray_right_0", "gray_right_1"]
    assert names[-1] == "11_gray_lower_diagonal"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("truncation", 0),
        ("truncation", 256),
        ("truncation", 2.5),
        ("histograms", "none"),
        ("color", "hsv"),
    ],
)
def test_a_wrong_parameter_is_named(name: str, value: object) -> None:
    with pytest.raises(DfbenchError, match=f"neighbours: {name} is "):
        Neighbours(**{name: value}).transform([noise(2, 2)])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4, 3)), "face.jpg"],
)
def test_a_wrong_image_is_refused(image: object) -> None:
    with pytest.raises(DfbenchError, match="neighbours: an image"):
        Neighbours().transform([image])  # type: ignore[list-item]
