from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfbench.errors import CardError, DataError
from dfbench.suites.datasets.cards.card import Card
from dfbench.suites.datasets.cards.reading import load_card, parse_card
from dfbench.suites.datasets.cards.writing import to_toml
from dfbench.suites.datasets.divisions import divided, divided_as
from dfbench.suites.datasets.manifest import Dataset, fingerprint_of
from dfbench.suites.datasets.splits import grouped, stratified
from dfbench.suites.repeat import Repeat

FOLDERS = {"kind": "folders"}
GIVEN = FOLDERS | {"splits": {"train": "a", "validation": "b", "test": "c"}}


def card(*, policy: str = "", layout: Any = FOLDERS, repeat: Any = None) -> Card:
    told = {
        "name": "faces",
        "classes": ["real", "fake"],
        "layout": layout,
        **({"split": {"policy": policy}} if policy else {}),
        **({} if repeat is None else {"repeat": repeat}),
        **({"group": {"pattern": "(?P<group>.)"}} if policy == "grouped" else {}),
    }
    return parse_card(told, where="card.toml")


def dataset(n: int = 60, *, groups: int = 0, given: bool = False) -> Dataset:
    labels = np.arange(n) % 2
    paths = [f"{label}/{i:03}.png" for i, label in enumerate(labels.tolist())]
    names = [f"g{i // groups}" if groups else "" for i in range(n)]
    policy = "given" if given else "grouped" if groups else "stratified"
    own = card(policy=policy, layout=GIVEN if given else FOLDERS)
    fractions: dict[str, float] = dict(own.split.fractions.items())
    splits = (
        grouped(paths, labels, names, fractions, 0)
        if groups
        else stratified(paths, labels, fractions, 0)
    )
    table = pd.DataFrame(
        {
            "path": paths, "label": labels, "split": splits, "group": names, "kind": "",
            "sha256": [f"{i:064}" for i in range(n)], "error": "",
        }
    )  # fmt: skip
    return Dataset(own, Path("nowhere"), table, fingerprint_of(own, table))


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 7), st.sampled_from([0, 3]))
def test_each_image_is_tested_once_over_folds_and_groups_stay_whole(n, groups):
    of = dataset(90, groups=groups)
    found = divided(of, Repeat(folds=n))
    tests = np.stack([(each.manifest["split"] == "test").to_numpy() for each in found])
    assert (tests.sum(axis=0) == 1).all()
    sizes = tests.sum(axis=1)
    assert sizes.max() - sizes.min() <= 2 * max(1, groups)
    for each in found:
        parts = each.manifest.groupby("group")["split"].nunique()
        assert not groups or (parts == 1).all()
        assert set(each.manifest["split"]) == {"train", "validation", "test"}
        # of what is left, as the card's fractions say
        left = each.manifest[each.manifest["split"] != "test"]
        assert (left["split"] == "train").mean() == pytest.approx(0.7 / 0.85, abs=0.1)
    assert len({each.fingerprint for each in found}) == n


def test_the_first_of_several_splits_is_that_of_the_card_alone():
    of = dataset()
    first, *others = divided(of, Repeat(splits=4))
    assert first.fingerprint == of.fingerprint
    assert first.manifest["split"].tolist() == of.manifest["split"].tolist()
    assert len({each.fingerprint for each in (first, *others)}) == 4
    for each in others:
        assert each.manifest["split"].value_counts().to_dict() == (
            of.manifest["split"].value_counts().to_dict()
        )
        assert each.undivided == of.fingerprint


def test_a_division_is_found_again_by_its_name():
    of = dataset()
    for each in divided(of, Repeat(folds=3)):
        assert divided_as(of, each.division.name).fingerprint == each.fingerprint
    assert divided_as(of, "") is of
    with pytest.raises(DataError, match="no division of 'faces': fold 1 of 1000"):
        divided_as(of, "fold 1 of 1000")


def test_images_without_a_label_are_left_to_the_first_division():
    of = dataset(given=True)
    manifest = of.manifest.copy()
    manifest.loc[:4, ["label", "split"]] = [-1, "test"]
    first, second = divided(replace(of, manifest=manifest), Repeat(splits=2))
    assert first.manifest["split"][:5].tolist() == ["test"] * 5
    assert second.manifest["split"][:5].tolist() == [""] * 5
    assert set(second.manifest["split"][5:]) == {"train", "validation", "test"}


@pytest.mark.parametrize(
    ("of", "repeat", "said"),
    [
        (dataset(12), Repeat(folds=8), "too few images for 8 folds.*'real' in test of fold 7 of 8"),
        (dataset(24, groups=12), Repeat(folds=3), "too few groups for 3 folds"),
        (dataset(4), Repeat(splits=3), "too few images for 3 splits.*in (validation|test)"),
    ],
)
def test_too_few_images_are_told_before_anything_runs(of, repeat, said):
    with pytest.raises(DataError, match=said):
        divided(of, repeat)


@pytest.mark.parametrize(
    "text", ["5", "folds", "folds=1", "folds=0", "splits=101", "folds=2.5", "folds=-3", "x=5", ""]
)
def test_what_is_no_repetition_is_refused(text):
    with pytest.raises(ValueError, match=r"splits|folds"):
        Repeat.parse(text)


def test_cards_say_how_often(tmp_path):
    own = card(repeat={"folds": 5})
    assert own.repeat == Repeat(folds=5)
    (tmp_path / "card.toml").write_text(to_toml(own))
    assert load_card(tmp_path / "card.toml") == own


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"folds": 5, "splits": 5}, "repeat.*one of splits and folds"),
        ({"folds": True}, "repeat.*folds"),
        ({"folds": 1}, "repeat.*from 2 to 100 folds, not 1"),
        ({}, "repeat.*one of splits and folds"),
        ({"fold": 5}, "fold"),
    ],
)
def test_what_a_card_cannot_say_is_refused(told, said):
    with pytest.raises(CardError, match=said):
        card(repeat=told)


def test_given_splits_are_not_repeated_by_a_card():
    with pytest.raises(CardError, match=r"repeat.*dfbench run --repeat folds=5"):
        card(layout=GIVEN, repeat={"folds": 5})
