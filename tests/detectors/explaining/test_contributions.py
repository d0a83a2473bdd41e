"""Contributions sum to the evidence, and what is known to speak speaks."""

from __future__ import annotations

import numpy as np
import pytest

from dfbench.detectors.explaining import words
from dfbench.detectors.explaining.contributions import contributions
from dfbench.detectors.explaining.evidence import log_odds
from dfbench.detectors.explaining.explanation import explain
from tests.detectors.explaining.planted import SMALL_CNN, blank, board, detector, green, red, tint

ROWS = ["hsv+fft/xgboost", "hsv+fft/svm", "hsv+fft/knn", "hsv+fft/kernel-ridge"]
HYBRID = {"image_size": 32, "channels": [4, 4, 8, 8, 8], "epochs": 2, "scale_features": "standard"}


def told(asked, image, k=1):
    [part] = asked.parts
    [X] = asked.inputs([asked.look(image)])
    return contributions(part, X, k), part.proba(X), X


@pytest.mark.parametrize(
    ("row", "plant", "family"),
    [(row, tint, "hsv") for row in ROWS]
    # the other two hold a picture against the whole vector, in which colours count for more
    + [(row, board, "fft") for row in ("hsv+fft/xgboost", "hsv+fft/kernel-ridge")],
)
def test_the_family_that_knows_speaks(row, plant, family):
    asked = detector({row: {}}, plant)
    for seed in (1001, 1002):
        found, proba, _ = told(asked, plant(blank(seed)))
        assert proba[0, 1] > 0.5
        hsv, fft = (each.contribution for each in found.families)
        own, other = (hsv, fft) if family == "hsv" else (fft, hsv)
        assert own > 2 * abs(other)
        if found.summed:
            assert found.bins[0].name.startswith(family)
            assert found.bins[0].contribution > 0


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("plants", [(green,), (green, red)])
def test_base_and_families_sum_to_the_evidence(row, plants):
    asked = detector({row: {}}, *plants)
    for k in range(1 + len(plants)):
        found, proba, _ = told(asked, green(blank(1001)), k)
        total = found.base + sum(each.contribution for each in found.families)
        typical = asked.parts[0].proba(asked.parts[0].typical[None])
        if found.summed:
            assert total == pytest.approx(np.log(proba[0, k] / (1 - proba[0, k])), abs=1e-3)
            of_hsv = [each.contribution for each in found.bins if each.name.startswith("hsv: ")]
            assert found.families[0].contribution == pytest.approx(sum(of_hsv), abs=1e-4)
        else:
            assert total == pytest.approx(log_odds(proba, k)[0])
            assert found.base == pytest.approx(log_odds(typical, k)[0])


@pytest.mark.parametrize("row", ROWS)
def test_weights_of_families_are_those_that_the_kernel_has(row):
    asked = detector({row: {}}, tint)
    found, _, _ = told(asked, tint(blank(1001)))
    model = asked.parts[0].model
    if row.endswith(("/svm", "/kernel-ridge")):
        assert found.weights == pytest.approx(model.weights)
        assert sum(found.weights) == pytest.approx(1)
        # colours are what was planted, and these weights are no figure of the one picture
        assert found.weights[0] > 0.5
        assert found.weights == told(asked, blank(1002))[0].weights
        said = words.weights(explain(asked, tint(blank(1001))))
        assert said.startswith(f"weights in any picture: hsv {found.weights[0]:.2f}")
    else:
        assert found.weights == ()
        assert words.weights(explain(asked, tint(blank(1001)))) == ""


def test_one_family_alone_has_no_weights():
    found, _, _ = told(detector({"hsv/svm": {}}, tint), tint(blank(1001)))
    assert found.weights == ()


def test_a_bin_is_told_with_its_value_and_what_is_typical():
    asked = detector({"hsv+fft/svm": {}}, green)
    found, proba, X = told(asked, green(blank(1001)))
    [part] = asked.parts
    names = part.feature_names()
    for each in found.bins:
        at = names.index(each.name)
        assert each.value == X[0, at]
        assert each.typical == part.typical[at]
        without = X.copy()
        without[0, at] = part.typical[at]
        lost = log_odds(proba, 1) - log_odds(part.proba(without), 1)
        assert each.contribution == pytest.approx(lost[0], abs=1e-5)
    sizes = [abs(each.contribution) for each in found.bins]
    assert sizes == sorted(sizes, reverse=True)


def test_extractors_of_one_name_are_told_apart():
    asked = detector({"hsv+hsv[bins=8]/svm": {}}, green, n=40)
    found, _, _ = told(asked, green(blank(1001)))
    assert [each.name for each in found.families] == ["hsv 1", "hsv 2"]


def test_beside_a_network_the_picture_is_held_fixed():
    asked = detector({"hsv+fft/hybrid-hsv-cnn": HYBRID}, green, n=40)
    found, proba, _ = told(asked, green(blank(1001)))
    assert [each.name for each in found.families] == ["hsv", "fft"]
    total = found.base + sum(each.contribution for each in found.families)
    assert total == pytest.approx(log_odds(proba, 1)[0], abs=1e-4)
    explained = explain(asked, green(blank(1001)), places=4)
    assert [each.name for each in explained.families] == [
        "hsv", "fft", "picture (hsv+fft/hybrid-hsv-cnn)",
    ]  # fmt: skip


def test_a_network_alone_has_no_families():
    asked = detector({"/cnn-2conv": SMALL_CNN | {"epochs": 1}}, green, n=40)
    assert told(asked, blank(1))[0] is None
