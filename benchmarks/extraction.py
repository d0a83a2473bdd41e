"""Time the extraction of hsv+lbp+fft beside reading the images alone and beside the usual script.

    python benchmarks/extraction.py [FOLDER] [--repetitions 3] [--usual 100]

Everything runs on one thread. Wall time and the thread's own CPU time are given, each the median
of the repetitions, which alternate so that a busy machine disturbs all rows alike; compilation
happens before. FOLDER is searched for images at any depth; without it the built-in data set
leaves-binary is taken.

cv2.imread stands twice: in this process, and in a process that does nothing else. The latter is
slower, for there the C library gives each image's memory back to the system, and the next image
pays for it in page faults.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import cv2
import numpy as np

from dfbench.features.base import Extractor
from dfbench.features.extractors.fft import FFT
from dfbench.features.extractors.hsv import HSV
from dfbench.features.extractors.lbp import LBP
from dfbench.images import decode

ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}
BATCH = 8

ALONE = """
import sys, time, cv2
cv2.setNumThreads(1)
files = sys.stdin.read().splitlines()
for file in files:
    cv2.imread(file)
wall, cpu = time.perf_counter(), time.thread_time()
for file in files:
    cv2.imread(file)
print(time.perf_counter() - wall, time.thread_time() - cpu)
"""


def built_in() -> Path:
    """Folder of the built-in data set."""
    try:
        from dfbench.suites.datasets.loading import load_dataset
    except ImportError:
        sys.exit("no built-in data sets yet: give a folder of images")
    return load_dataset("leaves-binary").root


def read(files: list[Path]) -> None:
    """Read the images by OpenCV and drop them."""
    for file in files:
        cv2.imread(str(file))


def decode_all(files: list[Path]) -> None:
    """Read the images as dfbench does and drop them."""
    for file in files:
        decode(file.read_bytes())


def extract(files: list[Path], extractors: list[Extractor]) -> None:
    """Decode each image once and hand it to each extractor, by batches."""
    for start in range(0, len(files), BATCH):
        images = [decode(file.read_bytes()) for file in files[start : start + BATCH]]
        for extractor in extractors:
            extractor.transform(images)


def usual(files: list[Path]) -> None:
    """Do what most notebooks do: OpenCV's histograms, scikit-image's LBP, NumPy's FFT."""
    from skimage.feature import local_binary_pattern

    for file in files:
        image = cv2.imread(str(file))
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
        for channel, top in enumerate((180, 256, 256)):
            cv2.calcHist([hsv], [channel], None, [16], [0, top])
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        for radius in LBP().radii:
            codes = local_binary_pattern(grey, 8, radius, method="uniform")
            np.histogram(codes, bins=10, range=(0, 10))
        power = np.log(np.abs(np.fft.fftshift(np.fft.fft2(grey))) ** 2 + 1)
        y, x = np.indices(power.shape)
        r = np.hypot(y - power.shape[0] // 2, x - power.shape[1] // 2).astype(int)
        np.bincount(r.ravel(), power.ravel()) / np.bincount(r.ravel())


def alone(files: list[Path]) -> tuple[float, float]:
    """Wall and CPU seconds of reading the images in a process of its own."""
    names = "\n".join(map(str, files))
    run = subprocess.run(
        [sys.executable, "-c", ALONE], input=names, capture_output=True, text=True, check=True
    )
    wall, cpu = map(float, run.stdout.split())
    return wall, cpu


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """Wall and CPU seconds of one call."""
    wall, cpu = time.perf_counter(), time.thread_time()
    work()
    return time.perf_counter() - wall, time.thread_time() - cpu


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--usual", type=int, default=100, help="images for the usual script")
    arguments = parser.parse_args()
    root = arguments.folder or built_in()
    files = sorted(f for f in root.rglob("*") if f.suffix.lower() in ENDINGS and f.is_file())
    if not files:
        sys.exit(f"{root}: no images")

    cv2.setNumThreads(1)
    few = files[:: max(1, len(files) // max(arguments.usual, 1))][: arguments.usual]
    hsv, lbp, fft = HSV(), LBP(), FFT()
    every: list[Extractor] = [hsv, lbp, fft]
    rows: dict[str, tuple[list[Path], Callable[[list[Path]], tuple[float, float]]]] = {
        "cv2.imread": (files, lambda some: timed(lambda: read(some))),
        "cv2.imread, own process": (files, alone),
        "decode": (files, lambda some: timed(lambda: decode_all(some))),
        "decode + hsv": (files, lambda some: timed(lambda: extract(some, [hsv]))),
        "decode + lbp": (files, lambda some: timed(lambda: extract(some, [lbp]))),
        "decode + fft": (files, lambda some: timed(lambda: extract(some, [fft]))),
        "decode + hsv + lbp + fft": (files, lambda some: timed(lambda: extract(some, every))),
    }
    if few:
        rows["the usual script (scikit-image)"] = (few, lambda some: timed(lambda: usual(some)))
    extract(files[:1], every)
    usual(files[:1])
    read(files)

    times: dict[str, list[tuple[float, float]]] = {name: [] for name in rows}
    for _ in range(arguments.repetitions):
        for name, (some, work) in rows.items():
            times[name].append(work(some))
    print(f"{len(files)} images, one thread, median of {arguments.repetitions}, ms an image")
    print(f"{'':32}{'wall':>9}{'CPU':>9}{'x imread':>10}{'x imread, own process':>23}")
    figures = {
        name: [1e3 * median(t[i] for t in times[name]) / len(some) for i in (0, 1)]
        for name, (some, _) in rows.items()
    }
    here, there = figures["cv2.imread"][1], figures["cv2.imread, own process"][1]
    for name, (wall, cpu) in figures.items():
        print(f"{name:32}{wall:9.3f}{cpu:9.3f}{cpu / here:10.2f}{cpu / there:23.2f}")


if __name__ == "__main__":
    main()
