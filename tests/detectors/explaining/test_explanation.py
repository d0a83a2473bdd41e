"""Explanations of whole detectors, in words, as values and drawn."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from dfbench.detectors.explaining import words
from dfbench.detectors.explaining.drawing import draw, figure
from dfbench.detectors.explaining.explanation import explain, heat_map
from dfbench.detectors.explaining.plain import plain
from dfbench.features.views.operations import png
from dfbench.features.views.view import Normal
from dfbench.images import decode
from dfbench.models.selection.ensembles import Combination
from tests.detectors.explaining.planted import (
    HEIGHT,
    SMALL_CNN,
    WIDTH,
    blank,
    board,
    detector,
    green,
    red,
)


@pytest.fixture(scope="module")
def mean():
    rows = {"hsv/svm": {}, "hsv+fft/xgboost": {}, "/cnn-2conv": SMALL_CNN}
    return detector(rows, green, way=Combination("mean"))


def test_a_mean_is_told_by_its_members(mean):
    image = green(blank(1001))
    found = explain(mean, image)
    assert [voice.row for voice in found.voices] == ["hsv/svm", "hsv+fft/xgboost", "/cnn-2conv"]
    assert [voice.weight for voice in found.voices] == pytest.approx([1 / 3] * 3)
    said = sum(voice.weight * voice.probability for voice in found.voices)
    assert said == pytest.approx(mean.predict_proba([image])[0, 1])
    of = {each.name: each.contribution for each in found.families}
    assert list(of) == ["hsv", "fft", "picture (/cnn-2conv)"]
    hsv = [voice.contributions.families[0].contribution for voice in found.voices[:2]]
    assert of["hsv"] == pytest.approx(sum(hsv) / 3)
    assert found.leading is found.voices[0]
    np.testing.assert_array_equal(found.occlusion.heat, heat_map(mean, image))
    cam = found.voices[2].cam
    assert cam.shape == (HEIGHT, WIDTH)
    assert cam.max() <= 1
    assert cam[:28, 62:].mean() > 2 * cam[:, :40].mean()


def test_members_that_are_stacked_have_no_weights():
    rows = {"hsv/svm": {}, "fft/svm": {}}
    found = explain(detector(rows, green, way=Combination("stacking")), green(blank(1001)))
    assert [voice.weight for voice in found.voices] == [None, None]
    assert found.verdict.label == "fake"
    assert figure(found) is not None


def test_sentences_of_two_classes():
    asked = detector({"hsv+fft/svm": {}}, green)
    fake, real = explain(asked, green(blank(1001))), explain(asked, blank(1001))
    assert words.verdict(fake) == f"fake, {fake.verdict.score:.2f} (from 0.50 on it says fake)"
    said = f"real: fake has {real.verdict.score:.2f} (from 0.50 on it says fake)"
    assert words.verdict(real) == said
    assert words.families(fake).startswith("in log odds, for fake: hsv +")
    of_real = words.families(real)
    assert of_real.startswith(("in log odds, for fake", "in log odds, for real: hsv -"))
    assert words.places(fake).startswith("with its weightiest place covered, fake has 0.")
    near = replace(fake.verdict, score=0.4996, label="real")
    assert "0.4996 (from 0.5000" in words.verdict(replace(fake, verdict=near))
    half = replace(real.verdict, score=0.5)
    assert words.verdict(replace(real, verdict=half)) == "real: fake has 0.50 (no more than real)"
    strict = explain(asked, green(blank(1001)), threshold=1.0)
    assert strict.verdict.label == "real"
    far = replace(fake.verdict, outside=("4 pixels wide", "grey"))
    told = words.outside(replace(fake, verdict=far))
    assert told == "outside what it was trained on: 4 pixels wide; grey"


def test_of_several_classes_the_decided_one_is_explained():
    asked = detector({"hsv/svm": {}}, green, red)
    for image, name in ((green(blank(1001)), "fake"), (red(blank(1001)), "other")):
        found = explain(asked, image)
        assert found.explained == found.verdict.label == name
        assert found.against == "another class"
        assert words.verdict(found).startswith(f"{name}, 0.")
        heat = heat_map(asked, image)
        assert heat[:28, 62:].mean() > 0.3
        np.testing.assert_array_equal(heat, found.occlusion.heat)


def test_a_row_of_files_has_no_map():
    asked = detector({"metadata/xgboost": {}}, board)
    file = png(board(blank(1001)))
    found = explain(asked, file)
    assert found.occlusion is None
    assert "reads the file, not the pixels" in words.places(found)
    assert not heat_map(asked, file).any()
    assert heat_map(asked, file).shape == (HEIGHT, WIDTH)
    assert figure(found) is not None


def test_files_beside_pixels_are_kept_while_places_are_covered():
    asked = detector({"metadata+hsv/svm": {}}, green)
    heat = heat_map(asked, png(green(blank(1001))))
    assert heat[:28, 62:].mean() > 0.3


def test_what_a_normal_form_cuts_off_has_no_cam():
    normal = Normal(size=32, method="crop")
    asked = detector({"/cnn-2conv": SMALL_CNN}, green, normal=normal, n=40)
    cam = explain(asked, green(blank(1001)), places=4).voices[0].cam
    assert cam.shape == (HEIGHT, WIDTH)
    edge = (WIDTH - HEIGHT) // 2
    assert not cam[:, :edge].any()
    assert not cam[:, -edge:].any()


def test_a_native_network_is_shown_the_middle_and_its_cam_lies_there():
    small = {"image_size": 48, "crop": 32, "widths": [8, 8], "epochs": 6, "batch_size": 8}
    asked = detector({"/residual-cnn": small | {"lr": 1e-2}}, board, n=60)
    found = explain(asked, board(blank(1001)), places=4)
    assert found.verdict.label == "fake"
    assert asked.predict([blank(1002)]) == ["real"]
    cam = found.voices[0].cam
    assert cam.shape == (HEIGHT, WIDTH)
    top, left = (HEIGHT - 48) // 2, (WIDTH - 48) // 2
    seen = cam[top : top + 48, left : left + 48]
    assert seen.max() > 0
    assert cam.sum() == pytest.approx(seen.sum())
    # a smaller picture is mirrored: what is found beyond its edges is laid over nothing
    assert explain(asked, board(blank(1001))[:20, :30], places=4).voices[0].cam.shape == (20, 30)


def test_values_for_json_and_the_figure(mean, tmp_path):
    found = explain(mean, green(blank(1001)))
    told = json.loads(json.dumps(plain(found)))
    assert told["label"] == "fake"
    assert told["explained"] == "fake"
    assert [each["row"] for each in told["models"]] == [voice.row for voice in found.voices]
    first = told["models"][0]
    assert first["base"] + sum(first["families"].values()) == pytest.approx(
        found.voices[0].evidence, abs=1e-4
    )
    path = tmp_path / "explained.png"
    draw(found, path)
    assert decode(path.read_bytes()).shape[1] == 1200
