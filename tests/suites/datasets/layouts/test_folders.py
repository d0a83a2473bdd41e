from __future__ import annotations

import shutil

import pytest

from dfbench.errors import CardError
from dfbench.suites.datasets.cards.reading import load_card
from dfbench.suites.datasets.loading import load_dataset
from dfbench.suites.datasets.scan import settle_root
from tests.suites.datasets.layouts.listed import failure, rows


def test_split_folders(make, folders_card):
    make.folders(1)
    make.image("Train/Real/deeper/still/x.png")
    assert rows(folders_card(), make.root) == [
        ("Test/Fake/fake_0.jpg", 1, "test", "", ""),
        ("Test/Real/real_0.jpg", 0, "test", "", ""),
        ("Train/Fake/fake_0.jpg", 1, "train", "", ""),
        ("Train/Real/deeper/still/x.png", 0, "train", "", ""),
        ("Train/Real/real_0.jpg", 0, "train", "", ""),
        ("Validation/Fake/fake_0.jpg", 1, "validation", "", ""),
        ("Validation/Real/real_0.jpg", 0, "validation", "", ""),
    ]


def test_class_folders_by_mapping(make, card_file):
    make.classes(5, names=("originals/youtube", "face swap"))
    card = card_file(
        'name = "x"\nclasses = ["real", "fake"]\n[layout]\nkind = "folders"\n'
        'folders = { real = "originals/youtube", fake = "face swap" }\n'
    )
    found = rows(card, make.root)
    assert {(path.rpartition("/")[0], label) for path, label, *_ in found} == {
        ("originals/youtube", 0),
        ("face swap", 1),
    }


def test_a_folder_outside_the_classes_is_an_error(make, folders_card):
    make.folders(1)
    make.image("Train/Maybe/x.jpg")
    message = failure(folders_card(), make.root)
    assert "Train/Maybe: holds 1 image but is none of the classes (Real, Fake)" in message
    assert rows(folders_card('ignore = ["Maybe"]\n'), make.root)


def test_a_test_folder_without_class_folders_is_unlabelled(make, folders_card):
    make.folders(1, splits=("Train", "Validation"))
    make.image("Test/1.jpg")
    assert ("Test/1.jpg", -1, "test", "", "") in rows(folders_card(), make.root)


def test_a_missing_split_folder_is_an_error(make, folders_card):
    make.folders(1, splits=("Train", "Test"))
    assert "Validation: no such folder: it should hold split 'validation'" in failure(
        folders_card(), make.root
    )


def test_an_empty_class_is_an_error(make, folders_card):
    make.folders(1)
    for split in ("Train", "Validation", "Test"):
        shutil.rmtree(make.root / split / "Fake")
        (make.root / split / "Fake").mkdir()
    message = failure(folders_card(), make.root)
    assert "class 'Fake' of 'faces' has no readable image" in message
    assert str(make.root) in message


def test_a_split_without_a_class_is_an_error(make, folders_card):
    make.folders(1)
    shutil.rmtree(make.root / "Validation" / "Fake")
    assert "split 'validation' of 'faces' has no readable image of class 'Fake'" in failure(
        folders_card(), make.root
    )


def test_no_images_is_an_error(make, folders_card):
    for split in ("Train", "Validation", "Test"):
        (make.root / split / "Real").mkdir(parents=True)
    assert "'faces' holds no readable image" in failure(folders_card(), make.root)


def test_group_rule_reads_paths(make, folders_card):
    make.folders(2)
    card = folders_card("[group]\npattern = '_(?P<group>\\d+)\\.'\n")
    assert {r[3] for r in rows(card, make.root)} == {"0", "1"}
    make.image("Train/Real/other.jpg")
    assert ("Train/Real/other.jpg", 0, "train", "", "") in rows(card, make.root)
    [warning] = load_dataset(card, root=make.root).warnings
    assert warning.startswith("[group] tells nothing of 1 of 13 images, such as Train/Real/other")
    card = folders_card("[group]\npattern = '(?P<group>nowhere)'\n")
    message = failure(card, make.root)
    assert "finds nothing in any of 13 paths, such as Test/Fake/fake_0.jpg" in message


def test_one_folder_for_two_splits_is_an_error(make, folders_card):
    make.folders(1)
    path = folders_card()
    path.write_text(path.read_text().replace('"Validation"', '"Test"'))
    with pytest.raises(CardError, match="folder 'Test' stands for 'validation' and for 'test'"):
        load_card(path)


def test_an_archives_extra_folder_is_gone_into(make, folders_card):
    make.folders(1)
    card = load_card(folders_card())
    outer = make.root.parent / "outer"
    outer.mkdir()
    make.root.rename(outer / "Dataset")
    (outer / "__MACOSX").mkdir()
    assert settle_root(card, outer) == outer / "Dataset"
    assert settle_root(card, outer / "Dataset") == outer / "Dataset"
    shutil.copytree(outer / "Dataset", outer / "Copy")
    assert settle_root(card, outer) == outer  # two would fit: none is chosen
