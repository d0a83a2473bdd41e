from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from dfbench.benchmark.planning.plan import repeated
from dfbench.errors import DataError
from dfbench.suites.datasets.loading import load_dataset
from dfbench.suites.datasets.parts import parts_of
from dfbench.suites.repeat import Repeat
from dfbench.suites.suite import load_suite
from tests.suites.datasets.conftest import FOLDERS_CARD


def everything(dataset):
    return np.ones(len(dataset.manifest), dtype=bool)


def splits_of(dataset, rows):
    return set(dataset.manifest["split"].iloc[rows])


def test_parts_with_labelled_test(make, folders_card):
    make.folders(2)
    dataset = load_dataset(folders_card())
    found = parts_of(dataset, everything(dataset))
    assert (found.split, found.tuned_on) == ("test", "validation")
    assert splits_of(dataset, found.train) == {"train"}
    assert splits_of(dataset, found.tune) == {"validation"}
    assert splits_of(dataset, found.evaluate) == {"test"}
    assert len(found.train) == len(found.tune) == len(found.evaluate) == 4
    assert found.train.dtype == np.intp


def test_unlabelled_test_leaves_validation_for_the_figures(make, table_card):
    make.table(10)
    dataset = load_dataset(table_card())
    found = parts_of(dataset, everything(dataset))
    assert (found.split, found.tuned_on) == ("validation", "part of train")
    assert splits_of(dataset, found.evaluate) == {"validation"}
    assert splits_of(dataset, found.tune) == splits_of(dataset, found.train) == {"train"}
    assert (len(found.train), len(found.tune), len(found.evaluate)) == (24, 6, 30)
    assert not set(found.train) & set(found.tune)
    counts = Counter(dataset.manifest["label"].iloc[found.tune])
    assert counts == {0: 2, 1: 2, 2: 2}
    again = parts_of(dataset, everything(dataset))
    assert (again.tune == found.tune).all()


def test_absent_validation_makes_tuning_take_part_of_train(make, card_file):
    make.folders(5, splits=("Train", "Test"))
    dataset = load_dataset(make.root)
    found = parts_of(dataset, everything(dataset))
    assert (found.split, found.tuned_on) == ("test", "part of train")
    assert (len(found.train), len(found.tune), len(found.evaluate)) == (8, 2, 10)


def test_the_part_of_train_keeps_groups_whole(make, folders_card):
    for split in ("Train", "Validation"):
        for group in range(10):
            for name in ("Real", "Fake"):
                for number in range(2):
                    make.image(f"{split}/{name}/v{group}_{number}.jpg")
    make.image("Test/unknown.jpg")
    card = folders_card("[group]\npattern = '(?P<group>v\\d+|unknown)'\n")
    dataset = load_dataset(card)
    found = parts_of(dataset, everything(dataset))
    groups = dataset.manifest["group"]
    assert len(found.tune) == 8
    assert not set(groups.iloc[found.tune]) & set(groups.iloc[found.train])


def test_unreadable_images_are_in_no_part(make, folders_card):
    make.folders(2)
    dataset = load_dataset(folders_card())
    readable = everything(dataset)
    readable[0] = False
    found = parts_of(dataset, readable)
    assert len(found.evaluate) == 3
    assert 0 not in found.evaluate


def test_a_part_without_a_class_is_an_error(make, folders_card):
    make.folders(2)
    dataset = load_dataset(folders_card())
    manifest = dataset.manifest
    readable = ~((manifest["split"] == "test") & (manifest["label"] == 1)).to_numpy()
    with pytest.raises(DataError, match="no readable image of class 'Fake' in test of 'faces'"):
        parts_of(dataset, readable)


def test_a_card_without_a_labelled_part_beside_train_is_told_before_a_run(make, card_file):
    make.folders(10, splits=("Train",))
    (make.root / "Test").mkdir()
    text = FOLDERS_CARD.replace('validation = "Validation", ', "")
    for number, path in enumerate(sorted((make.root / "Train" / "Real").iterdir())[:2]):
        path.rename(make.root / "Test" / f"{number}{path.suffix}")
    dataset = load_dataset(card_file(text))
    suite = load_suite("smoke")
    with pytest.raises(DataError, match="no labelled test or validation split") as raised:
        repeated(suite, [dataset])
    assert "--repeat folds=5" in str(raised.value)
    folds = suite.model_copy(update={"repeat": Repeat(folds=2)})
    assert len(repeated(folds, [dataset])[0]) == 2
