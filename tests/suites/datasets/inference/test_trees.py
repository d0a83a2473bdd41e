"""Trees drawn at random whose right reading is known: none may be read as another task."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dfbench.errors import DataError
from dfbench.suites.datasets.inference.reading import read_folder
from dfbench.suites.datasets.scan import scan, settle_root

CLASSES = [
    ("real", "fake"),
    ("0_real", "1_fake"),
    ("nature", "ai"),
    ("original", "manipulated"),
    ("original_sequences", "manipulated_sequences"),
    ("authentic", "tampered"),
    ("Au", "Tp"),
    ("youtube-real", "celeb-synthesis"),
    ("REAL", "FAKE"),
    ("Real_Images", "Generated images"),
    ("pristine", "forged"),
    ("réel", "faux"),
    ("echt", "gefälscht"),
    ("真实", "伪造"),
    ("0", "1"),
]
KINDS = [
    *("biggan", "cyclegan", "progan", "stylegan2", "StyleGAN3", "Deepfakes", "Face2Face"),
    *("FaceSwap", "NeuralTextures", "stable_diffusion_v_1_4", "Midjourney", "glide_100_10"),
    *("dalle", "adm", "VQDM", "wukong", "ldm_200", "crn", "imle", "san", "seeingdark"),
    *("alpha", "beta", "gamma", "method1", "method2", "gen_a", "gen_b", "x1", "y2"),
]
SPLITS = [
    {"train": "train", "validation": "val", "test": "test"},
    {"train": "Train", "validation": "Validation", "test": "Test"},
    {"train": "training", "test": "testing"},
    {"train": "train_data", "test": "test_data_v2"},
    {"train": "TrainSet", "validation": "valid", "test": "TestSet"},
]
SOURCES = ["{:03d}", "video_{:02d}", "id{}", "clip{:04d}", "person {}", "{:06x}ab12cd"]
NEUTRAL = ["frames", "images", "faces", "c23", "raw"]


@dataclass(frozen=True)
class Tree:
    """Path of each image to (is fake, split, kind, source).

    With folders for what an image shows, which of the levels is the kind is anybody's guess.
    """

    images: dict[str, tuple[bool, str, str, str]]
    besides: bool
    whole: bool = True


@st.composite
def trees(draw) -> Tree:
    real, fake = draw(st.sampled_from(CLASSES))
    kinds = draw(st.lists(st.sampled_from(KINDS), max_size=4, unique=True))
    splits = draw(st.none() | st.sampled_from(SPLITS))
    sources = draw(st.none() | st.sampled_from(SOURCES))
    below = draw(st.booleans()) if kinds else False
    order = ["class", *(["kind"] if below else [])]
    if kinds and not below:
        order.insert(0, "kind")
    if splits:
        order.insert(draw(st.integers(0, len(order))), "split")
    for name in draw(st.lists(st.sampled_from(NEUTRAL), max_size=2, unique=True)):
        order.insert(draw(st.integers(0, len(order))), name)
    if sources:
        order.insert(len(order) if draw(st.booleans()) else order.index("class"), "source")
    for name in draw(st.lists(st.sampled_from(["stuff", "version 2", "2024-05-01"]), max_size=1)):
        order.insert(draw(st.integers(0, len(order))), name)
    categories = draw(st.sampled_from([[""], [""], ["airplane", "cat", "dog"]]))
    if categories != [""]:
        order.insert(draw(st.integers(0, len(order))), "category")
    wrapper = draw(st.sampled_from([(), ("archive",), ("data set", "v1.0")]))
    n_sources = draw(st.integers(4, 6))
    flat_real = below and draw(st.booleans())
    images = {}
    for split, is_fake, (at, kind), source, category in itertools.product(
        splits or [""],
        (False, True),
        enumerate(kinds or [""]),
        range(n_sources if sources else 1),
        categories,
    ):
        if below and not is_fake and at:
            continue  # real images are of no kind
        number = source + 100 * list(splits or [""]).index(split)
        told = sources.format(number) if sources else ""
        folders = {
            "class": fake if is_fake else real,
            "split": splits[split] if splits else "",
            "kind": kind if is_fake or not below else "" if flat_real else "photographs",
            "source": told,
            "category": category,
        }
        parts = [name for level in order if (name := folders.get(level, level))]
        for image in range(1):
            path = "/".join([*wrapper, *parts, f"{image:04}.jpg"])
            images[path] = (is_fake, split, kind if is_fake else "", told)
    # not each generator has all that the others have
    kept = draw(st.lists(st.sampled_from(sorted(images)), min_size=2, unique=True))
    both = {images[path][0] for path in kept} == {False, True}
    if both and draw(st.booleans()):
        one = len({images[path][1] for path in kept}) == 1  # then there is nothing to divide by
        told = {p: (f, "" if one else s, *rest) for p in kept for f, s, *rest in [images[p]]}
        return Tree(told, False, False)
    return Tree(images, categories == [""])


def write(tree: Tree, root: Path) -> None:
    for path in tree.images:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(tree=trees())
def test_no_tree_is_read_as_another_task(tmp_path, tree):
    root = tmp_path / f"faces{len(list(tmp_path.iterdir()))}"
    write(tree, root)
    try:
        reading = read_folder(root)
    except DataError:
        assert not tree.whole
        return
    card = reading.card
    place = settle_root(card, root / card.root)
    found = scan(card, place)
    prefix = "" if place == root else f"{place.relative_to(root).as_posix()}/"
    assert card.positive_index is not None, (reading.line, sorted(tree.images)[::7])
    told = {
        prefix + image.path: (
            image.label == card.positive_index,
            image.split,
            image.kind,
            image.group,
        )
        for image in found.images
    }
    kinds = {kind for _, _, kind, _ in tree.images.values()} - {""}
    right = tree.images
    if len(kinds) == 1:  # nothing to tell apart
        right = {p: (f, s, "", g) for p, (f, s, _, g) in right.items()}
    assert set(told) == set(right)
    if not tree.besides:
        told, right = ({p: each[:2] for p, each in of.items()} for of in (told, right))
    wrong = {path: (told[path], right[path]) for path in right if told[path] != right[path]}
    assert not wrong, (reading.line, min(wrong.items()))
