from __future__ import annotations

import json
from pathlib import Path

import pytest

from dfbench import files
from dfbench.errors import CardError, DataError, DfbenchError, UnknownNameError
from dfbench.suites.datasets import catalogue
from dfbench.suites.datasets.cards.reading import load_card
from dfbench.suites.datasets.inference.card_file import init_card
from dfbench.suites.datasets.inference.read_as import ReadAs
from dfbench.suites.datasets.loading import load_dataset

PUBLIC = ["deepfake-and-real-images", "fake-video-images", "five-class-generators", "celeb-df-v2"]


def test_public_cards_are_valid_and_say_where_the_data_are():
    listed = {item.name: item for item in catalogue.names() if item.kind == "public"}
    assert set(listed) == {each.card.name for each in catalogue.public()} > set(PUBLIC)
    for name in PUBLIC:
        located = catalogue.resolve(name)
        assert located.card.name == name
        assert located.card.root_env == "DFBENCH_" + name.upper().replace("-", "_")
        assert located.card.source
        assert listed[name].about == located.card.description


@pytest.mark.parametrize("name", PUBLIC)
def test_absent_public_data_say_where_to_get_them(name):
    with pytest.raises(DataError) as caught:
        load_dataset(name)
    message = str(caught.value)
    variable = "$DFBENCH_" + name.upper().replace("-", "_")
    assert message.startswith(f"{name}: it is not known where the data lie (get the data from ")
    assert catalogue.public_card(name).source in message
    assert f"give its folder by --root or in {variable}" in message


def test_public_data_by_option_and_by_variable(make, tmp_path, monkeypatch):
    outer = tmp_path / "kaggle"
    outer.mkdir()
    make.folders(2)
    make.root.rename(outer / "Dataset")
    first = load_dataset("deepfake-and-real-images", root=outer)
    assert len(first.manifest) == 12
    monkeypatch.setenv("DFBENCH_DEEPFAKE_AND_REAL_IMAGES", str(outer / "Dataset"))
    assert load_dataset("deepfake-and-real-images").fingerprint == first.fingerprint
    monkeypatch.setenv("DFBENCH_DEEPFAKE_AND_REAL_IMAGES", str(tmp_path / "gone"))
    with pytest.raises(DataError, match=r"no such folder: .*gone \(\$DFBENCH_DEEPFAKE"):
        load_dataset("deepfake-and-real-images")
    assert load_dataset("deepfake-and-real-images", root=outer).fingerprint == first.fingerprint


def test_fake_video_images_keeps_videos_whole(make):
    for video in "abcdefghijkl":
        for frame in (1, 17):
            make.image(f"images/{video * 8}_{frame}_0.jpg")
        make.image(f"images/{video * 8}_1.jpg")
    manifest = load_dataset("fake-video-images", root=make.root).manifest
    assert manifest["label"].value_counts().to_dict() == {0: 24, 1: 12}
    assert manifest["group"].nunique() == 12
    assert (manifest.groupby("group")["split"].nunique() == 1).all()


def test_five_class_generators(make):
    make.table(2, classes=("0", "1", "2", "3", "4"))
    dataset = load_dataset("five-class-generators", root=make.root)
    assert dataset.manifest["split"].value_counts().to_dict() == dict.fromkeys(
        ("train", "validation", "test"), 10
    )


def test_missing_root_names_card_and_source(make, folders_card):
    path = folders_card()
    path.write_text('source = "https://example.org/faces"\n' + path.read_text())
    with pytest.raises(DataError) as caught:
        load_dataset(path)
    message = str(caught.value)
    assert message.startswith(f"faces: no such folder: {make.root} (root in {path})")
    assert "get the data from https://example.org/faces; then give its folder by --root" in message


def test_a_file_for_a_root(make, folders_card):
    make.root.write_text("x")
    with pytest.raises(DataError, match="faces: is not a folder"):
        load_dataset(folders_card())


def test_unknown_names_suggest_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'fake-video-images'"):
        load_dataset("fake-video-imges")


def test_paths_that_are_nothing(tmp_path):
    with pytest.raises(DataError, match="no such file or folder"):
        load_dataset(tmp_path / "x")
    with pytest.raises(CardError, match=r"x\.toml: no such file"):
        load_dataset(str(tmp_path / "x.toml"))
    (tmp_path / "x.7z").write_bytes(b"")
    with pytest.raises(DataError, match=r"neither a folder nor a \.toml card"):
        load_dataset(str(tmp_path / "x.7z"))
    (tmp_path / "x.zip").write_bytes(b"")
    with pytest.raises(
        DataError, match=r"x\.zip: is damaged: its end is not that of a ZIP archive"
    ):
        load_dataset(str(tmp_path / "x.zip"))


def test_a_card_that_is_gone_from_its_folder_is_missed(make, folders_card):
    make.folders(2)
    (make.root / "card.toml").symlink_to(make.root / "gone.toml")
    with pytest.raises(CardError, match=r"card\.toml: no such file"):
        load_dataset(make.root)
    (make.root / "card.toml").unlink()
    (make.root / "card.toml").mkdir()
    assert load_dataset(make.root).reading


def test_an_empty_name_is_not_the_folder_one_is_in(make, monkeypatch):
    make.folders(2)
    monkeypatch.chdir(make.root)
    for source in ("", " "):
        with pytest.raises(CardError, match=r"is empty \(write \. for the folder"):
            load_dataset(source)
    assert load_dataset(".").reading


def test_a_folder_by_its_bare_name(make, monkeypatch):
    make.folders(1)
    make.root.rename(make.root.parent / "mine")
    monkeypatch.chdir(make.root.parent)
    assert load_dataset("mine").name == "mine"
    assert load_dataset("./mine").name == "mine"


# --- a name before it ------------------------------------------------------------------------


def test_a_name_before_a_folder_a_card_and_a_name(make, folders_card, monkeypatch):
    make.folders(2)
    card = folders_card()
    monkeypatch.chdir(card.parent)
    own = load_dataset(card)
    catalogue.add(card)
    for source in ("other=./data", "other=card.toml", f"other={card}", "other=faces"):
        assert load_dataset(source).name == catalogue.name_of(source) == "other"
    assert load_dataset("other=faces").fingerprint == own.fingerprint
    with pytest.raises(DataError, match="other: it is not known where the data lie"):
        load_dataset("other=fake-video-images")


def test_what_exists_as_a_whole_is_a_path(make, monkeypatch, tmp_path):
    make.folders(2)
    make.root.rename(tmp_path / "x=y")
    monkeypatch.chdir(tmp_path)
    for source in ("x=y", "./x=y", Path("x=y"), str(tmp_path / "x=y")):
        assert load_dataset(source).name == catalogue.name_of(source) == "x-y"
    assert load_dataset("z=x=y").name == "z"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("=x", "not of the form NAME=DATA: '=x'"),
        ("a=", "not of the form NAME=DATA: 'a='"),
        ("=", "not of the form NAME=DATA: '='"),
        ("a=b=c", "unknown data set or folder 'b=c'"),
        ("a=./nowhere", "nowhere: no such file or folder"),
        ("a b=./data", "a b=./data: key 'name': 'a b' may hold letters, digits"),
        ("-a=./data", "-a=./data: key 'name': '-a' may hold"),
        ("my/faces=./data", "no such file or folder (of NAME=DATA the name has letters"),
    ],
)
def test_what_is_no_name_before_a_data_set(make, monkeypatch, source, message):
    make.folders(2)
    monkeypatch.chdir(make.root.parent)
    with pytest.raises(DfbenchError) as caught:
        load_dataset(source)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_built_in_names_are_listed_without_being_drawn():
    built_in = [item for item in catalogue.names() if item.kind == "built-in"]
    assert len(built_in) >= 3
    assert all(item.about for item in built_in)
    assert not files.cache_dir().exists()


@pytest.fixture
def pets(make):
    """Two sources of cats and dogs each; no name tells which are fake."""
    for source in ("one", "two", "three", "four"):
        for name in ("cats", "dogs"):
            for number in range(3):
                make.image(f"{source}/{name}/{number}.png")
    return make.root.rename(make.root.parent / "pets")


SAID = ReadAs(classes="real=cats,fake=dogs")


# --- registering -----------------------------------------------------------------------------


def test_add_list_load_remove(make, folders_card, monkeypatch):
    make.folders(2)
    card = folders_card()
    monkeypatch.chdir(card.parent)
    assert catalogue.registered() == []
    entry = catalogue.add("card.toml")
    assert entry[:3] == ("faces", str(card.resolve()), None)
    monkeypatch.chdir("/")
    assert catalogue.registered() == [entry]
    assert ("faces", "registered", str(card.resolve())) in catalogue.names()
    assert "faces" in catalogue.default_names()
    assert not set(PUBLIC) & set(catalogue.default_names())
    assert load_dataset("faces").fingerprint == load_dataset(card).fingerprint
    catalogue.add(card)  # again is no clash
    assert len(catalogue.registered()) == 1
    assert catalogue.remove("faces") == entry
    assert catalogue.registered() == []
    with pytest.raises(UnknownNameError, match="unknown registered data set 'faces'"):
        catalogue.remove("faces")


def test_add_a_folder_under_another_name(make):
    make.folders(2)
    catalogue.add(make.root, name="mine")
    assert load_dataset("mine").name == "mine"
    catalogue.add(f"second={make.root}")
    catalogue.add(f"second={make.root}", name="second")
    assert load_dataset("second").name == "second"
    with pytest.raises(CardError, match="is given two names: 'second' and 'third'"):
        catalogue.add(f"second={make.root}", name="third")
    with pytest.raises(CardError, match="key 'name'"):
        catalogue.add(make.root, name="not a name")


def test_add_public_data_keeps_their_root(make):
    make.folders(2)
    catalogue.add("deepfake-and-real-images", root=make.root)
    assert len(load_dataset("deepfake-and-real-images").manifest) == 12
    assert "deepfake-and-real-images" in catalogue.default_names()
    listed = [n for n in catalogue.names() if n.name == "deepfake-and-real-images"]
    assert listed == [("deepfake-and-real-images", "registered", str(make.root.resolve()))]


def test_nothing_invalid_is_registered(make, folders_card):
    make.folders(1, splits=("Train", "Test"))
    with pytest.raises(DataError, match="Validation: no such folder"):
        catalogue.add(folders_card())
    with pytest.raises(DataError, match="it is not known where the data lie"):
        catalogue.add("fake-video-images")
    assert catalogue.registered() == []


def test_a_name_of_another_owner_names_both(make, folders_card, tmp_path):
    make.folders(2)
    card = folders_card()
    other = tmp_path / "other.toml"
    other.write_text(card.read_text())
    catalogue.add(card)
    with pytest.raises(CardError) as caught:
        catalogue.add(other)
    assert f"two data sets of the name 'faces': {other}" in str(caught.value)
    assert str(card) in str(caught.value)
    taken = catalogue.default_names()[0]
    assert taken != "faces"
    with pytest.raises(CardError, match="the built-in one"):
        catalogue.add(card, name=taken)
    with pytest.raises(CardError, match="the public one"):
        catalogue.add(card, name="fake-video-images")
    assert [entry.name for entry in catalogue.registered()] == ["faces"]


def test_names_known_already_are_not_added_again(make, folders_card):
    make.folders(2)
    catalogue.add(folders_card())
    with pytest.raises(CardError, match="faces: is known by this name already"):
        catalogue.add("faces")


def test_a_damaged_list_is_an_error():
    path = files.config_dir() / "datasets.json"
    path.parent.mkdir(parents=True)
    for text in ("{", "[]", json.dumps({"datasets": [{}]})):
        path.write_text(text)
        with pytest.raises(CardError, match="not a list of data sets"):
            catalogue.registered()


def test_options_of_a_later_version_are_an_error_where_they_count(pets):
    catalogue.add(pets, asked=SAID)
    path = files.config_dir() / "datasets.json"
    path.write_text(path.read_text().replace('"classes"', '"colours"'))
    with pytest.raises(CardError, match=r"pets: was registered with options .* here: colours"):
        load_dataset("pets")
    catalogue.remove("pets")


def test_packaged_cards_lie_in_the_package():
    assert load_card(catalogue._PUBLIC / "five-class-generators.toml").classes == list("01234")


# --- registered folders without a card -------------------------------------------------------


def test_options_given_now_go_before_registered_ones_and_leave_the_others(pets):
    catalogue.add(pets, asked=SAID)
    more = load_dataset("pets", asked=ReadAs(groups="1"))
    assert list(more.classes) == ["real", "fake"]
    assert set(more.manifest["group"]) == {"one", "two", "three", "four"}
    other = load_dataset("pets", asked=ReadAs(classes="real=dogs,fake=cats"))
    assert other.reading.startswith("classes real (dogs), fake (cats)")
    assert catalogue.registered()[0].asked == {"classes": SAID.classes}


def test_to_add_a_name_again_where_a_folder_is_called_so_loses_no_options(pets, monkeypatch):
    monkeypatch.chdir(pets.parent)
    entry = catalogue.add("pets", asked=SAID)
    for asked in (None, ReadAs(groups="1")):
        with pytest.raises(CardError, match=r"known by this name already \(write \./pets for"):
            catalogue.add("pets", asked=asked)
    assert catalogue.registered() == [entry]
    more = catalogue.add("./pets", asked=ReadAs(classes=SAID.classes, groups="1"))
    assert catalogue.registered() == [more]


def test_a_card_that_comes_later_does_not_replace_registered_options(pets):
    catalogue.add(pets, asked=SAID)
    card, _ = init_card(pets, asked=SAID)
    with pytest.raises(CardError) as caught:
        load_dataset("pets")
    said = str(caught.value)
    assert said.startswith(f"{card}: was registered as 'pets' with --classes real=cats,fake=dogs")
    assert f"dfbench data remove pets, then dfbench data add {pets}" in said
    catalogue.remove("pets")
    catalogue.add(pets)
    assert load_dataset("pets").reading == ""
    catalogue.remove("pets")
    card.unlink()
    catalogue.add(pets, asked=SAID)
    assert load_dataset("pets").reading


def test_the_folder_of_what_has_no_card(pets, make, folders_card, monkeypatch, tmp_path):
    catalogue.add(pets, asked=SAID, name="mine")
    make.folders(2)
    catalogue.add(folders_card())
    monkeypatch.chdir(tmp_path)
    folder = catalogue.plain_folder
    assert folder("mine") == folder("x=mine") == folder(pets) == pets
    assert folder("pets") == folder("./pets") == folder("x=./pets") == Path("pets")
    assert folder("mine", tmp_path / "b") == folder("./pets", tmp_path / "b") == tmp_path / "b"
    for source in ("faces", "card.toml", "fake-video-images", "leaves-binary", "./nowhere"):
        assert folder(source) is None
    init_card(pets, asked=SAID)
    assert folder("mine") is folder("./pets") is None


LONG = ["x" * 3000, "/".join(["y" * 200] * 40)]


@pytest.mark.parametrize("name", LONG, ids=["name", "path"])
@pytest.mark.parametrize(
    "text",
    [
        'root = "NAME"\nclasses = ["real", "fake"]\npositive = "fake"\n'
        '[layout]\nkind = "folders"\n',
        'classes = ["real", "fake"]\npositive = "fake"\n'
        '[layout]\nkind = "folders"\nsplits = { train = "NAME", test = "test" }\n'
        '[split]\npolicy = "given"\n',
        'classes = ["real", "fake"]\npositive = "fake"\n'
        '[layout]\nkind = "filename"\nwhere = "NAME"\npattern = "(?P<label>real|fake).*"\n',
        'classes = ["real", "fake"]\npositive = "fake"\n[layout]\nkind = "table"\n'
        '[layout.splits.train]\ncsv = "NAME"\nimages = "NAME"\n'
        '[layout.splits.test]\ncsv = "NAME"\nimages = "test"\n[split]\npolicy = "given"\n',
    ],
)
def test_names_that_no_file_can_have_are_none(tmp_path: Path, text: str, name: str) -> None:
    (tmp_path / "card.toml").write_text('name = "long"\n' + text.replace("NAME", name))
    with pytest.raises(DataError):
        load_dataset(tmp_path / "card.toml")
    with pytest.raises(DataError):
        load_dataset(tmp_path / name)
