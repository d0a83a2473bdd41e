"""How many planted copies are found, how many others are taken for copies, and how fast.

    python benchmarks/leaks.py [FOLDER] [--tile N] [--count N] [--search N] [--rounds N]

The images of FOLDER (without one, those of the built-in data sets) are cut into tiles of N pixels
(40 by default; 0 takes them whole) and divided in two. In each round copies of 1 % of all images,
made from the first half, join the second: equal, written anew (scaled by 0.7 to 1.3, as JPEG of
quality 40 to 90), mirrored, or cropped (0.9 to 0.98 of each side kept, anywhere), the last two as
JPEG of quality 60 to 95. Recall is by kind. Of the pairs found that were not planted, those of
images that are like each other before anything is planted are told apart: tiles of real photographs
may hold true copies, to be looked at by eye; generated scenes hold none. Equal files are found by
their hash in any case.

Then the time of a search among --search windows of all sizes, on two threads.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dfbench.errors import ImageError
from dfbench.features.copies import find_copies
from dfbench.features.internal.thumbnail import Thumbnail
from dfbench.features.views.operations import jpeg
from dfbench.images import Image, decode
from dfbench.suites.generated.builtin import BUILTIN, ensure_builtin

KINDS = ("equal", "written anew", "mirrored", "cropped")
JOBS = 2


def plant(image: Image, kind: str, rng: np.random.Generator) -> Image:
    """Make a copy."""
    height, width = image.shape[:2]
    if kind == "equal":
        return image
    if kind == "written anew":
        scale = rng.uniform(0.7, 1.3)
        size = max(8, round(width * scale)), max(8, round(height * scale))
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        changed = cv2.resize(image, size, interpolation=method)
        return decode(jpeg(changed, int(rng.integers(40, 91))))
    if kind == "mirrored":
        changed = image[:, ::-1]
    else:
        rows, columns = (round(side * rng.uniform(0.9, 0.98)) for side in (height, width))
        top, left = rng.integers(height - rows + 1), rng.integers(width - columns + 1)
        changed = image[top : top + rows, left : left + columns]
    return decode(jpeg(np.ascontiguousarray(changed), int(rng.integers(60, 96))))


def images(folder: Path | None) -> Iterator[tuple[str, Image]]:
    """Give names and pixels."""
    folders = [folder] if folder else [ensure_builtin(name).parent for name in BUILTIN]
    for root in folders:
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            try:
                yield path.name, decode(path.read_bytes())
            except ImageError:
                continue


def windows(image: Image, side: int, step: int) -> Iterator[Image]:
    """Cut squares."""
    for y in range(0, image.shape[0] - side + 1, step):
        for x in range(0, image.shape[1] - side + 1, step):
            yield np.ascontiguousarray(image[y : y + side, x : x + side])


def accuracy(folder: Path | None, tile: int, count: int, rounds: int) -> None:
    """Measure recall and precision."""
    rng = np.random.default_rng(0)
    shown = [
        (name, part)
        for name, image in images(folder)
        for part in (windows(image, tile, tile) if tile else [image])
    ]
    if len(shown) > count:
        shown = [shown[i] for i in rng.choice(len(shown), count, replace=False)]
    thumbnail = Thumbnail()
    thumbnail.transform([shown[0][1]])
    start = time.perf_counter()
    base = thumbnail.transform([part for _, part in shown])
    each = (time.perf_counter() - start) / len(shown)
    print(f"{len(shown):,} images, {1e6 * each:.0f} microseconds a thumbnail")
    n = len(base)
    half = (np.arange(n) >= n // 2).astype(np.int64)
    alike = find_copies(base, np.arange(n), jobs=JOBS)
    known = set(zip(alike.first.tolist(), alike.second.tolist(), strict=True))
    found = dict.fromkeys(KINDS, 0)
    planted = right = explained = wrong = 0
    for number in range(rounds):
        rng = np.random.default_rng(number)
        sources = rng.choice(n // 2, n // 100, replace=False)
        kinds = [KINDS[i % len(KINDS)] for i in range(len(sources))]
        copies = [plant(shown[s][1], k, rng) for s, k in zip(sources, kinds, strict=True)]
        both = np.concatenate([base, thumbnail.transform(copies)])
        pairs = find_copies(both, np.append(half, np.ones(len(copies), np.int64)), jobs=JOBS)
        got = set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
        for place, (source, kind) in enumerate(zip(sources.tolist(), kinds, strict=True)):
            found[kind] += kind == "equal" or (source, n + place) in got
        planted += len(copies)
        for a, b in got:
            of = b if b < n else sources[b - n]
            if b >= n and a == of:
                right += 1
            elif (min(a, of), max(a, of)) in known:
                explained += 1
            else:
                wrong += 1
    total = sum(found.values())
    for place, kind in enumerate(KINDS):
        of = rounds * len(range(place, n // 100, len(KINDS)))
        print(f"{kind:13} recall {found[kind] / of:.4f} of {of:,}")
    print(f"all           recall {total / planted:.4f} of {planted:,}")
    print(f"precision {right / max(1, right + wrong):.4f}: {wrong} wrong pairs in {rounds} rounds")
    if known:
        counted = right / (right + wrong + explained)
        print(f"{len(known)} pairs are alike before; precision {counted:.4f} if these were wrong")
    for a, b in sorted(known)[:5]:
        print(f"  {shown[a][0]}  {shown[b][0]}")


def speed(folder: Path | None, count: int) -> None:
    """Measure the time of a search."""
    thumbnail = Thumbnail()
    parts: list[NDArray[np.uint8]] = []
    total = 0
    for side in (64, 48, 56, 40, 32):
        for _, image in images(folder):
            cut = list(windows(image, side, side // 2))
            if cut and total < count:
                parts.append(thumbnail.transform(cut))
                total += len(cut)
    all_of = np.concatenate(parts)[:count]
    half = np.arange(len(all_of)) % 2
    find_copies(all_of[:100], half[:100])
    start, used = time.perf_counter(), time.process_time()
    pairs = find_copies(all_of, half, jobs=JOBS)
    taken, used = time.perf_counter() - start, time.process_time() - used
    print(
        f"{len(all_of):,} searched in {taken:.1f} s on {JOBS} threads ({used:.1f} s of processor), "
        f"{len(pairs.first)} pairs"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--tile", type=int, default=40)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--search", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    accuracy(given.folder, given.tile, given.count, given.rounds)
    if given.search:
        speed(given.folder, given.search)


if __name__ == "__main__":
    main()
