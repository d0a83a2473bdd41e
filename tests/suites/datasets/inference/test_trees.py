"""Trees drawn at random whose right reading is known: none may be read as another task."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dfbench.suites.datasets.inference.reading import read_folder
from dfbench.suites.datasets.scan import scan

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
    """Path of each image to (is fake, split, kind, source)."""

    images: dict[str, tuple[bool, str, str, str]]


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
        order.append("source")
    wrapper = draw(st.sampled_from([(), ("archive",), ("data set", "v1.0")]))
    n_sources = draw(st.integers(4, 8))
    flat_real = below and draw(st.booleans())
    images = {}
    for split in splits or {"": ""}:
        for is_fake in (False, True):
            for at, kind in enumerate(kinds or [""]):
                if below and not is_fake and at:
                    continue  # real images are of no kind
                for source in range(n_sources if sources else 1):
                    number = source + 100 * list(splits or {"": 0}).index(split)
                    told = sources.format(number) if sources else ""
                    parts = []
                    for level in order:
                        if level == "class":
                            parts.append(fake if is_fake else real)
                        elif level == "split":
                            parts.append(splits[split])
                        elif level == "kind":
                            if is_fake or not below:
                                parts.append(kind)
                            elif not flat_real:
                                parts.append("photographs")
                        elif level == "source":
                            parts.append(told)
                        else:
                            parts.append(level)
                    for image in range(2):
                        path = "/".join([*wrapper, *parts, f"{image:04}.jpg"])
                        images[path] = (is_fake, split, kind if is_fake else "", told)
    return Tree(images)


def write(tree: Tree, root: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)
    for path in tree.images:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


@settings(
    max_examples=500,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(tree=trees())
def test_no_tree_is_read_as_another_task(tmp_path, tree):
    root = tmp_path / "faces"
    write(tree, root)
    reading = read_folder(root)
    card = reading.card
    found = scan(card, root / card.root)
    prefix = "" if card.root == "." else f"{card.root}/"
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
    wrong = {path: (told.get(path), right[path]) for path in right if told.get(path) != right[path]}
    assert not wrong, (reading.line, min(wrong.items()))
    assert set(told) == set(right)
