"""What a plugin that dies costs a run, and what it costs an extractor to work elsewhere.

    python benchmarks/plugins.py DATA [--rounds 3]

DATA is a folder of images. Each round runs two rows of dfbench alone, and with a row of a plugin
that kills its process over one image in the middle of the first class folder, each time with
an empty cache; then it extracts the same function here and in processes of its own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

PLUGIN = """
import os, signal
import numpy as np
import dfbench

DEADLY = {deadly!r}

@dfbench.extractor
def dies(image):
    if image[::16, ::16].sum() == DEADLY:
        os.kill(os.getpid(), signal.SIGSEGV)
    return image.mean(axis=(0, 1))

@dfbench.extractor
def means(image):
    return image.mean(axis=(0, 1))
"""
ROWS = ["hsv+lbp+fft/svm", "hsv/knn"]


def seconds(data: Path, rows: list[str], plugin: Path) -> float:
    """Run rows from nothing and give the seconds that it took."""
    with tempfile.TemporaryDirectory() as folder:
        only = [word for row in rows for word in ("--only", row)]
        command = [sys.executable, "-m", "dfbench", "run", "--suite", "smoke", "--data", str(data)]
        command += [*only, "--plugin", str(plugin), "--figures", "none", "--out", f"{folder}/out"]
        start = time.perf_counter()
        done = subprocess.run(
            command,
            env=os.environ | {"DFBENCH_CACHE": f"{folder}/cache"},
            capture_output=True,
            text=True,
        )
        took = time.perf_counter() - start
    lost = [line for line in done.stdout.splitlines() if line.startswith("failed ")]
    print(f"{took:6.1f} s  exit {done.returncode}  {' '.join(rows)}  {' '.join(lost)}")
    return took


def extraction(data: Path, plugin: Path) -> None:
    """Compare an extractor here and elsewhere, milliseconds an image, of one thread each."""
    from dfbench.features.contained.extractor import Contained
    from dfbench.features.contained.process import Limits
    from dfbench.features.function import FunctionExtractor
    from dfbench.images import decode
    from dfbench.plugins import load_file

    paths = sorted(data.rglob("*.jpg"))[:256]
    images = [decode(path.read_bytes()) for path in paths]
    own = FunctionExtractor(load_file(plugin)[1])
    elsewhere = Contained(own, 1, Limits())
    for name, its in (("here", own), ("elsewhere", elsewhere)):
        its.transform(images[:2])
        start = time.perf_counter()
        for at in range(0, len(images), 32):
            its.transform(images[at : at + 32])
        took = (time.perf_counter() - start) / len(images)
        print(f"{name:10} {took * 1e3:7.3f} ms an image")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    from dfbench.images import decode

    folder = next(each.parent for each in sorted(given.data.rglob("*.jpg")))
    paths = sorted(folder.glob("*.jpg"))
    deadly = paths[len(paths) // 2]
    total = int(decode(deadly.read_bytes())[::16, ::16].sum())
    with tempfile.TemporaryDirectory() as place:
        plugin = Path(place) / "dies.py"
        plugin.write_text(PLUGIN.format(deadly=total))
        extraction(given.data, plugin)
        ratios = []
        for _ in range(given.rounds):
            without = seconds(given.data, ROWS, plugin)
            ratios.append(seconds(given.data, [*ROWS, "dies/knn"], plugin) / without)
    print(f"with the row that dies: {median(ratios):.3f} of the time without it (median)")


if __name__ == "__main__":
    main()
