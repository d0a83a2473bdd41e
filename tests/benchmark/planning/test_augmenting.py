"""Changed copies that rows are fitted on: which rows have them, how they are drawn, what they are
known by."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfbench.benchmark.planning.augmenting import augmentation
from dfbench.benchmark.planning.rows import rows
from dfbench.benchmark.protocols.robustness import CHANGES
from dfbench.errors import DfbenchError
from dfbench.registry import EXTRACTORS, MODELS, Registry
from dfbench.suites.suite import VIEWS, Suite


def made(*only: str, **suite: Any) -> dict[str, Any]:
    """By name the copies of each row."""
    asked = Suite.model_validate({"name": "small", **suite})
    found = rows(asked, Registry(EXTRACTORS), Registry(MODELS), only, check=False)
    return {row.name: row.augment and (row.augment.views, row.augment.copies) for row in found}


BLOCK = {"features": ["hsv", "metadata"], "models": ["knn"], "networks": ["cnn-3conv"]}
PLAIN = ["hsv/knn", "metadata/knn", "cnn-3conv"]


def test_a_block_gives_rows_and_their_variants_but_of_controls_and_networks() -> None:
    assert made(rows=[BLOCK]) == dict.fromkeys(PLAIN)
    default = VIEWS, 4
    both = {"hsv/knn": None, "hsv/knn@robust": default, "metadata/knn": None, "cnn-3conv": None}
    assert made(rows=[{**BLOCK, "robust": True}]) == both
    assert made(rows=[BLOCK], robust=True) == both
    own = {"augment": ["jpeg=60", "blur=1.5"], "copies": "all"}
    views = ("jpeg=60", "blur=1.5"), 2
    assert made(rows=[{**BLOCK, "robust": True, **own}])["hsv/knn@robust"] == views
    # without the word there is the variant alone
    assert list(made(rows=[{**BLOCK, **own}])) == ["hsv/knn@robust", *PLAIN[1:]]
    # the suite's are for those that name none
    assert made(rows=[{**BLOCK, "robust": True}], **own)["hsv/knn@robust"] == views
    assert made(rows=[BLOCK], **own) == dict.fromkeys(PLAIN)


def test_a_system_with_copies_is_that_row_and_with_the_word_two() -> None:
    system = {"name": "mine", "model": "svm", "features": "hsv", "augment": ["resize=0.50"]}
    assert made(systems=[system]) == {"mine": (("resize=0.5",), 1)}
    assert made(systems=[system], robust=True) == {"mine": (("resize=0.5",), 1)}
    both = made(systems=[{**system, "robust": True}])
    assert both == {"mine": None, "mine@robust": (("resize=0.5",), 1)}


def test_a_variant_is_asked_for_by_name_whether_the_suite_has_it_or_not() -> None:
    listed = {"rows": [{"features": ["hsv+lbp"], "models": ["knn"]}]}
    assert list(made("lbp+hsv/knn@robust", **listed)) == ["hsv+lbp/knn@robust"]
    assert list(made("fft/svm@robust", **listed)) == ["fft/svm@robust"]
    assert list(made("fft/svm", **listed, robust=True)) == ["fft/svm", "fft/svm@robust"]
    derived = [{"name": "mean", "of": ["hsv+lbp/knn@robust"]}]
    robust = {"rows": [{**listed["rows"][0], "robust": True}], "derived": derived}
    assert list(made("mean", **robust)) == ["hsv+lbp/knn@robust", "mean"]


@pytest.mark.parametrize(
    ("only", "suite", "message"),
    [
        ((), {"rows": [{**BLOCK, "augment": ["jpg=60"]}]}, "unknown operation 'jpg'"),
        ((), {"rows": [{**BLOCK, "augment": ["jpeg"]}]}, "key 'augment': not an operation"),
        ((), {"rows": [{**BLOCK, "augment": ["jpeg=60", "jpeg=60.0"]}]}, "stands twice"),
        ((), {"rows": [{**BLOCK, "augment": [" "]}]}, "a view that changes nothing"),
        ((), {"rows": [{**BLOCK, "augment": ["jpeg=60"], "copies": 2}]}, "2 copies of an image"),
        (("cnn-3conv@robust",), {"rows": [BLOCK]}, "a network changes its training images itself"),
        (("m@robust",), {"rows": [BLOCK], "derived": [{"name": "m", "of": "hsv/knn"}]}, "made of"),
        (
            (),
            {"rows": [{**BLOCK, "robust": True}, {**BLOCK, "augment": ["jpeg=60"]}]},
            "two blocks give 'hsv/knn@robust' other copies",
        ),
    ],
)
def test_what_cannot_be_is_told(only: tuple[str, ...], suite: Any, message: str) -> None:
    with pytest.raises(DfbenchError) as caught:
        made(*only, **suite)
    assert message in str(caught.value)


def test_copies_without_views_are_refused() -> None:
    with pytest.raises(ValueError, match=r"copies are of augment = \[...\] or robust = true"):
        Suite.model_validate({"name": "x", "rows": [{**BLOCK, "copies": 2}]})


@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["", "a", "b"])), max_size=40),
    st.integers(1, 5),
    st.integers(0, 9),
)
def test_each_view_comes_equally_often_in_each_class_and_kind(
    images: list[tuple[int, str]], copies: int, seed: int
) -> None:
    asked = augmentation([f"jpeg={quality}" for quality in (30, 40, 50, 60, 70)], copies)
    labels, kinds = np.array([each[0] for each in images], np.int64), [each[1] for each in images]
    paths = [f"{number}.png" for number in range(len(images))]
    found = asked.drawn(paths, labels, kinds, seed)
    assert found.shape == (len(images), copies)
    assert all(len(set(row)) == copies for row in found.tolist())
    for which in set(images):
        own = found[[each == which for each in images]].ravel().tolist()
        counts = [Counter(own)[view] for view in range(5)]
        assert max(counts) - min(counts) <= copies
    # an image's views hang on nothing but the images and the seed
    order = np.random.default_rng(0).permutation(len(images))
    again = asked.drawn([paths[at] for at in order], labels[order], [kinds[a] for a in order], seed)
    np.testing.assert_array_equal(again, found[order])


def test_another_seed_draws_others() -> None:
    asked, paths = augmentation("default", None), [f"{n}.png" for n in range(40)]
    one, other = (asked.drawn(paths, np.zeros(40, np.int64), [""] * 40, seed) for seed in (0, 1))
    assert (one != other).any()


def test_no_view_of_training_is_a_change_of_the_protocol() -> None:
    assert not set(augmentation("default", None).views) & set(CHANGES)
