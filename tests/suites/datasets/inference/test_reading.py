from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

import pytest

from dfbench.errors import DataError, OutputError
from dfbench.suites.datasets.cards.reading import load_card, parse_card
from dfbench.suites.datasets.inference.card_file import init_card
from dfbench.suites.datasets.inference.names import slug
from dfbench.suites.datasets.inference.reading import read_folder
from dfbench.suites.datasets.loading import load_dataset


@pytest.mark.parametrize(
    "splits",
    [
        ("Train", "Validation", "Test"),
        ("train", "val", "test"),
        ("TRAIN", "valid", "testing"),
        ("training", "dev", "Test"),
        ("train", "test"),
    ],
)
def test_split_folders(make, splits):
    make.folders(2, splits=splits)
    card = read_folder(make.root).card
    assert card.layout.kind == "folders"
    assert list(card.layout.splits.values()) == [[name] for name in splits]
    assert card.split.policy == "given"
    assert (card.classes, card.positive, card.root) == (["Real", "Fake"], "Fake", ".")
    dataset = load_dataset(make.root)
    assert dataset.name == slug(make.root.parent.name)
    assert len(dataset.manifest) == 4 * len(splits)


def test_class_folders_alone(make):
    make.classes(20, names=("original", "AI generated"))
    card = read_folder(make.root).card
    assert card.split.model_dump() == {
        "policy": "stratified",
        "fractions": {"train": 0.7, "validation": 0.15, "test": 0.15},
        "seed": 0,
    }
    assert card.positive == "AI generated"
    assert load_dataset(make.root).manifest["split"].value_counts().to_dict() == {
        "train": 28,
        "validation": 6,
        "test": 6,
    }


def test_numbered_classes_are_in_the_order_of_numbers(make):
    make.classes(3, names=("10", "9", "2"))
    assert read_folder(make.root).card.classes == ["2", "9", "10"]


def test_table(make):
    make.table(4)
    card = read_folder(make.root).card
    assert card.layout.kind == "table"
    assert card.classes == ["0", "1", "2"]
    dataset = load_dataset(make.root)
    assert dataset.manifest.groupby("split")["label"].max().to_dict() == {
        "test": -1,
        "train": 2,
        "validation": 2,
    }


def test_table_with_other_names(make):
    for split in ("Train", "val"):
        lines = ["Filename;Target"]
        for number in range(4):
            make.image(f"{split}/{number}.jpg")
            lines.append(f"{number}.jpg,{'fake' if number % 2 else 'real'}".replace(",", ";"))
        make.text(f"{split}.csv", "\n".join(lines).replace(";", ","))
    card = read_folder(make.root).card
    assert (card.layout.id_column, card.layout.label_column) == ("Filename", "Target")
    assert (card.classes, card.positive) == (["real", "fake"], "fake")
    assert len(load_dataset(make.root).manifest) == 8


def test_class_folders_go_before_tables_beside_them(make):
    make.folders(2)
    make.text("Train.csv", "id,label\n1,2\n")
    assert read_folder(make.root).card.layout.kind == "folders"


def test_images_nested_deeper_and_folders_around(make):
    for split in ("train", "test"):
        for name in ("real", "fake"):
            make.image(f"{split}/{name}/a/b/1.png")
    outer = make.root.parent / "My Faces (v2)"
    (outer / "archive").mkdir(parents=True)
    make.root.rename(outer / "archive" / "Dataset")
    card = read_folder(outer).card
    assert (card.name, card.root) == ("my-faces-v2", "archive/Dataset")
    assert len(load_dataset(outer).manifest) == 4


def test_train_alone_is_divided(make):
    make.folders(8, splits=("Train",))
    card = read_folder(make.root).card
    assert (card.root, card.split.policy) == ("Train", "stratified")


@pytest.mark.parametrize(
    ("name", "expected"), [("A b", "a-b"), ("Лица 2", "лица-2"), ("--", "data"), ("x_y.1", "x_y.1")]
)
def test_slug(name, expected):
    assert slug(name) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/My Faces", "my-faces"),
        ("a/faces", "faces"),
        ("kept/Dataset", "kept"),
        ("kept/data/img/IMAGES", "kept"),
    ],
)
def test_a_folder_whose_name_tells_nothing_is_called_after_the_one_around_it(
    make, tmp_path, monkeypatch, path, expected
):
    make.folders(2)
    folder = tmp_path / path
    folder.parent.mkdir(parents=True)
    make.root.rename(folder)
    assert read_folder(folder).card.name == expected
    monkeypatch.chdir(folder)
    assert read_folder(".").card.name == expected


def test_where_no_name_tells_anything_the_own_one_is_kept(make, monkeypatch):
    make.folders(2)
    monkeypatch.setattr(Path, "resolve", lambda self: Path("/data/Images"))
    assert read_folder(make.root).card.name == "images"


def unrecognised(folder) -> str:
    with pytest.raises(DataError) as caught:
        read_folder(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def suggested(message: str) -> str:
    found = re.search(r"such as: (classes = .*?); (layout = .*)\)$", message)
    assert found
    return f'name = "x"\n{found[1]}\n{found[2]}\n'


def test_flat_folder_gets_a_ready_pattern(make, card_file):
    make.clips()
    message = unrecognised(make.root)
    assert "nothing tells the labels of its 48 images" in message
    assert "a folder for each class" in message
    card = parse_card(tomllib.loads(suggested(message)), where="")
    assert card.split.policy == "grouped"
    path = card_file(suggested(message))
    dataset = load_dataset(path, root=make.root)
    assert dataset.manifest["label"].value_counts().to_dict() == {0: 24, 1: 24}
    assert dataset.manifest["group"].nunique() == 12


def test_flat_folder_with_words_gets_a_ready_pattern(make, card_file):
    for number in range(20):
        make.image(f"real_{number}.jpg")
        make.image(f"fake_{number}.jpg")
    dataset = load_dataset(card_file(suggested(unrecognised(make.root))), root=make.root)
    assert dataset.classes[dataset.positive_index] == "fake"
    assert dataset.manifest["label"].value_counts().to_dict() == {0: 20, 1: 20}
    assert not dataset.grouped


def test_flat_folder_of_anything_shows_an_example(make):
    for number in range(5):
        make.image(f"{number}.jpg")
    message = unrecognised(make.root)
    assert "labels in names of files, by --classes and a regular expression" in message


def test_what_is_no_folder_of_images(make, tmp_path):
    assert "no such folder" in unrecognised(tmp_path / "nowhere")
    make.text("a.txt", "x")
    assert "is a file, not a folder" in unrecognised(make.root / "a.txt")
    assert "holds no images" in unrecognised(make.root)


def test_init_writes_a_card_that_is_used_from_then_on(make, tmp_path):
    make.folders(2)
    path, _ = init_card(make.root)
    assert path == make.root / "card.toml"
    own = load_dataset(make.root).name
    path.write_text(path.read_text().replace(f'"{own}"', '"renamed"'))
    assert load_dataset(make.root).name == "renamed"
    with pytest.raises(OutputError, match="there is a file already"):
        init_card(make.root)
    init_card(make.root, force=True)
    assert load_dataset(make.root).name == own


def test_init_elsewhere_points_back(make, tmp_path):
    make.folders(2)
    path, _ = init_card(make.root, tmp_path / "cards" / "x.toml")
    assert load_card(path).root == make.root.resolve().as_posix()
    first = load_dataset(path)
    shutil.move(path, tmp_path / "y.toml")
    assert load_dataset(tmp_path / "y.toml").fingerprint == first.fingerprint
