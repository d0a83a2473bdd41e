from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import text

from dfbench.errors import CardError
from dfbench.suites.datasets.cards.card import Card
from dfbench.suites.datasets.cards.reading import load_card, parse_card
from dfbench.suites.datasets.cards.writing import to_toml, write_card
from dfbench.suites.datasets.layouts.filename import FilenameLayout
from dfbench.suites.datasets.words import guess_positive

NAMES = {
    "name": "clips",
    "classes": ["real", "fake"],
    "layout": {"kind": "filename", "pattern": r"(?P<group>c\d+)_(?P<label>[01])\.jpg"},
}
FOLDERS = {
    "name": "faces",
    "classes": ["Real", "Fake"],
    "layout": {"kind": "folders", "splits": {"train": "Train", "test": "Test"}},
}
TABLE = {
    "name": "five",
    "classes": ["0", "1", "2"],
    "layout": {"kind": "table", "splits": {"train": {"csv": "a.csv"}, "test": {"csv": "b.csv"}}},
}


def failure(data: dict) -> str:
    with pytest.raises(CardError) as caught:
        parse_card(data, where="x.toml")
    message = str(caught.value)
    assert message.startswith("x.toml: ")
    assert "\n" not in message
    return message


def change(base: dict, **changes) -> dict:
    return {**base, **changes}


def layout(base: dict, **changes) -> dict:
    return {**base, "layout": {**base["layout"], **changes}}


@pytest.mark.parametrize(
    ("base", "policy"), [(NAMES, "grouped"), (FOLDERS, "given"), (TABLE, "given")]
)
def test_policy_follows_from_the_layout(base, policy):
    assert parse_card(base, where="").split.policy == policy


def test_policy_of_folders_without_splits_is_stratified():
    card = parse_card(change(FOLDERS, layout={"kind": "folders"}), where="")
    assert card.split.policy == "stratified"
    assert card.split.fractions == {"train": 0.7, "validation": 0.15, "test": 0.15}


def test_seed_alone_keeps_the_derived_policy():
    card = parse_card(change(NAMES, split={"seed": 5}), where="")
    assert (card.split.policy, card.split.seed) == ("grouped", 5)


def test_all_in_one_table_is_divided():
    card = parse_card(layout(TABLE, splits={"all": {"csv": "a.csv"}}), where="")
    assert card.split.policy == "stratified"


@pytest.mark.parametrize(
    ("classes", "positive"),
    [
        (["Fake", "Real"], "Fake"),
        (["real", "AI_generated"], "AI_generated"),
        (["deepfake", "original"], "deepfake"),
        (["1", "0"], "1"),
        (["a", "b"], "b"),
        (["fake_a", "fake_b"], "fake_b"),
        (["maid", "captain"], "captain"),
    ],
)
def test_positive_class_is_guessed(classes, positive):
    # of names that tell nothing the author's order does
    assert guess_positive(classes) in {positive, ""}
    card = parse_card(change(FOLDERS, classes=classes), where="")
    assert card.positive == positive
    assert card.positive_index == classes.index(positive)


def test_no_positive_class_among_three():
    card = parse_card(TABLE, where="")
    assert card.positive == ""
    assert card.positive_index is None


def test_one_class_can_be_told_and_looked_at():
    card = parse_card(change(FOLDERS, classes=["real"]), where="")
    assert (card.positive_index, card.real_index) == (None, None)


def test_numbers_will_do_as_classes():
    assert parse_card(change(TABLE, classes=[0, 1, 2]), where="").classes == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (change(FOLDERS, clases=[]), "unknown key 'clases', did you mean 'classes'?"),
        (layout(FOLDERS, split={}), "unknown key 'layout.split', did you mean 'splits'?"),
        (layout(NAMES, patern="x"), "unknown key 'layout.patern', did you mean 'pattern'?"),
        (layout(NAMES, id_column="x"), "unknown key 'layout.id_column', valid here: kind, pattern"),
        (
            layout(TABLE, splits={"train": {"csv": "a", "image": "b"}, "test": {"csv": "c"}}),
            "unknown key 'layout.splits.train.image', did you mean 'images'?",
        ),
        (
            change(FOLDERS, split={"policy": "given", "sed": 1}),
            "unknown key 'split.sed', did you mean 'seed'?",
        ),
        (
            change(FOLDERS, group={"patern": "x"}),
            "unknown key 'group.patern', did you mean 'pattern'?",
        ),
        (change(FOLDERS, layout={"kind": "folder"}), "'folder' is unknown, did you mean 'folders'"),
        (change(FOLDERS, layout={}), "key 'layout.kind' is missing"),
        ({"name": "x", "classes": ["a", "b"]}, "key 'layout' is missing"),
        (layout(NAMES, pattern="("), "key 'layout.pattern': not a regular expression"),
        (layout(NAMES, pattern="x"), "key 'layout.pattern': needs a named group (?P<label>...)"),
        (
            change(NAMES, group={"pattern": "x"}),
            "key 'group.pattern': needs a named group (?P<group>...)",
        ),
        (layout(NAMES, labels={"1": "fke"}), "key 'layout.labels.1': 'fke' is none of the classes"),
        (layout(FOLDERS, folders={"Fak": "x"}), "key 'layout.folders': 'Fak' is none of the"),
        (
            layout(FOLDERS, splits={"trian": "Train", "test": "Test"}),
            "'trian' is unknown, did you mean 'train'?",
        ),
        (
            layout(FOLDERS, splits={"test": "a", "validation": "b"}),
            "'layout.splits': there is no tr",
        ),
        (layout(FOLDERS, splits={"train": "a"}), "neither validation nor test"),
        (
            change(FOLDERS, split={"policy": "stratifed"}),
            "key 'split.policy': 'stratifed' is unknown, did you mean 'stratified'?",
        ),
        (change(NAMES, split={"policy": "given"}), "key 'split.policy': given needs layout.splits"),
        (
            change(FOLDERS, split={"policy": "grouped"}),
            "key 'split.policy': grouped needs a group rule",
        ),
        (
            change(FOLDERS, split={"fractions": {"train": 0.5, "test": 0.4}}),
            "key 'split.fractions': the fractions sum to 0.9, not to 1",
        ),
        (
            change(FOLDERS, split={"fractions": {"validation": 0.5, "test": 0.5}}),
            "there is no fraction for train",
        ),
        (change(FOLDERS, split={"seed": "x"}), "key 'split.seed': input should be a valid integer"),
        (change(FOLDERS, classes=[]), "key 'classes': "),
        (
            change(FOLDERS, classes=["a", "a"]),
            "key 'classes': the names of the classes must differ",
        ),
        (change(FOLDERS, positive="fake"), "key 'positive': 'fake' is none of the classes"),
        (change(TABLE, positive="0"), "key 'positive': is for two classes; there are 3"),
        (change(FOLDERS, name="a b"), "key 'name': 'a b' may hold letters"),
        (change(FOLDERS, name="../x"), "key 'name': "),
        (
            change(FOLDERS, normalise={"size": 2}),
            "key 'normalise.size': input should be greater than or equal to 8",
        ),
        (change(FOLDERS, normalise={}), "key 'normalise': needs a size, a format, or both"),
        (
            change(FOLDERS, normalise={"format": "png", "method": "crop"}),
            "key 'normalise': the method needs a size",
        ),
        (
            change(FOLDERS, normalise={"format": "png", "quality": 80}),
            "key 'normalise': quality is for format = \"jpeg\"",
        ),
        (
            change(FOLDERS, normalise={"size": 64, "format": "jpg"}),
            "key 'normalise.format': 'jpg' is unknown, did you mean 'jpeg'?",
        ),
        (
            change(FOLDERS, normalise={"side": 64}),
            "unknown key 'normalise.side', did you mean 'size'?",
        ),
        (
            change(FOLDERS, resize=128),
            "key 'resize': write a section [normalise] with size = 128 instead",
        ),
    ],
)
def test_bad_cards_say_the_key(data, says):
    assert says in failure(data)


def test_several_faults_stand_in_one_line():
    message = failure({"nam": "x", "classes": ["a", "b"], "layout": {"kind": "folders"}})
    assert "key 'name' is missing; unknown key 'nam', did you mean 'name'?" in message


def test_file_errors_name_the_file(tmp_path):
    path = tmp_path / "bad card.toml"
    with pytest.raises(CardError, match=r"bad card\.toml: no such file"):
        load_card(path)
    path.write_text("name = \n")
    with pytest.raises(CardError, match=r"bad card\.toml: not valid TOML: .*line 1"):
        load_card(path)
    path.write_bytes(b"name = '\xff'")
    with pytest.raises(CardError, match="not a UTF-8 text file"):
        load_card(path)
    with pytest.raises(CardError, match="no plain file"):
        load_card(tmp_path)


NAMES_OF_CLASSES = st.lists(
    text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=2, max_size=4, unique=True
)


@given(
    classes=NAMES_OF_CLASSES,
    source=text(st.characters(exclude_categories=["Cs"])),
    folder=text(st.characters(exclude_categories=["Cs"]), min_size=1),
    seed=st.integers(0, 2**31),
)
def test_written_cards_are_read_back(classes, source, folder, seed):
    data = {
        "name": "x",
        "classes": classes,
        "source": source,
        "root": folder,
        "normalise": {"size": 64, "method": "crop", "format": "jpeg"},
        "layout": {
            "kind": "folders",
            "splits": {"train": folder, "test": folder + "b"},
            "folders": {} if folder in classes[1:] else {classes[0]: folder},
            "ignore": [source, "z"],
        },
        "split": {"policy": "given", "seed": seed},
        "group": {"pattern": r"^(?P<group>[^_'\"\\]+)_"},
    }
    card = parse_card(data, where="")
    assert parse_card(tomllib.loads(to_toml(card)), where="") == card


@pytest.mark.parametrize("base", [NAMES, FOLDERS, TABLE])
def test_each_layout_is_read_back(base, tmp_path):
    card = parse_card(base, where="")
    write_card(card, tmp_path / "card.toml")
    assert load_card(tmp_path / "card.toml") == card
    assert "# The label of a class is its place" in (tmp_path / "card.toml").read_text()


def test_cards_are_frozen():
    card = parse_card(NAMES, where="")
    assert isinstance(card, Card)
    assert isinstance(card.layout, FilenameLayout)
    with pytest.raises(ValueError, match="frozen"):
        card.name = "y"
