"""Time extraction beside reading the images alone and beside the usual scripts.

    python benchmarks/extraction.py [FOLDER] [--repetitions 5] [--usual 60] [--only TABLE]

Tables of medians over repetitions that alternate between their rows, so that a busy machine
disturbs all alike; compilation happens before:

pass      decoding, with hsv, lbp, fft and all three, beside cv2.imread and the usual script
stages    what hsv+lbp+fft consists of
each      each extractor, on decoded images, beside plain Python for the same description
command   `dfbench extract` as a whole, with one job and with two, and again when all is stored
goals     what is aimed at, of pass and command, beside what was measured; last

pass, stages and each run on one thread and give its own CPU time. FOLDER is searched for images at
any depth; without it the built-in data set leaves-binary is taken.

cv2.imread stands twice: in this process, and in a process that does nothing else. The latter is
slower, for there the C library gives each image's memory back to the system, and the next image
pays for it in page faults.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np

from dfbench.allocator import keep_freed_memory
from dfbench.features.base import Extractor
from dfbench.features.common.colours import planes, shared
from dfbench.features.extractors import fft as fft_module
from dfbench.features.extractors.fft import FFT
from dfbench.features.extractors.hsv import HSV
from dfbench.features.extractors.lbp import LBP
from dfbench.features.kernels import fft as fft_kernels
from dfbench.images import Image, decode
from dfbench.registry import EXTRACTORS, Registry

ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}
BATCH = 32
TABLES = ("pass", "stages", "each", "command", "goals")

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

Times = tuple[float, float]
Row = tuple[int, Callable[[], Times]]


def built_in() -> Path:
    """Folder of the built-in data set."""
    from dfbench.suites.datasets.loading import load_dataset

    return load_dataset("leaves-binary").root


def timed(work: Callable[[], Any]) -> Times:
    """Wall and CPU seconds of one call."""
    wall, cpu = time.perf_counter(), time.thread_time()
    work()
    return time.perf_counter() - wall, time.thread_time() - cpu


def measured(rows: dict[str, Row], repetitions: int) -> dict[str, Times]:
    """Median milliseconds an image, wall and CPU, of rows of (images, work)."""
    times: dict[str, list[Times]] = {name: [] for name in rows}
    for _ in range(repetitions):
        for name, (_, work) in rows.items():
            times[name].append(work())
    return {
        name: (
            1e3 * median(wall for wall, _ in times[name]) / count,
            1e3 * median(cpu for _, cpu in times[name]) / count,
        )
        for name, (count, _) in rows.items()
    }


# --- the pass --------------------------------------------------------------------------------


def extract(files: list[Path], extractors: list[Extractor]) -> None:
    """Decode each image once and hand it to each extractor, by batches, as the single pass does."""
    for start in range(0, len(files), BATCH):
        images = [decode(file.read_bytes()) for file in files[start : start + BATCH]]
        with shared():
            for extractor in extractors:
                extractor.transform(images)


def usual(files: list[Path]) -> None:
    """Do what most notebooks do: OpenCV's histograms, scikit-image's LBP, NumPy's FFT."""
    for file in files:
        image = cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB)
        plain_hsv(image)
        plain_lbp(image)
        plain_fft(image)


def alone(files: list[Path]) -> Times:
    """Wall and CPU seconds of reading the images in a process of its own."""
    names = "\n".join(map(str, files))
    run = subprocess.run(
        [sys.executable, "-c", ALONE], input=names, capture_output=True, text=True, check=True
    )
    wall, cpu = map(float, run.stdout.split())
    return wall, cpu


def table_pass(files: list[Path], few: list[Path], repetitions: int) -> dict[str, Times]:
    """Print the first table, and give its rows."""
    hsv, lbp, fft = HSV(), LBP(), FFT()

    def row(work: Callable[[], Any], some: list[Path] = files) -> Row:
        return len(some), lambda: timed(work)

    rows: dict[str, Row] = {
        "cv2.imread": row(lambda: [cv2.imread(str(file)) is None for file in files]),
        "cv2.imread, own process": (len(files), lambda: alone(files)),
        "decode": row(lambda: extract(files, [])),
        "decode + hsv": row(lambda: extract(files, [hsv])),
        "decode + lbp": row(lambda: extract(files, [lbp])),
        "decode + fft": row(lambda: extract(files, [fft])),
        "decode + hsv + lbp + fft": row(lambda: extract(files, [hsv, lbp, fft])),
        "the usual script (scikit-image)": row(lambda: usual(few), few),
    }
    extract(files, [hsv, lbp, fft])
    usual(few[:1])
    print(f"{len(files)} images, one thread, median of {repetitions}, ms an image")
    print(f"{'':32}{'wall':>9}{'CPU':>9}{'x imread':>10}{'x imread, own process':>23}")
    figures = measured(rows, repetitions)
    here, there = figures["cv2.imread"][1], figures["cv2.imread, own process"][1]
    for name, (wall, cpu) in figures.items():
        print(f"{name:32}{wall:9.3f}{cpu:9.3f}{cpu / here:10.2f}{cpu / there:23.2f}")
    return figures


# --- its stages ------------------------------------------------------------------------------


def table_stages(files: list[Path], repetitions: int) -> None:
    """Print what the time goes to; of images that the second-level cache does not hold."""
    contents = [file.read_bytes() for file in files]
    images = [decode(content) for content in contents]
    bins, window = 64, "hann"
    gray = [planes(image, "gray").copy()[0] for image in images]
    grids = [fft_module._grid(*plane.shape, bins, window) for plane in gray]
    signals = [np.empty(plane.shape, np.float32) for plane in gray]
    for plane, grid, signal in zip(gray, grids, signals, strict=True):
        fft_kernels.windowed(plane, grid.across, grid.down, signal)
    packed = [np.empty_like(signal) for signal in signals]
    numbers = range(len(files))

    def row(work: Callable[[int], Any]) -> Row:
        work(0)
        return len(files), lambda: timed(lambda: [work(i) is None for i in numbers])

    hsv, lbp, fft = HSV(), LBP(), FFT()
    rows = {
        "read the file": row(lambda i: files[i].read_bytes()),
        "SHA-256": row(lambda i: hashlib.sha256(contents[i]).hexdigest()),
        "decode": row(lambda i: decode(contents[i])),
        "  cv2.imdecode": row(
            lambda i: cv2.imdecode(np.frombuffer(contents[i], np.uint8), cv2.IMREAD_COLOR_RGB)
        ),
        "to grey": row(lambda i: planes(images[i], "gray")),
        "  cv2, to grey": row(lambda i: cv2.cvtColor(images[i], cv2.COLOR_RGB2GRAY)),
        "to HSV": row(lambda i: planes(images[i], "hsv")),
        "  cv2, to HSV": row(lambda i: cv2.cvtColor(images[i], cv2.COLOR_RGB2HSV)),
        "hsv, conversion included": row(lambda i: hsv.transform(images[i : i + 1])),
        "lbp, conversion included": row(lambda i: lbp.transform(images[i : i + 1])),
        "fft, conversion included": row(lambda i: fft.transform(images[i : i + 1])),
        "  cv2.dft": row(lambda i: cv2.dft(signals[i], dst=packed[i])),
    }
    print(f"\n{len(files)} images, one thread, median of {repetitions}, ms an image")
    for name, (_, cpu) in measured(rows, repetitions).items():
        print(f"{name:32}{cpu:9.3f}")


# --- each extractor --------------------------------------------------------------------------


def plain_hsv(image: Image) -> None:
    """OpenCV's histograms."""
    pixels = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
    for channel, top in enumerate((180, 256, 256)):
        cv2.calcHist([pixels], [channel], None, [16], [0, top])


def plain_lbp(image: Image) -> None:
    """scikit-image's patterns."""
    from skimage.feature import local_binary_pattern

    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    for radius in LBP().radii:
        codes = local_binary_pattern(gray, 8, radius, method="uniform")
        np.histogram(codes, bins=10, range=(0, 10))


def plain_fft(image: Image) -> None:
    """NumPy's transform and a radial mean."""
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    power = np.log(np.abs(np.fft.fftshift(np.fft.fft2(gray))) ** 2 + 1)
    y, x = np.indices(power.shape)
    r = np.hypot(y - power.shape[0] // 2, x - power.shape[1] // 2).astype(int)
    np.bincount(r.ravel(), power.ravel()) / np.bincount(r.ravel())


def plain_dct(image: Image) -> None:
    """SciPy's transform of blocks."""
    from scipy.fft import dctn

    height, width = (side // 8 for side in image.shape[:2])
    pixels = cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb)[: 8 * height, : 8 * width]
    blocks = pixels.reshape(height, 8, width, 8, 3).astype(float)
    squares = dctn(blocks, axes=(1, 3), norm="ortho") ** 2
    logs = np.log(squares + 1 / 12)
    for values in (logs.mean(axis=(0, 2)), logs.std(axis=(0, 2)), squares.mean(axis=(0, 2))):
        values.ravel()


def plain_wavelet(image: Image) -> None:
    """PyWavelets, and SciPy's moments."""
    import pywt
    from scipy.stats import kurtosis, skew

    for channel in np.moveaxis(cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb), 2, 0):
        for level in pywt.wavedec2(channel, "db2", mode="symmetric", level=3)[1:]:
            for band in level:
                c = band.ravel()
                np.log([(c**2).mean(), np.abs(c).mean(), c.std()])
                skew(c), kurtosis(c)


def plain_glcm(image: Image) -> None:
    """scikit-image's matrices and properties."""
    from skimage.feature import graycomatrix, graycoprops

    angles = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]
    for channel in np.moveaxis(cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb), 2, 0):
        matrices = graycomatrix(channel // 4, [1, 4], angles, 64, symmetric=True, normed=True)
        for name in ("contrast", "dissimilarity", "homogeneity", "energy", "correlation"):
            graycoprops(matrices, name)


def plain_hog(image: Image) -> None:
    """scikit-image's HOG."""
    from skimage.feature import hog

    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    cell = tuple(side // 8 for side in gray.shape)
    hog(gray, orientations=9, pixels_per_cell=cell, cells_per_block=(2, 2))


def plain_cooccurrence(image: Image) -> None:
    """OpenCV's filters, NumPy's counts: the grey half of the extractor."""
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    squares = [[-1, 2, -1], [2, -4, 2], [-1, 2, -1]], np.outer([1, -4, 6, -4, 1], [1, -4, 6, -4, 1])
    lines = [[-1, 1]], [[1, -2, 1]], [[1, -3, 3, -1]]
    kernels = [np.array(k, np.float32) for k in (*lines, *squares)]
    for kernel in (*kernels, *(kernel.T for kernel in kernels[:3])):
        found = cv2.filter2D(gray, cv2.CV_32F, kernel) / (1.5 * np.abs(kernel).max())
        digits = np.clip(np.rint(found), -2, 2).astype(int) + 2
        for d in (digits, digits.T):
            np.bincount((25 * d[:, :-2] + 5 * d[:, 1:-1] + d[:, 2:]).ravel(), minlength=125)


def plain_colour(image: Image) -> None:
    """NumPy's histograms and correlations."""
    from scipy.stats import kurtosis, skew

    for pixels in (image, cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb)):
        values = pixels.reshape(-1, 3).T.astype(float)
        for channel in values:
            np.bincount(channel.astype(int), minlength=256)
            channel.mean(), channel.std(), skew(channel), kurtosis(channel)
        np.corrcoef(values)
        for axis in (0, 1):
            np.corrcoef(np.diff(pixels.astype(float), axis=axis).reshape(-1, 3).T)


def plain_neighbours(image: Image) -> None:
    """NumPy's differences and counts."""
    pixels = cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb).astype(int)
    for y in (0, 1):
        for x in (0, 1):
            grid = pixels[y:, x:]
            grid = grid[: grid.shape[0] // 2 * 2, : grid.shape[1] // 2 * 2]
            first = grid[::2, ::2]
            apart = [grid[::2, 1::2] - first, grid[1::2, ::2] - first, grid[1::2, 1::2] - first]
            for channel in range(3):
                flat = [difference[..., channel].ravel() for difference in apart]
                for values in flat:
                    np.bincount(values + 255, minlength=511)
                np.corrcoef(flat)


def plain_coherence(image: Image) -> None:
    """NumPy's transforms and sums by bin."""
    height, width = image.shape[:2]
    window = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    spectra = np.fft.rfft2((image - image.mean(axis=(0, 1))) * window[..., None], axes=(0, 1))
    r = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    index = np.minimum((20 * r / np.sqrt(0.5)).astype(int), 19).ravel()

    def summed(a: int, b: int) -> Any:
        product = (spectra[..., a] * spectra[..., b].conj()).real
        return np.bincount(index, product.ravel(), minlength=20)

    powers = [summed(c, c) for c in range(3)]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        summed(a, b) / np.sqrt(powers[a] * powers[b])


def plain_zones(image: Image) -> None:
    """SciPy's block DCT, and means of its logarithms."""
    from scipy.fft import dctn

    down, across = image.shape[0] // 8, image.shape[1] // 8
    y, x = ((2 * np.arange(n) + 1) / n - 1 for n in (down, across))
    zones = np.digitize(np.hypot(y[:, None], x / 0.85), (0.45, 0.8)).ravel()
    for plane in np.moveaxis(cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb), 2, 0).astype(float):
        cut = plane[: 8 * down, : 8 * across].reshape(down, 8, across, 8).swapaxes(1, 2)
        log = np.log(dctn(cut.reshape(-1, 8, 8), axes=(1, 2), norm="ortho") ** 2 + 1 / 12)
        for zone in range(3):
            log[zones == zone].mean(axis=0)


def table_each(files: list[Path], repetitions: int) -> None:
    """Print each extractor beside plain Python."""
    peers: dict[str, Callable[[Image], None]] = {
        "hsv": plain_hsv,
        "lbp": plain_lbp,
        "fft": plain_fft,
        "dct": plain_dct,
        "wavelet": plain_wavelet,
        "glcm": plain_glcm,
        "cooccurrence": plain_cooccurrence,
        "hog": plain_hog,
        "colour": plain_colour,
        "neighbours": plain_neighbours,
        "coherence": plain_coherence,
        "zones": plain_zones,
    }
    images = [decode(file.read_bytes()) for file in files]
    rows: dict[str, Row] = {}
    for name, peer in peers.items():
        extractor = Registry(EXTRACTORS).get(name).load()()
        extractor.transform(images[:1])
        peer(images[0])

        def ours(extractor: Extractor = extractor) -> Times:
            return timed(lambda: extractor.transform(images))

        def plain(peer: Callable[[Image], None] = peer) -> Times:
            return timed(lambda: [peer(image) for image in images])

        rows[name] = len(images), ours
        rows[f"{name} plain"] = len(images), plain
    figures = measured(rows, repetitions)
    print(f"\n{len(images)} images, one thread, median of {repetitions}, ms an image (CPU)")
    print(f"{'':32}{'dfbench':>9}{'plain':>9}{'x':>10}")
    for name in peers:
        one, other = figures[name][1], figures[f"{name} plain"][1]
        print(f"{name:32}{one:9.3f}{other:9.3f}{other / one:10.1f}")


# --- the command -----------------------------------------------------------------------------


def command(folder: Path, jobs: int, cache: str, out: str) -> Times:
    """Wall and CPU seconds of `dfbench extract`."""
    given = ["extract", str(folder), "-f", "hsv+lbp+fft", "-o", out, "--jobs", str(jobs)]
    before, wall = os.times(), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "dfbench", *given],
        env={**os.environ, "DFBENCH_CACHE": cache},
        capture_output=True,
        check=True,
    )
    wall, after = time.perf_counter() - wall, os.times()
    user, system = after[2] - before[2], after[3] - before[3]
    return wall, user + system


def table_command(folder: Path, files: list[Path], repetitions: int) -> dict[str, Times]:
    """Print the command with one job and two, without and with what is stored; give its rows."""
    times: dict[str, list[Times]] = {}
    reading: list[Times] = []
    for _ in range(repetitions):
        reading.append(timed(lambda: [cv2.imread(str(file)) is None for file in files]))
        for jobs in (1, 2):
            with tempfile.TemporaryDirectory() as cache:
                out = str(Path(cache) / "table.parquet")
                for state in ("", ", all stored"):
                    name = f"--jobs {jobs}{state}"
                    times.setdefault(name, []).append(command(folder, jobs, cache, out))
    read = median(cpu for _, cpu in reading)
    print(f"\ndfbench extract, {len(files)} images, median of {repetitions}, ms an image")
    print(f"{'':32}{'wall':>9}{'CPU':>9}{'CPU x imread':>14}")
    figures: dict[str, Times] = {}
    for name, some in times.items():
        wall, cpu = (1e3 * median(each) / len(files) for each in zip(*some, strict=True))
        figures[name] = wall, cpu
        print(f"{name:32}{wall:9.3f}{cpu:9.3f}{1e-3 * len(files) * cpu / read:14.2f}")
    for at, what in enumerate(("wall", "CPU")):
        one, two = (
            figures[f"--jobs {jobs}"][at] - figures[f"--jobs {jobs}, all stored"][at]
            for jobs in (1, 2)
        )
        print(f"extraction alone, {what}: --jobs 2 takes {two / one:.2f} of --jobs 1")
    return figures


# --- goals -----------------------------------------------------------------------------------


def table_goals(passed: dict[str, Times], commanded: dict[str, Times]) -> None:
    """Print what is aimed at beside what the other tables measured."""
    read = passed["cv2.imread"][1]
    everything = passed["decode + hsv + lbp + fft"][1]
    usually = passed["the usual script (scikit-image)"][1]
    (wall, cpu), (wall_of_two, _) = commanded["--jobs 1"], commanded["--jobs 2"]
    rows = (
        ("dfbench extract, CPU / imread", cpu / read, "at most 2.0"),
        ("  its decoding and kernels / imread", everything / read, ""),
        ("usual script / decoding and kernels", usually / everything, "at least 50"),
        ("--jobs 1 / --jobs 2, wall", wall / wall_of_two, "at least 1.85"),
    )
    print(f"\n{'':38}{'measured':>9}{'goal':>16}")
    for name, figure, goal in rows:
        print(f"{name:38}{figure:9.2f}{goal:>16}")


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--usual", type=int, default=60, help="images for what is slow")
    parser.add_argument("--only", choices=TABLES, action="append", help="repeatable")
    arguments = parser.parse_args()
    root = arguments.folder or built_in()
    files = sorted(f for f in root.rglob("*") if f.suffix.lower() in ENDINGS and f.is_file())
    if not files:
        sys.exit(f"{root}: no images")
    cv2.setNumThreads(1)
    keep_freed_memory()
    few = files[:: max(1, len(files) // max(arguments.usual, 1))][: max(arguments.usual, 1)]
    wanted = arguments.only or TABLES
    passed = commanded = None
    if "pass" in wanted or "goals" in wanted:
        passed = table_pass(files, few, arguments.repetitions)
    if "stages" in wanted:
        table_stages(few, arguments.repetitions)
    if "each" in wanted:
        table_each(few, arguments.repetitions)
    if "command" in wanted or "goals" in wanted:
        commanded = table_command(root, files, arguments.repetitions)
    if passed and commanded:
        table_goals(passed, commanded)


if __name__ == "__main__":
    main()
