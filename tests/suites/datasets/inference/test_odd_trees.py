"""Odd trees: each is read as a person would read it, or asked about; no image is lost unsaid."""

from __future__ import annotations

import re

import pytest

from dfbench.errors import DataError
from dfbench.suites.datasets.inference.reading import read_folder
from dfbench.suites.datasets.scan import scan, settle_root

READ = [
    # not each generator has both classes
    ("biggan/{0_real,1_fake} cyclegan/1_fake progan/1_fake", "kinds biggan, cyclegan, progan"),
    ("celeb/{real,fake} youtube/real", "no kinds"),
    ("A/{train,val}/{real,fake} B/train/{real,fake}", "kinds A, B; no groups; splits train, val"),
    ("real/{train,val} fake/g1/{train,val}", "no kinds; no groups; splits train, val"),
    ("deepfake/real gen1/{real,fake}", "classes real, fake"),
    ("train/{real,fake} val/fake/real_esrgan val/real", "splits train, val"),
    ("real_esrgan/fake sdxl/{real,fake}", "classes real, fake; kinds real_esrgan, sdxl"),
    # names of splits
    ("train/{real,fake} eval/{real,fake}", "splits train, eval"),
    ("train_hq/{real,fake} test_hq/{real,fake}", "splits train_hq, test_hq"),
    ("traindata/{real,fake} testdata/{real,fake}", "splits traindata, testdata"),
    ("tr/{real,fake} te/{real,fake}", "splits tr, te"),
    ("realtrain faketrain realtest faketest", "splits faketrain + realtrain, faketest + realtest"),
    ("train/{train,val}/{real,fake} test/{real,fake}", "splits train, val, test"),
    ("real/{train,val} fake/dev/train fake/schnell/{train,val}", "kinds dev, schnell"),
    ("fake/{dev,test1}/{train,val} real/{train,val}", "kinds dev, test1; no groups; splits train"),
    # masks
    ("Au Tp Tp_mask", "classes Au, Tp; no kinds"),
    ("0 1 1/masks", "classes 0, 1; fake is 1"),
    (
        "train/{real,fake} test/images test/masks",
        "test has no labels, the rest no splits",
    ),
    ("real fake/edgemask fake", "classes real, fake"),
    ("{real,fake}/{with_mask,no_mask}", "classes real, fake; no kinds"),
    # kinds
    ("real deepfake/{deepfake,faceswap}", "kinds deepfake, faceswap"),
    ("biggan/{real,fake} sd/{nature,ai}", "kinds biggan, sd"),
    ("{crn,seeingdark}/{real,fake}/{cat,dog}", "kinds crn, seeingdark"),
    ("train/{real,fake} test/{progan,biggan}/{0_real,1_fake}", "kinds biggan, progan"),
    ("{real,fake}/{Ann_Lee,Bo_Day,Cy_Fox}", "no kinds; no groups; not used: folders Ann_Lee"),
    ("{real,fake}/{256,512}", "no kinds; no groups"),
    # generators whose names hold a class word
    ("real RealVisXL sdxl", "classes RealVisXL, real, sdxl; real images: real"),
    ("fake/{RealVisXL,wukong}", "classes fake"),
    (
        "original_data/train/{0,1} original_data/test",
        "test has no labels, the rest no splits",
    ),
]
ASKED = [
    ("real fake test/{real,fake}", "lie in no split"),
    ("sd/{real,fake} mj/train/{real,fake}", "lie in no split"),
    ("train/{real,fake} holdout/{real,fake}", "lie in no split"),
    ("deepfake/{0,1} which_face_is_real/{0,1}", "and by '0' it is not"),
    ("0/original_a 1/original_a 1/Deepfakes", "and by '1' it is not"),
    ("deepfakes stylegan", "tells whether they are real or fake"),
    ("fake midjourney", "tells whether they are real or fake"),
    ("fake_ct/{train,val} sdxl/{train,val}", "tells whether they are real or fake"),
    ("{train,val}/{real,fake} test/{0,1}", "tells whether they are real or fake"),
    ("{train,val}/{real,fake} test/{cats,dogs}", "tells whether they are real or fake"),
    ("coco lsun stylegan2 ddpm", "these may be classes or not"),
    ("RealGAN ffhq", "these may be classes or not"),
    ("0 1 samples", "these may be classes or not"),
    ("video{0,1,2,3}", "these may be classes or not"),
    ("human animal", "no name tells which class is fake"),
    ("nature city", "no name tells which class is fake"),
    ("photo cg", "no name tells which class is fake"),
    ("trainA trainB testA testB", "nothing tells the labels"),
]


def expand(text: str) -> list[str]:
    found = re.search(r"\{([^{}]*)\}", text)
    if not found:
        return [text]
    head, tail = text[: found.start()], text[found.end() :]
    return [each for part in found[1].split(",") for each in expand(f"{head}{part}{tail}")]


def lay(root, tree: str) -> int:
    folders = [folder for word in tree.split() for folder in expand(word)]
    for folder in folders:
        for number in range(6):
            file = root / folder / f"{number:04}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    return 6 * len(folders)


@pytest.mark.parametrize(("tree", "line"), READ)
def test_it_is_read_as_a_person_would(tmp_path, tree, line):
    images = lay(tmp_path / "set", tree)
    reading = read_folder(tmp_path / "set")
    assert line in reading.line
    card = reading.card
    root = tmp_path / "set" / card.root
    found = scan(card, settle_root(card, root))
    left = sum(int(n) for n in re.findall(r"(\d+) images? in \S+ left out", str(reading.warnings)))
    assert len(found.images) + left == images


@pytest.mark.parametrize(("tree", "says"), ASKED)
def test_it_is_asked(tmp_path, tree, says):
    lay(tmp_path / "set", tree)
    with pytest.raises(DataError) as caught:
        read_folder(tmp_path / "set")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_loose_images_are_said_and_many_are_asked_about(tmp_path):
    lay(tmp_path, "train/{real,fake} test/{real,fake}")
    (tmp_path / "train" / "sample.png").touch()
    reading = read_folder(tmp_path)
    assert reading.line.endswith("splits train, test")
    [warning] = scan(reading.card, tmp_path).warnings
    assert warning == ("1 image lies beside the class folders, such as train/sample.png: left out")
    lay(tmp_path, "train")
    with pytest.raises(DataError, match="train holds 7 images, but no name on the way tells"):
        read_folder(tmp_path)


def test_names_are_found_whatever_their_accents_are_made_of(tmp_path):
    lay(tmp_path, "mo\u0301j inny")
    reading = read_folder(tmp_path, read_as("real=inny,fake=m\u00f3j"))
    assert len(scan(reading.card, tmp_path).images) == 12


def read_as(classes: str):
    from dfbench.suites.datasets.inference.read_as import ReadAs

    return ReadAs(classes=classes)


def table(rows) -> str:
    return "".join(",".join(map(str, row)) + "\n" for row in rows)


def test_frames_of_a_video_that_a_table_names_stay_together(tmp_path):
    for video in range(10, 22):
        for frame in range(3):
            file = tmp_path / "frames" / f"v{video}" / f"{frame}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    rows = [("file", "label"), *((f"v{v}.mp4", ("REAL", "FAKE")[v % 2]) for v in range(10, 22))]
    (tmp_path / "labels.csv").write_text(table(rows))
    reading = read_folder(tmp_path)
    assert reading.card.split.policy == "grouped"
    assert "groups from column file" in reading.line
    rows = [(f"v{v}/{n}.jpg", ("REAL", "FAKE")[v % 2]) for v in range(10, 22) for n in range(3)]
    (tmp_path / "labels.csv").write_text(table([("file", "label"), *rows]))
    reading = read_folder(tmp_path)
    assert "groups: 12 folders of one source each" in reading.line
    groups = {image.path: image.group for image in scan(reading.card, tmp_path).images}
    assert groups["frames/v15/2.jpg"] == "v15"


def test_an_index_column_of_a_table_aside_is_no_option(tmp_path):
    lay(tmp_path, "real fake")
    (tmp_path / "meta.csv").write_text(table([("", "file", "width"), (0, "real/0000.png", 9)]))
    reading = read_folder(tmp_path)
    assert reading.line.startswith("classes real, fake")
    assert "meta.csv is not used" in reading.warnings[0]


@pytest.mark.parametrize(
    ("header", "row", "says"),
    [
        (
            ("file", "label", "is_val", "is_test"),
            lambda n: (n % 2, n % 3 == 1, n % 3 == 2),
            "split",
        ),
        (("file", "label", "is_fake"), lambda n: (n % 2, n % 3 == 1), "tell different labels"),
        (("file", "label"), lambda n: (("real", "fake", "mixed")[n % 3],), "says 'mixed'"),
    ],
)
def test_columns_that_are_no_simple_answer_are_told(tmp_path, header, row, says):
    lay(tmp_path, "pictures")
    for number in range(6, 12):
        (tmp_path / "pictures" / f"{number:04}.png").touch()
    rows = [(f"{n:04}.png", *map(int_of, row(n))) for n in range(12)]
    (tmp_path / "labels.csv").write_text(table([header, *rows]))
    try:
        assert says in str(read_folder(tmp_path).warnings)
    except DataError as error:
        assert says in str(error)  # noqa: PT017 - asked or warned, both will do


def int_of(value):
    return value if isinstance(value, str) else int(value)


def test_actors_of_videos_are_sources(tmp_path):
    real = "original_sequences/actors/frames/{01__walk,02__walk,03__talk,04__talk}"
    fake = "manipulated_sequences/{A,B}/frames/{01_02__walk__X,02_01__walk__Y,03_04__talk__Z}"
    lay(tmp_path, f"{real} {fake}")
    reading = read_folder(tmp_path)
    groups = {i.path: i.group for i in scan(reading.card, tmp_path / reading.card.root).images}
    one = groups["original_sequences/actors/frames/01__walk/0000.png"]
    assert groups["manipulated_sequences/A/frames/01_02__walk__X/0000.png"] == one
    assert groups["original_sequences/actors/frames/03__talk/0000.png"] != one


def test_splits_that_are_not_to_be_used_are_no_kinds(tmp_path):
    from dfbench.suites.datasets.inference.read_as import ReadAs

    lay(tmp_path, "train/{real,fake} test/{real,fake}")
    reading = read_folder(tmp_path, ReadAs(splits="none"))
    assert reading.line == "classes real, fake; no kinds; no groups; divided 70/15/15 by class"
