from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from dfbench.errors import DataError
from dfbench.suites.datasets.cards.reading import load_card
from dfbench.suites.datasets.listing import UNLABELLED, Listed
from dfbench.suites.datasets.splits import assign, grouped, stratified

FRACTIONS = {"train": 0.7, "validation": 0.15, "test": 0.15}

labels_of = st.lists(st.integers(0, 3), min_size=1, max_size=120).map(np.array)
fractions_of = st.sampled_from(
    [FRACTIONS, {"train": 0.8, "test": 0.2}, {"train": 0.5, "validation": 0.25, "test": 0.25}]
)
seeds = st.integers(0, 100)


def names(n: int) -> list[str]:
    return [f"folder/image {i}.png" for i in range(n)]


@given(labels_of, fractions_of, seeds)
def test_stratified_keeps_the_fractions_in_each_class(labels, fractions, seed):
    splits = np.array(stratified(names(len(labels)), labels, fractions, seed))
    assert set(splits) <= set(fractions)
    for label in np.unique(labels):
        members = splits[labels == label]
        for split, share in fractions.items():
            count = (members == split).sum()
            assert abs(count - share * len(members)) < 1 or len(members) < 7
            if len(members) >= len(fractions):
                assert count >= 1


@given(labels_of, seeds, st.randoms())
def test_stratified_does_not_depend_on_the_order_of_files(labels, seed, random):
    paths = names(len(labels))
    split = dict(zip(paths, stratified(paths, labels, FRACTIONS, seed), strict=True))
    order = list(range(len(paths)))
    random.shuffle(order)
    shuffled = [paths[i] for i in order]
    assert stratified(shuffled, labels[order], FRACTIONS, seed) == [split[p] for p in shuffled]


def test_another_seed_gives_another_division():
    labels = np.arange(200) % 2
    paths = names(200)
    first = stratified(paths, labels, FRACTIONS, 0)
    assert first == stratified(paths, labels, FRACTIONS, 0)
    assert first != stratified(paths, labels, FRACTIONS, 1)
    groups = [f"g{i // 5}" for i in range(200)]
    assert grouped(paths, labels, groups, FRACTIONS, 0) != grouped(
        paths, labels, groups, FRACTIONS, 1
    )


grouped_data = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 25)), min_size=1, max_size=150
).map(lambda pairs: (np.array([p[0] for p in pairs]), [f"g{p[1]}" if p[1] else "" for p in pairs]))


@given(grouped_data, fractions_of, seeds)
def test_groups_never_straddle(data, fractions, seed):
    labels, groups = data
    splits = grouped(names(len(labels)), labels, groups, fractions, seed)
    assert len(splits) == len(labels)
    assert set(splits) <= set(fractions)
    place: dict[str, str] = {}
    for group, split in zip(groups, splits, strict=True):
        if group:
            assert place.setdefault(group, split) == split


@given(grouped_data, seeds, st.randoms())
def test_grouped_does_not_depend_on_the_order_of_files(data, seed, random):
    labels, groups = data
    paths = names(len(labels))
    split = dict(zip(paths, grouped(paths, labels, groups, FRACTIONS, seed), strict=True))
    order = list(range(len(paths)))
    random.shuffle(order)
    again = grouped(
        [paths[i] for i in order], labels[order], [groups[i] for i in order], FRACTIONS, seed
    )
    assert again == [split[paths[i]] for i in order]


@given(st.integers(30, 80), st.integers(1, 6), seeds)
def test_grouped_is_near_the_fractions_where_groups_allow(n_groups, largest, seed):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, largest + 1, n_groups)
    groups = [f"g{g}" for g, size in enumerate(sizes) for _ in range(size)]
    labels = rng.integers(0, 2, len(groups))
    splits = np.array(grouped(names(len(groups)), labels, groups, FRACTIONS, seed))
    for label in (0, 1):
        members = splits[labels == label]
        for split, share in FRACTIONS.items():
            assert abs((members == split).mean() - share) < (largest + 1) / len(members) + 0.02


def test_grouped_is_as_even_as_scikit_learns():
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(60), rng.integers(1, 12, 60))
    labels = (rng.random(len(groups)) < rng.random(60)[groups]).astype(np.int64)
    names_of = [f"g{g}" for g in groups]
    halves = {f"s{i}": 0.2 for i in range(5)}
    ours = np.array(grouped(names(len(groups)), labels, names_of, halves, 0))
    theirs = np.empty(len(groups), dtype=object)
    for i, (_, fold) in enumerate(StratifiedGroupKFold(5).split(labels, labels, groups)):
        theirs[fold] = f"s{i}"

    def unevenness(splits):
        return max(abs((splits[labels == k] == s).mean() - 0.2) for k in (0, 1) for s in halves)

    assert unevenness(ours) <= unevenness(theirs) + 0.02


def test_each_split_gets_each_class_if_the_groups_suffice():
    # one huge group of each class, and just enough small ones
    groups = ["a"] * 50 + ["b"] * 50 + ["c", "d", "e", "f"]
    labels = np.array([0] * 50 + [1] * 50 + [0, 0, 1, 1])
    splits = grouped(names(len(groups)), labels, groups, FRACTIONS, 0)
    assert len({(s, k) for s, k in zip(splits, labels.tolist(), strict=True)}) == 6


def test_three_groups_make_three_splits():
    labels = np.array([0, 1] * 3)
    groups = ["a", "a", "b", "b", "c", "c"]
    assert set(grouped(names(6), labels, groups, FRACTIONS, 0)) == set(FRACTIONS)


def test_images_without_a_group_are_divided_singly():
    labels = np.array([0, 1] * 100)
    splits = Counter(grouped(names(200), labels, [""] * 200, FRACTIONS, 0))
    assert splits == {"train": 140, "validation": 30, "test": 30}


kinds_of = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["", "a", "b", "c", "d"])),
    min_size=1,
    max_size=120,
).map(lambda pairs: (np.array([p[0] for p in pairs]), [p[1] for p in pairs]))


@given(kinds_of, fractions_of, seeds)
def test_stratified_keeps_the_fractions_in_each_class_whatever_the_kinds(data, fractions, seed):
    labels, kinds = data
    paths = names(len(labels))
    splits = np.array(stratified(paths, labels, fractions, seed, kinds))
    plain = np.array(stratified(paths, labels, fractions, seed))
    for label in np.unique(labels):
        for split in fractions:
            inside = labels == label
            assert ((splits == split) & inside).sum() == ((plain == split) & inside).sum()


@given(labels_of, fractions_of, seeds)
def test_data_without_kinds_are_divided_as_before_there_were_any(labels, fractions, seed):
    paths, none = names(len(labels)), [""] * len(labels)
    assert stratified(paths, labels, fractions, seed, none) == stratified(
        paths, labels, fractions, seed
    )
    groups = [f"g{i // 3}" for i in range(len(labels))]
    assert grouped(paths, labels, groups, fractions, seed, none) == grouped(
        paths, labels, groups, fractions, seed
    )


@given(st.lists(st.integers(7, 40), min_size=1, max_size=6), fractions_of, seeds)
def test_stratified_keeps_the_fractions_in_each_kind(sizes, fractions, seed):
    kinds = [f"k{kind}" for kind, size in enumerate(sizes) for _ in range(size)]
    labels = np.ones(len(kinds), np.int64)
    splits = np.array(stratified(names(len(kinds)), labels, fractions, seed, kinds))
    for kind, size in enumerate(sizes):
        inside = np.array(kinds) == f"k{kind}"
        for split, share in fractions.items():
            count = ((splits == split) & inside).sum()
            assert count >= 1
            assert abs(count - share * size) < 2


@given(kinds_of, seeds, st.randoms())
def test_kinds_do_not_depend_on_the_order_of_files(data, seed, random):
    labels, kinds = data
    paths, groups = names(len(labels)), [f"g{i // 2}" for i in range(len(labels))]
    order = list(range(len(labels)))
    random.shuffle(order)
    paths_, labels_ = [paths[i] for i in order], labels[order]
    kinds_, groups_ = [kinds[i] for i in order], [groups[i] for i in order]
    for one, other in (
        (
            stratified(paths, labels, FRACTIONS, seed, kinds),
            stratified(paths_, labels_, FRACTIONS, seed, kinds_),
        ),
        (
            grouped(paths, labels, groups, FRACTIONS, seed, kinds),
            grouped(paths_, labels_, groups_, FRACTIONS, seed, kinds_),
        ),
    ):
        assert other == [one[i] for i in order]


def test_an_image_alone_of_its_kind_is_trained_on():
    kinds = ["common"] * 40 + ["rare"]
    splits = stratified(names(41), np.ones(41, np.int64), FRACTIONS, 0, kinds)
    assert splits[-1] == "train"
    # but a class is in each split before a kind is where it should be
    alone = stratified(names(7), np.ones(7, np.int64), FRACTIONS, 0, list("abcdefg"))
    assert Counter(alone) == {"train": 5, "validation": 1, "test": 1}


@given(kinds_of, st.lists(st.integers(0, 20), min_size=120, max_size=120), fractions_of, seeds)
def test_grouped_puts_kinds_where_they_were_absent_and_takes_none_away(data, of, fractions, seed):
    labels, kinds = data
    groups = [f"g{g}" if g else "" for g in of[: len(labels)]]
    paths = names(len(labels))

    def held(splits):
        return {*zip(splits, labels.tolist(), kinds, strict=True)}

    plain = grouped(paths, labels, groups, fractions, seed)
    splits = grouped(paths, labels, groups, fractions, seed, kinds)
    assert held(splits) >= held(plain)
    place: dict[str, str] = {}
    for group, split in zip(groups, splits, strict=True):
        assert not group or place.setdefault(group, split) == split


def test_grouped_gives_each_split_each_kind_if_the_groups_suffice():
    kinds = ["big"] * 60 + ["small"] * 3
    groups = [f"g{i // 2}" for i in range(60)] + ["x", "y", "z"]
    labels = np.ones(63, np.int64)
    plain = grouped(names(63), labels, groups, FRACTIONS, 1)
    assert len(set(plain[-3:])) < 3, "else nothing is shown"
    assert set(grouped(names(63), labels, groups, FRACTIONS, 1, kinds)[-3:]) == set(FRACTIONS)


def test_the_card_has_kinds_heeded(names_card):
    card = load_card(names_card())
    kinds = ["common"] * 60 + ["rare"] * 3
    fakes = [Listed(f"{i:02}.jpg", 1, "", "", "", kind) for i, kind in enumerate(kinds)]
    assert set(assign(card, fakes)[-3:]) == set(card.split_names)


def test_unlabelled_images_cannot_be_divided(names_card):
    card = load_card(names_card())
    with pytest.raises(DataError, match=r"x\.jpg: image without a label in 'clips'"):
        assign(card, [Listed("x.jpg", UNLABELLED, "")])
