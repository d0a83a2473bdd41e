"""What archives and shards cost beside a folder of the same images.

    python benchmarks/shards.py pack FOLDER OUT [--images N]
    python benchmarks/shards.py draw OUT [--images N]
    python benchmarks/shards.py time OUT [--jobs J] [--times T] [FORM ...]

`pack` writes N images of FOLDER, which has folders of splits with folders of classes, as a folder,
as ZIP, tar, Parquet and WebDataset shards into OUT; images are shuffled in shards, a row group has
100. `draw` does the same with N small images of its own. `time` lists, hashes and extracts hsv and
lbp of each form in a process of its own with an empty cache, in turn, T times, and gives the least
time, of the processor and by the clock; memory is the largest resident set. The first process, in
which kernels are compiled, does not count.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FORMS = {
    "folder": "folder/faces",
    "zip": "zip/faces.zip",
    "tar": "tar/faces.tar",
    "parquet": "parquet/faces",
    "webdataset": "webdataset/faces",
}
CLASSES = ("fake", "real")
GROUP, SHARD = 100, 1000
"""Images of a row group, and of a shard."""

Image = tuple[str, str, str, bytes]
"""Split, class, name and content."""


def of_folder(source: Path, n: int) -> Iterator[Image]:
    """Give n images of a folder, of all its classes and splits, some of them several times."""
    found = sorted(path for path in source.rglob("*") if path.is_file())
    order = np.random.default_rng(0).permutation(len(found))
    for number in range(n):
        path = found[order[number % len(found)]]
        split, label = path.relative_to(source).parts[:2]
        # a comment behind a JPEG makes no two files equal
        yield split.lower(), label.lower(), f"{number:07}.jpg", _marked(path.read_bytes(), number)


def _marked(data: bytes, number: int) -> bytes:
    text = f"{number:08}".encode()
    return data[:2] + b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text + data[2:]


def drawn(n: int) -> Iterator[Image]:
    """Give n small images."""
    rng = np.random.default_rng(0)
    for number in range(n):
        pixels = cv2.resize(rng.integers(0, 256, (6, 6, 3), np.uint8), (32, 32))
        data = cv2.imencode(".jpg", pixels)[1].tobytes()
        split = ("train", "validation", "test")[number % 10 // 8 + number % 10 // 9]
        yield split, CLASSES[int(rng.integers(2))], f"{number:07}.jpg", data


def pack(images: Iterator[Image], out: Path) -> None:
    """Write all forms."""
    for place in FORMS.values():
        (out / place).parent.mkdir(parents=True)
    shards: dict[str, list[Image]] = {}
    written: dict[str, int] = {}
    with (
        zipfile.ZipFile(out / FORMS["zip"], "w") as archive,
        tarfile.open(out / FORMS["tar"], "w") as tape,
    ):
        for image in images:
            split, label, name, data = image
            path = f"{split}/{label}/{name}"
            file = out / FORMS["folder"] / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            archive.writestr(path, data)
            add(tape, path, data)
            held = shards.setdefault(split, [])
            held.append(image)
            if len(held) == SHARD:
                shard(out, split, written, held)
        for split, held in shards.items():
            shard(out, split, written, held)


def add(tape: tarfile.TarFile, name: str, data: bytes) -> None:
    """Add a file to a tar."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tape.addfile(info, io.BytesIO(data))


def shard(out: Path, split: str, written: dict[str, int], held: list[Image]) -> None:
    """Write images as shards of both kinds, and forget them."""
    if not held:
        return
    number = written[split] = written.get(split, -1) + 1
    place = out / FORMS["webdataset"] / f"{split}-{number:06}.tar"
    place.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(place, "w") as tape:
        for _, label, name, data in held:
            add(tape, name, data)
            add(tape, name.replace(".jpg", ".cls"), label.encode())
    label = {"names": CLASSES, "_type": "ClassLabel"}
    features = {"info": {"features": {"image": {"_type": "Image"}, "label": label}}}
    its = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    rows = [{"bytes": data, "path": name} for *_, name, data in held]
    labels = [CLASSES.index(label) for _, label, *_ in held]
    table = pa.table({"image": pa.array(rows, its), "label": labels})
    table = table.replace_schema_metadata({"huggingface": json.dumps(features)})
    place = out / FORMS["parquet"] / "data" / f"{split}-{number:05}.parquet"
    place.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, place, row_group_size=GROUP)
    held.clear()


def measure(data: Path, jobs: int) -> None:
    """List, hash and extract in this process; say what it took as JSON."""
    import dfbench
    from dfbench.suites.datasets.image_files import walk
    from dfbench.suites.datasets.loading import load_dataset

    took: dict[str, float] = {}
    started, cpu = time.perf_counter(), time.process_time()

    def lap(what: str) -> None:
        nonlocal started, cpu
        took[what] = time.perf_counter() - started
        took[f"{what} cpu"] = time.process_time() - cpu
        took[f"{what} MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        started, cpu = time.perf_counter(), time.process_time()

    found = len(walk(data).images)
    lap("listed")
    first = load_dataset(data)
    lap("hashed")
    load_dataset(data)
    lap("again")
    dfbench.extract(data, "hsv+lbp", jobs=jobs)
    lap("extracted")
    print(json.dumps({"images": found, "fingerprint": first.fingerprint, **took}))


def compare(out: Path, forms: list[str], jobs: int, times: int) -> None:
    """Measure each form in turn, and print the least of each time."""
    told: dict[str, list[dict[str, float]]] = {form: [] for form in forms}
    for form in [forms[0], *forms * times]:
        with tempfile.TemporaryDirectory() as cache:
            found = subprocess.run(
                [sys.executable, __file__, "one", str(out / FORMS[form]), "--jobs", str(jobs)],
                check=True,
                capture_output=True,
                env={**os.environ, "DFBENCH_CACHE": cache},
            )
        told[form].append(json.loads(found.stdout))
    del told[forms[0]][0]
    for form, its in told.items():
        least = {name: min(each[name] for each in its) for name in its[0] if name != "fingerprint"}
        print(f"{form:10} {least['images']:7,} images ({its[0]['fingerprint']})", end="")
        for what in ("listed", "hashed", "again", "extracted"):
            cpu, wall, held = (least[f"{what}{more}"] for more in (" cpu", "", " MB"))
            print(f" | {what} {cpu:.2f} ({wall:.2f}) s, {held:.0f} MB", end="")
        print(flush=True)


def main() -> None:
    """Read what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    which = parser.add_subparsers(dest="what", required=True)
    for name in ("pack", "draw"):
        part = which.add_parser(name)
        if name == "pack":
            part.add_argument("source", type=Path)
        part.add_argument("out", type=Path)
        part.add_argument("--images", type=int, default=3000)
    part = which.add_parser("time")
    part.add_argument("out", type=Path)
    part.add_argument("forms", nargs="*", default=list(FORMS), metavar="FORM")
    part.add_argument("--times", type=int, default=3)
    part.add_argument("--jobs", type=int, default=1)
    part = which.add_parser("one")
    part.add_argument("out", type=Path)
    part.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()
    if given.what == "pack":
        pack(of_folder(given.source, given.images), given.out)
    elif given.what == "draw":
        pack(islice(drawn(given.images), given.images), given.out)
    elif given.what == "time":
        compare(given.out, given.forms, given.jobs, given.times)
    else:
        measure(given.out, given.jobs)


if __name__ == "__main__":
    main()
