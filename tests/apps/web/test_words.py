"""What is said of a verdict."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dfbench.apps.web import words
from dfbench.apps.words import said
from dfbench.detectors.detector import Detector
from dfbench.detectors.explaining.explanation import explain
from dfbench.detectors.explaining.words import places
from dfbench.detectors.opening import open_model
from dfbench.detectors.verdict import Verdict
from tests.conftest import picture


@pytest.fixture(scope="module")
def detector(results: Any) -> Detector:
    return open_model(results, row="hsv/knn")


def verdict(score: float, *, threshold: float = 0.5, outside: tuple[str, ...] = ()) -> Verdict:
    label = "fake" if score >= threshold else "real"
    proba = np.array([1 - score, score])
    return Verdict(label, ("real", "fake"), proba, score, threshold, outside)


@pytest.mark.parametrize(
    ("score", "threshold", "expected"),
    [
        (0.91, 0.5, "0.91 for fake; from 0.50 on it says fake"),
        (0.2, 0.5, "0.20 for fake; from 0.50 on it says fake"),
        (0.496, 0.4967, "0.496 for fake; from 0.497 on it says fake"),
        (0.9999, 0.5, "1.00 for fake; from 0.50 on it says fake"),
    ],
)
def test_how_sure_a_verdict_is(score: float, threshold: float, expected: str) -> None:
    assert said(verdict(score, threshold=threshold), 1) == expected


def test_a_draw_is_called_one() -> None:
    """Half of the neighbours: the first class is decided for, as on the leaderboard."""
    half = Verdict("real", ("real", "fake"), np.array([0.5, 0.5]), 0.5, 0.5)
    assert said(half, 1) == "0.50 for fake, no more than for real"
    first = Verdict("fake", ("fake", "real"), np.array([0.5, 0.5]), 0.5, 0.5)
    assert said(first, 0) == "0.50 for fake; from 0.50 on it says fake"


def test_of_several_classes_the_surest_is_named() -> None:
    names = ("real", "one", "two")
    found = Verdict("two", names, np.array([0.2, 0.3, 0.5]), None, None)
    assert said(found, None) == "probability 0.50"


def test_a_card_warns_of_pictures_from_outside(detector: Detector) -> None:
    reasons = ("PNG, training images are JPEG", "a < b")
    shown = words.card(detector, verdict(0.7, outside=reasons), "hsv/knn on faces")
    assert "Outside what it was trained on" in shown
    assert "PNG, training images are JPEG; a &lt; b" in shown
    assert "df-for" in shown
    assert "Outside" not in words.card(detector, verdict(0.7), "a")


def test_a_card_has_the_rates_and_the_warnings_of_the_board(detector: Detector) -> None:
    shown = words.card(detector, verdict(0.1), "hsv/knn on faces")
    assert "df-against" in shown
    assert detector.rates()[0].sentence in shown
    assert detector.contents.warnings
    for text in detector.contents.warnings:
        assert words.escape(text) in shown


def test_names_are_text(detector: Detector) -> None:
    hostile = "<img src=x onerror=alert(1)> ${1+1} {{value}} \u202e\x1b"
    found = explain(detector, picture(5), places=4)
    shown = words.explained(hostile, found) + words.card(detector, verdict(0.7), hostile)
    assert "<img src=x" not in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_what_a_detector_goes_by_is_shown_and_said(detector: Detector) -> None:
    found = explain(detector, picture(5, kind="fake"), places=16)
    shown = words.explained("hsv/knn on faces", found)
    assert 'src="data:image/jpeg;base64,' in shown
    assert found.occlusion is not None
    assert ("Vermilion speaks for fake, blue for real." in shown) == found.occlusion.heat.any()
    said = places(found)
    assert words.escape(said[1:]) in shown


def test_maps_that_are_to_come_are_announced() -> None:
    assert "which matter to 2 detectors" in words.maps([], 2)
    assert "which matter to 1 detector " in words.maps(["<figure></figure>"], 1)
    assert "Covering" not in words.maps(["<figure></figure>"])
    assert words.maps([]) == ""
