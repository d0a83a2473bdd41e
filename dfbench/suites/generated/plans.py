"""What each built-in data set consists of: its images' places, classes, splits, sizes, in numbers.

A plan is drawn before any pixel. Everything that a file shows besides its pixels (dimensions, JPEG
quality, bytes) comes from a stream of chance that does not know the class. The seed of a set is its
name: none was searched for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dfbench.suites.generated.fakes import KINDS

VERSION = 1
"""Raised whenever the images of any built-in set change."""

REAL = "real"
SPLITS = ("train", "validation", "test")
_SHORTEST, _LONGEST = 112, 144
_QUALITIES = (82, 96)
WEAKEST = {"leaves-binary": 0.3, "leaves-grouped": 0.6, "leaves-sources": 0.0}
"""Least strength of a set's fakes: where one class holds all kinds, and still more where there are
few places to learn from, traces must be plainer for the same difficulty."""
# bytes a pixel that no JPEG of such a quality, and no PNG at all, comes up to
_ROOM = {"JPEG": 1.5, "PNG": 3.1}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a file shows besides its pixels.

    Attributes
    ----------
    width, height
        In pixels.
    quality
        Of the JPEG pass.
    format
        ``"JPEG"``, or ``"PNG"``, which then holds the decoded JPEG.
    size
        In bytes.
    """

    width: int
    height: int
    quality: int
    format: str
    size: int


@dataclass(frozen=True, slots=True)
class Item:
    """One image to be made.

    Attributes
    ----------
    index
        Number within the set; it seeds all that is drawn for the image.
    path
        Where it goes, relative to the set's folder, with ``/``.
    kind
        ``"real"`` or one of `fakes.KINDS`.
    split
        Empty where the card's policy divides the set.
    group
        Number of the place whose look it shares, -1 for one of its own.
    file
        What the file shows besides its pixels.
    """

    index: int
    path: str
    kind: str
    split: str
    group: int
    file: Facts


def stream(name: str, purpose: str, index: int = 0) -> np.random.Generator:
    """Give the chance for one purpose of one image (or group) of a set: always the same."""
    key = hashlib.sha256(f"{name} {VERSION} {purpose}".encode()).digest()
    return np.random.default_rng(np.random.SeedSequence([int.from_bytes(key[:16], "big"), index]))


def facts(name: str, index: int, form: str = "JPEG") -> Facts:
    """Draw dimensions, JPEG quality and size of an image: its class is no argument."""
    rng = stream(name, "file", index)
    width, height = (int(side) for side in rng.integers(_SHORTEST, _LONGEST + 1, 2))
    quality = int(rng.integers(_QUALITIES[0], _QUALITIES[1] + 1))
    size = int(2000 + width * height * _ROOM[form] * rng.uniform(1.0, 1.25))
    return Facts(width, height, quality, form, size)


def _count(number: int, size: float) -> int:
    return max(2, round(number * size))


def _fake_kinds(count: int, rng: np.random.Generator) -> list[str]:
    """Deal the kinds out evenly, in random order."""
    start = int(rng.integers(len(KINDS)))
    kinds = [KINDS[(start + k) % len(KINDS)] for k in range(count)]
    return [kinds[k] for k in rng.permutation(count)]


def binary(name: str, size: float) -> list[Item]:
    """Plan ``leaves-binary``: train, validation and test of real and fake, half and half."""
    items: list[Item] = []
    for split, count in zip(SPLITS, (350, 100, 150), strict=True):
        each = _count(count, size)
        kinds = [REAL] * each + _fake_kinds(each, stream(name, f"kinds of {split}"))
        for number, kind in enumerate(kinds):
            index = len(items)
            folder = REAL if kind == REAL else "fake"
            path = f"images/{split}/{folder}/{number % each:04d}.jpg"
            items.append(Item(index, path, kind, split, -1, facts(name, index)))
    return items


def grouped(name: str, size: float) -> list[Item]:
    """Plan ``leaves-grouped``: scenes of ten images; two scenes together have ten of each class.

    Images of a scene share palette, camera and generator, and scenes differ in their share of
    fakes: a random split would leak, as with frames of the same videos.
    """
    items: list[Item] = []
    pairs = max(4, round(50 * size))
    kinds = _fake_kinds(2 * pairs, stream(name, "kinds"))
    for pair in range(pairs):
        rng = stream(name, "classes", pair)
        fakes = int(rng.integers(2, 9))
        for group, count in ((2 * pair, fakes), (2 * pair + 1, 10 - fakes)):
            is_fake = rng.permutation(np.arange(10) < count)
            for number in range(10):
                index = len(items)
                label = "fake" if is_fake[number] else REAL
                kind = kinds[group] if is_fake[number] else REAL
                path = f"images/scene{group:03d}_{number:02d}_{label}.jpg"
                items.append(Item(index, path, kind, "", group, facts(name, index)))
    return items


def sources(name: str, size: float) -> list[Item]:
    """Plan ``leaves-sources``: real images and four generators, the same number of each."""
    items: list[Item] = []
    classes = (REAL, *KINDS)
    for split, count in zip(SPLITS, (140, 40, 60), strict=True):
        each = _count(count, size)
        order = stream(name, f"order of {split}").permutation(each * len(classes))
        for number, place in enumerate(order):
            index = len(items)
            kind = classes[int(place) // each]
            path = f"{split}/{split}_{number:04d}.png"
            items.append(Item(index, path, kind, split, -1, facts(name, index, "PNG")))
    return items


PLANS: dict[str, Callable[[str, float], list[Item]]] = {
    "leaves-binary": binary,
    "leaves-grouped": grouped,
    "leaves-sources": sources,
}
