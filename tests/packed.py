"""Archives and shards of the same images, as people and hubs write them."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

Files = Mapping[str, bytes]
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def picture(seed: int, *, fake: bool = False, size: int = 12) -> bytes:
    """Give a PNG; fakes are flatter."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3))
    buffer = io.BytesIO()
    Image.fromarray((pixels // 3 + 90 if fake else pixels).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def pictures(
    n: int = 4, splits: Sequence[str] = ("train", "validation", "test")
) -> dict[str, bytes]:
    """Give n images of each class and split, by their paths."""
    found = {}
    for split in splits:
        for label in ("fake", "real"):
            for number in range(n):
                data = picture(len(found), fake=label == "fake")
                found[f"{split}/{label}/{split[0]}{label}{number}.png"] = data
    return found


def as_folder(place: Path, files: Files) -> Path:
    for name, data in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(data)
    return place


def as_zip(place: Path, files: Files, how: int = zipfile.ZIP_STORED) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(place, "w", how) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return place


def as_tar(place: Path, files: Files, mode: str = "w", before: str = "./") -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(place, mode) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(before + name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return place


def shuffled(files: Files) -> list[tuple[str, str, str, bytes]]:
    """Give split, class, name and content of each, in an order that is not that of the names."""
    its = [(*name.split("/"), data) for name, data in files.items()]
    order = np.random.default_rng(0).permutation(len(its))
    return [its[at] for at in order]


def as_samples(place: Path, files: Files, shards: int = 2) -> Path:
    """Write WebDataset shards, in split folders."""
    for split in {name.split("/")[0] for name in files}:
        own = [each for each in shuffled(files) if each[0] == split]
        for number in range(shards):
            held = {}
            for _, label, name, data in own[number::shards]:
                held[name] = data
                held[f"{name.partition('.')[0]}.cls"] = label.encode()
            as_tar(place / split / f"faces-{number:06}.tar", held, before="")
    return place


def as_rows(place: Path, files: Files, shards: int = 2, group: int = 3) -> Path:
    """Write Parquet shards, as the hub's library does."""
    features = {"image": {"_type": "Image"}}
    features["label"] = {"names": ["fake", "real"], "_type": "ClassLabel"}
    told = {"huggingface": json.dumps({"info": {"features": features}})}
    for split in {name.split("/")[0] for name in files}:
        own = [each for each in shuffled(files) if each[0] == split]
        for number in range(shards):
            its = own[number::shards]
            images = [{"bytes": data, "path": name} for _, _, name, data in its]
            labels = [["fake", "real"].index(label) for _, label, _, _ in its]
            columns = {"image": pa.array(images, IMAGE), "label": pa.array(labels, pa.int64())}
            table = pa.table(columns).replace_schema_metadata(told)
            name = f"{split}-{number:05}-of-{shards:05}.parquet"
            write_rows(place / "data" / name, table, group)
    return place


def write_rows(place: Path, table: pa.Table, group: int = 100, **how: object) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, place, row_group_size=group, **how)
    return place


def forms(place: Path, files: Files) -> dict[str, Path]:
    """Write all of them."""
    return {
        "folder": as_folder(place / "1" / "set", files),
        "stored": as_zip(place / "2" / "set.zip", files),
        "deflated": as_zip(place / "3" / "set.zip", files, zipfile.ZIP_DEFLATED),
        "tar": as_tar(place / "4" / "set.tar", files),
        "samples": as_samples(place / "5" / "set", files),
        "rows": as_rows(place / "6" / "set", files),
    }
