"""Measure runs whose work Dask does, and compute what a large one would take.

    python benchmarks/cluster.py scores DATA [--trials N]
    python benchmarks/cluster.py speed DATA [--trials N] [--rounds N]
    python benchmarks/cluster.py overhead
    python benchmarks/cluster.py paper [--images N] [--workers N] ...

``scores`` runs the suite smoke by ``--jobs 1``, ``--jobs 2``, one and three workers of Dask, and
three of which one is killed in mid-run, each with a feature store of its own, and compares all
files of scores exactly; it ends with 1 if any differs. ``speed`` runs classical rows on one core by
one worker and on two cores by two, in turn, features at hand, and compares the time from the first
cell to the last. ``overhead`` has empty tasks done. ``paper`` computes the time, the files and the
memory of a run from what was measured; its defaults are the figures of docs/distributed.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import pickle
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

import dfbench

FEATURES = ("hsv", "lbp", "fft", "hsv+lbp", "hsv+fft", "lbp+fft", "hsv+lbp+fft", "glcm")
ROWS = [f"{features}/{model}" for features in FEATURES for model in ("svm", "xgboost")]
"""Of ``speed``: enough that two workers end at about the same time."""

CELLS = {"xgboost": (2.7, 1), "knn": (3.6, 2), "svm": (12.6, 2)}
"""Of hsv+lbp+fft: seconds at 14,712 training images, one trial, two cores; and how they grow."""
MEASURED = 14_712
QUIET = {"figures": "none", "keep_models": "none"}


# --- scores ----------------------------------------------------------------------------------


def scores(data: Path, trials: int, folder: Path) -> int:
    """Run in five ways and compare."""
    ways: dict[str, dict[str, Any]] = {
        "--jobs 1": {"jobs": 1},
        "--jobs 2": {"jobs": 2},
        "dask, 1 worker": {"executor": "dask", "jobs": 1},
        "dask, 3 workers": {"executor": "dask", "jobs": 3},
        "dask, 1 of 3 killed": {"executor": "dask", "jobs": 3},
    }
    first: dict[str, pd.DataFrame] = {}
    differ = 0
    print(f"{'way':22}{'cells ok':>10}{'files':>8}{'differ':>8}{'largest':>10}{'s':>8}")
    for number, (way, words) in enumerate(ways.items()):
        out = folder / str(number)
        os.environ["DFBENCH_CACHE"] = str(folder / f"cache{number}")
        killer = threading.Thread(target=_kill_one, args=(out,), daemon=True)
        if "killed" in way:
            killer.start()
        start = time.perf_counter()
        results = dfbench.run(
            "smoke",
            data,
            out=out,
            trials=trials,
            seconds=1000,
            figures="none",
            device="cpu",
            **words,
        )
        taken = time.perf_counter() - start
        if "killed" in way:
            killer.join(1)
            assert not killer.is_alive(), "nothing was killed"
        found = {path.name: pd.read_parquet(path) for path in (out / "cells").glob("*.parquet")}
        first = first or found
        off = [_off(first[name], found.get(name)) for name in first]
        differ += sum(each > 0 for each in off) + (first.keys() != found.keys())
        ok = results.statuses()["ok"]
        print(
            f"{way:22}{ok:10}{len(found):8}{sum(each > 0 for each in off):8}{max(off):10.1e}"
            f"{taken:8.1f}",
            flush=True,
        )
    return int(differ > 0)


def _off(one: pd.DataFrame, other: pd.DataFrame | None) -> float:
    """Give the largest difference of a score; infinite where anything else differs."""
    if other is None or one.columns.tolist() != other.columns.tolist():
        return np.inf
    numbers = one.select_dtypes("floating").columns
    if not one.drop(columns=numbers).equals(other.drop(columns=numbers)):
        return np.inf
    return float(np.abs(one[numbers].to_numpy() - other[numbers].to_numpy()).max(initial=0.0))


def _kill_one(out: Path) -> None:
    """Kill one of the workers once two cells have their record and others are at work."""
    import psutil

    while len(list((out / "cells").glob("????????????????.json"))) < 2:
        time.sleep(0.02)
    workers = [
        child
        for child in psutil.Process().children()
        if "spawn_main" in " ".join(child.cmdline()) and child.cpu_times().user > 1
    ]
    os.kill(workers[0].pid, signal.SIGKILL)


# --- speed -----------------------------------------------------------------------------------


def speed(data: Path, trials: int, rounds: int, folder: Path) -> None:
    """Run rows on one core and on two, in turn."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    os.environ["DFBENCH_CACHE"] = str(folder / "cache")
    taken: dict[int, list[float]] = {1: [], 2: []}
    dfbench.run("all", data, only=ROWS, out=folder / "warm", trials=1, device="cpu", **QUIET)
    print(f"{'workers':>8}{'s':>8}{'of which at work':>18}{'CPU s':>8}")
    for number in range(rounds):
        for workers, found in taken.items():
            os.sched_setaffinity(0, cores[:workers])
            seconds, busy, cpu = _cells(data, trials, folder / f"{number}-{workers}", workers)
            found.append(seconds)
            print(f"{workers:8}{seconds:8.1f}{busy / workers:18.1%}{cpu:8.1f}", flush=True)
    ratios = [one / two for one, two in zip(taken[1], taken[2], strict=True)]
    print(f"two are faster by {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


def _cells(data: Path, trials: int, out: Path, workers: int) -> tuple[float, float, float]:
    """Run the rows.

    Returns
    -------
    float
        Seconds from the beginning of the cells to the end of the last.
    float
        Cells that were at work, on average over these.
    float
        Seconds of CPU that the workers took for them.
    """
    import psutil

    moments: list[float] = []
    spent: list[float] = []

    def told(done: int, total: int, what: str) -> None:
        if what == "cells":
            moments.append(time.perf_counter())
            children = [child.cpu_times() for child in psutil.Process().children()]
            spent.append(sum(times.user + times.system for times in children))

    dfbench.run(
        "all", data, only=ROWS, out=out, trials=trials, seconds=1000, device="cpu", **QUIET,
        executor="dask", jobs=workers, progress=told,
    )  # fmt: skip
    seconds = moments[-1] - moments[0]
    records = [json.loads(file.read_text()) for file in (out / "cells").glob("*.json")]
    busy = sum(record["seconds"] for record in records) / seconds
    return seconds, busy, spent[-1] - spent[0]


# --- overhead --------------------------------------------------------------------------------


def overhead() -> None:
    """Have empty tasks done, without and with what a cell or a chunk is given."""
    from dfbench.benchmark.execution.connecting import connected
    from dfbench.benchmark.execution.crew import Crew, Task
    from dfbench.benchmark.execution.remote import Terms
    from dfbench.benchmark.execution.settings import Settings
    from dfbench.files import cache_dir

    print(f"{'workers':>8}{'task given':>12}{'tasks':>8}{'ms a task':>11}")
    for workers in (1, 2):
        settings = Settings(jobs=workers, device="cpu", cell_timeout=60, executor="dask")
        with connected(settings) as client:
            crew = Crew(client, Terms({}, (), (), str(cache_dir()), "", (), 1), 60)
            for size in (0, 1 << 20, 16 << 20):
                n = 400 if size < 1 << 24 else 40
                tasks = [Task(number, len, (bytes(size),)) for number in range(n)]
                list(crew.each(tasks[:20], lambda running: None))
                start = time.perf_counter()
                list(crew.each(tasks[20:], lambda running: None))
                each = 1e3 * (time.perf_counter() - start) / (n - 20)
                print(f"{workers:8}{size / 2**20:9.0f} MiB{n:8}{each:11.1f}", flush=True)


# --- on paper --------------------------------------------------------------------------------


def paper(given: argparse.Namespace) -> None:
    """Compute what a run of many images on many workers takes."""
    from dfbench.benchmark.execution.chunks import _MOST
    from dfbench.benchmark.execution.images import write_images
    from dfbench.features.expression import build, parse
    from dfbench.features.internal.resized import Resized
    from dfbench.features.pipeline.single_pass import Sources
    from dfbench.registry import EXTRACTORS, Registry

    n, workers = given.images, given.workers
    image = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    extractors = build(parse("hsv+lbp+fft"), Registry(EXTRACTORS))
    vectors = sum(each.transform([image]).nbytes for each in extractors)
    pixels = Resized(128)
    stored = int(np.dtype(pixels.dtype).itemsize * pixels.transform([image]).size)
    chunks = -(-n // _MOST)
    sample = 10_000
    names = [f"Train/Fake/{number:08d}.jpg" for number in range(sample)]
    keys = [hashlib.sha256(name.encode()).hexdigest() for name in names]
    none = [""] * sample
    with tempfile.TemporaryDirectory() as folder:
        part = write_images(Path(folder), keys, np.ones(sample, np.int64), names, none, none)
        named = part.file.stat().st_size / sample
        cell = len(pickle.dumps(part))
    chunk = Sources(Path("/data"), names, keys, np.ones(sample, np.int64))
    source = len(pickle.dumps(chunk)) / sample
    read = n * given.file_bytes
    lines = [
        ("chunks of images", f"{chunks:,} tasks of {_MOST:,} images"),
        ("listing and hashing, by the client alone", _time(n * given.hash_ms / 1e3)),
        ("  it reads", f"{read / 1e9:,.0f} GB, {n:,} files"),
        ("listing again, where nothing has changed", _time(n * given.stamp_ms / 1e3)),
        ("extraction, shared by all", _time(n * given.image_ms / 1e3 / workers)),
        ("  its tasks through the scheduler", _time(chunks * given.task_ms / 1e3)),
        ("  a worker asks for the next after", _time(_MOST * given.image_ms / 1e3)),
        ("  read from the file system", f"{read / 1e9:,.0f} GB, {n:,} files"),
        ("  at full speed", f"{read * workers / (n * given.image_ms / 1e3) / 1e9:.1f} GB/s"),
        ("store of hsv+lbp+fft", f"{vectors} bytes an image, {n * vectors / 1e9:,.1f} GB"),
        ("store of images at 128x128", f"{stored:,} bytes an image, {n * stored / 1e9:,.0f} GB"),
        ("files of the store, a table and chunk each", f"{chunks * (len(extractors) + 1):,}"),
        ("a chunk, as it is sent", f"{_MOST * source / 1e6:.1f} MB, all {n * source / 1e9:.1f} GB"),
        (
            "files that name the images of the parts",
            f"{named:.0f} bytes an image, {n * named / 1e9:.2f} GB",
        ),
        ("  a part, as a cell is sent it", f"{cell} bytes"),
        ("  the keys that a cell reads of it", f"{n * 32 / 1e9:.2f} GB"),
        ("memory of the client while it lists", f"{n * given.listed_bytes / 1e9:.0f} GB"),
    ]
    for model, (seconds, power) in CELLS.items():
        grown = _time(seconds * (0.7 * n / MEASURED) ** power)
        lines.append((f"a cell of hsv+lbp+fft/{model}, one trial", grown))
    print(f"{n:,} images, {workers} workers, {given.cells} cells")
    for what, much in lines:
        print(f"{what:44} {much}")


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 2e5 else f"{seconds / 86400:,.0f} days"


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("scores", "speed"):
        command = commands.add_parser(name)
        command.add_argument("data", type=Path)
        command.add_argument("--trials", type=int, default=3 if name == "scores" else 4)
        command.add_argument("--rounds", type=int, default=2)
    commands.add_parser("overhead")
    command = commands.add_parser("paper")
    command.add_argument("--images", type=int, default=10_000_000)
    command.add_argument("--workers", type=int, default=50)
    command.add_argument("--cells", type=int, default=50)
    command.add_argument("--image-ms", type=float, default=0.6, help="to extract, of one core")
    command.add_argument("--hash-ms", type=float, default=0.16, help="to list and hash")
    command.add_argument("--stamp-ms", type=float, default=0.017, help="to list unchanged files")
    command.add_argument("--task-ms", type=float, default=17.3, help="of the scheduler")
    command.add_argument("--file-bytes", type=float, default=12_000)
    command.add_argument("--listed-bytes", type=float, default=2300, help="of the client")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if given.command == "scores":
            return scores(given.data, given.trials, folder)
        if given.command == "speed":
            speed(given.data, given.trials, given.rounds, folder)
        elif given.command == "overhead":
            overhead()
        else:
            paper(given)
    return 0


if __name__ == "__main__":
    sys.exit(main())
