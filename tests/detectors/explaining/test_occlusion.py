"""The map peaks where it is known to, with the right sign, and is flat where nothing speaks."""

from __future__ import annotations

import numpy as np
import pytest

from dfbench.detectors.explaining.evidence import log_odds
from dfbench.detectors.explaining.explanation import heat_map
from dfbench.detectors.explaining.occlusion import occlusion
from tests.detectors.explaining.planted import (
    CORNER,
    HEIGHT,
    SMALL_CNN,
    WIDTH,
    blank,
    detector,
    green,
)


def brightness(images):
    """Two classes: the brighter the upper left quarter, the likelier class 1."""
    p = np.array([image[:32, :32].mean() / 255 for image in images])
    return np.column_stack([1 - p, p])


def test_bright_places_speak_for_what_is_bright_and_dark_ones_against():
    image = np.full((64, 64, 3), 100, np.uint8)
    image[:32, :32] = 220
    for k, sign in ((1, 1), (0, -1)):
        found = occlusion(brightness, image, k)
        assert found.heat.shape == (64, 64)
        assert found.heat.dtype == np.float32
        assert sign * found.heat[16, 16] > 0.5
        assert np.abs(found.heat).max() == pytest.approx(1)
        assert np.abs(found.heat[56:, 56:]).max() < 0.01
        assert found.before == pytest.approx(brightness([image])[0, k])
        assert sign * (found.before - found.after) > 0.02


def test_what_looks_at_nothing_has_a_map_of_nothing():
    found = occlusion(lambda images: np.tile([0.3, 0.7], (len(images), 1)), blank(0), 1)
    assert not found.heat.any()
    assert found.before == found.after == 0.7


def test_more_threads_and_other_batches_change_nothing():
    image = blank(3)
    one, two = (occlusion(brightness, image, 1, jobs=jobs) for jobs in (1, 2))
    np.testing.assert_array_equal(one.heat, two.heat)


def test_large_pictures_have_fewer_places_and_small_ones_any():
    asked = []

    def ask(images):
        asked.append(len(images))
        return np.tile([0.5, 0.5], (len(images), 1))

    for side, most in ((1, 2), (3, 18), (300, 52), (1024, 36), (3000, 13)):
        asked.clear()
        heat = occlusion(ask, np.zeros((side, side, 3), np.uint8), 0).heat
        assert heat.shape == (side, side)
        assert 1 < sum(asked) <= most + 1


def test_log_odds_stay_finite_and_keep_their_order():
    p = np.linspace(0, 1, 101)
    found = log_odds(np.column_stack([1 - p, p]), 1)
    assert np.isfinite(found).all()
    assert (np.diff(found) > 0).all()
    assert found[50] == pytest.approx(0)
    np.testing.assert_allclose(found, -log_odds(np.column_stack([1 - p, p]), 0))


@pytest.mark.parametrize(
    ("row", "params"),
    [("hsv/knn", {}), ("hsv/svm", {}), ("hsv/xgboost", {}), ("/cnn-2conv", SMALL_CNN)],
)
def test_the_map_peaks_at_a_planted_square(row, params):
    asked = detector({row: params}, green)
    near = np.zeros((HEIGHT, WIDTH), bool)
    near[:28, 62:] = True
    for seed in (1001, 1002, 1003):
        image = green(blank(seed))
        assert asked.predict([image]) == ["fake"]
        heat = heat_map(asked, image)
        assert near[np.unravel_index(heat.argmax(), heat.shape)]
        assert heat[CORNER].mean() > 0.5
        assert heat[CORNER].mean() > 2 * np.abs(heat[:, :40]).mean()
