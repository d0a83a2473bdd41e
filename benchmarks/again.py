"""What a run costs that has nothing to do, and what its parts cost by the number of images.

    python benchmarks/again.py run [--suite S] [--data D ...] [--out DIR] [--times N] [-- OPTIONS]
    python benchmarks/again.py images [N ...]
    python benchmarks/again.py board [N ...]

`run` runs a suite into a folder (one that was run before is gone on with) and then again, beside
`dfbench --help` and an interpreter that imports typer and rich alone. `images` reads a made set
of N files of 12 kB for the first time and again, beside `os.walk` and SHA-256 of all files in one
process. `board` computes the leaderboard of four rows on two data sets with N images each. Times
are of processor and clock; memory is the growth of the largest resident set. Each N has a process
of its own.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

COUNTS = (2_000, 8_000, 32_000, 128_000)


def command(*words: str) -> str:
    """Time a command, with all processes that it starts."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, capture_output=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return f"{cpu:6.2f} s of processor {wall:7.2f} s"


def run(options: argparse.Namespace) -> None:
    """Time a suite, and the same again."""
    words = ["-m", "dfbench", "run", "--suite", options.suite]
    words += [word for data in options.data for word in ("--data", data)]
    with tempfile.TemporaryDirectory() as made:
        words += ["--out", options.out or made, *options.more]
        print("first run        ", command(*words), flush=True)
        for _ in range(options.times):
            print("again            ", command(*words), flush=True)
    for _ in range(options.times):
        print("dfbench --help   ", command("-m", "dfbench", "--help"), flush=True)
        print("import typer,rich", command("-c", "import typer, rich"), flush=True)


def timed(what: str, n: int, work: Callable[[], object]) -> None:
    """Time what is done in this process, and how far its memory grows."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start, cpu = time.perf_counter(), time.process_time()
    work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - start
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(
        f"{n:9,} {what:14} {cpu:7.2f} s of processor, {1e6 * cpu / n:6.1f} us an image,"
        f" {wall:7.2f} s, {grown:5.0f} MB more",
        flush=True,
    )


def images(n: int) -> None:
    """Read a data set for the first time, and again."""
    with tempfile.TemporaryDirectory() as made:
        os.environ["DFBENCH_CACHE"] = f"{made}/cache"
        root = Path(made) / "faces"
        fill(root, n)
        # a file as new as its hash is hashed again
        time.sleep(2.5)
        from dfbench.suites.datasets.loading import load_dataset

        timed("walk, SHA-256", n, lambda: walk_and_hash(root))
        timed("first", n, lambda: load_dataset(root))
        timed("again", n, lambda: load_dataset(root))


def fill(root: Path, n: int) -> None:
    """Make n files of a few contents: what counts is that each is read."""
    import cv2

    rng = np.random.default_rng(0)
    contents = []
    for _ in range(64):
        pixels = cv2.resize(rng.integers(0, 256, (40, 40, 3), np.uint8), (160, 160))
        noise = rng.integers(0, 40, pixels.shape, np.uint8)
        contents.append(cv2.imencode(".jpg", cv2.add(pixels, noise))[1].tobytes())
    for number in range(n):
        split = ("train", "validation", "test")[number % 10 // 8 + number % 10 // 9]
        folder = root / split / ("real", "fake")[number // 10 % 2]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:07}.jpg").write_bytes(contents[number % len(contents)])


def walk_and_hash(root: Path) -> None:
    """Do what the peer does."""
    for folder, _, names in os.walk(root):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:  # noqa: PTH118, PTH123
                hashlib.sha256(file.read()).hexdigest()


def board(n: int) -> None:
    """Compute a board, and read it again."""
    from leaderboard import make

    from dfbench.results.board.keeping import board_of

    with tempfile.TemporaryDirectory() as made:
        make(Path(made) / "warm", 1, 2, 100)
        board_of(Path(made) / "warm")
        out = Path(made) / "out"
        make(out, 2, 4, n)
        timed("first", 8 * n, lambda: board_of(out))
        timed("again", 8 * n, lambda: board_of(out))


def main() -> None:
    """Read what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    which = parser.add_subparsers(required=True)
    suite = which.add_parser("run")
    suite.add_argument("--suite", default="smoke")
    suite.add_argument("--data", action="append", default=[])
    suite.add_argument("--out")
    suite.add_argument("--times", type=int, default=3)
    suite.add_argument("more", nargs="*")
    suite.set_defaults(work=run)
    for name, work in (("images", images), ("board", board)):
        part = which.add_parser(name)
        part.add_argument("counts", type=int, nargs="*", default=list(COUNTS))
        part.set_defaults(name=name, one=work)
    options = parser.parse_args()
    if "work" in options:
        options.work(options)
    elif len(options.counts) == 1:
        options.one(options.counts[0])
    else:
        for n in options.counts:
            subprocess.run([sys.executable, __file__, options.name, str(n)], check=True)


if __name__ == "__main__":
    main()
