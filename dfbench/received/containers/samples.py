"""Shards of samples (WebDataset): in tar files, files of one name up to a dot belong together.

Their files are given other names: that of the split after the shard, that of the class after what
``KEY.cls``, ``KEY.json`` or ``KEY.txt`` says, and their own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from dfbench.received.containers.container import Listing, Part, check_count, open_part
from dfbench.received.containers.labels import MOST, column_of, told_by
from dfbench.received.containers.names import by_splits, split_of
from dfbench.received.containers.tar_file import Member, Tar, listed, read_at
from dfbench.received.texts import from_json

_NUMBERED = re.compile(r"(?:.*[^\d])?\d{2,}\.tar", re.IGNORECASE)
_IMAGES = frozenset(
    {"jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff", "avif", "jxl", "jp2"}
)
_TELLING = ("cls", "json", "txt")
"""Endings of what tells a label, the surest first."""
_LONG = {"cls": 200, "json": 1 << 20, "txt": 200}
"""Bytes of such a file; a longer text is no label."""
_HEAD = 50
"""Files by which it is seen whether a tar holds samples."""


class Samples(Tar):
    """Shards of samples in one folder."""

    images = True


class _Image(NamedTuple):
    part: int
    member: Member
    key: str
    ending: str
    label: str
    told: str
    """What tells the label: the ending of that file."""
    fault: str


def is_shard(name: str) -> bool:
    """Whether a tar of this name may be a shard: numbered as tools write them, or of a split."""
    return _NUMBERED.fullmatch(name) is not None or bool(split_of(Path(name).stem))


def holds_samples(part: Part) -> bool:
    """Whether a tar begins with samples that have labels; errors are those of `listed`."""
    endings: dict[str, set[str]] = {}
    for number, member in enumerate(listed(part)):
        key, ending = _split(member.name)
        endings.setdefault(key, set()).add(ending)
        if number >= _HEAD:
            break
    return any(its & _IMAGES and its & set(_TELLING) for its in endings.values())


def samples_of(folder: str, parts: Sequence[Part]) -> Samples:
    """Open shards of samples.

    Parameters
    ----------
    folder
        Name of the folder that they lie in.
    parts
        The shards, in order.

    Raises
    ------
    OSError
        Where one cannot be opened.
    ValueError
        Where one is damaged, see `listed`; it is named.
    """
    stems = [Path(part.path).stem for part in parts]
    found = Listing()
    for split, inside in _by_split(by_splits(folder, stems)):
        images: list[_Image] = []
        for number in inside:
            try:
                images += _images(number, parts[number])
                check_count(len(images))
            except ValueError as error:
                raise ValueError(f"{Path(parts[number].path).name} {error}") from None
        images = _with_classes(images)
        short = Counter((each.label, each.key.rpartition("/")[2], each.ending) for each in images)
        unique = max(short.values(), default=1) == 1
        for each in images:
            name = each.key.rpartition("/")[2]
            name = name if unique else f"{stems[each.part]}-{name}"
            path = "/".join(filter(None, (split, each.label, f"{name}.{each.ending}")))
            row = (each.part, each.member.offset, 0, 0)
            found.add(path, row, each.member.size, each.fault)
    return Samples(parts, found)


def _by_split(splits: Sequence[str]) -> Iterable[tuple[str, list[int]]]:
    return [(s, [n for n, own in enumerate(splits) if own == s]) for s in sorted(set(splits))]


def _split(name: str) -> tuple[str, str]:
    """Take a name apart into what its sample is called, and what it is of the sample."""
    folder, slash, own = name.rpartition("/")
    key, _, ending = own.partition(".")
    return f"{folder}{slash}{key}", ending.lower()


def _images(number: int, part: Part) -> list[_Image]:
    """Go through a shard; files of one sample follow each other."""
    found: list[_Image] = []
    sample: list[tuple[str, Member]] = []
    last = None
    with open_part(part) as file:
        for member in listed(part):
            key, ending = _split(member.name)
            if key != last and last is not None:
                found += _of_sample(file, number, last, sample)
                sample = []
            sample.append((ending, member))
            last = key
        if last is not None:
            found += _of_sample(file, number, last, sample)
    return found


def _of_sample(
    file: BinaryIO, part: int, key: str, sample: Sequence[tuple[str, Member]]
) -> list[_Image]:
    """Give the image of a sample; several are several of its label."""
    label, told, fault = "", "", ""
    members = dict(sample)
    for ending in _TELLING:
        if ending not in members or members[ending].size > _LONG[ending]:
            continue
        try:
            label = _label(ending, read_at(file, members[ending].offset, members[ending].size))
        except ValueError as error:
            fault = f"its .{ending} tells no label: {error}"
            break
        if label:
            told = ending
            break
    images = [(ending, member) for ending, member in sample if ending in _IMAGES]
    return [_Image(part, m, key, ending, label, told, m.fault or fault) for ending, m in images]


def _label(ending: str, data: bytes) -> str:
    if ending != "json":
        return told_by(ending, data.decode("utf-8-sig"))
    told = from_json(data)
    if not isinstance(told, dict):
        return told_by("label", told)
    column = column_of([name for name in told if isinstance(name, str)])
    return told_by(column, told[column]) if column else ""


def _with_classes(images: list[_Image]) -> list[_Image]:
    """Give images whose labels are classes: descriptions of the pictures in .txt are left aside."""
    labels = {each.label for each in images}
    if len(labels) > min(MOST, 20 + len(images) // 4):
        if {each.told for each in images} <= {"txt", ""}:
            return [each._replace(label="") for each in images]
        raise ValueError(
            f"and those beside it tell {len(labels):,} labels of {len(images):,} images, such as"
            f" {min(labels)[:40]!r}: they are no classes"
        )
    return images
