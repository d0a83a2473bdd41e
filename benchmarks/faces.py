"""Make a set of the size of real ones: few real images, each many times, slightly changed.

    python benchmarks/faces.py SOURCE OUT [--images 190335] [--side 256]

SOURCE has folders Train, Validation, Test with folders Real, Fake; so has OUT, in the proportions
of the set deepfake-and-real-images (140,002, 39,428 and 10,905 images). A copy is moved by up to
four pixels, its brightness and contrast change by up to 4 %, noise of one grey value is added,
and it is encoded as JPEG of quality 75 to 95: no two files are equal. A source stays in its split,
so that no copy of a training image is evaluated. Images of the same number are the same in sets of
any size, and what is there is not made again.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np

SHARES = {"Train": 140_002, "Validation": 39_428, "Test": 10_905}
CLASSES = ("Real", "Fake")
CHUNK = 512


def make(sources: list[Path], folder: Path, side: int, numbers: range) -> int:
    """Write the images of these numbers; give how many were not there."""
    cv2.setNumThreads(1)
    made = 0
    for number in numbers:
        path = folder / f"{folder.name.lower()}_{number}.jpg"
        if path.exists():
            continue
        rng = np.random.default_rng([number, len(sources)])
        image = cv2.imread(str(sources[number % len(sources)]))
        if image is None:
            sys.exit(f"cannot be read: {sources[number % len(sources)]}")
        height, width = image.shape[:2]
        top, bottom, left, right = rng.integers(0, 5, 4)
        image = image[top : height - bottom, left : width - right]
        image = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
        contrast, brightness = rng.uniform(0.96, 1.04), rng.uniform(-5, 5)
        changed = image * np.float32(contrast) + np.float32(brightness)
        changed += rng.integers(-1, 2, image.shape, dtype=np.int8)
        quality = int(rng.integers(75, 96))
        content = cv2.imencode(
            ".jpg", np.clip(changed, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality]
        )[1]
        path.write_bytes(content.tobytes())
        made += 1
    return made


def main() -> None:
    """Make the set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--images", type=int, default=sum(SHARES.values()))
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    with ProcessPoolExecutor(given.jobs) as pool:
        for split, share in SHARES.items():
            for name in CLASSES:
                sources = sorted((given.source / split / name).iterdir())
                folder = given.out / split / name
                folder.mkdir(parents=True, exist_ok=True)
                n = round(given.images * share / sum(SHARES.values()) / len(CLASSES))
                chunks = [range(at, min(at + CHUNK, n)) for at in range(0, n, CHUNK)]
                made = sum(pool.map(partial(make, sources, folder, given.side), chunks))
                print(f"{split}/{name}: {n:,} images of {len(sources):,}, {made:,} of them new")


if __name__ == "__main__":
    main()
