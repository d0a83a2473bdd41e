"""A loaded detector is asked by Python: what it takes, what it gives, what it refuses."""

from __future__ import annotations

import importlib
import io
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dfbench
from dfbench.detectors.archive import Bundle, ModelFileError
from dfbench.detectors.detector import Detector
from dfbench.detectors.rates import Rate, Scored, rates
from dfbench.errors import DataError, ImageError, ParameterError
from dfbench.results.statistics.estimate import Estimate
from dfbench.results.statistics.intervals import wilson


@pytest.fixture
def detector(ran) -> Detector:
    return Detector(ran.bundle("hsv+lbp/svm"))


@pytest.fixture
def images(ran) -> list[Path]:
    return sorted((ran.root / "test").rglob("*.png"))


def test_it_takes_whatever_people_call_an_image(detector: Detector, images: list[Path]) -> None:
    expected = detector.predict_proba(images)
    assert expected.shape == (20, 2)
    assert expected.dtype == np.float64
    np.testing.assert_allclose(expected.sum(axis=1), 1)
    pixels = [np.asarray(Image.open(path)) for path in images]
    for given in (
        [str(path) for path in images],
        [path.read_bytes() for path in images],
        pixels,
        np.stack(pixels),
        [Image.open(path) for path in images],
        (detector.look(path) for path in images),
    ):
        np.testing.assert_allclose(detector.predict_proba(given), expected, atol=1e-9)
    assert detector.predict_proba([]).shape == (0, 2)
    assert detector.predict([]).shape == (0,)


def test_scores_hang_on_no_other_image_and_on_no_thread(
    detector: Detector, images: list[Path]
) -> None:
    expected = detector.predict_proba(images)
    one = np.vstack([detector.predict_proba([path]) for path in images])
    np.testing.assert_allclose(one, expected, atol=1e-9)
    np.testing.assert_allclose(detector.predict_proba(images[::-1])[::-1], expected, atol=1e-9)
    with ThreadPoolExecutor(8) as pool:
        each = list(pool.map(lambda path: detector.predict_proba([path])[0], images * 3))
    np.testing.assert_allclose(each, np.vstack([expected] * 3), atol=1e-9)


def test_a_turned_photograph_and_a_clear_one_are_seen_as_a_person_does(
    detector: Detector, images: list[Path]
) -> None:
    pixels = np.asarray(Image.open(images[0]))
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    for name in ("PNG", "TIFF"):
        file = io.BytesIO()
        Image.fromarray(np.rot90(pixels)).save(file, name, exif=exif)
        found = detector.look(file.getvalue())
        np.testing.assert_array_equal(found.pixels, pixels)
        np.testing.assert_array_equal(detector.look(Image.open(file)).pixels, pixels)
    clear = Image.fromarray(np.dstack([pixels, np.full(pixels.shape[:2], 9, np.uint8)]))
    np.testing.assert_array_equal(detector.look(clear).pixels, pixels)


def test_what_is_no_image_is_refused_by_name(detector: Detector, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(ImageError, match=r"text\.png: not an image"):
        detector.predict([tmp_path / "text.png"])
    with pytest.raises(DataError, match=r"none\.png: cannot be read: No such file"):
        detector.predict(["none.png"])
    for given in (
        [np.zeros((4, 4))],
        [np.zeros((4, 4, 3))],
        [np.zeros((4, 4, 4), np.uint8)],
        [np.zeros((0, 4, 3), np.uint8)],
        np.zeros((4, 4, 3), np.uint8),
        [3],
        [None],
        3,
        "one.png",
        b"bytes",
    ):
        with pytest.raises(ParameterError, match="images"):
            detector.predict(given)


def test_verdicts_tell_class_probability_and_threshold(
    detector: Detector, images: list[Path]
) -> None:
    proba = detector.predict_proba(images)
    for verdict, row in zip(detector.verdicts(images), proba, strict=True):
        assert verdict.classes == ("real", "fake")
        assert verdict.label == ("fake" if row[1] > 0.5 else "real")
        assert verdict.probability == pytest.approx(row.max())
        assert verdict.score == pytest.approx(row[1])
        assert verdict.threshold == 0.5
    assert set(detector.predict(images, threshold=0)) == {"fake"}
    assert {v.label for v in detector.verdicts(images, threshold=1.0)} == {"real"}
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(ParameterError, match="threshold"):
            detector.predict(images, threshold=wrong)


def test_a_rule_s_threshold_decides(ran, images: list[Path]) -> None:
    calibrated = Detector(ran.bundle("calibrated"))
    cut = calibrated.threshold
    assert cut != 0.5
    scores = calibrated.predict_proba(images)[:, 1]
    assert (calibrated.predict(images) == "fake").tolist() == (scores >= cut).tolist()


def test_the_positive_class_may_be_the_first_one(ran, images: list[Path]) -> None:
    bundle = ran.bundle("hsv+lbp/svm")
    contents = bundle.contents.model_copy(update={"positive": 0, "threshold": 0.3})
    detector = Detector(Bundle(contents, bundle.files))
    scores = detector.predict_proba(images)[:, 0]
    expected = np.where(scores >= 0.3, "real", "fake")
    verdicts = detector.verdicts(images)
    assert [verdict.label for verdict in verdicts] == expected.tolist()
    np.testing.assert_allclose([verdict.score for verdict in verdicts], scores, atol=1e-9)
    actual = np.array([path.parent.name for path in images])
    wrong = {name: int((expected[actual == name] != name).sum()) for name in ("real", "fake")}
    assert {rate.actual: rate.wrong for rate in detector.rates()} == wrong
    assert {rate.actual: rate.wrong for rate in detector.rates(0)} == {"real": 0, "fake": 10}


def test_a_picture_unlike_the_training_images_is_told(
    detector: Detector, images: list[Path]
) -> None:
    known = [verdict.outside for verdict in detector.verdicts(images)]
    assert sum(map(bool, known)) <= 3
    noise = np.random.default_rng(0).integers(0, 256, (40, 48, 3)).astype(np.uint8)
    [verdict] = detector.verdicts([noise])
    assert any("features lie farther" in said for said in verdict.outside)
    file = io.BytesIO()
    Image.open(images[0]).resize((96, 80)).save(file, "JPEG")
    [verdict] = detector.verdicts([file.getvalue()])
    assert "96 x 80 pixels, of training images the shorter side has 40" in verdict.outside
    assert "JPEG, training images are PNG" in verdict.outside


def test_a_network_tells_it_by_its_own_features(ran) -> None:
    network = Detector(ran.bundle("network"))
    noise = np.random.default_rng(0).integers(0, 256, (40, 48, 3)).astype(np.uint8)
    dark = np.zeros((40, 48, 3), np.uint8)
    found = network.verdicts([noise, dark])
    assert any(verdict.outside for verdict in found)


def test_a_row_that_reads_files_asks_for_them(ran, images: list[Path]) -> None:
    control = Detector(ran.bundle("metadata/xgboost"))
    assert len(control.predict(images)) == 20
    assert any("control" in warning for warning in control.contents.warnings)
    with pytest.raises(ParameterError, match="reads files: give a path"):
        control.predict([np.zeros((40, 48, 3), np.uint8)])


@pytest.mark.parametrize(
    "part", [("dfbench.models.classical.svm", "SVM"), ("dfbench.features.extractors.hsv", "HSV")]
)
def test_what_another_dfbench_made_says_what_to_do(ran, part, monkeypatch) -> None:
    module, name = part
    made_of = getattr(importlib.import_module(module), name)
    monkeypatch.setattr(made_of, "version", made_of.version + 1)
    with pytest.raises(ModelFileError, match="another version of the") as told:
        Detector(ran.bundle("hsv+lbp/svm"))
    assert "run the row again" in str(told.value)


def test_rates_are_those_of_the_stored_scores(ran, detector: Detector) -> None:
    table = dfbench.load_results(ran.out).scores("hsv+lbp/svm")
    for rate in detector.rates():
        own = table[table["label"] == rate.actual]
        wrong = (own["decision"] != rate.actual).to_numpy()
        assert (rate.n, rate.wrong) == (len(own), wrong.sum())
        assert rate.share == wilson(wrong.astype(float))
    everything = {rate.actual: rate.wrong for rate in detector.rates(threshold=0)}
    assert everything == {"real": 10, "fake": 0}


@pytest.mark.parametrize(
    ("share", "sentence"),
    [
        (
            Estimate(value=0.06, low=0.03, high=0.12),
            "of 100 real images it calls 6 fake (95 %: 3 to 12)",
        ),
        (
            Estimate(value=0.004, low=0.0, high=0.02),
            "of 100 real images it calls 0.4 fake (95 %: 0 to 2)",
        ),
        (Estimate(value=1.0), "of 100 real images it calls 100 fake"),
        (Estimate(), "it was tested on no real image"),
    ],
)
def test_rates_are_said_of_a_hundred(share: Estimate, sentence: str) -> None:
    assert Rate("real", "fake", 50, 3, share).sentence == sentence


def test_rates_of_several_classes_heed_groups() -> None:
    labels = np.array([0, 0, 1, 1, 2, 2])
    proba = np.eye(3)[[0, 1, 1, 1, 0, 0]]
    found = rates(
        Scored(labels, proba, np.array([1, 1, 2, 3, 4, 4])),
        ("real", "gan", "diffusion"),
        positive=None,
        threshold=None,
    )
    assert [rate.wrong for rate in found] == [1, 0, 2]
    assert found[2].sentence.startswith("of 100 diffusion images it calls 100 something else")
    assert found[0].share.low is None  # one group is no sample


def test_a_detector_of_own_functions_asks_for_their_file(tmp_path: Path, make_folder) -> None:
    plugin = tmp_path / "mean_colour.py"
    plugin.write_text(
        "import dfbench\n\n@dfbench.extractor\ndef mean_colour(image, power=1):\n"
        "    return (image / 255.0).mean(axis=(0, 1)) ** power\n"
    )
    root = make_folder()
    dfbench.run(
        "smoke",
        root,
        only="mean_colour[power=2]/knn",
        plugins=plugin,
        trials=1,
        figures="none",
        out=tmp_path / "out",
        jobs=1,
    )
    [path] = (tmp_path / "out" / "models").iterdir()
    with pytest.raises(dfbench.errors.DfbenchError, match=r"somebody's own.*--plugin FILE"):
        dfbench.load_model(path)
    detector = dfbench.load_model(path, plugins=plugin)
    table = dfbench.load_results(tmp_path / "out").scores("mean_colour[power=2]/knn")
    found = detector.predict_proba([root / image for image in table["image"]])
    np.testing.assert_allclose(found, table[["p_real", "p_fake"]].to_numpy(), atol=1e-6)
    plugin.write_text(plugin.read_text() + "# changed\n")
    with pytest.raises(dfbench.errors.DfbenchError, match="its file has changed"):
        dfbench.load_model(path, plugins=plugin)


def test_a_model_that_breaks_says_so_in_one_line(detector: Detector, images: list[Path]) -> None:
    part = replace(detector.parts[0], model=deepcopy(detector.parts[0].model))
    part.model._scale = None
    inputs = detector.inputs([detector.look(images[0])])[0]
    with pytest.raises(ModelFileError, match=r"the model is not what it must be: \w+Error"):
        part.proba(inputs)


def test_a_pil_image_of_more_than_8_bits_is_seen_as_its_file(detector: Detector, tmp_path) -> None:
    rng = np.random.default_rng(0)
    deep = rng.integers(0, 65_535, (40, 48)).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    Image.fromarray(deep.astype(np.float32) / 65_535).save(tmp_path / "float.tif")
    for path in (tmp_path / "deep.png", tmp_path / "float.tif"):
        with Image.open(path) as image:
            np.testing.assert_array_equal(detector.look(image).pixels, detector.look(path).pixels)


def test_a_tilde_is_part_of_a_name_where_there_is_no_such_user(detector: Detector) -> None:
    with pytest.raises(DataError, match="cannot be read: No such file"):
        detector.predict(["~nobody of this name/a.png"])
    with pytest.raises(ModelFileError, match="no such file"):
        dfbench.load_model("~nobody of this name/a.dfb")
    with pytest.raises(ImageError, match="has no pixels"):
        detector.predict([Image.new("RGB", (0, 0))])
    with pytest.raises(ParameterError, match=r"is a probability, not '0\.5'"):
        detector.rates("0.5")
