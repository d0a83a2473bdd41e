"""A large set of which one image in a hundred is bad: the run completes, with the same scores.

    python benchmarks/broken.py OUT [--images 20000] [--side 48] [--only hsv/knn]

Makes two folders of synthetic images in given splits, OUT/clean and OUT/broken: the second has the
bad ones besides, each of a kind in turn (cut, empty, text, PostScript, a bomb, a wrong ending,
noise behind a signature, a pipe, a link to nowhere, a file of holes). Runs both, and compares the
scores of each image, the list of unreadable images and the seconds.
"""

from __future__ import annotations

import argparse
import csv
import os
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq

SHARES = {"Train": 0.7, "Validation": 0.2, "Test": 0.1}
CLASSES = ("Real", "Fake")
BAD = 100
"""One image in so many is bad."""


def image(number: int, fake: bool, side: int) -> bytes:
    """Give a small JPEG; fakes are a little warmer."""
    rng = np.random.default_rng([number, fake])
    coarse = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8).astype(np.float32)
    coarse[..., 2] += 25 * fake
    found = cv2.resize(np.clip(coarse, 0, 255).astype(np.uint8), (side, side))
    return cv2.imencode(".jpg", found, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()


def bomb() -> bytes:
    """Give a PNG of 20,000 squared pixels in few bytes."""
    side = 20_000
    rows = zlib.compress(bytes((1 + side // 8) * side), 9)

    def chunk(kind: bytes, inside: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + inside))
        return struct.pack(">I", len(inside)) + kind + inside + check

    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def spoil(path: Path, number: int, whole: bytes, large: bytes) -> None:
    """Write a bad image of the kind whose turn it is."""
    name = path.with_suffix
    kinds = (
        lambda: path.write_bytes(whole[: len(whole) // 2]),
        lambda: path.write_bytes(b""),
        lambda: path.write_text(f"not found {number}\n"),
        lambda: path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n"),
        lambda: name(".png").write_bytes(large + number.to_bytes(4, "big")),
        lambda: name(".webp").write_bytes(b"RIFF\xff\0\0\0WEBPVP8 " + number.to_bytes(64, "big")),
        lambda: name(".tif").write_bytes(b"II*\0\x08\0\0\0" + number.to_bytes(64, "little")),
        lambda: os.mkfifo(path),
        lambda: path.symlink_to("nowhere"),
        lambda: os.truncate(_touched(name(".png")), 3 << 30),
    )
    kinds[number % len(kinds)]()


def _touched(path: Path) -> Path:
    path.touch()
    return path


def make(out: Path, images: int, side: int) -> int:
    """Make both folders, and give the number of bad images."""
    large, bad = bomb(), 0
    for split, share in SHARES.items():
        for label in CLASSES:
            folders = [out / kind / split / label for kind in ("clean", "broken")]
            for folder in folders:
                folder.mkdir(parents=True)
            for number in range(round(images * share / len(CLASSES))):
                content = image(len(split) * 1_000_000 + number, label == "Fake", side)
                if number % BAD == BAD - 1:
                    spoil(folders[1] / f"bad_{number}.jpg", bad, content, large)
                    bad += 1
                else:
                    for folder in folders:
                        (folder / f"{number}.jpg").write_bytes(content)
    return bad


def run(out: Path, kind: str, only: str) -> float:
    """Run over a folder with a cache of its own, and give the seconds."""
    command = [sys.executable, "-m", "dfbench", "run", "--data", str(out / kind)]
    command += ["--out", str(out / f"run-{kind}"), "--only", only]
    environment = os.environ | {"DFBENCH_CACHE": str(out / f"cache-{kind}")}
    start = time.monotonic()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    print("\n".join(line for line in done.stdout.splitlines() if "cannot be read" in line))
    if done.returncode:
        sys.exit(f"{kind}: ended with {done.returncode}\n{done.stderr[-2000:]}")
    return time.monotonic() - start


def scores(folder: Path) -> dict[str, list[object]]:
    """Give what was said of each image, by its path, in the order of the cells' models."""
    found: dict[str, list[object]] = {}
    tables = [pq.read_table(file).to_pylist() for file in (folder / "cells").glob("*.parquet")]
    for table in sorted(tables, key=lambda lines: (len(lines), str(lines[:1]))):
        for line in table:
            found.setdefault(str(line.get("image")), []).append(line)
    return found


def main() -> None:
    """Make, run, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--side", type=int, default=48)
    parser.add_argument("--only", default="hsv/knn")
    given = parser.parse_args()
    bad = make(given.out, given.images, given.side)
    seconds = {kind: run(given.out, kind, given.only) for kind in ("clean", "broken")}
    [listed] = (given.out / "run-broken" / "unreadable").glob("*.csv")
    named = {row[0] for row in list(csv.reader(listed.open()))[1:]}
    print(f"{bad} bad images, {len(named)} of them named")
    clean, broken = (scores(given.out / f"run-{kind}") for kind in ("clean", "broken"))
    same = clean == broken
    print(f"{len(clean):,} images scored without them, {len(broken):,} with them: the same: {same}")
    print(f"{seconds['clean']:.0f} s without, {seconds['broken']:.0f} s with them")
    sys.exit(not (same and len(named) == bad and clean))


if __name__ == "__main__":
    main()
