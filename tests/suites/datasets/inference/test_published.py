"""How sets of this field lie on disk as they are published, each with its right reading."""

from __future__ import annotations

import pytest

from dfbench.errors import CardError, DataError
from dfbench.suites.datasets.inference.read_as import ReadAs
from dfbench.suites.datasets.inference.reading import read_folder
from dfbench.suites.datasets.scan import scan


def lay(root, folders, each=3) -> None:
    for folder in folders:
        for number in range(each):
            file = root / folder / f"{number:05}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()


def read(root, **asked):
    """Give the reading, and what it makes of each folder of images."""
    reading = read_folder(root, ReadAs(**asked))
    found = scan(reading.card, root / reading.card.root)
    outer = "" if reading.card.root == "." else f"{reading.card.root}/"
    names = [*reading.card.classes, "(none)"]
    told = {
        outer + image.path.rpartition("/")[0]: (
            names[image.label],
            image.split,
            image.kind,
            image.group,
        )
        for image in found.images
    }
    return reading, told, found


FORENSYNTHS = [
    *(f"progan/{c}/{x}" for c in ("airplane", "cat") for x in ("0_real", "1_fake")),
    *(f"{g}/{x}" for g in ("biggan", "deepfake") for x in ("0_real", "1_fake")),
    *(f"cyclegan/{c}/{x}" for c in ("apple", "horse") for x in ("0_real", "1_fake")),
]


def test_generators_some_with_categories(tmp_path):
    lay(tmp_path, FORENSYNTHS)
    reading, told, _ = read(tmp_path)
    assert reading.card.classes == ["0_real", "1_fake"]
    assert reading.card.positive == "1_fake"
    for folder in FORENSYNTHS:
        fake = folder.endswith("1_fake")
        kind = folder.split("/")[0] if fake else ""
        assert told[folder] == ("1_fake" if fake else "0_real", "", kind, "")
    assert "not used: folders airplane, apple, cat, horse" in reading.line


def test_real_and_fake_images_of_different_generators_lie_apart(tmp_path):
    lay(tmp_path, ["laion/0_real", "imagenet/0_real", "dalle/1_fake", "glide_100_10/1_fake"])
    reading, told, _ = read(tmp_path)
    assert told["laion/0_real"] == ("0_real", "", "", "")
    assert told["dalle/1_fake"] == ("1_fake", "", "dalle", "")
    assert reading.card.layout.kinds == ["dalle", "glide_100_10"]


def test_splits_below_generators(tmp_path):
    lay(
        tmp_path,
        [
            f"{g}/imagenet_ai_0419_{s}/{split}/{x}"
            for g, s in (("Midjourney", "mj"), ("stable_diffusion_v_1_4", "sdv4"))
            for split in ("train", "val")
            for x in ("ai", "nature")
        ],
    )
    reading, told, _ = read(tmp_path)
    assert (reading.card.classes, reading.card.positive) == (["nature", "ai"], "ai")
    assert told["Midjourney/imagenet_ai_0419_mj/val/ai"] == ("ai", "validation", "Midjourney", "")
    assert reading.card.split.policy == "given"


def test_forgeries_of_pairs_of_videos(tmp_path):
    videos = [f"{n:03}" for n in range(8)]
    pairs = ["000_001", "001_000", "002_003", "003_002", "004_005", "005_004", "006_007", "007_006"]
    lay(tmp_path, [f"original_sequences/youtube/c23/frames/{v}" for v in videos])
    lay(
        tmp_path,
        [
            f"manipulated_sequences/{kind}/c23/frames/{pair}"
            for kind in ("Deepfakes", "Face2Face", "FaceShifter")
            for pair in pairs
        ],
    )
    reading, told, found = read(tmp_path)
    folder = "manipulated_sequences/FaceShifter/c23/frames/003_002"
    assert told[folder] == ("manipulated_sequences", "", "FaceShifter", "002")
    assert told["original_sequences/youtube/c23/frames/003"][3] == "002"
    assert len({group for *_, group in told.values()}) == 4
    assert reading.card.split.policy == "grouped"
    assert not found.warnings


def test_pairs_that_tie_all_videos_go_with_their_first(tmp_path):
    for n in range(6):
        pair = f"{n:03}_{(n + 1) % 6:03}"
        lay(
            tmp_path,
            [f"original/{n:03}", f"manipulated/Deepfakes/{pair}", f"manipulated/FaceSwap/{pair}"],
        )
    _, told, found = read(tmp_path)
    assert told["manipulated/Deepfakes/003_004"][2:] == ("Deepfakes", "003")
    assert told["original/003"][2:] == ("", "003")
    [warning] = found.warnings
    assert "tie 6 sources together" in warning
    assert "may lie in another split" in warning


def test_persons_of_videos_are_the_sources(tmp_path):
    real = [f"Celeb-real/id{a}_000{b}" for a in range(4) for b in range(2)]
    fake = [f"Celeb-synthesis/id{a}_id{a ^ 1}_000{b}" for a in range(4) for b in range(2)]
    youtube = [f"YouTube-real/{n:05}" for n in range(4)]
    lay(tmp_path, [*real, *fake, *youtube])
    reading, told, _ = read(tmp_path)
    assert reading.card.classes == ["real", "Celeb-synthesis"]
    assert told["Celeb-real/id1_0000"] == ("real", "", "", "id0")
    assert told["Celeb-synthesis/id3_id2_0001"] == ("Celeb-synthesis", "", "", "id2")
    assert told["YouTube-real/00003"] == ("real", "", "", "00003")


def test_class_and_split_in_one_name(tmp_path):
    lay(
        tmp_path,
        [
            f"{x}_{s}/{n}/{x}/{m}"
            for x in ("real", "fake")
            for s in ("train", "test")
            for n in (1, 2, 3, 4)
            for m in (10, 11)
        ],
    )
    reading, told, _ = read(tmp_path)
    assert reading.card.classes == ["real", "fake"]
    assert told["fake_test/2/fake/10"][:3] == ("fake", "test", "")
    assert told["real_train/1/real/11"][:3] == ("real", "train", "")
    [warning] = reading.warnings
    assert "4 sources (1, 2, 3, 4) lie in several splits: a leak, unless" in warning


def test_masks_are_no_class(tmp_path):
    lay(tmp_path, ["CASIA2/Au", "CASIA2/Tp", "CASIA2/CASIA 2 Groundtruth"])
    reading, told, _ = read(tmp_path)
    assert (reading.card.classes, reading.card.positive) == (["Au", "Tp"], "Tp")
    assert set(told) == {"CASIA2/Au", "CASIA2/Tp"}
    [warning] = reading.warnings
    assert "3 images in CASIA 2 Groundtruth left out: masks" in warning


def test_kinds_of_fakes_below_the_class(tmp_path):
    lay(
        tmp_path,
        ["train/real/ffhq", "train/real/celeba", "train/fake/stylegan2", "train/fake/sdxl"],
    )
    lay(tmp_path, ["test/real/ffhq", "test/real/celeba", "test/fake/stylegan2", "test/fake/flux"])
    _, told, _ = read(tmp_path)
    assert told["test/fake/flux"] == ("fake", "test", "flux", "")
    assert told["train/real/ffhq"] == ("real", "train", "", "")


def test_kinds_of_fakes_beside_each_other(tmp_path):
    lay(tmp_path, ["real", "fake_stylegan", "fake_diffusion"])
    reading, told, _ = read(tmp_path)
    assert reading.card.classes == ["real", "fake"]
    assert told["fake_diffusion"] == ("fake", "", "fake_diffusion", "")


def test_one_real_folder_beside_generators_is_a_class_of_many(tmp_path):
    lay(tmp_path, ["lsun/real", "lsun/adm", "lsun/ddpm", "celeba/real", "celeba/adm"])
    reading, told, _ = read(tmp_path)
    assert reading.card.classes == ["adm", "ddpm", "real"]
    assert reading.card.real == "real"
    assert told["celeba/adm"][0] == "adm"
    assert "real images: real" in reading.line


def test_methods_beside_the_originals_are_classes_of_many(tmp_path):
    methods = ["Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures"]
    lay(tmp_path, [f"{m}/{n:03}" for m in ("original", *methods) for n in range(3)])
    reading, told, _ = read(tmp_path)
    assert reading.card.classes == [*methods, "original"]
    assert reading.card.real == "original"
    assert told["Deepfakes/002"] == ("Deepfakes", "", "", "002")


def test_two_folders_of_which_one_is_called_real(tmp_path):
    lay(tmp_path, ["real", "stylegan"])
    reading, *_ = read(tmp_path)
    assert (reading.card.classes, reading.card.positive) == (["real", "stylegan"], "stylegan")
    assert "fake is stylegan" in reading.line


@pytest.mark.parametrize("wrapped", ["real", "archive/real", "real/frames", "data/train/real"])
def test_one_class_only(tmp_path, wrapped):
    lay(tmp_path, [wrapped])
    reading, told, _ = read(tmp_path)
    assert reading.card.classes == ["real"]
    assert {label for label, *_ in told.values()} == {"real"}


def test_files_that_are_not_read_are_told_by_class(tmp_path):
    lay(tmp_path, ["real", "fake"])
    for number in range(4):
        (tmp_path / "fake" / f"{number}.mp4").touch()
    (tmp_path / "fake" / "a.psd").write_bytes(b"8BPS" + bytes(100))
    (tmp_path / "real" / "notes.txt").write_text("nothing")
    *_, found = read(tmp_path)
    [warning] = found.warnings
    assert warning.startswith("5 files of class fake not read: 4 video (.mp4)")
    assert "1 PSD" in warning


def test_a_test_split_without_labels(tmp_path):
    lay(tmp_path, ["train/real", "train/fake", "test"])
    reading, told, _ = read(tmp_path)
    assert told["test"] == ("(none)", "test", "", "")
    assert told["train/fake"] == ("fake", "", "", "")
    assert "test has no labels, the rest no splits; divided 70/15/15 by class" in reading.line
    reading, told, _ = read(tmp_path, splits="none")
    assert "test" not in told
    [warning] = reading.warnings
    assert "3 images in test left out: they have no labels" in warning


def test_names_spelt_differently_in_splits_are_one_class(tmp_path):
    lay(tmp_path, ["train/Real", "train/Fake", "test/real", "test/fake_images"])
    reading, told, _ = read(tmp_path)
    assert reading.card.classes == ["real", "fake"]
    assert told["test/fake_images"][:2] == ("fake", "test")
    assert "fake (Fake, fake_images)" in reading.line


@pytest.mark.parametrize(
    "folders",
    [
        # classes of a or of x?
        ["a/x", "a/y", "b/x", "b/y"],
        # real by one name, fake by the other
        ["original/real", "original/fake", "manipulated/real", "manipulated/fake"],
        # a third of which nobody knows
        ["real", "fake", "others"],
        ["fake", "celeba", "ffhq"],
        ["train/real", "train/fake", "test/real", "test/fake", "extra/real"],
        ["val/real", "val/fake", "test/real", "test/fake"],
        [f"{n:03}" for n in range(80)],
        [f"{n:03}" for n in range(5)],
        [f"video_{n}" for n in range(12)],
    ],
)
def test_what_may_be_another_task_is_asked(tmp_path, folders):
    lay(tmp_path, folders)
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert "--classes" in str(caught.value) or "--splits" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("names", [("cat", "dog"), ("klasse_a", "klasse_b"), ("x1", "x2")])
def test_which_class_is_fake_is_never_told_by_the_alphabet(tmp_path, names):
    lay(tmp_path, names)
    one, other = names
    with pytest.raises(DataError, match="no name tells which class is fake") as caught:
        read(tmp_path)
    assert f"--classes real={one},fake={other}" in str(caught.value)
    reading, told, _ = read(tmp_path, classes=f"fake={one},real={other}")
    assert (reading.card.classes, reading.card.positive) == (["real", "fake"], "fake")
    assert told[one][0] == "fake"


def test_what_the_user_says_settles_it(tmp_path):
    lay(tmp_path, ["a/x", "a/y", "b/x", "b/y"])
    _, told, _ = read(tmp_path, classes="real=x,fake=y")
    assert told["b/y"] == ("fake", "", "b", "")
    _, told, _ = read(tmp_path, classes="real=a,fake=b", kinds="none")
    assert told["b/y"] == ("fake", "", "", "")
    _, told, _ = read(tmp_path, classes="real=x,fake=y", kinds="none", groups="1")
    assert told["b/y"] == ("fake", "", "", "b")
    _, told, _ = read(tmp_path, classes="real=x,fake=y", splits="train=a,test=b")
    assert told["b/y"] == ("fake", "test", "", "")


def test_folders_that_are_not_named_are_left_out(tmp_path):
    lay(tmp_path, ["real", "fake", "others/deep", "others/deeper"])
    reading, told, _ = read(tmp_path, classes="real,fake")
    assert set(told) == {"real", "fake"}
    assert "6 images in others/deep, others/deeper left out: not named in --classes" in (
        reading.warnings
    )


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"classes": "reel,fake"}, "no folder with images is called reel"),
        ({"classes": "real=fake"}, "names one class only, real"),
        ({"classes": "real=,fake=x"}, "neither NAME nor NAME=FOLDER"),
        ({"classes": "9"}, "no folder stands at this level"),
        ({"kinds": "nothere"}, "no folder with fakes is called nothere"),
        ({"groups": "video"}, "neither a level of folders nor a column"),
        ({"splits": "trian=real"}, "none of train, validation, test"),
        ({"splits": "train=nothere"}, "no folder with images is called nothere"),
        ({"groups": "(?P<group"}, "not a regular expression"),
        ({"classes": "(?P<x>real).*"}, "needs a named group"),
    ],
)
def test_what_the_user_says_wrongly(tmp_path, asked, says):
    lay(tmp_path, ["real", "fake"])
    with pytest.raises(Exception, match="--") as caught:
        read(tmp_path, **asked)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_said_beside_a_pattern_for_classes(tmp_path):
    lay(tmp_path, ["train", "test"])
    pattern = r"(?P<group>\d)\d+(?P<label>[01])\.png"
    for option, value in (("groups", "1"), ("kinds", "a,b"), ("groups", "none")):
        with pytest.raises(CardError, match=f"--{option}"):
            read(tmp_path, classes=pattern, **{option: value})


def test_splits_of_names_of_files_are_folders(tmp_path):
    for split in ("train", "test"):
        for number in range(4):
            file = tmp_path / split / f"{number}_{number % 2}.png"
            file.parent.mkdir(exist_ok=True)
            file.touch()
    pattern = r".*_(?P<label>[01])\.png"
    reading, _, found = read(tmp_path, classes=pattern)
    assert reading.line.endswith("splits train, test")
    assert {(i.path, i.split) for i in found.images if "3" in i.path} == {
        ("train/3_1.png", "train"),
        ("test/3_1.png", "test"),
    }
    assert reading.card.split.policy == "given"
    reading, *_ = read(tmp_path, classes=pattern, splits="none")
    assert reading.card.split.policy == "stratified"


def test_labels_in_names_of_files_by_a_pattern(tmp_path):
    for number in range(6):
        for label in "01":
            (tmp_path / f"clip{number}_a_{label}.jpg").touch()
    asked = ReadAs(classes=r"(?P<group>clip\d+)_.*_(?P<label>[01])\.jpg")
    reading = read_folder(tmp_path, asked)
    assert reading.card.classes == ["real", "fake"]
    assert reading.card.split.policy == "grouped"
    found = scan(reading.card, tmp_path)
    assert {(i.label, i.group) for i in found.images if i.path == "clip3_a_1.jpg"} == {(1, "clip3")}


def test_frames_of_videos_in_one_folder_are_hinted_at(tmp_path):
    for name in ("real", "fake"):
        for video in range(6):
            for frame in range(3):
                file = tmp_path / name / f"id{video}_000{video}_{frame:04}.jpg"
                file.parent.mkdir(exist_ok=True)
                file.touch()
    reading, _, _ = read(tmp_path)
    [warning] = reading.warnings
    assert "look like frames of 6 videos" in warning
    pattern = warning.partition("--groups '")[2].partition("'")[0]
    *_, found = read(tmp_path, groups=pattern)
    assert {image.group for image in found.images} == {f"id{n}_000{n}" for n in range(6)}


@pytest.mark.parametrize("name", ["real_{:04}.jpg", "{:04}.jpg", "img_{}.jpg", "ffhq-{}.jpg"])
def test_numbered_images_are_no_frames(tmp_path, name):
    for label in ("real", "fake"):
        (tmp_path / label).mkdir()
        for number in range(12):
            (tmp_path / label / name.format(number)).touch()
    assert not read_folder(tmp_path).warnings


def test_files_called_like_masks_of_others_are_told(tmp_path):
    for label in ("real", "fake"):
        (tmp_path / label).mkdir()
        for number in range(6):
            (tmp_path / label / f"{number}.png").touch()
            if label == "fake":
                (tmp_path / label / f"{number}_mask.png").touch()
    [warning] = read_folder(tmp_path).warnings
    assert warning.startswith("6 files such as fake/0_mask.png are called like masks of others")
